"""The options of a pre-training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmark.options import natural, option, required, seconds


@dataclass(frozen=True, kw_only=True)
class PretrainOptions:
    """Everything about a pre-training but where its checkpoint goes."""

    recipe: str = required("a name of configs/pretraining/, such as supervised or dino, or a config file", metavar="R")
    data_root: Path = option(Path("data"), "holds imagenet/train/<class>/ (default: data)", metavar="DIR", parse=Path)
    size: str = option("tiny", "tiny, Ti, S, B, L, H or g (default: tiny)", metavar="S")
    specialization: str = option("none", "a name of `densebench list` (default: none)", metavar="NAME")
    num_registers: int = option(0, "default: 0", name="--registers", metavar="N", parse=natural)
    attention_bias: bool = option(False, "a learned key and value in every head")

    overrides: tuple[str, ...] = ()
    """``key=value`` replacements of recipe fields."""

    seed: int = option(0, "default: 0", metavar="N", parse=natural)
    device: str = option("auto", "default: auto", choices=("auto", "cpu", "cuda"))
    workers: int | None = option(None, "loader processes (default: by device)", metavar="N", parse=natural)
    save_every_s: float = option(
        60.0, "seconds between saves of the state (default: 60)", name="--save-every", metavar="S", parse=seconds
    )
