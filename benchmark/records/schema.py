"""The result record, schema version 1. The order of the fields is part of the format."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, FiniteFloat

SCHEMA_VERSION = 1


class RecordSection(BaseModel):
    """Immutable; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class ProtocolInfo(RecordSection):
    """What was asked."""

    name: str
    version: int
    fingerprint: str
    """Hash of all fields; results are comparable exactly when it agrees."""

    family: str
    """Whose protocol it is."""

    overrides: tuple[str, ...]
    """``key=value`` replacements of the named protocol."""

    fields: dict[str, Any]
    """Every field as it ran."""


class ModelInfo(RecordSection):
    """What was evaluated."""

    name: str
    checkpoint: str
    checkpoint_sha256: str
    layout: str
    arch: str
    embed_dim: int
    depth: int
    patch_size: int
    num_registers: int
    attention_bias: bool
    specialization: str
    params: int
    """Parameters of the backbone."""

    gflops: float
    """10^9 floating-point operations of one forward on the smallest square input of at least 224 pixels."""

    spec: dict[str, Any]
    """Everything about the architecture as it ran, whether keys, the layout or the user said so."""

    notes: tuple[str, ...]
    """What was done to the file to read it: wrappers taken, prefixes stripped."""

    ignored: dict[str, tuple[str, ...]] = {}
    """Keys of the file that were left out, by the reason."""

    assumed: tuple[str, ...] = ()
    """Options of the backbone whose values in ``spec`` are assumed: neither user, file nor config gives them."""

    overhead_pct: float | None = None
    """Parameters that splitting layers adds, percent of the shared model's."""


class DataInfo(RecordSection):
    """On what."""

    name: str
    fingerprint: str
    """Hash of names and sizes of all files of both splits."""

    splits: dict[str, int]
    """Images of train and val that were used."""

    description: dict[str, Any] | None = None
    """What the description of a dataset of one's own says; None for one that ships."""

    description_hash: str | None = None
    """Hash of what it says the files mean, part of ``fingerprint``."""


class Primary(RecordSection):
    """The number that goes into the leaderboard."""

    name: str
    value: FiniteFloat
    higher_is_better: bool
    ci95: tuple[float, float] | None
    """95 % interval over images; None until it is computed."""


class Cost(RecordSection):
    """What it took."""

    wall_s: float
    images_per_s: float
    """Images through the backbone per second of wall time."""

    backbone_forwards: int
    """Images, crops or windows that went through the backbone."""

    peak_memory_mb: float
    """Of the GPU where there is one, else of the process."""


class Environment(RecordSection):
    """Where."""

    git_commit: str | None
    """Commit of DenseBench, where it runs from a checkout."""

    git_dirty: bool | None
    packages: dict[str, str]
    device: str
    hardware: str

    code: str | None = None
    """Hash of DenseBench's own code and configs, checkout or not; None in records older than the field."""


class Record(RecordSection):
    """One run of one cell; never edited."""

    schema_version: Literal[1] = SCHEMA_VERSION
    id: str
    status: Literal["success", "error"]
    created: str
    """UTC, ISO 8601."""

    benchmark: str
    protocol: ProtocolInfo
    model: ModelInfo
    data: DataInfo
    seed: int
    limit: int | None
    metrics: dict[str, Any] | None
    primary: Primary | None
    selection: dict[str, Any] | None
    """How a sweep chose its head; None without a sweep."""

    per_image: str | None
    """File of per-image statistics, relative to the record's folder."""

    cost: Cost | None
    environment: Environment
    command: str
    error: str | None

    patch_tokens: tuple[int, int] | None = None
    """Fewest and most patch tokens of an image or window that was scored; None in records older than the field."""

    trained_with: str | None = None
    """Record of the run that trained the heads, where that is another: its cost is not counted here."""
