"""The self-supervised learner: what the student is shown, who gets gradients, and that its loss is not stuck."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmark.backbones import build_vit
from benchmark.distributed import World
from benchmark.pretraining.augment import Views
from benchmark.pretraining.dino import DinoLearner, ProjectionHead, masked_tokens
from benchmark.pretraining.optimizer import make_optimizer, set_schedule
from benchmark.pretraining.recipe import DinoRecipe, load_recipe

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


def _student_tokens(learner: DinoLearner, image: Tensor, hidden: Tensor) -> Tensor:
    """Runs the student on one image (3, 28, 28), hidden patches replaced; (1 + N, D), without registers."""
    vit = learner.student["vit"]
    patches = vit.patch_embed(image[None])[0]
    patches = torch.stack([learner.mask_token[0] if hide else each for hide, each in zip(hidden, patches, strict=True)])
    sequence = torch.cat((vit.cls_token[0], patches)) + vit.pos_embed[0]
    sequence = torch.cat((sequence[:1], vit.register_tokens[0], sequence[1:]))[None]
    for block in vit.blocks:
        sequence = block(sequence)
    sequence = vit.norm(sequence)[0]
    return torch.cat((sequence[:1], sequence[3:]))


def _logits(head: ProjectionHead, token: Tensor) -> Tensor:
    first, second, last = head.layers
    direction = last(F.gelu(second(F.gelu(first(token)))))
    return head.lengths[:, 0] * (head.prototypes @ direction) / direction.norm() / head.prototypes.norm(dim=1)


def _written_out(learner: DinoLearner, views: Views, temperature: float) -> dict[str, float]:
    """Computes DINOv2's losses image by image and pair by pair, with centering."""
    images, (student, teacher) = range(views.large.shape[1]), (learner.student, learner.teacher)

    def cross_entropy(target: Tensor, center: Tensor, guess: Tensor) -> float:
        return -float(((target - center) / temperature).softmax(0) @ (guess / 0.1).log_softmax(0))

    dino, ibot, koleo = [], [], []
    for image in images:
        seen = [teacher["vit"].tokens(view[image][None])[0] for view in views.large]
        shown = [
            _student_tokens(learner, *pair) for pair in zip(views.large[:, image], views.masks[:, image], strict=True)
        ]
        guesses = [tokens[0] for tokens in shown] + [student["vit"](view[image][None])[0] for view in views.small]
        for of_teacher, tokens in enumerate(seen):
            target = _logits(teacher["cls"], tokens.cls[0])
            dino += [
                cross_entropy(target, learner.cls_center, _logits(student["cls"], guess))
                for of_student, guess in enumerate(guesses)
                if of_student != of_teacher
            ]
        for tokens, guess, hidden in zip(seen, shown, views.masks[:, image], strict=True):
            found = [
                cross_entropy(
                    _logits(teacher["patch"], tokens.patches[0, patch]),
                    learner.patch_center,
                    _logits(student["patch"], guess[1 + patch]),
                )
                for patch in hidden.nonzero()[:, 0]
            ]
            ibot.append(sum(found) / max(len(found), 1))
    for view, masks in zip(views.large, views.masks, strict=True):
        units = [F.normalize(_student_tokens(learner, view[image], masks[image])[0], dim=0) for image in images]
        nearest = [min((one - two).norm() for two in units if two is not one) for one in units]
        koleo.append(-sum(float(distance.log()) for distance in nearest) / len(units))
    return {"dino": sum(dino) / len(dino), "ibot": sum(ibot) / len(ibot), "koleo": sum(koleo)}


@torch.no_grad()
def test_the_losses_are_dinov2s_written_out_pair_by_pair() -> None:
    learner = _learner(_recipe("train.steps=10", "teacher.temperature_warmup=0.5", "losses.koleo=0.5")).eval()
    generator = torch.Generator().manual_seed(0)
    for parameter in learner.parameters():
        if parameter.ndim == 2:  # teacher, student and both heads differ, prototypes' lengths too
            nn.init.normal_(parameter, std=0.2, generator=generator)
    for center in (learner.cls_center, learner.patch_center):
        nn.init.normal_(center, std=0.2, generator=generator)
    views = _views()
    views.masks[0, 0] = False  # nothing is hidden in one of them
    expected = _written_out(learner, views, temperature=0.04 + 0.03 * 2 / 5)
    found = {name: float(value) for name, value in learner(views, 2).items()}
    assert {name: found[name] for name in expected} == pytest.approx(expected, rel=1e-4)
    assert found["loss"] == pytest.approx(expected["dino"] + expected["ibot"] + 0.5 * expected["koleo"], rel=1e-4)


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


def test_the_head_gives_cosines_times_lengths_that_begin_as_1() -> None:
    head = ProjectionHead(6, _recipe().heads, torch.Generator().manual_seed(0))
    tokens = torch.randn(100, 6)
    logits = head(tokens).detach()
    assert logits.shape == (100, 8)
    assert float(logits.abs().max()) <= 1 + 1e-5
    with torch.no_grad():
        head.lengths[3] = 2.5
    torch.testing.assert_close(head(tokens)[:, 3], 2.5 * logits[:, 3])


def test_prototypes_begin_as_the_rows_of_a_linear_layer() -> None:
    # dinov2 layers/dino_head.py, lines 26-28: weight norm of an nn.Linear that is made after init_weights.
    settings = _recipe("heads.bottleneck=64", "heads.prototypes=256").heads
    ours = ProjectionHead(6, settings, torch.Generator().manual_seed(0)).prototypes.detach()
    theirs = nn.Linear(64, 256, bias=False).weight.detach()
    assert float(ours.std()) == pytest.approx(float(theirs.std()), rel=0.03)
    assert float(ours.abs().max()) == pytest.approx(float(theirs.abs().max()), rel=0.01)


def test_lengths_and_directions_of_prototypes_learn_as_under_weight_norm() -> None:
    head = ProjectionHead(6, _recipe().heads, torch.Generator().manual_seed(0))
    last = nn.utils.parametrizations.weight_norm(nn.Linear(8, 8, bias=False))
    length, direction = last.parametrizations.weight.original0, last.parametrizations.weight.original1
    with torch.no_grad():
        head.lengths.uniform_(0.5, 2.0)
        length.copy_(head.lengths)
        direction.copy_(head.prototypes)
    tokens, upstream = torch.randn(5, 6), torch.randn(5, 8)
    first, second, third = head.layers
    bottleneck = third(F.gelu(second(F.gelu(first(tokens)))))
    (head(tokens) * upstream).sum().backward()
    (last(F.normalize(bottleneck.detach(), dim=-1)) * upstream).sum().backward()
    torch.testing.assert_close(head.lengths.grad, length.grad)
    torch.testing.assert_close(head.prototypes.grad, direction.grad)


def test_logits_are_float32_whatever_the_precision() -> None:
    head = ProjectionHead(6, _recipe("heads.bottleneck=256").heads, torch.Generator().manual_seed(0))
    tokens = torch.randn(50, 6, generator=torch.Generator().manual_seed(1))
    with torch.autocast("cpu", torch.bfloat16), torch.no_grad():
        logits = head(tokens)
        first, second, last = head.layers
        bottleneck = last(F.gelu(second(F.gelu(first(tokens))))).double()
    prototypes = F.normalize(head.prototypes.double(), dim=-1)
    assert logits.dtype == torch.float32
    torch.testing.assert_close(logits.double(), F.normalize(bottleneck, dim=-1) @ prototypes.T, rtol=0, atol=1e-6)


def test_gradients_reach_the_student_only() -> None:
    learner = _learner(_recipe())
    learner(_views(), 0)["loss"].backward()
    assert all(parameter.grad is None for parameter in learner.teacher.parameters())
    for trained in learner.trained():
        assert trained.parameter.grad.abs().sum() > 0 or "blocks" in trained.name, trained.name


def test_prototypes_rest_and_gather_moments_until_they_are_freed() -> None:
    recipe = _recipe("optimizer.lr=0.01", "optimizer.warmup=0")  # frozen in the first step
    learner = _learner(recipe)
    optimizer, head = make_optimizer(learner.trained(), 4, recipe.optimizer), learner.student["cls"]
    for step, rests in ((0, True), (1, False)):
        watched = (head.prototypes, head.lengths, head.layers[0].weight)
        before = [each.detach().clone() for each in watched]
        set_schedule(optimizer, step, 10, recipe.optimizer)
        learner.zero_grad()
        learner(_views(), step)["loss"].backward()
        optimizer.step()
        moved = [not torch.equal(*pair) for pair in zip(before, watched, strict=True)]
        assert moved == [not rests, not rests, True]
        assert optimizer.state[head.prototypes]["exp_avg"].abs().sum() > 0


def test_what_is_trained_is_all_of_the_student_backbone_and_heads_apart() -> None:
    learner = _learner(_recipe())
    trained = list(learner.trained())
    wanted = {id(parameter) for parameter in learner.parameters() if parameter.requires_grad}
    assert len(trained) == len(wanted)
    assert {id(each.parameter) for each in trained} == wanted
    parts = {id(each.parameter): each.part for each in trained}
    assert {parts[id(parameter)] for parameter in learner.student["vit"].parameters()} == {"vit"}
    assert parts[id(learner.mask_token)] == "vit"
    assert (parts[id(learner.student["cls"].lengths)], parts[id(learner.student["patch"].lengths)]) == ("cls", "patch")


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


@torch.no_grad()
def test_the_teacher_follows_ever_more_slowly() -> None:
    learner = _learner(_recipe("teacher.momentum=[0.5,1.0]", "train.steps=3"))
    ours, its = learner.teacher["cls"].prototypes, learner.student["cls"].prototypes
    for step, moved in ((0, 0.5), (1, 0.25), (2, 0.0)):
        before = ours.clone()
        its.copy_(before + 1)
        learner.update(step)
        torch.testing.assert_close(ours, before + moved)


def test_the_teacher_drops_no_paths() -> None:
    learner = _learner(_recipe()).train()
    assert learner.student.training
    assert not any(module.training for module in learner.teacher.modules())
