"""Recipes: configs under ``configs/pretraining/``, read strictly. Rates are not scaled by the batch size."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from benchmark.configs import CONFIGS
from benchmark.errors import UsageError, did_you_mean
from benchmark.protocols.read_settings import read_settings
from benchmark.protocols.sections import NotNegative, Range, Section, Share

BelowOne = Annotated[float, Field(ge=0, lt=1)]
Factor = Annotated[float, Field(gt=0, le=1)]


class Model(Section):
    """What is trained, beside size and specialisation."""

    patch_size: PositiveInt
    """Pixels."""

    layer_scale: NotNegative
    """First value of LayerScale; 0 leaves it out."""

    drop_path: BelowOne
    """Share of residual branches dropped per image, the same in every block."""


class OptimizerSettings(Section):
    """AdamW or LAMB; cosine from the peak after a linear warm-up."""

    name: Literal["adamw", "lamb"]
    lr: PositiveFloat
    """Peak learning rate at ``train.batch_size``."""

    final_lr: NotNegative
    """Learning rate at the last step."""

    warmup: Share
    """Share of the steps in which the learning rate rises from 0."""

    layer_decay: Factor
    """Factor of the learning rate from each block to the one before it; patch embedding, positions, [CLS], registers
    and mask token come before the first. 1 is the same rate everywhere."""

    patch_embed_lr: Factor
    """One more factor of the patch embedding's learning rate."""

    weight_decay: tuple[NotNegative, NotNegative]
    """First and last value, a cosine between them. Biases, norms and LayerScale never decay."""

    decay_tokens: bool
    """Whether tokens do: [CLS], registers, positions, mask token and attention bias tokens."""

    betas: tuple[BelowOne, BelowOne]
    eps: PositiveFloat
    """Added to the root of the second moment."""

    clip_norm: PositiveFloat | None
    """Largest norm of the gradients: ``supervised`` takes all together, ``dino`` the backbone's and each head's."""


class Train(Section):
    """How long and how much at a time."""

    steps: PositiveInt
    batch_size: PositiveInt
    """Images per step, over all processes."""

    precision: Literal["float32", "bfloat16"]
    """Arithmetic (autocast); losses are float32."""

    checkpoint_every: PositiveInt | None
    """Steps between checkpoints ``NAME@STEP``; None writes the final one only."""

    log_every: PositiveInt
    """Steps between two lines of the log."""


class ThreeAugment(Section):
    """Greyscale, solarisation or blur, one of them; then colour jitter (arXiv 2204.07118)."""

    size: PositiveInt
    """Side of the training images, pixels."""

    scale: Range | None
    """Share of the area that is cut out and resized; None is the simple random crop of the resized image."""

    one_of_three: Share
    """Share of images to which one of the three is done."""

    jitter: Share
    """Strength of brightness, contrast and saturation jitter."""

    flip: Share


class Mixing(Section):
    """Mixup and CutMix, one of them for each image; see ``supervised.mix``."""

    mixup: NotNegative
    """Both parameters of the Beta distribution the share is drawn from; 0 is no Mixup."""

    cutmix: NotNegative
    """Likewise of CutMix."""

    draws: PositiveInt
    """Draws for a batch, which its images take in turn, however many processes share it."""

    @property
    def mixes(self) -> bool:
        """Whether images are mixed at all."""
        return self.mixup > 0 or self.cutmix > 0


class Crops(Section):
    """Crops of one kind."""

    size: PositiveInt
    """Pixels."""

    scale: Range
    """Share of the area."""


class GlobalCrops(Crops):
    """The two crops that the teacher sees too."""

    blur: tuple[Share, Share]
    """Share of the first, and of the second crops that are blurred."""

    solarise: tuple[Share, Share]
    """Likewise of those whose bright half is inverted."""


class LocalCrops(Crops):
    """Crops that only the student sees."""

    count: NonNegativeInt

    blur: Share
    """Share of them that are blurred."""


class Colours(Section):
    """What is done to the colours of every crop before it is blurred."""

    jitter: Share
    """Share of crops with changed brightness, contrast, saturation and hue."""

    brightness: Share
    """A factor within 1 ± this."""

    contrast: Share
    saturation: Share

    hue: Annotated[float, Field(ge=0, le=0.5)]
    """Largest turn, either way; 1 is the whole circle."""

    grey: Share
    """Share of crops without colour."""


class Masks(Section):
    """Patches hidden from the student, in blocks."""

    probability: Share
    """Share of global crops with hidden patches."""

    ratio: tuple[BelowOne, BelowOne]
    """Share of the patches hidden in them, drawn evenly."""


class Heads(Section):
    """The two projection heads, one for [CLS] and one for patches."""

    prototypes: PositiveInt
    hidden: PositiveInt
    bottleneck: PositiveInt
    frozen_steps: NonNegativeInt
    """First steps in which the prototypes and their lengths stay as they are."""


class Teacher(Section):
    """The moving average of the student, and how its outputs are sharpened and balanced."""

    momentum: tuple[Share, Share]
    """First and last value, a cosine between them."""

    temperature: tuple[PositiveFloat, PositiveFloat]
    """First value, and the one after the warm-up."""

    temperature_warmup: Share
    """Share of the steps in which the temperature changes, linearly."""

    centering: Literal["centering", "sinkhorn"]

    center_momentum: Share
    """Of the moving average that ``centering`` subtracts."""


class Losses(Section):
    """Weights of the losses."""

    dino: NotNegative
    ibot: NotNegative
    koleo: NotNegative


class _Recipe(Section):
    version: PositiveInt
    """Raised whenever a change in code or config changes what is trained."""

    model: Model
    optimizer: OptimizerSettings
    train: Train


class SupervisedRecipe(_Recipe):
    """After DeiT-III (arXiv 2204.07118); docs/pretraining.md lists what differs."""

    method: Literal["supervised"]
    augment: ThreeAugment
    mixing: Mixing

    @property
    def image_size(self) -> int:
        """Side of the images the position grid is made for, pixels."""
        return self.augment.size


class DinoRecipe(_Recipe):
    """After DINOv2 (arXiv 2304.07193); docs/pretraining.md lists what differs."""

    method: Literal["dino"]
    global_crops: GlobalCrops
    local_crops: LocalCrops
    colours: Colours
    masks: Masks
    heads: Heads
    teacher: Teacher
    losses: Losses
    student_temperature: PositiveFloat

    @property
    def image_size(self) -> int:
        """Side of the images the position grid is made for, pixels."""
        return self.global_crops.size


Recipe = SupervisedRecipe | DinoRecipe


def load_recipe(name: str, overrides: Sequence[str] = ()) -> Recipe:
    """Reads a recipe and applies ``key=value`` overrides.

    Args:
        name: A recipe of ``configs/pretraining/``, or the path of a config file ending in ``.py``.
        overrides: As of protocols: ``train.steps=1000``.

    Raises:
        UsageError: No such recipe, or an override of a field that does not exist.
        ProtocolError: The file is not a config, or a value is missing or of the wrong kind.
    """
    path = Path(name) if name.endswith(".py") else CONFIGS / "pretraining" / f"{name}.py"
    if not path.is_file():
        known = sorted(path.stem for path in (CONFIGS / "pretraining").glob("*.py"))
        raise UsageError(f"no recipe {name!r}{did_you_mean(name, known)}; known: {', '.join(known)}")
    chosen = Annotated[Recipe, Field(discriminator="method")]
    return read_settings(path, chosen, overrides, kind="recipe", what=f"recipe {path.stem!r}")
