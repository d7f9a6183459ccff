"""A layout is one module and one line: what finds, tells apart and lists layouts is derived from the modules."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from recipes import copy_code, follow

from benchmark.backbones import VisionTransformer, layouts
from benchmark.backbones.state_dict import CheckpointWeights, has_plain_names, patch_size

_READ = """
import sys, torch
from benchmark.backbones import load_backbone
for path in sys.argv[2:]:
    backbone = load_backbone(path, num_heads=4)
    [tokens] = backbone.tokens(torch.load(sys.argv[1]))
    torch.save((backbone.source.layout, tokens.patches), path + ".out")
"""


@pytest.fixture(scope="module")
def tree_with_a_toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the code in which somebody has added a layout as CONTRIBUTING.md says."""
    tree = copy_code(tmp_path_factory.mktemp("tree"))
    assert len(follow("A checkpoint layout", tree)) == 2
    return tree


def _python(tree: Path, *words: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(tree)}
    return subprocess.run(
        [sys.executable, *words], cwd=tree, env=environment, check=True, capture_output=True, text=True
    ).stdout


def _toy_names(vit: VisionTransformer) -> dict[str, torch.Tensor]:
    names = {"patch_embed.proj.weight": "stem.kernel", "patch_embed.proj.bias": "stem.shift", "pos_embed": "position"}
    return {names.get(key, key.replace("blocks.", "layer.")): value for key, value in vit.state_dict().items()}


def test_a_layout_of_one_file_and_one_line_is_read_bare_and_from_a_training_file(
    tree_with_a_toy: Path, tmp_path: Path, make_vit: Callable[..., VisionTransformer]
) -> None:
    vit, other = make_vit(), make_vit(seed=1)
    images = torch.randn(2, 3, 56, 56, generator=torch.Generator().manual_seed(0))
    teacher = {f"module.backbone.{key}": value for key, value in _toy_names(vit).items()}
    teacher["module.dino_head.last_layer.weight"] = torch.ones(3, 3)
    student = {f"module.backbone.{key}": value for key, value in _toy_names(other).items()}
    files: dict[str, Any] = {
        "images.pt": images,
        "bare.pth": _toy_names(vit),
        "training.pth": {"teacher": teacher, "student": student, "optimizer": {"state": {}}, "epoch": 3},
    }
    for name, value in files.items():
        torch.save(value, tmp_path / name)
    paths = [str(tmp_path / name) for name in files]
    _python(tree_with_a_toy, "-c", _READ, *paths)
    expected = vit.tokens(images)[0].patches
    for path in paths[1:]:
        layout, patches = torch.load(f"{path}.out")
        assert layout == "toy"
        torch.testing.assert_close(patches, expected)


def test_a_layout_of_one_file_and_one_line_is_listed(tree_with_a_toy: Path) -> None:
    listed = json.loads(_python(tree_with_a_toy, "-m", "benchmark", "list", "--json"))["backbones"]
    assert {"toy", "dinov2"} <= set(listed)


def test_every_layout_is_named_as_its_module_and_has_anchors() -> None:
    for layout in layouts.LAYOUTS:
        assert layout.__name__ == f"{layouts.__name__}.{layout.NAME}"
        assert set(layout.ANCHORS) <= set(layouts.ANCHORS)
        assert layout.ANCHORS


def test_every_module_of_the_folder_is_registered() -> None:
    modules = {path.stem for path in Path(layouts.__file__).parent.glob("*.py")} - {"__init__"}
    assert {layout.NAME for layout in layouts.LAYOUTS} == modules


@pytest.mark.parametrize(
    "key",
    [
        *("mask_token", "register_tokens", "reg_token", "storage_tokens", "decoder_pos_embed", "rope_embed.periods"),
        *("blocks.0.ls1.gamma", "blocks.0.gamma_1", "blocks.0.attn.k_bias", "blocks.0.attn.q_bias", "norm.cls.weight"),
        *("blocks.0.norm1.cls.weight", "blocks.0.mlp.patch.fc1.weight", "blocks.0.attn.qkv.lora_a", "blocks.0.gate"),
        "blocks.0.norm1.fns.0.weight",
    ],
)
def test_a_key_that_no_plain_vit_has_goes_beyond_plain_names(
    key: str, make_vit: Callable[..., VisionTransformer]
) -> None:
    plain = dict(make_vit(layer_scale=False).state_dict())
    assert has_plain_names(CheckpointWeights(plain))
    assert has_plain_names(CheckpointWeights({**plain, "fc_norm.weight": plain["norm.weight"]}))
    assert not has_plain_names(CheckpointWeights({**plain, key: torch.ones(1)}))


def test_the_side_of_patches_is_read_whatever_the_projection_is_called() -> None:
    attention_bias, projection = torch.ones(1, 4, 1, 12), torch.ones(48, 3, 14, 14)
    assert patch_size({"attn.k_bias": attention_bias, "anything": projection}) == 14
    assert patch_size({"attn.k_bias": attention_bias, "anything": projection[..., :7]}) is None
