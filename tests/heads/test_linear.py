"""Grouped linear classifiers against nn.Linear with torch.optim.SGD, and their independence."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from heads import LinearProbe, LinearProbes, pooled_inputs

WIDTH, BLOCKS, CLASSES, BATCH, STEPS = 12, 4, 5, 16, 30
SWEEP = tuple(
    LinearProbe(blocks, kind, lr, decay)
    for lr in (0.01, 0.3)
    for decay in (0.0, 0.05)
    for blocks in (1, 4)
    for kind in ("cls", "cls+mean")
)
CLOSE = {"atol": 1e-5, "rtol": 1e-5}


def _batches(steps: int = STEPS) -> Iterator[tuple[dict, Tensor, float]]:
    generator = torch.Generator().manual_seed(1)
    for step in range(steps):
        cls = torch.randn(BATCH, BLOCKS, WIDTH, generator=generator)
        mean = torch.randn(BATCH, WIDTH, generator=generator)
        labels = torch.randint(0, CLASSES, (BATCH,), generator=generator)
        factor = (1 + math.cos(math.pi * step / STEPS)) / 2
        yield pooled_inputs(cls, mean, [probe.key for probe in SWEEP]), labels, factor


def _probes(sweep: tuple[LinearProbe, ...] = SWEEP, **changes: int) -> LinearProbes:
    return LinearProbes(sweep, embed_dim=WIDTH, num_classes=CLASSES, **changes)


def _trained(sweep: tuple[LinearProbe, ...] = SWEEP) -> LinearProbes:
    probes = _probes(sweep)
    for inputs, labels, factor in _batches():
        probes.step(inputs, labels, factor=factor)
    return probes


def _as_linear(probes: LinearProbes, index: int, inputs: Mapping[tuple[int, str], Tensor]) -> nn.Linear:
    """Reads a classifier off its logits: bias at 0, a column of the weight at each unit vector."""
    width = inputs[probes.probes[index].key].shape[1]
    unit = torch.cat((torch.zeros(1, width), torch.eye(width)))
    [logits] = probes({probes.probes[index].key: unit}, probes=[index])
    linear = nn.Linear(width, CLASSES)
    with torch.no_grad():
        linear.bias.copy_(logits[0])
        linear.weight.copy_((logits[1:] - logits[0]).T)
    return linear


def test_updates_equal_sgd_with_cosine_annealing() -> None:
    probes = _probes()
    inputs, _, _ = next(_batches())
    references = [_as_linear(probes, index, inputs) for index in range(len(SWEEP))]
    optimizers = [
        torch.optim.SGD(linear.parameters(), lr=probe.lr, momentum=0.9, weight_decay=probe.weight_decay)
        for linear, probe in zip(references, SWEEP, strict=True)
    ]
    schedules = [torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS) for optimizer in optimizers]
    for inputs, labels, factor in _batches():
        losses = probes.step(inputs, labels, factor=factor)
        expected = [F.cross_entropy(linear(inputs[p.key]), labels) for linear, p in zip(references, SWEEP, strict=True)]
        torch.testing.assert_close(losses, torch.stack(expected).detach(), **CLOSE)
        sum(expected).backward()
        for optimizer, schedule in zip(optimizers, schedules, strict=True):
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
    logits = torch.stack([linear(inputs[p.key]) for linear, p in zip(references, SWEEP, strict=True)])
    torch.testing.assert_close(probes(inputs), logits.detach(), **CLOSE)
    assert losses.max() < 10  # nobody diverged, so the comparison means something


def test_a_probe_trained_among_many_equals_the_same_probe_alone() -> None:
    inputs, _, _ = next(_batches())
    together = _trained()(inputs)
    for index, probe in enumerate(SWEEP):
        torch.testing.assert_close(_trained((probe,))(inputs)[0], together[index], **CLOSE)


def test_initial_weights_are_small_noise_without_bias_and_follow_the_seed() -> None:
    wide = LinearProbe(1, "cls", 0.1)
    first, again, other = (
        LinearProbes((wide,), embed_dim=500, num_classes=40, seed=seed).state_dict() for seed in (0, 0, 1)
    )
    [weight] = [value for name, value in first.items() if name.endswith(".weight")]
    assert weight.std() == pytest.approx(0.01, rel=0.05)
    assert abs(weight.mean()) < 1e-3
    assert not next(value for name, value in first.items() if name.endswith(".bias")).any()
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


def test_training_resumes_where_it_was() -> None:
    unbroken = _trained()
    before, after = _probes(), _probes(seed=3)
    batches = list(_batches())
    for inputs, labels, factor in batches[:11]:
        before.step(inputs, labels, factor=factor)
    after.load_state_dict(before.state_dict())
    for inputs, labels, factor in batches[11:]:
        after.step(inputs, labels, factor=factor)
    for name, value in unbroken.state_dict().items():
        assert torch.equal(after.state_dict()[name], value)


def test_a_state_of_another_sweep_is_refused() -> None:
    with pytest.raises(RuntimeError, match="size mismatch"):
        _probes().load_state_dict(_probes(SWEEP[4:]).state_dict())


def test_a_diverged_probe_leaves_the_others_alone() -> None:
    sweep = (*SWEEP, LinearProbe(1, "cls", 1e38, 1.0))
    wild = _trained(sweep)
    inputs, _, _ = next(_batches())
    logits = wild(inputs)
    assert logits[-1].isnan().any()
    torch.testing.assert_close(logits[:-1], _trained()(inputs), **CLOSE)


def test_chosen_probes_come_in_the_order_asked_and_in_chunks() -> None:
    probes = _trained()
    inputs, _, _ = next(_batches())
    logits = probes(inputs)
    chosen = [5, 0, 11]
    torch.testing.assert_close(probes(inputs, probes=chosen), logits[chosen], **CLOSE)
    parts = list(probes.logits_in_chunks(inputs, rows=7, probes=chosen))
    assert [part.shape for part in parts] == [(3, 7, CLASSES), (3, 7, CLASSES), (3, 2, CLASSES)]
    torch.testing.assert_close(torch.cat(parts, dim=1), logits[chosen], **CLOSE)
    only = {SWEEP[5].key: inputs[SWEEP[5].key]}
    torch.testing.assert_close(probes(only, probes=[5]), logits[[5]], **CLOSE)


@pytest.mark.parametrize("index", [-1, len(SWEEP)])
def test_a_probe_that_does_not_exist_is_refused(index: int) -> None:
    inputs, _, _ = next(_batches())
    with pytest.raises(IndexError, match="probes are 0 to 15"):
        _probes()(inputs, probes=[0, index])


def test_half_precision_and_autocast_do_not_reach_the_update() -> None:
    inputs, labels, factor = next(_batches())
    halves = {key: value.bfloat16() for key, value in inputs.items()}
    plain, mixed = _probes(), _probes()
    plain.step({key: value.float() for key, value in halves.items()}, labels, factor=factor)
    with torch.autocast("cpu", torch.bfloat16):
        mixed.step(halves, labels, factor=factor)
        logits = mixed(halves)
    assert logits.dtype == torch.float32
    for name, value in plain.state_dict().items():
        assert torch.equal(mixed.state_dict()[name], value)


def test_inputs_made_in_inference_mode_train() -> None:
    with torch.inference_mode():
        inputs, labels, factor = next(_batches())
    plain, probes = _probes(), _probes()
    probes.step(inputs, labels, factor=factor)
    plain.step(*next(_batches())[:2], factor=factor)
    assert torch.equal(probes(inputs), plain(inputs))


def test_inputs_are_joined_as_dinov2_does() -> None:
    cls, mean = torch.randn(3, BLOCKS, WIDTH), torch.randn(3, WIDTH)
    inputs = pooled_inputs(cls, mean, [(1, "cls"), (4, "cls+mean"), (2, "cls"), (1, "cls")])
    assert list(inputs) == [(1, "cls"), (4, "cls+mean"), (2, "cls")]
    assert torch.equal(inputs[1, "cls"], cls[:, 3])
    assert torch.equal(inputs[2, "cls"], torch.cat((cls[:, 2], cls[:, 3]), dim=1))
    assert torch.equal(inputs[4, "cls+mean"], torch.cat((*cls.unbind(1), mean), dim=1))


def test_wrong_input_is_refused() -> None:
    cls, mean = torch.randn(3, 2, WIDTH), torch.randn(3, WIDTH)
    for call, message in (
        (lambda: pooled_inputs(cls, mean, [(4, "cls")]), "4 blocks are asked for and 2 given"),
        (lambda: pooled_inputs(cls, mean[1:], [(1, "cls")]), r"mean \(B, D\)"),
        (lambda: _probes(()), "no probes"),
        (lambda: _probes((LinearProbe(0, "cls", 0.1),)), "1 or more blocks"),
        (lambda: _probes((LinearProbe(1, "patches", 0.1),)), "'cls' or 'cls\\+mean'"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
