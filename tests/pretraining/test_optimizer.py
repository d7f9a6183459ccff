"""Optimisers, schedules and the moving average against torch or written out."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from benchmark.backbones import build_vit
from benchmark.pretraining.dino import move_average, teacher_temperature
from benchmark.pretraining.optimizer import (
    Lamb,
    Trained,
    clip_gradients,
    cosine,
    decays,
    learning_rate,
    lr_scale,
    make_optimizer,
    set_schedule,
)
from benchmark.pretraining.recipe import load_recipe


def test_lamb_makes_the_written_out_steps() -> None:
    generator = torch.Generator().manual_seed(0)
    weight, gradients = torch.randn(3, 2, generator=generator), torch.randn(4, 3, 2, generator=generator)
    gradients[:, 0] *= 1e-6  # as small as what stands beside the root
    parameter = nn.Parameter(weight.clone())
    optimizer = Lamb([{"params": [parameter], "weight_decay": 0.1}], lr=0.05, betas=(0.9, 0.99), eps=1e-6)
    expected, mean, square = weight.double(), torch.zeros(3, 2).double(), torch.zeros(3, 2).double()
    for t, gradient in enumerate(gradients.double(), start=1):
        mean = 0.9 * mean + 0.1 * gradient
        square = 0.99 * square + 0.01 * gradient**2
        update = mean / (1 - 0.9**t) / ((square / (1 - 0.99**t)).sqrt() + 1e-6) + 0.1 * expected
        expected = expected - 0.05 * expected.norm() / update.norm() * update
        parameter.grad = gradient.float()
        optimizer.step()
    torch.testing.assert_close(parameter.detach(), expected.float())


def test_lamb_without_decay_is_adam() -> None:
    ours, theirs = (nn.Parameter(torch.tensor([1.0, -2.0])) for _ in range(2))
    optimizers = (Lamb([ours], lr=0.1, betas=(0.9, 0.999), eps=1e-6), torch.optim.Adam([theirs], lr=0.1, eps=1e-6))
    for value in (1.0, -0.5, 2.0):
        for parameter, optimizer in zip((ours, theirs), optimizers, strict=True):
            parameter.grad = torch.full((2,), value)
            optimizer.step()
    torch.testing.assert_close(ours, theirs)


def _vit(size: str) -> list[tuple[str, nn.Parameter]]:
    vit = build_vit(size, num_registers=2, attention_bias=True, specialization="norms+qkv")
    return [*vit.named_parameters(), ("mask_token", nn.Parameter(torch.zeros(1, vit.spec.embed_dim)))]


def test_supervised_lets_weights_of_several_rows_decay() -> None:
    settings = load_recipe("supervised").optimizer
    names = [name for name, parameter in _vit("Ti") if decays(parameter, settings)]
    assert {name.rpartition(".")[2] for name in names} == {"weight"}
    assert not any("norm" in name for name in names)


def test_dino_lets_all_decay_but_biases_norms_and_scales_as_dinov2() -> None:
    settings = load_recipe("dino").optimizer  # utils/param_groups.py, line 80
    for name, parameter in _vit("Ti"):
        spared = name.endswith(".bias") or "norm" in name or "gamma" in name
        assert decays(parameter, settings) is not spared, name


@pytest.mark.parametrize(("size", "depth"), [("tiny", 4), ("Ti", 12)])
def test_each_block_has_the_learning_rate_of_dinov2(size: str, depth: int) -> None:
    # utils/param_groups.py, lines 13-48: 0.9 for each layer above, [CLS] and its like below the first, norm and heads
    # above the last; lines 83-84: the patch embedding times 0.2 again.
    settings = load_recipe("dino").optimizer
    for name, _ in _vit(size):
        if name.startswith("blocks."):
            expected = 0.9 ** (depth - int(name.split(".")[1]))
        elif name.startswith("norm."):
            expected = 1.0
        else:
            expected = 0.9 ** (depth + 1) * (0.2 if "patch_embed" in name else 1)
        assert lr_scale(name, depth, settings) == pytest.approx(expected, rel=1e-12), name
    assert lr_scale("layers.0.weight", depth, settings) == 1
    assert all(lr_scale(name, depth, load_recipe("supervised").optimizer) == 1 for name, _ in _vit(size))


def test_an_adamw_step_is_torchs_with_the_schedules_values() -> None:
    flat = ["optimizer.lr=0.1", "optimizer.final_lr=0.1", "optimizer.warmup=0", "optimizer.betas=[0.8,0.9]"]
    settings = load_recipe("dino", [*flat, "optimizer.eps=0.01"]).optimizer
    names, scales, rests = ("head", "blocks.1.weight", "patch_embed.proj"), (1, 0.9, 0.9**3 * 0.2), (0, 0, 2)
    ours, theirs = ([nn.Parameter(torch.ones(2, 2)) for _ in names] for _ in range(2))
    given = [Trained(name, parameter, "all", rest) for name, parameter, rest in zip(names, ours, rests, strict=True)]
    optimizer = make_optimizer(given, 2, settings)
    plain = torch.optim.AdamW([{"params": [each]} for each in theirs], lr=0.1, betas=(0.8, 0.9), eps=0.01)
    for step, decay in ((0, 0.04), (1, 0.22), (2, 0.4)):
        set_schedule(optimizer, step, 3, settings)
        for group, scale, rest in zip(plain.param_groups, scales, rests, strict=True):
            group |= {"weight_decay": decay, "lr": 0.1 * scale * (step >= rest)}
        for parameter in (*ours, *theirs):
            parameter.grad = torch.full((2, 2), 0.3 - step)
        optimizer.step()
        plain.step()
        torch.testing.assert_close(ours, theirs)


def test_gradients_of_each_part_are_clipped_alone() -> None:
    settings = load_recipe("dino").optimizer
    names, parts = ("blocks.0.weight", "blocks.0.bias", "layers.0.weight"), ("vit", "vit", "cls")
    parameters = [nn.Parameter(torch.ones(2, 2)), nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2, 2))]
    for parameter, value in zip(parameters, (3.0, math.sqrt(14), 0.1), strict=True):
        parameter.grad = torch.full_like(parameter, value)
    given = [Trained(*each) for each in zip(names, parameters, parts, strict=True)]
    clip_gradients(make_optimizer(given, 1, settings), 4.0)  # of norms sqrt(36 + 28) = 8, and 0.2
    torch.testing.assert_close([float(each.grad.flatten()[0]) for each in parameters], [1.5, math.sqrt(14) / 2, 0.1])


def test_the_learning_rate_rises_linearly_and_falls_along_a_cosine() -> None:
    settings = load_recipe("dino", ["optimizer.lr=1.0", "optimizer.final_lr=0.2", "optimizer.warmup=0.4"]).optimizer
    rates = [learning_rate(step, 10, settings) for step in range(10)]
    assert rates[:5] == pytest.approx([0.25, 0.5, 0.75, 1.0, 1.0])
    assert rates[7] == pytest.approx(0.2 + 0.8 * (1 + math.cos(math.pi * 3 / 5)) / 2)
    assert rates[9] == pytest.approx(0.2)
    assert cosine(0.04, 0.4, 0.5) == pytest.approx(0.22)


def test_the_teachers_temperature_rises_and_stays() -> None:
    recipe = load_recipe("dino", ["train.steps=10", "teacher.temperature_warmup=0.5"])
    values = [teacher_temperature(step, recipe) for step in (0, 2, 5, 9)]
    assert values == pytest.approx([0.04, 0.04 + 0.03 * 2 / 5, 0.07, 0.07])
    longer = load_recipe("dino", ["train.steps=20", "teacher.temperature_warmup=0.5"])
    assert teacher_temperature(5, longer) == pytest.approx(0.055)


def test_the_teacher_is_the_moving_average() -> None:
    average, current = [torch.tensor([1.0, 3.0])], [torch.tensor([2.0, 1.0])]
    move_average(average, current, 0.9)
    torch.testing.assert_close(average[0], torch.tensor([1.1, 2.8]))
