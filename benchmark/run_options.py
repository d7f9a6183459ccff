"""The options of a run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from benchmark.options import natural, option, positive, seconds

OnBadImage = Literal["error", "skip"]
"""What an image that cannot be read does where images are encoded once: it ends the run, or is named and left out."""


@dataclass(frozen=True)
class RunOptions:
    """Everything about a run but which benchmarks and which checkpoint."""

    data_root: Path = option(Path("data"), "datasets (default: data)", metavar="DIR", parse=Path)
    results: Path = option(Path("results"), "default: results", metavar="DIR", parse=Path)
    name: str | None = option(None, "name in tables (default: the file's name)", metavar="N")
    protocol: str | None = option(None, "protocol name or config file (default: the benchmark's)", metavar="P")

    overrides: tuple[str, ...] = ()
    """``key=value`` replacements of protocol fields."""

    device: str = option("auto", "default: auto", choices=("auto", "cpu", "cuda"))
    seed: int = option(0, "default: 0", metavar="N", parse=natural)
    limit: int | None = option(
        None, "smoke test: first N images of each split, at most N iterations", metavar="N", parse=positive
    )
    rerun: bool = option(False, "also run benchmarks that are already done")
    on_bad_image: OnBadImage = option(
        "error",
        "image classification: stop at an image that cannot be read, or skip it and name it",
        choices=("error", "skip"),
    )
    compile: bool = option(False, "use torch.compile for the backbone; a message says where that is impossible")
    workers: int | None = option(None, "loader processes (default: by device)", metavar="N", parse=natural)
    save_every_s: float = option(
        30.0, "seconds between saves of the state (default: 30)", name="--save-every", metavar="S", parse=seconds
    )

    features: Path | None = None
    """Root of the feature store; None takes the user's cache."""

    heads: Path | None = None
    """Folder of trained heads that other benchmarks score too; None takes the user's cache."""

    records_kept: bool = True
    """Whether the results folder outlives the call, so that lines name its files."""

    command: str = ""
    """The command line, for the record."""
