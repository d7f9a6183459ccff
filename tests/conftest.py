"""Fixtures: small random vision transformers, rendered data, sample files of the official datasets, a record."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmark.backbones import VisionTransformer, ViTSpec
from benchmark.backbones.spec import PositionInterpolation
from benchmark.records.schema import Record

_REAL_DATA = Path(os.environ.get("DENSEBENCH_REAL_DATA", Path(__file__).parents[2] / "shared" / "data"))


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Tests and the processes they start keep their manifests and features away from the user's."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        patch.delenv("DENSEBENCH_CACHE", raising=False)
        yield folder


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder with a few real files of each dataset in their official layouts."""
    if not _REAL_DATA.is_dir():
        pytest.skip(f"no sample data at {_REAL_DATA}; set DENSEBENCH_REAL_DATA")
    return _REAL_DATA


@pytest.fixture(scope="session")
def mini_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All rendered datasets, of a few images each; tests must not write there."""
    from benchmark.synthetic.datasets import write_mini

    root = tmp_path_factory.mktemp("mini")
    write_mini(root, train=6, val=3)
    return root


@pytest.fixture(scope="session")
def make_vit() -> Callable[..., VisionTransformer]:
    """Returns a function that makes a small frozen ViT in which no weight is trivial."""

    def make(*, seed: int = 0, **changes: Any) -> VisionTransformer:
        fields = {
            "arch": "test",
            "embed_dim": 48,
            "depth": 3,
            "num_heads": 4,
            "patch_size": 14,
            "grid_size": 4,
            "num_registers": 0,
            "ffn": "mlp",
            "ffn_dim": 96,
            "norm_eps": 1e-6,
            "position_interpolation": PositionInterpolation(offset=0.1, antialias=False),
            **changes,
        }
        vit = VisionTransformer(ViTSpec(**fields))
        generator = torch.Generator().manual_seed(seed)
        for name, parameter in vit.named_parameters():
            centre = 1.0 if name.endswith(("norm1.weight", "norm2.weight", "norm.weight", "gamma")) else 0.0
            torch.nn.init.normal_(parameter, centre, 0.2, generator=generator)
        return vit.eval().requires_grad_(False)

    return make


@pytest.fixture
def checkpoint(tmp_path: Path, make_vit: Callable[..., VisionTransformer]) -> Path:
    """A small checkpoint in the DINOv2 layout, as the hub has it; 3 heads of 64, so that nothing need be said."""
    vit = make_vit(embed_dim=192, depth=2, num_heads=3, ffn_dim=384)
    path = tmp_path / "vit.pth"
    torch.save({**vit.state_dict(), "mask_token": torch.zeros(1, 192)}, path)
    return path


@pytest.fixture(scope="session")
def make_record() -> Callable[..., Record]:
    """Returns a function that makes a record; nested fields are given as ``model={...}``."""

    def make(**changes: Any) -> Record:
        fields: dict[str, Any] = {
            "id": "20260101T000000-ade20k-abc",
            "status": "success",
            "created": "2026-01-01T00:00:00+00:00",
            "benchmark": "ade20k",
            "protocol": {
                "name": "dinov2-lin",
                "version": 1,
                "fingerprint": "p1",
                "family": "dinov2",
                "overrides": [],
                "fields": {"train": {"iterations": 40_000}},
            },
            "model": {
                "name": "vits14",
                "checkpoint": "vits14.pth",
                "checkpoint_sha256": "a" * 64,
                "layout": "dinov2",
                "arch": "ViT-S/14",
                "embed_dim": 384,
                "depth": 12,
                "patch_size": 14,
                "num_registers": 0,
                "attention_bias": False,
                "specialization": "none",
                "params": 22_056_192,
                "gflops": 12.2,
                "spec": {"num_heads": 6},
                "notes": [],
            },
            "data": {"name": "ade20k", "fingerprint": "d1", "splits": {"train": 20_210, "val": 2_000}},
            "seed": 0,
            "limit": None,
            "metrics": {"miou": 44.25},
            "primary": {"name": "miou", "value": 44.25, "higher_is_better": True, "ci95": None},
            "selection": None,
            "per_image": None,
            "cost": {"wall_s": 1.0, "images_per_s": 2.0, "backbone_forwards": 2, "peak_memory_mb": 3.0},
            "environment": {
                "git_commit": None,
                "git_dirty": None,
                "packages": {},
                "device": "cpu",
                "hardware": "a processor",
            },
            "command": "densebench run ade20k",
            "error": None,
        }
        for key, value in changes.items():
            fields[key] = {**fields[key], **value} if isinstance(value, dict) and fields[key] else value
        return Record.model_validate(fields)

    return make
