"""Two ways of doing the same, timed in turns in one run; trust the ratio more than the seconds."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable


def race(name: str, baseline: Callable[[], object], ours: Callable[[], object], rounds: int) -> float:
    """Times both ``rounds`` times after one round that warms up, prints a line and returns ours over baseline.

    The ratio is the median of the rounds' own ratios: what else a machine does hits both sides of a round alike.
    """
    times: dict[str, list[float]] = {"baseline": [], "ours": []}
    for number in range(rounds + 1):
        contestants = [("baseline", baseline), ("ours", ours)]
        for who, call in contestants if number % 2 else reversed(contestants):
            begun = time.perf_counter()
            call()
            if number:
                times[who].append(time.perf_counter() - begun)
    slow, fast = (statistics.median(times[who]) for who in ("baseline", "ours"))
    ratio = statistics.median(b / a for a, b in zip(times["baseline"], times["ours"], strict=True))
    print(f"{name}: baseline {slow:.3f} s, ours {fast:.3f} s, {1 / ratio:.2f} times as fast", flush=True)
    return ratio
