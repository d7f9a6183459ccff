"""Split layers against a forward pass written out token by token."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from benchmark.backbones import VisionTransformer
from benchmark.backbones.cost import count_gflops
from benchmark.backbones.specialization import Specialization

_ALL = (0, 1, 2)
_SPLITS = {
    "norm1": Specialization(norm1=_ALL),
    "norm2": Specialization(norm2=(1,)),
    "ls1": Specialization(ls1=_ALL),
    "ls2": Specialization(ls2=(0, 2)),
    "qkv": Specialization(qkv=(0,)),
    "proj": Specialization(proj=(0, 1)),
    "mlp": Specialization(mlp=(0, 2)),
    "final norm": Specialization(final_norm=True),
    "low rank": Specialization(qkv_lora=(0, 1), lora_rank=3),
    "the paper's best": Specialization(norm1=_ALL, norm2=_ALL, ls1=_ALL, ls2=_ALL, qkv=(0,)),
    "everything": Specialization(
        norm1=_ALL, norm2=_ALL, ls1=_ALL, ls2=_ALL, qkv=_ALL, proj=_ALL, mlp=_ALL, final_norm=True
    ),
}


def _by_hand(vit: VisionTransformer, images: Tensor) -> Tensor:
    """The definition: each token passes through its own copy of each layer, one token at a time; float64."""
    state = {key: tensor.double() for key, tensor in vit.state_dict().items()}
    spec = vit.spec
    own = 1 + (spec.num_registers if spec.registers_follow == "cls" else 0)

    def parameter(layer: str, name: str, token: int) -> Tensor:
        kind = "cls" if token < own else "patch"
        return state.get(f"{layer}.{kind}.{name}", state.get(f"{layer}.{name}"))

    def each(layer: str, apply: Callable[[Tensor, Callable[[str], Tensor]], Tensor], sequence: Tensor) -> Tensor:
        tokens = [
            apply(sequence[:, token], lambda name, token=token: parameter(layer, name, token))
            for token in range(sequence.shape[1])
        ]
        return torch.stack(tokens, dim=1)

    def norm(token: Tensor, get: Callable[[str], Tensor]) -> Tensor:
        return F.layer_norm(token, token.shape[-1:], get("weight"), get("bias"), spec.norm_eps)

    def linear(token: Tensor, get: Callable[[str], Tensor]) -> Tensor:
        return F.linear(token, get("weight"), get("bias"))

    def mlp(token: Tensor, get: Callable[[str], Tensor]) -> Tensor:
        hidden = F.gelu(F.linear(token, get("fc1.weight"), get("fc1.bias")))
        return F.linear(hidden, get("fc2.weight"), get("fc2.bias"))

    sequence = vit.embed(images)[0].double()
    for block in range(spec.depth):
        name = f"blocks.{block}"
        seen = each(f"{name}.norm1", norm, sequence)
        qkv = each(f"{name}.attn.qkv", linear, seen)
        if f"{name}.attn.qkv.lora_a" in state:
            first, second = state[f"{name}.attn.qkv.lora_a"], state[f"{name}.attn.qkv.lora_b"]
            qkv[:, :own] += seen[:, :own] @ (second @ first).T
        queries, keys, values = qkv.unflatten(2, (3, spec.num_heads, -1)).unbind(2)
        weights = torch.einsum("bihd,bjhd->bhij", queries, keys) / spec.head_width**0.5
        attended = torch.einsum("bhij,bjhd->bihd", weights.softmax(-1), values).flatten(2)
        branch = each(f"{name}.attn.proj", linear, attended)
        sequence = sequence + each(f"{name}.ls1", lambda token, get: token * get("gamma"), branch)
        branch = each(f"{name}.mlp", mlp, each(f"{name}.norm2", norm, sequence))
        sequence = sequence + each(f"{name}.ls2", lambda token, get: token * get("gamma"), branch)
    return each("norm", norm, sequence)


@pytest.mark.parametrize("registers", [0, 2])
@pytest.mark.parametrize("follow", ["patch", "cls"])
@pytest.mark.parametrize("split", _SPLITS.values(), ids=_SPLITS)
def test_each_token_passes_through_its_own_copy(
    make_vit: Callable, split: Specialization, follow: str, registers: int
) -> None:
    vit = make_vit(split=split, registers_follow=follow, num_registers=registers)
    images = torch.randn(2, 3, 42, 56, generator=torch.Generator().manual_seed(1))
    expected = _by_hand(vit, images)
    for batch in (images, images[:1]):  # one image goes another way
        [tokens] = vit.tokens(batch)
        ours = torch.cat((tokens.cls[:, None], tokens.registers, tokens.patches), dim=1)
        torch.testing.assert_close(ours.double(), expected[: len(batch)], atol=1e-5, rtol=1e-5)


def _close(one: Any, other: Any) -> bool:
    return torch.allclose(one, other, atol=1e-6)


def test_registers_go_where_they_are_told(make_vit: Callable) -> None:
    split = Specialization(final_norm=True)
    images = torch.randn(1, 3, 28, 28, generator=torch.Generator().manual_seed(1))
    with_patches, with_cls = (
        make_vit(split=split, num_registers=2, registers_follow=follow).tokens(images)[0] for follow in ("patch", "cls")
    )
    assert _close(with_patches.cls, with_cls.cls)
    assert _close(with_patches.patches, with_cls.patches)
    assert not _close(with_patches.registers, with_cls.registers)


@pytest.mark.parametrize("split", _SPLITS.values(), ids=_SPLITS)
def test_a_split_costs_no_operations(make_vit: Callable, split: Specialization) -> None:
    """A low-rank addition is the exception, by its own two small products."""
    vit = make_vit(split=split)
    added = sum(2 * 3 * (48 + 144) for _ in split.qkv_lora) / 1e9
    assert count_gflops(vit) == pytest.approx(count_gflops(make_vit()) + added, rel=1e-9)


def test_layer_scale_cannot_be_split_where_there_is_none(make_vit: Callable) -> None:
    with pytest.raises(ValueError, match="without LayerScale"):
        make_vit(split=Specialization(ls1=(0,)), layer_scale=False)


def test_equal_halves_give_the_shared_result_to_the_last_bit(make_vit: Callable) -> None:
    shared = make_vit()
    split = make_vit(split=_SPLITS["everything"])
    state = {key: shared.state_dict()[key.replace(".cls.", ".").replace(".patch.", ".")] for key in split.state_dict()}
    split.load_state_dict(state)
    images = torch.randn(2, 3, 70, 98)
    assert torch.equal(split.tokens(images)[0].patches, shared.tokens(images)[0].patches)
    assert torch.equal(split.tokens(images)[0].cls, shared.tokens(images)[0].cls)
