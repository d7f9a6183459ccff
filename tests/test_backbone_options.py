"""What a user may say of a checkpoint is looked at before any file is."""

from __future__ import annotations

from typing import Any

import pytest

from benchmark.backbone_options import BackboneOptions
from benchmark.backbones import load_backbone

_IMPOSSIBLE: list[tuple[str, Any]] = [
    *(("image_size", value) for value in (-56, 0, True, 28.0, [-28, -112], [28], [28, 112, 3], (0, 28), "large")),
    *(("interpolate_offset", value) for value in (float("nan"), float("inf"), -0.1, 1.0, "0.1")),
    ("interpolate_antialias", "yes"),
    *(("num_heads", value) for value in (0, -2, 2.5, True)),
    *(("norm_eps", value) for value in (0.0, -1e-6, float("nan"), float("inf"))),
    *(("patch_size", value) for value in (0, -14, 14.0)),
    *(("mean", value) for value in ((0.5, 0.5), 0.5, (0.5, float("inf"), 0.5), ("a", "b", "c"))),
    *(("std", value) for value in ((0.5, 0.0, 0.5), (0.2, float("nan"), 0.2), (0.2,))),
    *(("weights", value) for value in ("", 5)),
    ("registers_follow", "both"),
    ("rope_dtype", "float16"),
]
_POSSIBLE: list[tuple[str, Any]] = [
    *(("image_size", value) for value in (56, [28, 112], (28, 112))),
    *(("interpolate_offset", value) for value in (0, 0.0, 0.1)),
    ("interpolate_antialias", False),
    ("num_heads", 1),
    ("norm_eps", 1e-12),
    ("patch_size", 14),
    ("mean", [0, 0.5, -1.0]),
    ("std", (1, 0.2, 0.2)),
    ("weights", "student"),
    ("registers_follow", "cls"),
    ("rope_dtype", "bfloat16"),
]


@pytest.mark.parametrize(("name", "value"), _IMPOSSIBLE)
def test_a_value_that_cannot_be_is_refused_whatever_the_checkpoint(name: str, value: Any) -> None:
    """Before the file is looked for, and for the baseline as well."""
    for checkpoint in ("nowhere.pth", "pixels", "hf:nowhere", "timm:nothing"):
        with pytest.raises(ValueError, match=f"{name} must be .*, received"):
            load_backbone(checkpoint, **{name: value})


@pytest.mark.parametrize(("name", "value"), _POSSIBLE)
def test_a_value_that_can_be_is_kept_as_it_is(name: str, value: Any) -> None:
    assert getattr(BackboneOptions(**{name: value}), name) is value


def test_every_option_is_looked_at() -> None:
    assert {name for name, _ in _IMPOSSIBLE} == {name for name, _ in _POSSIBLE} == vars(BackboneOptions()).keys()
