"""A backbone from a file of the user's own, and the example of docs/checkpoints.md."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from benchmark.backbones import load_backbone
from benchmark.errors import CheckpointError, CheckpointFileError

_PAGE = Path(__file__).parents[3] / "docs" / "checkpoints.md"


def _example() -> str:
    [example] = [
        block for block in re.findall(r"```python\n(.*?)```", _PAGE.read_text("utf-8"), re.S) if "def build" in block
    ]
    return example


@pytest.fixture
def example(tmp_path: Path) -> Path:
    (tmp_path / "my_backbone.py").write_text(_example())
    return tmp_path / "my_backbone.py"


def test_the_example_of_the_docs_is_short_and_works(example: Path) -> None:
    assert len(_example().splitlines()) <= 40
    backbone = load_backbone(f"{example}:build")
    patch = backbone.spec.patch_size
    [tokens] = backbone.tokens(torch.randn(2, 3, 2 * patch, 3 * patch), layers=(-1,))
    assert tokens.patches.shape == (2, 6, backbone.spec.embed_dim)
    assert backbone.source.layout == "custom"
    assert not any(parameter.requires_grad for parameter in backbone.parameters())
    assert not backbone.training


def test_weights_after_the_at_sign_reach_the_function(example: Path, tmp_path: Path) -> None:
    plain = load_backbone(f"{example}:build")
    weights = {key: tensor + 1 for key, tensor in plain.state_dict().items()}
    torch.save(weights, tmp_path / "weights.pth")
    loaded = load_backbone(f"{example}:build@{tmp_path / 'weights.pth'}")
    assert all(torch.equal(loaded.state_dict()[key], tensor) for key, tensor in weights.items())
    assert loaded.source.sha256 != plain.source.sha256


def test_the_hash_changes_with_the_code(example: Path) -> None:
    before = load_backbone(f"{example}:build").source.sha256
    assert load_backbone(f"{example}:build").source.sha256 == before
    example.write_text(example.read_text() + "\n# another version\n")
    assert load_backbone(f"{example}:build").source.sha256 != before


def test_mean_and_std_can_be_given_and_nothing_else(example: Path) -> None:
    backbone = load_backbone(f"{example}:build", mean=(0.5, 0.5, 0.5))
    assert backbone.spec.preprocessing.mean == (0.5, 0.5, 0.5)
    with pytest.raises(CheckpointError, match="takes mean, std only, not num_heads"):
        load_backbone(f"{example}:build", num_heads=3)


_MODEL = """
import torch
from benchmark.backbones import BackboneSpec, Tokens

class Model(torch.nn.Module):
    spec = BackboneSpec(arch="x", embed_dim=4, depth=1, patch_size=8)

    def tokens(self, images, *, layers=(-1,), norm=True):
        rows, columns = images.shape[2] // 8, images.shape[3] // 8
        width = {width}
        return [
            Tokens(torch.zeros(len(images), width), torch.zeros(len(images), 0, width),
                   torch.zeros(len(images), rows * columns, width), {grid})
            for _ in layers
        ]
"""


@pytest.mark.parametrize(
    ("source", "match"),
    [
        ("def other(): ...", r"no function 'build'; it has: other"),
        ("def build(): return 3", "gave a int; needed is a torch.nn.Module"),
        (
            _MODEL.format(width=4, grid="(rows, columns)").replace("def tokens", "def forward") + "build = Model",
            "gave a Model; needed is .* method `tokens",
        ),
        (
            _MODEL.format(width=5, grid="(rows, columns)") + "build = Model",
            r"cls of .* is \(2, 5\).*be \(2, 4\)",
        ),
        (_MODEL.format(width=4, grid="(columns, rows)") + "build = Model", r"grid is \(16, 12\), expected \(12, 16\)"),
    ],
)
def test_what_does_not_fit_is_said(tmp_path: Path, source: str, match: str) -> None:
    (tmp_path / "mine.py").write_text(source)
    with pytest.raises(CheckpointError, match=match):
        load_backbone(f"{tmp_path / 'mine.py'}:build")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"none\.py does not exist"):
        load_backbone(f"{tmp_path / 'none.py'}:build")
    with pytest.raises(CheckpointFileError, match=r"my_file\.py:build"):
        load_backbone(tmp_path / "none.pth")
