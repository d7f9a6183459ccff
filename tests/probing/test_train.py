"""The training loop on made-up features: probes are independent, and a resumed run equals an unbroken one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor

from benchmark.backbones import load_backbone
from benchmark.distributed import World
from benchmark.errors import RecordError
from benchmark.features.frozen import FrozenFeatures
from benchmark.probing.resume import ResumeFile
from benchmark.probing.train import Probe, ProbeLearner, seed_torch, train
from benchmark.probing.training_features import Batch, encoded
from benchmark.protocols.sections import Features
from benchmark.protocols.segmentation import Optimizer, Schedule
from benchmark.samples.sample_order import SampleOrder
from heads import LinearSegmentationHead, upsampled_cross_entropy

_SCHEDULE = Schedule(decay="linear", warmup=0.25, warmup_ratio=1e-6, first_update_twice=False)
_OPTIMIZER = Optimizer(betas=(0.9, 0.999), clip_norm=0.05)
_ITERATIONS = 8


class _Killed(Exception):
    pass


def _features() -> FrozenFeatures:
    settings = Features(layers=(-1,), norm=True, precision="float32")
    return FrozenFeatures(load_backbone("pixels"), settings, torch.device("cpu"))


def _probe(lr: float = 1e-2, weight_decay: float = 0.1, seed: int = 0) -> Probe:
    seed_torch(seed)
    return Probe(lr, weight_decay, (seed,), LinearSegmentationHead(588, 4, dropout=0.3))


def _batches(steps: range, killed_at: int | None = None) -> Iterator[Batch]:
    for step in steps:
        if step == killed_at:
            raise _Killed
        generator = torch.Generator().manual_seed(step)
        images = torch.randn(2, 3, 28, 28, generator=generator)
        yield Batch(images, torch.randint(0, 4, (2, 28, 28), generator=generator))


def _loss(logits: Tensor, labels: Tensor, _step: int) -> Tensor:
    return upsampled_cross_entropy(logits, labels)


def _train(
    probes: list[Probe], resume: ResumeFile, *, killed_at: int | None = None, optimizer: Optimizer = _OPTIMIZER
) -> FrozenFeatures:
    features = _features()
    learners = [
        ProbeLearner(probe, _loss, iterations=_ITERATIONS, optimizer=optimizer, schedule=_SCHEDULE) for probe in probes
    ]
    examples = encoded(lambda steps: _batches(steps, killed_at), features, features.head_inputs, SampleOrder(2, 2, 0))
    train(learners, examples, iterations=_ITERATIONS, resume=resume, label="test", world=World())
    for probe in probes:
        probe.head.eval()
    return features


def _resume(tmp_path: Path, name: str = "state") -> ResumeFile:
    return ResumeFile(tmp_path / f"{name}.pt", every_s=0)


def _weights(probe: Probe) -> dict[str, Tensor]:
    return {key: value.clone() for key, value in probe.head.state_dict().items()}


def _equal(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return all(torch.equal(one[key], other[key]) for key in one)


def test_a_probe_among_many_equals_the_same_probe_alone(tmp_path: Path) -> None:
    settings = [(1e-2, 0.1, 0), (1e-3, 0.0, 0), (1e-2, 0.1, 1), (10.0, 0.0, 2)]
    together = [_probe(*setting) for setting in settings]
    _train(together, _resume(tmp_path, "together"))
    for number, setting in enumerate(settings):
        alone = _probe(*setting)
        _train([alone], _resume(tmp_path, f"alone{number}"))
        assert _equal(_weights(alone), _weights(together[number]))


def test_one_backbone_pass_serves_all_probes(tmp_path: Path) -> None:
    features = _train([_probe(seed=seed) for seed in range(5)], _resume(tmp_path))
    assert features.forwards == _ITERATIONS * 2


@pytest.mark.parametrize("killed_at", [1, 5, 7])
def test_a_killed_run_resumes_to_the_unbroken_result(tmp_path: Path, killed_at: int) -> None:
    unbroken = [_probe(), _probe(seed=1)]
    whole = _train(unbroken, _resume(tmp_path, "unbroken"))
    with pytest.raises(_Killed):
        _train([_probe(), _probe(seed=1)], _resume(tmp_path), killed_at=killed_at)
    resumed = [_probe(), _probe(seed=1)]
    rest = _train(resumed, _resume(tmp_path))
    for one, other in zip(unbroken, resumed, strict=True):
        assert _equal(_weights(one), _weights(other))
    assert rest.forwards == whole.forwards


def test_a_finished_training_is_not_repeated(tmp_path: Path) -> None:
    first, second = _probe(), _probe(seed=9)
    _train([first], _resume(tmp_path))
    _train([second], _resume(tmp_path), killed_at=0)
    assert _equal(_weights(first), _weights(second))


def test_it_is_the_written_out_adamw(tmp_path: Path) -> None:
    optimizer = Optimizer(betas=(0.9, 0.999), clip_norm=None)
    ours, theirs = _probe(), _probe()
    for probe in (ours, theirs):
        probe.head.dropout.p = 0.0
    _train([ours], _resume(tmp_path), optimizer=optimizer)
    theirs.head.train()
    adamw = torch.optim.AdamW(theirs.head.parameters(), lr=1e-2, betas=(0.9, 0.999), weight_decay=0.1)
    features = _features()
    for step, batch in enumerate(_batches(range(_ITERATIONS))):
        warmup = 1 - (1 - step / 2) * (1 - 1e-6) if step < 2 else 1
        adamw.param_groups[0]["lr"] = 1e-2 * (1 - step / _ITERATIONS) * warmup
        logits = torch.nn.functional.interpolate(theirs.head(features(batch.images)), (28, 28), mode="bilinear")
        loss = torch.nn.functional.cross_entropy(logits, batch.target)
        adamw.zero_grad()
        loss.backward()
        adamw.step()
    for key, value in _weights(ours).items():
        torch.testing.assert_close(value, _weights(theirs)[key], rtol=1e-4, atol=1e-6)


def test_gradients_are_clipped(tmp_path: Path) -> None:
    heads = {}
    for clip_norm in (None, 1e-9):
        probe = _probe(weight_decay=0.0)
        start = _weights(probe)["conv.weight"]
        _train([probe], _resume(tmp_path, str(clip_norm)), optimizer=Optimizer(betas=(0.0, 0.0), clip_norm=clip_norm))
        heads[clip_norm] = (_weights(probe)["conv.weight"] - start).abs().max().item()
    # without moments AdamW steps by lr * g / (|g| + 1e-8): a norm of 1e-9 is lost beside the epsilon
    assert heads[1e-9] < 0.2 * heads[None]


def test_gradients_are_clipped_per_probe(tmp_path: Path) -> None:
    calm, wild = _probe(lr=1e-3), _probe(lr=1e-3)
    with torch.no_grad():
        wild.head.conv.weight.mul_(1000)
    _train([calm, wild], _resume(tmp_path, "both"))
    alone = _probe(lr=1e-3)
    _train([alone], _resume(tmp_path, "alone"))
    assert _equal(_weights(calm), _weights(alone))


def test_heads_end_in_evaluation_mode(tmp_path: Path) -> None:
    probe = _probe()
    _train([probe], _resume(tmp_path))
    assert not probe.head.training


def test_the_state_loads_without_running_code(tmp_path: Path) -> None:
    _train([_probe()], _resume(tmp_path))
    state = torch.load(tmp_path / "state.pt", weights_only=True)
    assert state["step"] == _ITERATIONS


def test_a_damaged_state_says_what_to_do(tmp_path: Path) -> None:
    _train([_probe()], _resume(tmp_path))
    path = tmp_path / "state.pt"
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(RecordError, match="delete it to start that cell anew"):
        _train([_probe()], _resume(tmp_path))


def test_earlier_seconds_are_added_up(tmp_path: Path) -> None:
    first = _resume(tmp_path)
    first._begun_at -= 100
    first.save({})
    second = _resume(tmp_path)
    second.load()
    assert 100 <= second.earlier_s < 110
    second.save({})
    third = _resume(tmp_path)
    third.load()
    assert 100 <= third.earlier_s < 110
