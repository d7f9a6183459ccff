"""The one training loop: an example, every learner's step.

Segmentation, depth and linear classification differ in head, loss and target; examples come from the frozen backbone
or from the feature store (``probing/training_features.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from benchmark.distributed import World
from benchmark.probing.resume import ResumeFile
from benchmark.probing.schedules import betas_at, lr_factor
from benchmark.progress import Progress
from benchmark.protocols.depth import DepthOptimizer, DepthSchedule
from benchmark.protocols.segmentation import Optimizer, Schedule
from benchmark.samples.sample_order import SampleOrder


@dataclass(frozen=True)
class Example:
    """What a learner is shown at one step: a whole batch, the same on every process."""

    head_inputs: tuple[Tensor, ...]
    """Frozen features (B, ...), float32: what a head is called with."""

    target: Tensor
    """(B, ...), whatever the loss takes."""

    without_held_out: Example | None = None
    """What learners that choose are shown: the batch with other images in place of held-out ones. None is the same."""

    @classmethod
    def of(cls, head_inputs: tuple[Tensor, ...], target: Tensor, order: SampleOrder, step: int) -> Example:
        """Parts the samples of ``order.places(step)`` into the batch and that of learners that choose."""
        rows, size = order.rows_without_held_out(step), order.batch_size
        if rows is None:
            return cls(head_inputs, target)
        chosen = torch.tensor(rows, device=target.device)
        return cls(
            tuple(part[:size] for part in head_inputs),
            target[:size],
            cls(tuple(part[chosen] for part in head_inputs), target[chosen]),
        )


Examples = Callable[[range], Iterator[Example]]
"""From a range of steps to the example of each; a function of the step, so that a resumed run replays nothing."""


class Learner(Protocol):
    """One or many probes that learn from the same examples."""

    chooses: bool
    """Whether it is there to choose among settings on held-out images, which it must not see."""

    def learn(self, example: Example, step: int) -> Tensor:
        """Makes one update and returns the loss, or one per probe."""
        ...

    def tensors(self) -> list[Tensor]:
        """Returns the weights and buffers."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """Returns weights and optimiser state, tensors and plain values only."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Takes them back."""
        ...


def train(
    learners: Sequence[Learner],
    examples: Examples,
    *,
    iterations: int,
    resume: ResumeFile,
    label: str,
    world: World,
) -> None:
    """Trains all learners on the same ``iterations`` examples.

    Args:
        learners: Trained in place.
        examples: What they are shown.
        iterations: Updates of each.
        resume: Where the state is kept; training resumes from it.
        label: What the progress line says.
        world: The processes; all end with the leader's weights.
    """
    start = _restore(resume, learners, world)
    steps = range(start, iterations)
    progress = Progress(iterations, label, done=start, quiet=not world.is_main)
    for step, example in zip(steps, examples(steps), strict=True):
        others = example.without_held_out or example
        losses = [learner.learn(others if learner.chooses else example, step) for learner in learners]
        progress.advance(lambda losses=losses: f"best loss {_least(losses):.4f}")
        if world.is_main and (resume.due() or step + 1 == iterations):
            resume.save({"step": step + 1, "learners": [learner.state_dict() for learner in learners]})
    progress.close()
    for learner in learners:
        world.sync_(learner.tensors())


@dataclass(frozen=True)
class Probe:
    """One head of a sweep. It trains among others exactly as it would alone."""

    lr: float
    """Peak learning rate."""

    weight_decay: float
    """Weight decay, of all parameters."""

    seed: tuple[int, ...]
    """Entropy of its initial weights and dropout."""

    head: nn.Module
    """Maps features to predictions; trained in place."""


class ProbeLearner:
    """A probe with an AdamW of its own: its learning rate, gradient norm and random numbers are nobody else's.

    Args:
        probe: The head, on the device of the features; it is put into training mode.
        loss: From (prediction, target, step) to a scalar.
        iterations: Length of the schedule.
        optimizer: Moments and clipping.
        schedule: Learning rate over the steps.
        chooses: Whether it is one of those that choose.
    """

    def __init__(
        self,
        probe: Probe,
        loss: Callable[[Tensor, Tensor, int], Tensor],
        *,
        iterations: int,
        optimizer: Optimizer | DepthOptimizer,
        schedule: Schedule | DepthSchedule,
        chooses: bool = False,
    ) -> None:
        self.probe, self.loss, self.chooses = probe, loss, chooses
        self.iterations, self.optimizer, self.schedule = iterations, optimizer, schedule
        self.adamw = torch.optim.AdamW(probe.head.parameters(), lr=probe.lr, weight_decay=probe.weight_decay)
        probe.head.train()

    def learn(self, example: Example, step: int) -> Tensor:
        """Makes one update and returns the loss."""
        head, adamw = self.probe.head, self.adamw
        seed_torch(*self.probe.seed, step)  # dropout is a function of (probe, step)
        adamw.param_groups[0] |= {
            "lr": self.probe.lr * lr_factor(step, self.iterations, self.schedule),
            "betas": betas_at(step, self.iterations, self.optimizer, self.schedule),
        }
        loss = self.loss(head(*example.head_inputs), example.target, step)
        adamw.zero_grad()
        loss.backward()
        if self.optimizer.clip_norm is not None:
            nn.utils.clip_grad_norm_(head.parameters(), self.optimizer.clip_norm)
        adamw.step()
        return loss.detach()

    def tensors(self) -> list[Tensor]:
        """Returns the head's weights and buffers."""
        return list(self.probe.head.state_dict().values())

    def state_dict(self) -> dict[str, Any]:
        """Returns the head and its moments."""
        return {"head": self.probe.head.state_dict(), "optimizer": self.adamw.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Takes them back."""
        self.probe.head.load_state_dict(state["head"])
        self.adamw.load_state_dict(state["optimizer"])


def seed_torch(*entropy: int) -> None:
    """Seeds PyTorch's global generators from several numbers."""
    torch.manual_seed(int(np.random.SeedSequence(entropy).generate_state(1, np.uint64)[0]))


def _restore(resume: ResumeFile, learners: Sequence[Learner], world: World) -> int:
    """Takes the state that the main process finds: the folder need not be shared by all machines."""
    state = world.broadcast_object(world.together(lambda: resume.load() if world.is_main else None))
    if state is None:
        return 0
    for learner, saved in zip(learners, state["learners"], strict=True):
        learner.load_state_dict(saved)
    return state["step"]


def _least(losses: Sequence[Tensor]) -> float:
    """Returns the smallest loss that is a number."""
    return float(torch.cat([loss.reshape(-1) for loss in losses]).nan_to_num(torch.inf).min())
