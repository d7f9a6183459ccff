"""Chunks of a feature matrix: where they are cut, and what they hold."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from heads.chunks import as_shards, chunks_of


@pytest.mark.parametrize("cut", [[10], [1, 2, 3, 4], [0, 7, 0, 3, 0]], ids=["whole", "small shards", "empty shards"])
@pytest.mark.parametrize("rows", [1, 3, 5, 10, 99])
def test_chunks_are_full_but_the_last_and_cross_the_borders_of_shards(cut: list[int], rows: int) -> None:
    matrix = torch.arange(20, dtype=torch.float16).view(10, 2)
    chunks = [
        chunk.clone() for chunk in chunks_of(matrix.split(cut), rows, dtype=torch.float32, device=torch.device("cpu"))
    ]
    assert [len(chunk) for chunk in chunks] == [len(part) for part in matrix.split(rows)]
    assert torch.equal(torch.cat(chunks), matrix.float())


def test_one_buffer_serves_all_chunks_and_leaves_the_matrix_alone() -> None:
    matrix = torch.ones(10, 2)
    places = set()
    for chunk in chunks_of([matrix], 4, dtype=torch.float32, device=torch.device("cpu")):
        chunk.zero_()
        places.add(chunk.data_ptr())
    assert len(places) == 1
    assert matrix.all()


class _Copies(TorchDispatchMode):
    """Lists the number format of everything that goes from the CPU to another device."""

    def __init__(self) -> None:
        super().__init__()
        self.moved: list[torch.dtype] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        source = args[1] if func is torch.ops.aten.copy_.default else args[0] if args else None
        if isinstance(source, torch.Tensor) and source.device.type == "cpu" and result.device.type != "cpu":
            self.moved.append(result.dtype)
        return result


def test_features_go_to_the_device_in_their_own_number_format() -> None:
    with _Copies() as copies:
        list(chunks_of([torch.ones(10, 2).half()], 4, dtype=torch.float64, device=torch.device("meta")))
    assert set(copies.moved) == {torch.float16}


def test_what_is_no_feature_matrix_is_named() -> None:
    for features, message in (
        ([], "queries hold no rows"),
        (torch.zeros(0, 3), "queries hold no rows"),
        (torch.zeros(3), r"float32 \(3,\)"),
        ([torch.zeros(2, 3), [1.0]], "received list"),
        ([torch.zeros(2, 3), torch.zeros(2, 4)], r"same width, received \[3, 4\]"),
    ):
        with pytest.raises(ValueError, match=message):
            as_shards(features, "queries")
