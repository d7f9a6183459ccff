"""Optimisers, schedules and the moving average against torch or written out."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from benchmark.backbones import build_vit
from benchmark.pretraining.dino import move_average, teacher_temperature
from benchmark.pretraining.optimizer import Lamb, cosine, learning_rate, make_optimizer, set_schedule
from benchmark.pretraining.recipe import load_recipe


def test_lamb_makes_the_written_out_steps() -> None:
    generator = torch.Generator().manual_seed(0)
    weight, gradients = torch.randn(3, 2, generator=generator), torch.randn(4, 3, 2, generator=generator)
    gradients[:, 0] *= 1e-6  # as small as what stands beside the root
    parameter = nn.Parameter(weight.clone())
    optimizer = Lamb([{"params": [parameter], "weight_decay": 0.1}], lr=0.05, betas=(0.9, 0.99))
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
    optimizers = (Lamb([{"params": [ours]}], lr=0.1, betas=(0.9, 0.999)), torch.optim.Adam([theirs], lr=0.1, eps=1e-6))
    for value in (1.0, -0.5, 2.0):
        for parameter, optimizer in zip((ours, theirs), optimizers, strict=True):
            parameter.grad = torch.full((2,), value)
            optimizer.step()
    torch.testing.assert_close(ours, theirs)


def test_only_weights_of_several_rows_decay() -> None:
    vit = build_vit("Ti", num_registers=2, attention_bias=True, specialization="norms+qkv")
    settings = load_recipe("supervised").optimizer
    decaying = {id(parameter) for parameter in make_optimizer(vit.parameters(), settings).param_groups[0]["params"]}
    names = {name.rpartition(".")[2] for name, p in vit.named_parameters() if id(p) in decaying}
    assert names == {"weight"}
    assert not any("norm" in name for name, p in vit.named_parameters() if id(p) in decaying)


def test_an_adamw_step_is_torchs_with_the_schedules_values() -> None:
    flat = ["optimizer.lr=0.1", "optimizer.final_lr=0.1", "optimizer.warmup=0", "optimizer.betas=[0.8,0.9]"]
    settings = load_recipe("dino", flat).optimizer
    ours, theirs = (nn.Parameter(torch.ones(2, 2)) for _ in range(2))
    optimizer, plain = make_optimizer([ours], settings), torch.optim.AdamW([theirs], lr=0.1, betas=(0.8, 0.9))
    for step, decay in ((0, 0.04), (1, 0.22), (2, 0.4)):
        set_schedule(optimizer, step, 3, settings)
        plain.param_groups[0]["weight_decay"] = decay
        ours.grad = theirs.grad = torch.full((2, 2), 0.3 - step)
        optimizer.step()
        plain.step()
        torch.testing.assert_close(ours, theirs)


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
