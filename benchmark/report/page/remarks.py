"""Flags by kind, with what each kind means."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmark.report.flags import Flag

_MEANING = {
    "floor": "Below raw pixel colours: chance where intervals overlap; else something is broken, or the features are.",
    "identical": "Two checkpoints with exactly the same score: are they the same weights?",
    "edge": "A sweep chose the end of its grid: a better value may lie beyond.",
    "nan": "A number that is none.",
    "not-final": "The last checkpoint of a training run is not its best: choose by rule, not by score.",
    "dirty": "Run from code with uncommitted changes: the commit alone does not reproduce it.",
    "packages": "One column from several versions of a package.",
    "limited": "Smoke tests. They are in no table.",
    "unverified": "No per-image statistics, so no interval, and the score cannot be checked.",
}
_MOST_RUNS = 8  # links in a line


@dataclass(frozen=True)
class Remark:
    """One flag and the records it is about."""

    text: str
    runs: list[str]


@dataclass(frozen=True)
class RemarkGroup:
    """Flags of one kind."""

    kind: str
    meaning: str
    remarks: list[Remark]


def make_remarks(flags: Sequence[Flag], anchors: Mapping[str, str]) -> list[RemarkGroup]:
    """Groups flags, in their order."""
    groups = []
    for kind in dict.fromkeys(flag.kind for flag in flags):
        own = [flag for flag in flags if flag.kind == kind]
        texts = _edges(own) if kind == "edge" else [(f"{flag.benchmark}: {flag.text}", flag.records) for flag in own]
        remarks = [Remark(text, [anchors[record] for record in records][:_MOST_RUNS]) for text, records in texts]
        groups.append(RemarkGroup(kind, _MEANING[kind], remarks))
    return groups


def _edges(flags: Sequence[Flag]) -> list[tuple[str, list[str]]]:
    """Counts the ends of grids by benchmark and setting, with the records."""
    found: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for flag in flags:
        found[flag.benchmark, flag.setting] += flag.records
    return [
        (
            f"{benchmark}: the end of the grid of {setting}, {len(records)} sweep{'s' if len(records) > 1 else ''}",
            records,
        )
        for (benchmark, setting), records in found.items()
    ]
