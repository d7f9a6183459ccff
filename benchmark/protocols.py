"""Protocols: named, versioned configs under ``configs/<benchmark>/<protocol>.py``, read strictly.

A protocol is data. Every key of a config file is a field of one of the models below, and every field is read by the
code that runs the benchmark: a key nobody knows is an error, so is a missing one. ``key=value`` overrides replace
single fields. The fingerprint is a hash of all fields, so that two results are comparable exactly when theirs agree.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    model_validator,
)

from benchmark.backbones.structure import BackboneOptions
from benchmark.errors import ProtocolError, UsageError, did_you_mean
from benchmark.listing import CONFIGS, protocol_names

Share = Annotated[float, Field(ge=0, le=1)]
NotNegative = Annotated[float, Field(ge=0)]


def _ordered(values: tuple[float, float]) -> tuple[float, float]:
    if values[0] > values[1]:
        raise ValueError("the lower end comes first")
    return values


Range = Annotated[tuple[NotNegative, NotNegative], AfterValidator(_ordered)]


class Section(BaseModel):
    """Immutable; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


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


class Head(Section):
    """The probe's layers."""

    dropout: Share
    """Share of whole channels dropped in training."""


class Probes(Section):
    """The sweep: every (lr, weight decay, seed) is a head of its own on the same backbone pass."""

    lr: tuple[PositiveFloat, ...] = Field(min_length=1)
    """Peak learning rates."""

    weight_decay: tuple[NotNegative, ...] = Field(min_length=1)
    """Weight decays."""

    seeds: PositiveInt
    """Heads per (lr, weight decay), which differ in their initial weights; the score is their mean."""


class Optimizer(Section):
    """AdamW."""

    betas: tuple[Annotated[float, Field(ge=0, lt=1)], Annotated[float, Field(ge=0, lt=1)]]
    """Decay rates of the two moments."""

    clip_norm: PositiveFloat | None
    """Largest gradient norm of one probe, or None."""


class Schedule(Section):
    """The factor on the learning rate at update t of T, a product of decay and warm-up."""

    decay: Literal["linear", "cosine"]
    """After warm-up: ``1 - t/T``, or ``(1 + cos(pi (t + 1) / T)) / 2``; during it always the linear one."""

    warmup: Share
    """Warm-up length W as a share of T."""

    warmup_ratio: PositiveFloat
    """Factor at t = 0; it rises linearly to 1 at t = W."""

    first_update_twice: bool
    """Whether t stays 0 for the first two iterations, as in code that steps its scheduler from iteration 1 on."""


class DepthSchedule(Section):
    """The factor on the learning rate, and the decay rate of the first moment, at update t of T in depth training."""

    decay: Literal["mmcv", "dinov3"]
    """Cosine from 1 to ``floor``, and how the warm-up enters it (see ``benchmark.probing.schedules``)."""

    warmup: Share
    """Warm-up length W as a share of T."""

    warmup_ratio: PositiveFloat
    """Factor at t = 0."""

    floor: Share
    """Factor at the end."""

    beta1: Literal["one_cycle", "zero_in_warmup"] | Annotated[float, Field(ge=0, lt=1)]
    """0.95 to 0.85 at 0.3 T and back; or 0 in warm-up and then 0.85 to 0.95; or a constant."""


class Selection(Section):
    """How a sweep of several (lr, weight decay) picks one."""

    holdout: Annotated[float, Field(gt=0, lt=1)]
    """Share of the training images that is held out to choose on; nothing is held out without a sweep."""


class Resize(Section):
    """Aspect-preserving resize of an image into a box."""

    short: PositiveInt
    """Largest short side, pixels."""

    long: PositiveInt | None
    """Largest long side, pixels; None leaves it free."""

    filter: Literal["cv2", "pillow"]
    """Bilinear without (cv2) or with (pillow) antialiasing. Labels are nearest, never antialiased."""


class SegmentationTrain(Section):
    """Training images and their augmentation, in the order it is applied."""

    iterations: PositiveInt
    """Updates T."""

    batch_size: PositiveInt
    """Images per update, over all devices together."""

    resize: Resize
    """Box before the random factor."""

    scale: Annotated[tuple[PositiveFloat, PositiveFloat], AfterValidator(_ordered)]
    """The box is multiplied by a factor drawn uniformly from here."""

    crop: PositiveInt
    """Side of the random square crop, pixels; smaller images are padded right and below."""

    max_class_share: Share
    """A crop in which one class covers more of the labelled pixels is drawn again, up to ten times."""

    flip: Share
    """Probability of a horizontal flip."""

    brightness: Annotated[int, Field(ge=0, le=255)]
    """Largest shift of the grey values, of 255."""

    contrast: Range
    """Contrast factors."""

    saturation: Range
    """Saturation factors."""

    hue: Annotated[int, Field(ge=1, le=90)]
    """Largest hue shift in units of 2 degrees (180 make the circle)."""


class SegmentationTest(Section):
    """Sliding-window inference."""

    resize: Resize
    """Size of the image the windows slide over; labels keep their own size, at which everything is scored."""

    window: PositiveInt
    """Window side, pixels."""

    stride: PositiveInt
    """Distance between windows, pixels; the last one is pushed back inside."""

    crop_padding: bool
    """Whether the padding up to whole patches is cut off again before logits are resized to the window."""

    @model_validator(mode="after")
    def _leave_no_gaps(self) -> SegmentationTest:
        if self.stride > self.window:
            raise ValueError(f"windows of {self.window} pixels every {self.stride} would leave gaps")
        return self


class SegmentationLoss(Section):
    """Cross-entropy at the labels' resolution."""

    average: Literal["all", "labelled"]
    """Divide by all pixels, ignored ones too, or by the labelled ones."""


class SegmentationProtocol(Section):
    """Linear segmentation on frozen patch tokens."""

    family: str
    """Whose protocol this is; rows of the leaderboard are checkpoint x family."""

    version: int
    """Raised whenever a change in code or config changes its results."""

    backbone: BackboneOptions
    """What the checkpoint's keys do not tell."""

    data: Data
    features: Features
    head: Head
    probes: Probes
    train: SegmentationTrain
    loss: SegmentationLoss
    optimizer: Optimizer
    schedule: Schedule
    selection: Selection
    test: SegmentationTest


@dataclass(frozen=True)
class Protocol:
    """A protocol as it will run."""

    benchmark: str
    """Benchmark it belongs to."""

    name: str
    """Name of the config."""

    overrides: tuple[str, ...]
    """``key=value`` replacements, sorted."""

    settings: SegmentationProtocol
    """All fields."""

    @property
    def fields(self) -> dict[str, Any]:
        """All fields as plain JSON values."""
        return self.settings.model_dump(mode="json")

    @property
    def fingerprint(self) -> str:
        """Hash of the benchmark and all fields, 16 hexadecimal digits."""
        text = json.dumps({"benchmark": self.benchmark, **self.fields}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def load_protocol(benchmark: str, name: str, overrides: Sequence[str] = ()) -> Protocol:
    """Reads a protocol and applies ``key=value`` overrides.

    Args:
        benchmark: Benchmark name.
        name: A protocol of ``configs/<benchmark>/``, or the path of a config file ending in ``.py``.
        overrides: For example ``train.iterations=20`` or ``probes.lr=[1e-3,1e-4]``; values are JSON, or bare text.

    Raises:
        UsageError: No such protocol, or an override of a field that does not exist.
        ProtocolError: The file is no config, or a value is of the wrong kind.
    """
    from mmengine.config import Config

    path = Path(name) if name.endswith(".py") else CONFIGS / benchmark / f"{name}.py"
    if not path.is_file():
        known = protocol_names(benchmark)
        raise UsageError(f"{benchmark} has no protocol {name!r}{did_you_mean(name, known)}; known: {', '.join(known)}")
    try:
        fields = Config.fromfile(path, import_custom_modules=False).to_dict()
    except Exception as error:  # a config is code and can fail in any way
        raise ProtocolError(f"{path} cannot be read as a config: {type(error).__name__}: {error}") from error
    keys = [override.partition("=")[0] for override in overrides]
    twice = next((key for key in keys if keys.count(key) > 1), None)
    if twice:
        raise UsageError(f"{twice} is given twice")
    for override in overrides:
        _replace(fields, override)
    try:
        settings = SegmentationProtocol.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ProtocolError(f"protocol {path.stem!r} of {benchmark}: {where}: {first['msg']}") from error
    return Protocol(benchmark, path.stem, tuple(sorted(overrides)), settings)


def _replace(fields: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals:
        raise UsageError(f"{override!r} is no override; write key=value, for example train.iterations=20")
    *parents, last = key.split(".")
    section: Any = fields
    for parent in parents:
        section = section.get(parent) if isinstance(section, Mapping) else None
    if not isinstance(section, dict) or last not in section:
        known = list(_leaves(fields))
        raise UsageError(f"no protocol field {key!r}{did_you_mean(key, known)}; fields: {', '.join(known)}")
    try:
        section[last] = json.loads(text)
    except json.JSONDecodeError:
        section[last] = None if text == "None" else text


def _leaves(fields: Mapping[str, Any], prefix: str = "") -> list[str]:
    names = []
    for key, value in fields.items():
        names += _leaves(value, f"{prefix}{key}.") if isinstance(value, Mapping) else [f"{prefix}{key}"]
    return names
