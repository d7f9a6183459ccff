"""Where each number comes from: the content of a record for a person, and the command that reproduces it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmark.metric import Metric
from benchmark.records.schema import Record
from benchmark.report.page.facts import FactGroup, facts_of, score_of, written
from benchmark.report.rows import Row, protocol_label
from benchmark.report.statistics.intervals import Interval

_SHOWN_CANDIDATES = 60


@dataclass(frozen=True)
class Run:
    """One record."""

    anchor: str
    title: str
    score: str
    place: str
    """Whether it is in the leaderboard, or why not."""

    facts: list[FactGroup]
    commands: list[tuple[str, str]]
    protocol: str
    """Anchor of its protocol."""

    protocol_text: str
    error: str | None
    candidates: list[tuple[str, ...]]
    """Table of a sweep, heading first."""


@dataclass(frozen=True)
class ProtocolText:
    """A protocol with all its fields."""

    anchor: str
    title: str
    fingerprint: str
    fields: str


def anchors_of(records: Sequence[Record]) -> dict[str, str]:
    """Gives every record a place in the page, in the order of time."""
    return {record.id: f"run-{number}" for number, record in enumerate(records, start=1)}


def make_protocols(records: Sequence[Record]) -> dict[str, ProtocolText]:
    """Lists the protocols of records by fingerprint."""
    by_fingerprint: dict[str, ProtocolText] = {}
    for record in records:
        protocol = record.protocol
        if protocol.fingerprint not in by_fingerprint:
            title = (
                f"{record.benchmark}: {protocol_label(protocol.name, protocol.overrides)}, version {protocol.version}"
            )
            text = json.dumps(protocol.fields, indent=1, ensure_ascii=False)
            anchor = f"protocol-{len(by_fingerprint) + 1}"
            by_fingerprint[protocol.fingerprint] = ProtocolText(anchor, title, protocol.fingerprint, text)
    return by_fingerprint


def make_runs(
    records: Sequence[Record],
    rows: Sequence[Row],
    anchors: Mapping[str, str],
    protocols: Mapping[str, ProtocolText],
    unverified: frozenset[str],
) -> list[Run]:
    """Describes records, newest first.

    Args:
        records: All sound ones, oldest first.
        rows: Of the leaderboard.
        anchors: Record to its place in the page.
        protocols: By fingerprint.
        unverified: Identities of records without statistics.
    """
    scores = [score for row in rows for score in row.scores.values()]
    intervals = {
        score.records[0].id: _interval_text(score.benchmark.metric, score.interval)
        for score in scores
        if len(score.records) == 1 and score.interval is not None
    }
    shown = {record.id for score in scores for record in score.records}
    runs = []
    for record in reversed(records):
        runs.append(
            Run(
                anchor=anchors[record.id],
                title=f"{record.benchmark}: {record.model.name}",
                score=score_of(record),
                place=_place(record, shown, unverified),
                facts=facts_of(record, intervals.get(record.id, "")),
                commands=_commands(record),
                protocol=protocols[record.protocol.fingerprint].anchor,
                protocol_text=f"{protocols[record.protocol.fingerprint].title} ({record.protocol.fingerprint})",
                error=record.error,
                candidates=_candidates(record),
            )
        )
    return runs


def _interval_text(metric: Metric, interval: Interval) -> str:
    return f"{metric.text(interval.low)} to {metric.text(interval.high)} ({interval.method})"


def _place(record: Record, shown: set[str], unverified: frozenset[str]) -> str:
    if record.status == "error" or record.primary is None:
        return "failed"
    if record.limit is not None:
        return f"smoke test, --limit {record.limit}"
    if record.id not in shown:
        return "not in the leaderboard: superseded, or another protocol version or other data"
    return "in the leaderboard, without statistics" if record.id in unverified else "in the leaderboard"


def _commands(record: Record) -> list[tuple[str, str]]:
    commands = [("command", record.command)] if record.command else []
    if record.status == "success":
        commands.append(("command to reproduce it", shlex.join(["densebench", "rerun", record.id])))
    return commands


def _candidates(record: Record) -> list[tuple[str, ...]]:
    candidates = (record.selection or {}).get("candidates")
    if not isinstance(candidates, list) or not candidates or not isinstance(candidates[0], dict):
        return []
    keys = list(candidates[0])
    chosen = (record.selection or {}).get("chosen")
    lines = [(*(written(each.get(key)) for key in keys), "chosen" if each == chosen else "") for each in candidates]
    return [(*(key.replace("_", " ") for key in keys), ""), *lines[:_SHOWN_CANDIDATES]]
