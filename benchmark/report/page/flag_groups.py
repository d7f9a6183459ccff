"""Flags by kind, with what each kind means."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmark.report.flags import Flag

_MEANING = {
    "below-baseline": "Below raw pixel colours: by chance where intervals overlap; otherwise something is broken.",
    "identical": "Two checkpoints with exactly the same score: are they the same weights?",
    "edge": "A sweep chose the end of its grid: a better value may lie beyond.",
    "nan": "NaN scores.",
    "not-final": "The last checkpoint of a training run is not its best: choose by rule, not by score.",
    "dirty": "Run from code with uncommitted changes: the commit alone does not reproduce it.",
    "packages": "One column from several versions of a package.",
    "limited": "Smoke tests. They are in no table.",
    "unverified": "No per-image statistics, so no interval, and the score cannot be checked.",
}
_MOST_RUNS = 8  # links in a line


@dataclass(frozen=True)
class FlagLine:
    """One flag and the records it is about."""

    text: str
    runs: list[str]


@dataclass(frozen=True)
class FlagGroup:
    """Flags of one kind."""

    kind: str
    meaning: str
    lines: list[FlagLine]


def group_flags(flags: Sequence[Flag], anchors: Mapping[str, str]) -> list[FlagGroup]:
    """Groups flags, in their order."""
    groups = []
    for kind in dict.fromkeys(flag.kind for flag in flags):
        same_kind = [flag for flag in flags if flag.kind == kind]
        texts = (
            _edges(same_kind)
            if kind == "edge"
            else [(f"{flag.benchmark}: {flag.text}", flag.records) for flag in same_kind]
        )
        lines = [FlagLine(text, [anchors[record] for record in records][:_MOST_RUNS]) for text, records in texts]
        groups.append(FlagGroup(kind, _MEANING[kind], lines))
    return groups


def _edges(flags: Sequence[Flag]) -> list[tuple[str, list[str]]]:
    """Counts the ends of grids by benchmark and setting, with the records."""
    by_setting: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for flag in flags:
        by_setting[flag.benchmark, flag.setting] += flag.records
    return [
        (
            f"{benchmark}: the end of the grid of {setting}, {len(records)} sweep{'s' if len(records) > 1 else ''}",
            records,
        )
        for (benchmark, setting), records in by_setting.items()
    ]
