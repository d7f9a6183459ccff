"""Ablation tables as data: ``configs/ablations/<name>.py``, read strictly."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from benchmark.configs import CONFIGS, read_config
from benchmark.errors import ProtocolError, UsageError, did_you_mean
from benchmark.report.tables.same_architecture import COMPARED

_FOLDER = CONFIGS / "ablations"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class ColumnSpec(_Section):
    """One column: a field of the model, or the mean over benchmarks."""

    name: str
    field: Literal["overhead_pct", "params_m", "gflops"] | None = None
    """Field of the model."""

    mean: tuple[str, ...] = ()
    """Benchmarks of one metric; a single one is its own mean."""

    published: str | None = None
    """What ``configs/published.csv`` calls it."""

    @model_validator(mode="after")
    def _one_source(self) -> ColumnSpec:
        if (self.field is None) == (not self.mean):
            raise ValueError("a column has a field or a mean, one of the two")
        return self


class Match(_Section):
    """Fields of the model of a row. Text is a pattern with ``*`` and ``?``; ``{third}`` is a third of the depth."""

    name: str | None = None
    layout: str | None = None
    arch: str | None = None
    embed_dim: int | None = None
    depth: int | None = None
    patch_size: int | None = None
    num_registers: int | None = None
    attention_bias: bool | None = None
    specialization: str | Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    """Several patterns: the first that some checkpoint has counts."""

    def alternatives(self) -> list[Match]:
        """Returns a match for each pattern of ``specialization``, in their order."""
        if not isinstance(self.specialization, tuple):
            return [self]
        return [self.model_copy(update={"specialization": pattern}) for pattern in self.specialization]


class RowSpec(_Section):
    """One row."""

    name: str
    match: Match
    published: str | None = None
    """Variant in ``configs/published.csv``."""


class PublishedSpec(_Section):
    """Whose figures are shown below a group."""

    protocol: str
    model: str
    size: str


class GroupSpec(_Section):
    """Rows that are compared with one baseline."""

    name: str = ""
    match: Match = Match()
    """What all its rows have in common."""

    rows: Annotated[tuple[RowSpec, ...], Field(min_length=1)]
    published: PublishedSpec | None = None


class AblationConfig(_Section):
    """A table."""

    title: str
    columns: Annotated[tuple[ColumnSpec, ...], Field(min_length=1)]
    baseline: str
    """Name of the row in each group that deltas refer to."""

    groups: Annotated[tuple[GroupSpec, ...], Field(min_length=1)]
    may_differ: tuple[str, ...] = ()
    """Fields in which a row may differ from its baseline, beside the split: what the table is about."""

    trainings: str | None = None
    """Title of a last group, where the groups are one experiment trained several times: means over the groups."""

    @model_validator(mode="after")
    def _baselines(self) -> AblationConfig:
        for group in self.groups:
            names = [row.name for row in group.rows]
            if names.count(self.baseline) != 1:
                raise ValueError(f"group {group.name!r} needs one row {self.baseline!r}; it has {', '.join(names)}")
        return self

    @field_validator("may_differ")
    @classmethod
    def _known_fields(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        unknown = next((name for name in names if name not in COMPARED), None)
        if unknown is not None:
            raise ValueError(f"no field {unknown!r}{did_you_mean(unknown, COMPARED)}; known: {', '.join(COMPARED)}")
        return names

    @model_validator(mode="after")
    def _trainings(self) -> AblationConfig:
        if self.trainings is None:
            return self
        if not self.trainings or self.trainings in [group.name for group in self.groups]:
            raise ValueError("trainings must be a title that is not empty and not that of a group")
        if len(self.groups) < 2:
            raise ValueError("trainings averages over two groups or more")
        wanted = [row.name for row in self.groups[0].rows]
        for group in self.groups:
            names = [row.name for row in group.rows]
            if names != wanted:
                raise ValueError(
                    f"trainings of one experiment have the same rows in the same order: {', '.join(wanted)} in group "
                    f"{self.groups[0].name!r}, {', '.join(names)} in {group.name!r}"
                )
        return self


def read_ablation(name: str) -> tuple[str, AblationConfig]:
    """Reads a table of ``configs/ablations/`` or another file.

    Args:
        name: Name, or path ending in ``.py``.

    Returns:
        Name of the table and its config.

    Raises:
        UsageError: No such table.
        ProtocolError: The file cannot be read, or a key is unknown, missing or of the wrong kind.
    """
    path = Path(name) if name.endswith(".py") else _FOLDER / f"{name}.py"
    if not path.is_file():
        known = ablation_names()
        raise UsageError(f"no ablation table {name!r}{did_you_mean(name, known)}; known: {', '.join(known)}")
    fields: dict[str, Any] = read_config(path)
    try:
        return path.stem, AblationConfig.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        raise ProtocolError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def ablation_names() -> list[str]:
    """Lists the tables that ship."""
    return sorted(path.stem for path in _FOLDER.glob("*.py"))
