"""Published rows of an ablation table: only where protocol, data and architecture may agree with the source."""

from __future__ import annotations

from collections.abc import Sequence

from benchmark.records.schema import ModelInfo
from benchmark.report.published import Figure, agreement, differences
from benchmark.report.rows import Row
from benchmark.report.tables.ablation import Ablation, AblationGroup, protocol_of
from benchmark.report.tables.ablation_config import ColumnSpec, PublishedSpec

_TRUST = ("printed", "read-off-figure", "inferred", "second-hand")  # the better known first
_SHOWN = 4  # reasons in a line


def published_rows(
    table: Ablation, group: AblationGroup, figures: Sequence[Figure]
) -> tuple[dict[str, dict[str, Figure]], list[str]]:
    """Finds the published figures that are comparable with a group.

    A table without any row of ours has neither protocol nor models to contradict them.

    Args:
        table: The table.
        group: One of its groups.
        figures: Published figures.

    Returns:
        Row name to column name to figure, the most trustworthy of several; and a line that says why others are missing.
    """
    wanted = group.spec.published
    if wanted is None:
        return {}, []
    named = (wanted.protocol, wanted.model, wanted.size)
    cited = [each for each in figures if (each.protocol, each.model, each.size) == named]
    filled = [row.row for row in group.rows if row.row is not None]
    models = _other_models(cited, [row.model for row in filled])
    if models:
        return {}, [_note(wanted, models)]
    columns, reasons = [], []
    for column in table.config.columns:
        against = _other_protocol(wanted, column, filled, table)
        reasons += against
        columns += [] if against else [column]
    if not any(column.mean for column in columns):
        columns = []  # the number of parameters alone is not a result
    return _rows(group, columns, cited), [_note(wanted, reasons)] if reasons else []


def _rows(
    group: AblationGroup, columns: Sequence[ColumnSpec], figures: Sequence[Figure]
) -> dict[str, dict[str, Figure]]:
    rows = {}
    for row in group.spec.rows:
        by_column = {}
        for column in columns:
            fitting = [each for each in figures if each.variant == row.published and _names(column, each)]
            if fitting:
                by_column[column.name] = min(fitting, key=lambda each: _TRUST.index(each.trust))
        if by_column:
            rows[row.name] = by_column
    return rows


def _names(column: ColumnSpec, figure: Figure) -> bool:
    if len(column.mean) == 1 and column.published is None:
        return figure.benchmark == column.mean[0]
    return column.published is not None and column.published.replace("_", "-") == figure.benchmark.replace("_", "-")


def _other_models(figures: Sequence[Figure], models: Sequence[ModelInfo]) -> list[str]:
    """Lists where the models differ from those of the source: size, patch, registers."""
    reasons: dict[str, None] = {}
    for model in models:
        for figure in figures:
            if not model.arch.startswith(f"ViT-{figure.size}/"):
                reasons[f"{model.name} is a {model.arch}, not a ViT-{figure.size}"] = None
            if figure.patch and figure.patch != str(model.patch_size):
                reasons[f"{model.name} has patches of {model.patch_size}, not {figure.patch}"] = None
            if figure.registers and figure.registers != str(model.num_registers):
                reasons[f"{model.name} has {model.num_registers} registers, not {figure.registers}"] = None
    return list(reasons)


def _other_protocol(wanted: PublishedSpec, column: ColumnSpec, filled: Sequence[Row], table: Ablation) -> list[str]:
    """Lists why the figures of a source are left out of a column."""
    if table.family is None:
        return []
    reasons: dict[str, None] = {}
    for benchmark in column.mean:
        asked = table.benchmarks[benchmark]
        ours, known = protocol_of(asked, table.family), agreement(asked, wanted.protocol)
        if table.overrides or known is None or known.kind == "none" or known.ours != ours:
            reasons[f"{benchmark}: {table.label} is another protocol"] = None
            continue
        for row in filled:
            for record in row.scores[benchmark].records if benchmark in row.scores else ():
                for text in differences(wanted.protocol, record, presumed=True):
                    reasons[f"{benchmark}: {text}"] = None
    return list(reasons)


def _note(wanted: PublishedSpec, reasons: Sequence[str]) -> str:
    shown = list(dict.fromkeys(reasons))
    more = f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
    who = f"{wanted.model} ViT-{wanted.size}, {wanted.protocol}"
    return f"published figures of {who} are left out as not comparable: {'; '.join(shown[:_SHOWN])}{more}"
