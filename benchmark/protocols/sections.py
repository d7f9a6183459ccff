"""What the sections of all protocols are made of, and the sections that several kinds share."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt

from benchmark.backbones.structure import BackboneOptions

Share = Annotated[float, Field(ge=0, le=1)]
NotNegative = Annotated[float, Field(ge=0)]


def ordered(values: tuple[float, float]) -> tuple[float, float]:
    """Refuses a range whose ends are swapped."""
    if values[0] > values[1]:
        raise ValueError("the lower end comes first")
    return values


Range = Annotated[tuple[NotNegative, NotNegative], AfterValidator(ordered)]


class Section(BaseModel):
    """Immutable; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class PublishedFigures(Section):
    """Whether figures that somebody published belong to this protocol."""

    agreement: Literal["stated", "presumed", "none"]
    """How far the source's protocol is this one.

    "stated": every field that moves a number is known to agree, so the figures may stand beside a run. "presumed": the
    source names the recipe and not every field, so they say what to expect and are not compared. "none": they differ,
    or this project chose what no source states.
    """

    why: str
    """From what that is known."""


class ProtocolSettings(Section):
    """What every protocol says, whatever the benchmark."""

    family: str
    """Whose protocol this is; rows of the leaderboard are checkpoint x family."""

    version: int
    """Raised whenever a change in code or config changes its results."""

    backbone: BackboneOptions
    """What the checkpoint's keys do not tell."""

    published: dict[str, PublishedFigures] = {}
    """By protocol of ``configs/published.csv``. It is about the protocol and no field of it: no run reads it, and it is
    neither in the fingerprint nor in a record."""


class Data(Section):
    """Which images of the benchmark's dataset."""

    train: str
    """Split the probes are trained on."""

    val: str
    """Split that is scored."""


class Features(Section):
    """What the probes see."""

    layers: tuple[int, ...] = Field(min_length=1)
    """Blocks, from 0, negatives from the end; several are concatenated along channels."""

    norm: bool
    """Whether the final LayerNorm is applied."""

    precision: Literal["float32", "bfloat16"]
    """Arithmetic of the backbone (autocast); heads and losses are float32."""


class StoredViews(Section):
    """Training on features that are computed once: another protocol than augmenting anew at every step."""

    views: PositiveInt
    """Augmented views of each training image."""

    dtype: Literal["float32", "float16", "bfloat16"]
    """Number format they are kept in."""


class Probes(Section):
    """The sweep: every (lr, weight decay, seed) is a head of its own on the same backbone pass."""

    lr: tuple[PositiveFloat, ...] = Field(min_length=1)
    """Peak learning rates."""

    weight_decay: tuple[NotNegative, ...] = Field(min_length=1)
    """Weight decays."""

    seeds: PositiveInt
    """Heads per (lr, weight decay), which differ in their initial weights; the score is their mean."""


class Selection(Section):
    """How a sweep of several (lr, weight decay) picks one."""

    holdout: Annotated[float, Field(gt=0, lt=1)]
    """Share of the training images that is held out to choose on; nothing is held out without a sweep."""
