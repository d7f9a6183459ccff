"""What a function from images to tokens may return."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from benchmark.backbones import Tokens
from benchmark.backbones.returned import by_layer
from benchmark.errors import CheckpointError

_GRID = (2, 3)
_CLS, _REGISTERS, _PATCHES = torch.randn(4, 5), torch.randn(4, 2, 5), torch.randn(4, 6, 5)
_MAP = _PATCHES.transpose(1, 2).unflatten(2, _GRID)
_SEQUENCE = torch.cat((_CLS[:, None], _REGISTERS, _PATCHES), 1)


@pytest.mark.parametrize(
    ("found", "registers"),
    [
        (Tokens(_CLS, _REGISTERS, _PATCHES, _GRID), 2),
        (_SEQUENCE, 2),
        (torch.cat((_CLS[:, None], _PATCHES), 1), 0),
        ((_CLS, _PATCHES), 0),
        ([_PATCHES, _CLS], 0),
        ((_CLS, _MAP), 0),
        ({"cls": _CLS, "patches": _MAP}, 0),
        ({"cls": _CLS, "registers": _REGISTERS, "patches": _PATCHES}, 2),
        ({"x_norm_clstoken": _CLS, "x_norm_regtokens": _REGISTERS, "x_norm_patchtokens": _PATCHES, "masks": None}, 2),
        ({"last_hidden_state": _SEQUENCE, "pooler_output": _CLS}, 2),
    ],
)
def test_each_way_to_write_tokens_means_the_same(found: Any, registers: int) -> None:
    for given, count in ((found, 1), ([found, found, found], 3)):
        layers = by_layer(given, _GRID, "it")
        assert len(layers) == count
        for tokens in layers:
            assert torch.equal(tokens.cls, _CLS)
            assert torch.equal(tokens.patches, _PATCHES)
            assert torch.equal(tokens.registers, _REGISTERS[:, :registers])
            assert tokens.grid == _GRID


def test_two_blocks_of_whole_sequences_are_no_pair() -> None:
    assert len(by_layer((_SEQUENCE, _SEQUENCE), _GRID, "it")) == 2


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (None, "it returned a NoneType; wanted: Tokens; a tensor"),
        ([], "it returned a list of nothing"),
        (_PATCHES, r"the 6 patches without a \[CLS\] before them; .* \(patches.mean\(1\), patches\)"),
        (_PATCHES[:, :4], r"a tensor \(4, 4, 5\); for a grid of 2 x 3 patches it must be \(B, 1 \+ R \+ 6, D\)"),
        (_CLS, r"a tensor \(4, 5\); for a grid"),
        ((_CLS, _CLS), r"a tensor \(4, 5\) for patches; it must be \(B, tokens, D\)"),
        ((_CLS, _PATCHES[:, :4]), r"a tensor \(4, 4, 5\) for patches; a grid of 2 x 3 has 6. Is the patch size right"),
        ((_CLS, _MAP.transpose(2, 3)), r"a tensor \(4, 5, 3, 2\) for patches; it must be"),
        ({"cls": _CLS}, "a dict of cls; wanted"),
        ({"cls": _PATCHES, "patches": _PATCHES}, r"a tensor \(4, 6, 5\) for \[CLS\]; it must be \(B, D\)"),
        ([_SEQUENCE, None], "it, entry 1 returned a NoneType"),
    ],
)
def test_what_is_something_else_is_refused_with_its_shape(found: Any, message: str) -> None:
    with pytest.raises(CheckpointError, match=message):
        by_layer(found, _GRID, "it")
