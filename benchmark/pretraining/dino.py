"""The self-supervised objective, after DINOv2: DINO on [CLS], iBOT on hidden patches, KoLeo, an averaged teacher."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmark.backbones import VisionTransformer
from benchmark.backbones.pos_embed import interpolate_pos_embed
from benchmark.distributed import World
from benchmark.pretraining.losses import centred, dino_loss, ibot_loss, koleo_loss, moved_center, sinkhorn
from benchmark.pretraining.optimizer import Trained, cosine
from benchmark.pretraining.recipe import DinoRecipe, Heads


class ProjectionHead(nn.Module):
    """Three linear layers with GELU, a unit vector, and its products with prototypes of a learned length, at first 1.

    Source: facebookresearch/dinov2 ``layers/dino_head.py``. Prototypes are drawn as ``nn.Linear`` draws its weights:
    there they are made after the other layers are initialised (lines 26-28).
    """

    def __init__(self, width: int, settings: Heads, generator: torch.Generator) -> None:
        super().__init__()
        widths = (width, settings.hidden, settings.hidden, settings.bottleneck)
        self.layers = nn.ModuleList(nn.Linear(*pair) for pair in itertools.pairwise(widths))
        self.prototypes = nn.Parameter(torch.empty(settings.prototypes, settings.bottleneck))
        self.lengths = nn.Parameter(torch.ones(settings.prototypes, 1))
        for layer in self.layers:
            nn.init.trunc_normal_(layer.weight, std=0.02, generator=generator)
            nn.init.zeros_(layer.bias)
        bound = settings.bottleneck**-0.5
        nn.init.uniform_(self.prototypes, -bound, bound, generator=generator)

    def forward(self, tokens: Tensor) -> Tensor:
        """Maps (..., D) to logits (..., K), which are float32 whatever autocast says.

        They are divided by temperatures as low as 0.04: rounded to bfloat16, they would move a target by five percent.
        """
        first, second, last = self.layers
        bottleneck = last(F.gelu(second(F.gelu(first(tokens)))))
        with torch.autocast(tokens.device.type, enabled=False):
            directions = F.normalize(bottleneck.float(), dim=-1, eps=1e-6)
            return F.linear(directions, self.lengths * F.normalize(self.prototypes, dim=-1))


class DinoLearner(nn.Module):
    """Student, teacher and centres. Checkpoints hold the teacher.

    Args:
        vit: The student's backbone.
        recipe: All settings.
        seed: Seed of the heads.
        world: The processes that share a batch.
    """

    def __init__(self, vit: VisionTransformer, recipe: DinoRecipe, seed: int, world: World) -> None:
        super().__init__()
        width, generator = vit.spec.embed_dim, torch.Generator().manual_seed(seed)
        heads = {name: ProjectionHead(width, recipe.heads, generator) for name in ("cls", "patch")}
        self.student = nn.ModuleDict({"vit": vit, **heads})
        self.teacher = copy.deepcopy(self.student).requires_grad_(False)
        self.mask_token = nn.Parameter(torch.zeros(1, width))
        for name in heads:
            self.register_buffer(f"{name}_center", torch.zeros(recipe.heads.prototypes))
        self.recipe, self.world = recipe, world

    def train(self, mode: bool = True) -> DinoLearner:
        """Sets the student's mode; the teacher drops no paths."""
        super().train(mode)
        self.teacher.eval()
        return self

    @property
    def backbone(self) -> VisionTransformer:
        """What checkpoints hold."""
        return self.teacher["vit"]

    def trained(self) -> Iterator[Trained]:
        """Yields the student's parameters: backbone and heads are clipped apart, and prototypes rest at first.

        Source: facebookresearch/dinov2 ``train/train.py``, lines 98-100 and 252-253.
        """
        for part, module in self.student.items():
            for name, parameter in module.named_parameters():
                rests = part != "vit" and name in ("prototypes", "lengths")
                yield Trained(name, parameter, part, self.recipe.heads.frozen_steps if rests else 0)
        yield Trained("mask_token", self.mask_token, "vit")

    def forward(self, batch: Sequence[Tensor], step: int) -> dict[str, Tensor]:
        """Returns the weighted sum ``loss`` and its parts; ``batch`` is ``Views``, each (views, B, ...)."""
        weights, temperature = self.recipe.losses, self.recipe.student_temperature
        large, small, masks = batch
        views, large, masks = len(large), large.flatten(0, 1), masks.flatten(0, 1)
        with torch.no_grad():
            [seen] = self.teacher["vit"].tokens(large)
            targets = self._balanced("cls", self.teacher["cls"](seen.cls), step).unflatten(0, (views, -1))
            patch_targets = self._balanced("patch", self.teacher["patch"](seen.patches[masks]), step)
        cls, patches = masked_tokens(self.student["vit"], large, masks, self.mask_token)
        guesses = self.student["cls"](cls).unflatten(0, (views, -1))
        if len(small):
            of_small = self.student["cls"](self.student["vit"](small.flatten(0, 1)))
            guesses = torch.cat((guesses, of_small.unflatten(0, (len(small), -1))))
        patch_guesses = self.student["patch"](patches[masks])
        parts = {
            "dino": dino_loss(guesses, targets, temperature),
            "ibot": ibot_loss(patch_guesses, patch_targets, masks, temperature),
            "koleo": sum(koleo_loss(view) for view in cls.chunk(views)),
        }
        return {"loss": sum(getattr(weights, name) * part for name, part in parts.items()), **parts}

    def update(self, step: int) -> None:
        """Moves the teacher towards the student."""
        momentum = cosine(*self.recipe.teacher.momentum, step / max(self.recipe.train.steps - 1, 1))
        move_average(list(self.teacher.parameters()), list(self.student.parameters()), momentum)

    def _balanced(self, name: str, logits: Tensor, step: int) -> Tensor:
        """Turns the teacher's logits (n, K) into targets; a centre follows after its use."""
        settings = self.recipe.teacher
        temperature = teacher_temperature(step, self.recipe)
        if settings.centering == "sinkhorn":
            return sinkhorn(logits, temperature, self.world)
        center = getattr(self, f"{name}_center")
        targets = centred(logits, center, temperature)
        center.copy_(moved_center(center, logits, settings.center_momentum, self.world))
        return targets


def masked_tokens(vit: VisionTransformer, images: Tensor, masks: Tensor, mask_token: Tensor) -> tuple[Tensor, Tensor]:
    """Returns normalised [CLS] (B, D) and patches (B, N, D) with a learned token in place of hidden patches.

    Hidden patches keep their position embedding, as in DINOv2's ``prepare_tokens_with_masks``.
    """
    sequence, grid = vit.embed(images)
    first = 1 + vit.spec.num_registers
    positions = interpolate_pos_embed(vit.pos_embed, grid, vit.spec.position_interpolation, stored=vit.spec.grid)[:, 1:]
    patches = torch.where(masks[..., None], mask_token + positions, sequence[:, first:])
    sequence = torch.cat((sequence[:, :first], patches.to(sequence.dtype)), dim=1)
    for block in vit.blocks:
        sequence = block(sequence)
    sequence = vit.norm(sequence)
    return sequence[:, 0], sequence[:, first:]


def teacher_temperature(step: int, recipe: DinoRecipe) -> float:
    """Returns the teacher's temperature at ``step``: linear from the first value to the second, then constant."""
    first, last = recipe.teacher.temperature
    warmup = round(recipe.teacher.temperature_warmup * recipe.train.steps)
    return last if step >= warmup else first + (last - first) * step / warmup


@torch.no_grad()
def move_average(average: list[Tensor], current: list[Tensor], momentum: float) -> None:
    """Sets each tensor to ``momentum * average + (1 - momentum) * current``."""
    torch._foreach_lerp_(average, current, 1 - momentum)
