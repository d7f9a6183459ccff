"""The self-supervised learner: what the student is shown, who gets gradients, and that its loss is not stuck."""

from __future__ import annotations

import torch

from benchmark.backbones import build_vit
from benchmark.pretraining.augment import Views
from benchmark.pretraining.dino import DinoLearner, ProjectionHead, masked_tokens
from benchmark.pretraining.recipe import DinoRecipe, load_recipe
from benchmark.probing.distributed import World

_SMALL = ["heads.hidden=16", "heads.prototypes=8", "heads.bottleneck=8", "heads.frozen_steps=1"]


def _recipe(*more: str) -> DinoRecipe:
    return load_recipe("mini-dino", [word for word in _SMALL if word.split("=")[0] not in "".join(more)] + [*more])


def _views(hidden: bool = True) -> Views:
    generator = torch.Generator().manual_seed(0)
    masks = torch.rand(2, 4, 4, generator=generator) < (0.5 if hidden else 0.0)
    return Views(
        torch.randn(2, 4, 3, 28, 28, generator=generator), torch.randn(2, 4, 3, 14, 14, generator=generator), masks
    )


def _learner(recipe: DinoRecipe) -> DinoLearner:
    vit = build_vit("tiny", image_size=28, specialization="norms+qkv", layer_scale=1.0, num_registers=2, seed=0)
    return DinoLearner(vit, recipe, 0, World())


def test_hidden_patches_do_not_reach_the_student() -> None:
    vit = build_vit("tiny", image_size=28, num_registers=2, layer_scale=1.0, seed=0).eval()
    images = torch.randn(1, 3, 28, 28)
    other = images.clone()
    other[..., :14, :14] = 0  # patch 0
    masks = torch.tensor([[True, False, False, False]])
    one, two = (masked_tokens(vit, each, masks, torch.ones(1, 192))[0] for each in (images, other))
    torch.testing.assert_close(one, two)
    nothing = torch.zeros_like(masks)
    cls, patches = masked_tokens(vit, images, nothing, torch.ones(1, 192))
    [plain] = vit.tokens(images)
    torch.testing.assert_close(cls, plain.cls)
    torch.testing.assert_close(patches, plain.patches)


def test_the_head_gives_cosines() -> None:
    head = ProjectionHead(6, _recipe().heads, torch.Generator().manual_seed(0))
    logits = head(torch.randn(100, 6)).detach()
    assert logits.shape == (100, 8)
    assert float(logits.abs().max()) <= 1 + 1e-5


def test_gradients_reach_the_student_only_and_prototypes_after_they_are_freed() -> None:
    learner = _learner(_recipe())
    for step, frozen in ((0, True), (1, False)):
        learner.zero_grad()
        learner(_views(), step)["loss"].backward()
        assert all(parameter.grad is None for parameter in learner.teacher.parameters())
        assert (learner.student["cls"].prototypes.grad is None) == frozen
        assert learner.student["vit"].patch_embed.proj.weight.grad.abs().sum() > 0
        assert learner.mask_token.grad.abs().sum() > 0


def test_the_loss_is_the_weighted_sum_and_nothing_hidden_costs_nothing() -> None:
    for centering in ("centering", "sinkhorn"):
        learner = _learner(_recipe(f"teacher.centering={centering}", "losses.koleo=0.5"))
        losses = learner(_views(hidden=False), 0)
        assert float(losses["ibot"].detach()) == 0
        torch.testing.assert_close(losses["loss"], losses["dino"] + 0.5 * losses["koleo"])


def test_the_teacher_follows_and_the_center_moves() -> None:
    learner = _learner(_recipe("teacher.momentum=[0.5,0.5]"))
    before = learner.teacher["cls"].prototypes.clone()
    learner(_views(), 0)
    with torch.no_grad():
        learner.student["cls"].prototypes.add_(1.0)
    learner.update(0)
    torch.testing.assert_close(learner.teacher["cls"].prototypes, before + 0.5)
    assert learner.cls_center.abs().sum() > 0
    assert learner.patch_center.abs().sum() > 0


def test_the_teacher_drops_no_paths() -> None:
    learner = _learner(_recipe()).train()
    assert learner.student.training
    assert not any(module.training for module in learner.teacher.modules())
