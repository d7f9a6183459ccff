"""Linear segmentation: the fields of its protocols."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, PositiveFloat, PositiveInt, model_validator

from benchmark.protocols.sections import (
    Data,
    Features,
    Length,
    Probes,
    ProtocolSettings,
    Range,
    Section,
    Share,
    StoredViews,
    TrainedSelection,
    ordered,
)


class Head(Section):
    """The probe's layers."""

    dropout: Share
    """Share of whole channels dropped in training."""


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


class Resize(Section):
    """Aspect-preserving resize of an image into a box."""

    short: Length
    """Largest short side."""

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

    stored: StoredViews | None = None
    """None augments and encodes images anew at every step; else as many fixed views are encoded once."""

    resize: Resize
    """Box before the random factor."""

    scale: Annotated[tuple[PositiveFloat, PositiveFloat], AfterValidator(ordered)]
    """The box is multiplied by a factor drawn uniformly from here."""

    crop: Length
    """Side of the random square crop; smaller images are padded right and below."""

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

    photometric: Literal["mmseg", "torchvision"] = "mmseg"
    """Whose arithmetic changes saturation and hue: mmsegmentation's, which scales S and shifts H by whole units in HSV
    of 8 bits, or torchvision's, which blends with grey and shifts the hue by a real number."""


class WindowShare(Section):
    """A length as a share of the window, rounded down: 2/3 of 512 pixels are 341."""

    of_window: Annotated[float, Field(gt=0, le=1)]


class SegmentationTest(Section):
    """Sliding-window inference."""

    resize: Resize
    """Size of the image the windows slide over; labels keep their own size, at which everything is scored."""

    window: Length
    """Window side."""

    stride: PositiveInt | WindowShare
    """Distance between windows, pixels or a share of the window; the last one is pushed back inside."""

    crop_padding: bool
    """Whether the padding up to whole patches is cut off again before logits are resized to the window."""

    def in_pixels(self, patch_size: int) -> Self:
        """Returns this section with every length in pixels, the stride after the window."""
        found = super().in_pixels(patch_size)
        if isinstance(found.stride, WindowShare):
            found = found.model_copy(update={"stride": int(found.stride.of_window * found.window)})
        return found

    @model_validator(mode="after")
    def _leave_no_gaps(self) -> SegmentationTest:
        if isinstance(self.stride, int) and isinstance(self.window, int) and self.stride > self.window:
            raise ValueError(f"windows of {self.window} pixels every {self.stride} would leave gaps")
        return self


class SegmentationLoss(Section):
    """Cross-entropy at the labels' resolution."""

    average: Literal["all", "labelled"]
    """Divide by all pixels, ignored ones too, or by the labelled ones."""


class SegmentationProtocol(ProtocolSettings):
    """Linear segmentation on frozen patch tokens."""

    data: Data
    features: Features
    head: Head
    probes: Probes
    train: SegmentationTrain
    loss: SegmentationLoss
    optimizer: Optimizer
    schedule: Schedule
    selection: TrainedSelection
    test: SegmentationTest

    @property
    def candidates(self) -> int:
        """Settings that a sweep chooses among."""
        return self.probes.candidates
