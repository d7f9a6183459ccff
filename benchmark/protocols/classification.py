"""Image classification on frozen tokens: the fields of kNN, linear and logistic-regression protocols."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, PositiveFloat, PositiveInt, model_validator

from benchmark.protocols.sections import (
    Data,
    Length,
    NotNegative,
    Precision,
    ProtocolSettings,
    Section,
    Selection,
    Share,
    TrainedSelection,
    ordered,
)

PooledInput = Literal["cls", "cls+mean"]


class ImageView(Section):
    """The one view of an image that is scored, and that stored features are of."""

    resize: Length
    """Short side after the resize."""

    crop: Length
    """Side of the square cut from the centre."""

    filter: Literal["bicubic", "bilinear"]
    """Pillow's filter, antialiased."""

    @model_validator(mode="after")
    def _crop_fits(self) -> ImageView:
        if isinstance(self.crop, int) and isinstance(self.resize, int) and self.crop > self.resize:
            raise ValueError(f"a crop of {self.crop} does not fit into a short side of {self.resize}")
        return self


class StoredFeatures(Section):
    """What the backbone gives, once per image, and how it is kept."""

    norm: bool
    """Whether the final LayerNorm is applied."""

    precision: Precision
    """Arithmetic of the backbone (autocast)."""

    dtype: Literal["float32", "float16", "bfloat16"]
    """Number format of the feature store."""


class FewShotData(Data):
    """Which images, and how many of them a few-shot run keeps."""

    n_per_class: PositiveInt | None
    """Training images drawn of each class; None takes all."""

    tries: PositiveInt
    """Draws of a few-shot run, the scores of which are averaged; draw t is seeded with t."""

    @model_validator(mode="after")
    def _draws_differ(self) -> FewShotData:
        if self.n_per_class is None and self.tries > 1:
            raise ValueError("data.tries counts draws of data.n_per_class images; there is nothing to draw")
        return self


class Neighbours(Section):
    """Weighted vote of the nearest training images by cosine similarity."""

    k: Annotated[tuple[PositiveInt, ...], Field(min_length=1)]
    """Numbers of neighbours; all are scored, one is chosen as `Selection` says."""

    temperature: PositiveFloat
    """Weights are exp(similarity / temperature)."""


class KnnProtocol(ProtocolSettings):
    """kNN on the last block's [CLS]."""

    data: FewShotData
    features: StoredFeatures
    view: ImageView
    knn: Neighbours
    selection: Selection


class LinearSweep(Section):
    """The sweep: every (block count, input, lr, weight decay) is a head of its own on the same backbone pass."""

    lr: Annotated[tuple[PositiveFloat, ...], Field(min_length=1)]
    """Peak learning rates for a batch of ``lr_batch`` images; they are multiplied by train.batch_size / lr_batch."""

    lr_batch: PositiveInt
    """See ``lr``."""

    weight_decay: Annotated[tuple[NotNegative, ...], Field(min_length=1)]
    """Weight decays, added to the gradient."""

    blocks: Annotated[tuple[PositiveInt, ...], Field(min_length=1)]
    """How many of the last blocks give their [CLS], concatenated."""

    inputs: Annotated[tuple[PooledInput, ...], Field(min_length=1)]
    """[CLS] alone, or with the mean of the last block's patch tokens appended."""


class LinearTrain(Section):
    """Training images and their augmentation."""

    iterations: PositiveInt
    """Updates T."""

    batch_size: PositiveInt
    """Images per update, over all devices together."""

    source: Literal["online", "stored"]
    """Augmented anew and encoded at every update, or the stored features of the one unaugmented view."""

    crop: Length
    """Side of the crop; it and what follows are for "online"."""

    scale: Annotated[tuple[PositiveFloat, PositiveFloat], AfterValidator(ordered)]
    """Share of the image's area a crop covers."""

    ratio: Annotated[tuple[PositiveFloat, PositiveFloat], AfterValidator(ordered)]
    """Width over height of the part that is resized to the crop, drawn log-uniformly."""

    filter: Literal["bicubic", "bilinear"]
    """Pillow's filter, antialiased."""

    flip: Share
    """Probability of a horizontal flip."""


class Momentum(Section):
    """SGD; the learning rate follows half a cosine to 0."""

    momentum: Annotated[float, Field(ge=0, lt=1)]
    """Decay rate of the summed gradients."""


class LinearProtocol(ProtocolSettings):
    """A linear layer on [CLS] and mean patch tokens."""

    data: Data
    features: StoredFeatures
    view: ImageView
    probes: LinearSweep
    train: LinearTrain
    optimizer: Momentum
    selection: TrainedSelection

    @property
    def candidates(self) -> int:
        """Settings that a sweep chooses among."""
        given = self.probes
        return len(given.lr) * len(given.weight_decay) * len(given.blocks) * len(given.inputs)


class Regression(Section):
    """Minimises |w|^2 / 2 + C sum(cross-entropy) by L-BFGS; the intercept is free."""

    c_exponents: Annotated[tuple[float, float], AfterValidator(ordered)]
    """C runs from 10^low to 10^high, evenly in the exponent."""

    c_count: PositiveInt
    """How many."""

    max_iterations: PositiveInt
    """L-BFGS steps of one C."""

    tolerance: PositiveFloat
    """Largest entry of the gradient, divided by C times the number of images, at which it has converged."""


class LogregProtocol(ProtocolSettings):
    """Logistic regression on the last block's [CLS]."""

    data: FewShotData
    features: StoredFeatures
    view: ImageView
    regression: Regression
    selection: Selection


ClassificationProtocol = KnnProtocol | LinearProtocol | LogregProtocol
