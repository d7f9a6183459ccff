"""What a user may say of a checkpoint, and what not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from benchmark.backbone_options import BackboneOptions
from benchmark.cli import main
from benchmark.errors import ProtocolError
from benchmark.protocols import load_protocol, parse_backbone_options

IMPOSSIBLE: dict[str, list[Any]] = {
    "num_heads": [0, -3],
    "norm_eps": [0.0, -1e-6, float("nan"), float("inf")],
    "interpolate_offset": [-0.1, 1.0, 5, float("nan"), float("inf")],
    "patch_size": [0, -14],
    "image_size": [0, -56, (-28, -112), (28, 0), (28,), (28, 112, 3), ()],
    "weights": [""],
    "mean": [(0.5, 0.5, float("nan"))],
    "std": [(0.5, 0.0, 0.5), (0.5, -0.5, 0.5), (0.5, float("inf"), 0.5)],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name in IMPOSSIBLE for value in IMPOSSIBLE[name]])
def test_values_that_no_backbone_can_have_are_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"^{name} must be "):
        BackboneOptions(**{name: value})
    word = f"backbone.{name}={json.dumps(value) if isinstance(value, tuple) else value}"
    with pytest.raises(ProtocolError, match=rf"^backbone: .*{name} must be "):
        parse_backbone_options([word])
    with pytest.raises(ProtocolError, match=f"{name} must be "):
        load_protocol("voc2012", "mini", [word])


@pytest.mark.parametrize(
    "given",
    [
        {"image_size": 56},
        {"image_size": (32, 128)},
        {"interpolate_offset": 0},
        {"interpolate_offset": 0.1},
        {"mean": (0, 0, 0), "std": (1, 1, 1)},
        {"weights": "student"},
    ],
)
def test_others_are_taken(given: dict[str, Any]) -> None:
    words = [f"backbone.{key}={list(value) if isinstance(value, tuple) else value}" for key, value in given.items()]
    assert parse_backbone_options(words) == BackboneOptions(**given)


def test_it_is_one_line_of_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--checkpoint", "pixels", "backbone.interpolate_offset=nan"]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.endswith("interpolate_offset must be a number from 0 to less than 1, received nan")
