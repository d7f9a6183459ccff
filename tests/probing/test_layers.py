"""The four layers of DINOv2's depth heads."""

from __future__ import annotations

import pytest

from benchmark.probing.layers import quarter_layers


@pytest.mark.parametrize(
    ("depth", "layers"),
    [(12, (2, 5, 8, 11)), (24, (4, 11, 17, 23)), (40, (9, 19, 29, 39))],
    ids=["S and B", "L", "g"],
)
def test_they_are_those_of_the_published_heads(depth: int, layers: tuple[int, ...]) -> None:
    assert quarter_layers(depth) == layers


def test_vit_l_reads_block_4_unless_told_otherwise() -> None:  # trap 19
    assert quarter_layers(24) == (4, 11, 17, 23)
    assert quarter_layers(24, historic=False) == (5, 11, 17, 23)
    assert quarter_layers(12, historic=False) == quarter_layers(12)


def test_too_few_blocks_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 4 blocks, received 3"):
        quarter_layers(3)
