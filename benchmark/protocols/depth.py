"""Linear depth: the fields of its protocols.

In the formulas t counts updates from 0, T is ``train.iterations`` and W is ``schedule.warmup * T``.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, PositiveFloat, PositiveInt, model_validator

from benchmark.errors import ProtocolError
from benchmark.protocols.sections import (
    Data,
    Features,
    NotNegative,
    Probes,
    ProtocolSettings,
    Range,
    Section,
    Share,
    StoredViews,
    TrainedSelection,
)

NamedLayers = Literal["dinov2-four", "even-four"]
Beta = Annotated[float, Field(ge=0, lt=1)]
Size = tuple[PositiveInt, PositiveInt]


def resolve_layers(layers: tuple[int, ...] | NamedLayers, depth: int) -> tuple[int, ...]:
    """Turns the name of a choice of blocks into block numbers, from 0, for a backbone of ``depth`` blocks.

    "even-four" is the last block of each quarter. "dinov2-four" is the same but for 24 blocks, where DINOv2's ViT-L
    has 4, 11, 17, 23 (facebookresearch/dinov2 ``hub/depthers.py``, and DINOv3 after it).

    Raises:
        ProtocolError: A backbone of fewer than four blocks.
    """
    if not isinstance(layers, str):
        return layers
    if depth < 4:
        raise ProtocolError(f"features.layers={layers} needs four blocks, the backbone has {depth}; name its blocks")
    four = tuple(depth * quarter // 4 - 1 for quarter in (1, 2, 3, 4))
    return (4, *four[1:]) if layers == "dinov2-four" and depth == 24 else four


def _increasing(values: tuple[float, float]) -> tuple[float, float]:
    if values[0] >= values[1]:
        raise ValueError("the nearest depth comes first")
    return values


class DepthData(Data):
    """Which images, and which depths count."""

    trained_on: str
    """Dataset whose split ``train`` is; another than the benchmark's own makes the score a zero-shot one."""

    depth_range: Annotated[tuple[PositiveFloat, PositiveFloat], AfterValidator(_increasing)]
    """Metres. The bins span it, predictions are clamped to it, ground truth strictly inside it is scored."""


class DepthFeatures(Features):
    """What the probes see."""

    layers: Annotated[tuple[int, ...], Field(min_length=1)] | NamedLayers
    """Blocks, from 0, negatives from the end, or a choice that follows the backbone's depth (`resolve_layers`)."""

    with_cls: bool
    """Whether each block's [CLS] is broadcast and concatenated to its patch tokens: 2D channels per block."""

    def resolved(self, depth: int) -> Self:
        """Returns these settings with numbered blocks; raises ProtocolError where there are too few."""
        return self.model_copy(update={"layers": resolve_layers(self.layers, depth)})


class DepthHead(Section):
    """A 1x1 convolution to one logit per depth bin; the depth is the mean of the bins weighted by relu(logit) + 0.1."""

    bins: Annotated[int, Field(ge=2)]
    """Bins, evenly spaced over the depth range with both ends included."""

    batch_norm: bool
    """Whether a (synchronised) batch norm stands before the convolution; only without [CLS], as in the sources."""

    upsample: PositiveInt
    """Bilinear enlargement of the features before the convolution."""

    init: Literal["pytorch", "normal"]
    """First weights: PyTorch's default for a convolution, or N(0, 0.01) with bias 0."""


class DepthLoss(Section):
    """SigLoss: sqrt(var(g) + w mean(g)^2) with g = log(prediction + e) - log(target + e) where there is a target."""

    group: PositiveInt
    """Images whose pixels share one mean and variance; the loss is the mean over the groups of a batch."""

    mean_weight: NotNegative
    """w."""

    epsilon: PositiveFloat
    """e, metres."""

    warmup_iterations: Annotated[int, Field(ge=0)]
    """First updates whose loss leaves the variance out."""

    gradient_weight: NotNegative
    """Weight of a loss on differences of g between neighbours two pixels apart, at strides 1, 2, 4 and 6."""


class DepthMomentum(Section):
    """AdamW's first decay rate; between two values it follows half a cosine."""

    schedule: Literal["constant", "one_cycle", "after_warmup"]
    """``high`` throughout; from ``high`` to ``low`` and back; or 0 for t < W, then from ``low`` to ``high``."""

    low: Beta
    """The lower value."""

    high: Beta
    """The higher value."""

    turn: Annotated[float, Field(gt=0, lt=1)]
    """Share of T at whose end "one_cycle" is at its lower value: at t = turn T - 1, and high again at T - 1."""


class DepthOptimizer(Section):
    """AdamW."""

    beta1: DepthMomentum

    beta2: Beta
    """Decay rate of the second moment."""

    clip_norm: PositiveFloat | None
    """Largest gradient norm of one probe, or None."""


class DepthSchedule(Section):
    """The factor on the learning rate, with c(x) = (1 + cos(pi x)) / 2, r the warm-up ratio and f the floor."""

    decay: Literal["cosine", "one_cycle"]
    """How decay and warm-up go together.

    "cosine" (mmcv 1.5's CosineAnnealing): f + (1 - f) c(t/T), times 1 - (1 - t/W)(1 - r) for t < W.
    "one_cycle" (DINOv3's WarmupOneCycleLR): r + c(t/T) t/W for t < W, then f + (1 - f) c((t + 1)/T).
    """

    warmup: Share
    """W as a share of T."""

    warmup_ratio: PositiveFloat
    """r: the factor at t = 0."""

    floor: Share
    """f: the factor at the end."""


class FixedCrop(Section):
    """The same part of every image, cut from image and depth alike."""

    top: Annotated[int, Field(ge=0)] | Literal["bottom"]
    """First row, or "bottom" for the lowest rows."""

    left: Annotated[int, Field(ge=0)] | Literal["centre"]
    """First column, or "centre" for the middle ones (the odd pixel stays right)."""

    height: PositiveInt
    """Rows."""

    width: PositiveInt
    """Columns."""


class DepthTrain(Section):
    """Training images and their augmentation, in the order it is applied."""

    iterations: PositiveInt
    """Updates T."""

    batch_size: PositiveInt
    """Images per update, over all devices together."""

    stored: StoredViews | None = None
    """None augments and encodes images anew at every step; else as many fixed views are encoded once."""

    fixed_crop: FixedCrop | None
    """Cut first; None takes the whole image."""

    rotate: Annotated[float, Field(ge=0, le=180)]
    """Largest rotation about the image's centre, degrees either way; image bilinear, depth nearest, corners empty."""

    rotate_share: Share
    """Probability of a rotation."""

    flip: Share
    """Probability of a horizontal flip."""

    crop: Size
    """Height and width of the random crop, pixels; a smaller image is an error."""

    color_share: Share
    """Probability that colours are changed."""

    gamma: Range
    """Exponents on values of 0 to 255."""

    brightness: Range
    """Factors on all channels together."""

    channel: Range
    """Factors on each channel of its own."""

    @model_validator(mode="after")
    def _crop_fits(self) -> DepthTrain:
        fixed = self.fixed_crop
        if fixed is not None and (self.crop[0] > fixed.height or self.crop[1] > fixed.width):
            raise ValueError(f"crop {self.crop} does not fit into the fixed crop of {fixed.height} x {fixed.width}")
        return self


class DepthTest(Section):
    """Inference on whole images."""

    fixed_crop: FixedCrop | None
    """Part of image and ground truth that exists for the test; None takes the whole image."""

    evaluation_crop: Literal["eigen", "garg", "none"]
    """Part of the ground truth that is scored: rows 45:471 and columns 41:601, Garg's shares of its sides, or all."""

    flip: Literal["none", "before_resize", "after_resize"]
    """Whether depths of the image and its mirror image are averaged, and whether at the head's resolution."""

    clamp: Literal["before_resize", "after_resize"]
    """When predictions are clamped to the depth range; "before" is before flips are averaged too."""

    cap: PositiveFloat | None
    """Metres; predictions beyond are set to it before they are scored. None leaves them."""

    crop_padding: bool
    """Whether the padding up to whole patches is cut off again before depths are resized to the image."""


class DepthProtocol(ProtocolSettings):
    """Linear depth on frozen tokens."""

    data: DepthData
    features: DepthFeatures
    head: DepthHead
    probes: Probes
    train: DepthTrain
    loss: DepthLoss
    optimizer: DepthOptimizer
    schedule: DepthSchedule
    selection: TrainedSelection
    test: DepthTest

    @property
    def candidates(self) -> int:
        """Settings that a sweep chooses among."""
        return self.probes.candidates

    @model_validator(mode="after")
    def _norm_is_for_patches(self) -> DepthProtocol:
        if self.head.batch_norm and self.features.with_cls:
            raise ValueError("head.batch_norm is for patch tokens alone; set features.with_cls=false or the norm off")
        return self

    @model_validator(mode="after")
    def _groups_are_whole(self) -> DepthProtocol:
        if self.train.batch_size % self.loss.group:
            raise ValueError(
                f"train.batch_size={self.train.batch_size} is not a multiple of loss.group={self.loss.group}"
            )
        return self
