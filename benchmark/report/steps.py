"""Checkpoints of one training run: models called ``RUN@STEP``, ``RUN@300k`` for example. Imports no torch."""

from __future__ import annotations

import re

_NAME_OF_STEP = re.compile(r"(?P<run>.+)@(?P<step>\d+)(?P<thousand>k?)", re.DOTALL)


def name_at(run: str, step: int) -> str:
    """Names the model of a training run at a step."""
    return f"{run}@{step}"


def run_and_step(name: str) -> tuple[str, int | None]:
    """Parts the name of a model into its training run and step; the step is None for a name without one.

    >>> run_and_step("vit@300k"), run_and_step("vit")
    (('vit', 300000), ('vit', None))
    """
    found = _NAME_OF_STEP.fullmatch(name)
    if found is None:
        return name, None
    return found["run"], int(found["step"]) * (1000 if found["thousand"] else 1)
