"""How often a benchmark runs the backbone."""

from __future__ import annotations

import pytest

from benchmark.benchmarks import BENCHMARKS
from benchmark.probing.estimate import plan


def test_ade20k_is_counted_as_written_out_by_hand() -> None:
    found = plan("ade20k")
    assert (found.side, found.train) == (512, 40_000 * 16)
    assert found.val == 2_000 * 2  # 512 x 683 is covered by two windows of 512
    assert found.forwards == found.train + found.val


def test_cityscapes_slides_over_a_large_image() -> None:
    assert plan("cityscapes").val == 500 * 3 * 6  # (1024 - 512) / 341 and (2048 - 512) / 341, rounded up, plus one


@pytest.mark.parametrize("name", BENCHMARKS)
def test_every_benchmark_has_a_plan(name: str) -> None:
    assert plan(name).forwards > 0
