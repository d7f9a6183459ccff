"""What the sections of all protocols are made of, and the sections that several kinds share."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt

from benchmark.backbone_options import BackboneOptions

Share = Annotated[float, Field(ge=0, le=1)]
NotNegative = Annotated[float, Field(ge=0)]
Precision = Literal["float32", "bfloat16", "float16"]


def ordered(values: tuple[float, float]) -> tuple[float, float]:
    """Refuses a range whose ends are swapped."""
    if values[0] > values[1]:
        raise ValueError("the lower end comes first")
    return values


Range = Annotated[tuple[NotNegative, NotNegative], AfterValidator(ordered)]


class Section(BaseModel):
    """Immutable; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    def in_pixels(self, patch_size: int) -> Self:
        """Returns this section with every length in pixels, for patches of ``patch_size``; what it checks is checked.

        Raises:
            ValidationError: Lengths that do not fit together at this patch size.
        """
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        return type(self)(**{name: _in_pixels(value, patch_size) for name, value in fields.items()})


class Patches(Section):
    """A length counted in patches of the backbone: 32 are 448 pixels with patches of 14 and 512 with patches of 16."""

    patches: PositiveInt


Length = PositiveInt | Patches
"""Pixels, or a number of patches, so that backbones of every patch size see as many tokens."""


def _in_pixels(value: Any, patch_size: int) -> Any:
    if isinstance(value, Patches):
        return value.patches * patch_size
    return value.in_pixels(patch_size) if isinstance(value, Section) else value


class PublishedFigures(Section):
    """Whether figures that somebody published belong to this protocol."""

    agreement: Literal["stated", "presumed", "none"]
    """How far the source's protocol is this one.

    "stated": the source's paper or code gives it, so the figures may stand beside a run; what they leave open, or do
    otherwise (such as choosing on the scored split), stands in ``why``, which is shown beside them. "presumed": the
    source names the recipe and not every field, so they say what to expect and are not compared. "none": they differ,
    or this project chose what no source states.
    """

    why: str
    """From what that is known, and what is left."""

    may_differ: tuple[str, ...] = ()
    """Fields in which a run may differ from this protocol, for the source has another value: ``features.precision``."""

    patch_sizes: tuple[PositiveInt, ...] = ()
    """Of the source's backbones, pixels, where lengths in pixels make more or fewer tokens of others; empty: any."""


class ProtocolSettings(Section):
    """What every protocol says, whatever the benchmark."""

    family: str
    """Whose protocol this is; rows of the leaderboard are checkpoint x family."""

    version: int
    """Raised whenever a change in code or config changes its results."""

    backbone: BackboneOptions = BackboneOptions()
    """What cannot be inferred from the weights."""

    published: dict[str, PublishedFigures] = {}
    """By protocol of ``configs/published.csv``. It is about the protocol and no field of it: no run reads it, and it is
    neither in the fingerprint nor in a record."""

    @property
    def candidates(self) -> int:
        """Settings that a sweep chooses among."""
        return 1


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

    precision: Precision
    """Arithmetic of the backbone (autocast); heads and losses are float32."""

    def resolved(self, depth: int) -> Self:
        """Returns these settings with numbered blocks, for a backbone of ``depth`` blocks."""
        return self


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

    @property
    def candidates(self) -> int:
        """Settings to choose among."""
        return len(self.lr) * len(self.weight_decay)


class Selection(Section):
    """How a sweep of several settings picks one."""

    holdout: Annotated[float, Field(gt=0, lt=1)]
    """Share of the training images that is held out to choose on; nothing is held out without a sweep."""


class TrainedSelection(Selection):
    """How a sweep picks among probes that are trained by steps."""

    refit: bool = False
    """Whether the probes that are scored are trained on all training images, beside others, without the held-out ones,
    that only choose. Without it, the probes that choose are scored."""
