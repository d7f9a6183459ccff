"""The benchmarks and their groups: what is measured, on which data. Imports nothing heavy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmark.errors import UsageError, did_you_mean


@dataclass(frozen=True)
class Benchmark:
    """One column of the leaderboard."""

    name: str
    """Name on the command line and in records."""

    group: str
    """Group it belongs to."""

    dataset: str
    """Dataset it is scored on."""

    metric: str
    """Name of the primary metric."""

    higher_is_better: bool
    """Direction of the primary metric."""

    unit: str
    """Unit of the primary metric."""

    default_protocol: str
    """Protocol that runs unless another is named."""

    trained_on: str | None = None
    """Dataset of the training images where it is another: the benchmark is zero-shot."""

    @property
    def datasets(self) -> tuple[str, ...]:
        """Datasets that must be there."""
        return (self.dataset,) if self.trained_on is None else (self.dataset, self.trained_on)

    @property
    def column(self) -> str:
        """Its column in the leaderboard, ``ade20k_miou`` for example."""
        return f"{self.name.replace('-', '_')}_{self.metric}"


def _segmentation(name: str) -> Benchmark:
    return Benchmark(name, "seg", name, "miou", higher_is_better=True, unit="%", default_protocol="dinov2-lin")


def _depth(name: str, trained_on: str | None = None) -> Benchmark:
    return Benchmark(
        name, "depth", name, "rmse", higher_is_better=False, unit="m", default_protocol="dinov2-lin1",
        trained_on=trained_on,
    )  # fmt: skip


def _imagenet(method: str) -> Benchmark:
    return Benchmark(
        f"imagenet-{method}", "imagenet", "imagenet", "top1", higher_is_better=True, unit="%", default_protocol="dinov2"
    )


BENCHMARKS: dict[str, Benchmark] = {
    **{name: _segmentation(name) for name in ("ade20k", "voc2012", "cityscapes")},
    **{name: _depth(name) for name in ("nyu", "kitti")},
    "sunrgbd": _depth("sunrgbd", trained_on="nyu"),
    **{f"imagenet-{method}": _imagenet(method) for method in ("knn", "linear", "logreg")},
}


def groups() -> dict[str, list[str]]:
    """Returns the benchmarks of each group, ``all`` included."""
    names: dict[str, list[str]] = {}
    for benchmark in BENCHMARKS.values():
        names.setdefault(benchmark.group, []).append(benchmark.name)
    return {**names, "all": list(BENCHMARKS)}


def expand(names: Sequence[str]) -> list[tuple[str, bool]]:
    """Replaces groups by their members.

    Returns:
        (benchmark, whether it was named itself rather than through a group), without repeats, in order.

    Raises:
        UsageError: A name that is neither, or no name at all.
    """
    if not names:
        raise UsageError(f"name a benchmark: {', '.join([*BENCHMARKS, *groups()])}")
    members = groups()
    chosen: dict[str, bool] = {}
    for name in names:
        if name not in BENCHMARKS and name not in members:
            known = [*BENCHMARKS, *members]
            raise UsageError(f"unknown benchmark {name!r}{did_you_mean(name, known)}; known: {', '.join(known)}")
        for member in [name] if name in BENCHMARKS else members[name]:
            chosen[member] = chosen.get(member, False) or name in BENCHMARKS
    return list(chosen.items())
