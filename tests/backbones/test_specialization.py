"""Which layers are split where: names, block lists, unions."""

from __future__ import annotations

import pytest

from benchmark.backbones.specialization import Specialization, parse_blocks

_ALL = tuple(range(24))


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("all", tuple(range(12))),
        ("none", ()),
        ("0", ()),
        ("4", (0, 1, 2, 3)),
        ("1/3", (0, 1, 2, 3)),
        ("0-2,7", (0, 1, 2, 7)),
        ("8-8", (8,)),
        ("3,1", (1, 3)),
    ],
)
def test_block_lists_are_read(text: str, blocks: tuple[int, ...]) -> None:
    assert parse_blocks(text, 12) == blocks


def test_a_third_of_32_blocks_is_11() -> None:
    assert len(parse_blocks("1/3", 32)) == 11


@pytest.mark.parametrize("text", ["13", "0-12", "1/0", "", "first", "5-3", "-1", "4/3", "0x1"])
def test_blocks_that_are_not_there_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"blocks|within"):
        parse_blocks(text, 12)


@pytest.mark.parametrize(
    ("split", "label"),
    [
        (Specialization(), "none"),
        (Specialization(norm1=_ALL, norm2=_ALL, ls1=_ALL, ls2=_ALL), "norms"),
        (Specialization(norm1=_ALL, norm2=_ALL, ls1=_ALL, ls2=_ALL, qkv=tuple(range(8))), "norms+qkv[0-7]"),
        (Specialization(norm1=_ALL, qkv=(0, 2, 3)), "norm1+qkv[0,2-3]"),
        (Specialization(qkv_lora=(0,), lora_rank=128, final_norm=True), "qkv-lora128[0]+norm"),
    ],
)
def test_labels_are_short(split: Specialization, label: str) -> None:
    assert split.label(24, layer_scale=True) == label


def test_norms_of_a_model_without_layer_scale_are_its_two_layer_norms() -> None:
    assert Specialization(norm1=(0, 1), norm2=(0, 1)).label(2, layer_scale=False) == "norms"


def test_a_union_splits_what_either_splits() -> None:
    joined = Specialization(norm1=(1,), final_norm=True).union(Specialization(norm1=(0,), qkv=(2,)))
    assert joined == Specialization(norm1=(0, 1), qkv=(2,), final_norm=True)


def test_only_a_real_split_counts_as_one() -> None:
    assert not Specialization()
    assert Specialization(norm1=(0,))


def test_contradictions_are_refused() -> None:
    with pytest.raises(ValueError, match="at once"):
        Specialization(qkv=(0, 1), qkv_lora=(1,), lora_rank=4)
    with pytest.raises(ValueError, match="blocks and a rank"):
        Specialization(qkv_lora=(1,))
    with pytest.raises(ValueError, match="LoRA ranks 4 and 8"):
        Specialization(qkv_lora=(1,), lora_rank=4).union(Specialization(qkv_lora=(2,), lora_rank=8))
