"""The options of an extraction."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from benchmark.options import integers, natural, option, positive, words
from benchmark.run_options import OnBadImage

Format = Literal["safetensors", "npy"]


@dataclass(frozen=True)
class ExtractOptions:
    """Everything about an extraction but checkpoint, dataset and output."""

    data_root: Path = option(Path("data"), "datasets (default: data)", metavar="DIR", parse=Path)
    split: str = option("val", "default: val", metavar="S")
    limit: int | None = option(
        None, "first N images; for classification, spread evenly over the classes", metavar="N", parse=positive
    )

    overrides: tuple[str, ...] = ()
    """``backbone.key=value``: what the weights do not show."""

    tokens: tuple[str, ...] = option(
        ("cls", "patches"), "of cls, registers, mean, patches (default: cls,patches)", metavar="A,B", parse=words
    )
    layers: tuple[int, ...] = option((-1,), "blocks, as in --layers=-4,-1 (default: -1)", metavar="I,J", parse=integers)
    norm: bool = option(True, "leave the final LayerNorm out", name="--no-norm")
    resize: int | None = option(None, "short side, pixels (default: 256)", metavar="N", parse=positive)
    crop: int | None = option(None, "central square (default: 224)", metavar="N", parse=positive)
    size: int | None = option(
        None, "squash the whole image to N x N instead of --resize and --crop", metavar="N", parse=positive
    )
    precision: str = option("float32", "of the backbone", choices=("float32", "bfloat16", "float16"))
    dtype: str = option("float16", "of the files", choices=("float32", "float16", "bfloat16"))
    format: Format = option("safetensors", "of the files", choices=("safetensors", "npy"))
    on_bad_image: OnBadImage = option("error", "default: error", choices=("error", "skip"))
    device: str = option("auto", "default: auto", choices=("auto", "cpu", "cuda"))
    batch_size: int = option(32, "images per pass (default: 32)", metavar="N", parse=positive)
    workers: int | None = option(None, "loader processes (default: by device)", metavar="N", parse=natural)
