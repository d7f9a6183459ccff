"""Columns of features are what the backbone says, image by image."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from benchmark.errors import DataError, UsageError
from benchmark.features.encode import column_shapes, encode_columns
from benchmark.features.frozen import FrozenBackbone

COLUMNS = ["cls.1", "registers.1", "mean.2", "patches.0"]


def _load(index: int) -> torch.Tensor:
    if index == 3:
        raise DataError("3.jpg cannot be read")
    return torch.randn(3, 30, 42, generator=torch.Generator().manual_seed(index))


@pytest.mark.parametrize("workers", [0, 2])
def test_columns_are_the_backbones_tokens(make_vit: Callable, workers: int) -> None:
    vit = make_vit(num_registers=2)
    frozen = FrozenBackbone(vit, torch.device("cpu"))
    encode = encode_columns(frozen, _load, COLUMNS, norm=False, precision="float32", batch_size=2, workers=workers)
    encoded = dict(encode([4, 3, 0, 1, 2]))
    assert list(encoded) == [4, 3, 0, 1, 2]
    assert str(encoded[3]) == "3.jpg cannot be read"
    assert frozen.forwards == 4
    padded = torch.nn.functional.pad(_load(1), (0, 0, 6, 6))[None]  # 30 rows are padded to 42
    layers = vit.tokens(padded, layers=(0, 1, 2), norm=False)
    expected = {
        "cls.1": layers[1].cls[0],
        "registers.1": layers[1].registers[0],
        "mean.2": layers[2].patches[0].mean(0),
        "patches.0": layers[0].patches[0],
    }
    shapes = column_shapes(vit.spec, COLUMNS, (30, 42))
    for name, values in encoded[1].items():
        assert values.shape == shapes[name]
        torch.testing.assert_close(values, expected[name], rtol=1e-4, atol=1e-5)


def test_bfloat16_is_another_arithmetic_and_comes_as_float32(make_vit: Callable) -> None:
    def encoded(precision: str) -> torch.Tensor:
        frozen = FrozenBackbone(make_vit(), torch.device("cpu"))
        encode = encode_columns(frozen, _load, ["cls.2"], norm=True, precision=precision, batch_size=2, workers=0)
        return dict(encode([0]))[0]["cls.2"]

    exact, rough = encoded("float32"), encoded("bfloat16")
    assert rough.dtype == torch.float32
    assert 0 < (exact - rough).abs().max() < 0.2


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("clss.1", r"no column 'clss\.1' \(did you mean 'cls'\?\)"),
        ("cls", "no column 'cls'"),
        ("cls.-1", "no column"),
        ("cls.3", "has blocks 0 to 2"),
        ("registers.1", "has no registers"),
    ],
)
def test_a_column_the_backbone_lacks_is_refused(make_vit: Callable, column: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        column_shapes(make_vit().spec, [column], (28, 28))
