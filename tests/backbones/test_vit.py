"""What the ViT promises beyond its arithmetic, which layouts/test_layouts.py compares with transformers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from benchmark.backbones import load_backbone
from benchmark.backbones.drop_path import DropPath
from benchmark.backbones.presets import build_vit
from benchmark.backbones.specialization import Specialization
from benchmark.errors import InputSizeError, SpecialisationError, StructureError


def test_layers_come_in_the_order_asked_for(make_vit: Callable) -> None:
    vit = make_vit()
    images = torch.randn(1, 3, 56, 56, generator=torch.Generator().manual_seed(1))
    last, first = vit.tokens(images, layers=(-1, 0))
    [alone] = vit.tokens(images, layers=(0,))
    assert torch.equal(first.patches, alone.patches)
    assert not torch.equal(last.patches, first.patches)


def test_a_layer_that_does_not_exist_is_refused(make_vit: Callable) -> None:
    with pytest.raises(IndexError):
        make_vit().tokens(torch.zeros(1, 3, 56, 56), layers=(3,))


def test_patches_run_row_by_row(make_vit: Callable) -> None:
    vit = make_vit()
    images = torch.zeros(1, 3, 56, 70)
    images[:, :, 14:28, 28:42] = 1.0  # patch row 1, column 2
    sequence, grid = vit.embed(images)
    blank, _ = vit.embed(torch.zeros(1, 3, 56, 70))
    changed = (sequence - blank).abs().sum(-1)[0, 1:].nonzero().flatten().tolist()
    assert grid == (4, 5)
    assert changed == [1 * 5 + 2]


def test_feature_map_keeps_rows_and_columns(make_vit: Callable) -> None:
    [tokens] = make_vit().tokens(torch.randn(2, 3, 56, 70))
    assert tokens.feature_map().shape == (2, 48, 4, 5)
    assert torch.equal(tokens.feature_map()[:, :, 1, 2], tokens.patches[:, 1 * 5 + 2])


@pytest.mark.parametrize("shape", [(1, 3, 50, 56), (1, 1, 56, 56), (1, 3, 0, 14)])
def test_images_that_are_no_whole_patches_are_refused(make_vit: Callable, shape: tuple[int, ...]) -> None:
    with pytest.raises(InputSizeError, match="multiples of the patch size 14"):
        make_vit().tokens(torch.zeros(shape))


def test_tokens_of_a_loaded_backbone_need_no_gradient(checkpoint: object) -> None:
    backbone = load_backbone(str(checkpoint))
    [tokens] = backbone.tokens(torch.randn(1, 3, 28, 28))
    assert not backbone.training
    assert not tokens.patches.requires_grad


def test_attention_bias_is_that_of_torch(make_vit: Callable) -> None:
    """``nn.MultiheadAttention(add_bias_kv=True)`` appends the same key and value; the order changes nothing."""
    attention = make_vit(attention_bias=True, num_registers=2).blocks[0].attn
    reference = torch.nn.MultiheadAttention(48, 4, add_bias_kv=True, batch_first=True)
    reference.load_state_dict(
        {
            "in_proj_weight": attention.qkv.weight,
            "in_proj_bias": attention.qkv.bias,
            "bias_k": attention.k_bias.reshape(1, 1, 48),
            "bias_v": attention.v_bias.reshape(1, 1, 48),
            "out_proj.weight": attention.proj.weight,
            "out_proj.bias": attention.proj.bias,
        }
    )
    sequence = torch.randn(2, 11, 48, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected, _ = reference(sequence, sequence, sequence, need_weights=False)
    torch.testing.assert_close(attention(sequence), expected, atol=1e-6, rtol=1e-5)


def test_attention_bias_of_torch_is_read_by_its_own_names(make_vit: Callable, tmp_path: Path) -> None:
    vit = make_vit(attention_bias=True)
    state = {}
    for key, tensor in vit.state_dict().items():
        if key.endswith(("k_bias", "v_bias")):
            state[key.replace("k_bias", "bias_k").replace("v_bias", "bias_v")] = tensor.reshape(1, 1, 48)
        else:
            state[key] = tensor
    torch.save(state, tmp_path / "vit.pth")
    backbone = load_backbone(tmp_path / "vit.pth", num_heads=4)
    assert backbone.spec.attention_bias
    images = torch.randn(1, 3, 56, 56)
    assert torch.equal(backbone.tokens(images)[0].patches, vit.tokens(images)[0].patches)


@pytest.mark.parametrize("removed", ["blocks.1.attn.k_bias", "blocks.1.attn.v_bias"])
def test_attention_bias_in_some_blocks_only_is_refused(make_vit: Callable, tmp_path: Path, removed: str) -> None:
    state = dict(make_vit(attention_bias=True).state_dict())
    del state[removed]
    torch.save(state, tmp_path / "vit.pth")
    with pytest.raises(StructureError, match=r"must be in all 3 blocks.*blocks 0, 2"):
        load_backbone(tmp_path / "vit.pth", num_heads=4)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"blocks.0.norm1.patch.weight": None, "blocks.0.norm1.patch.bias": None}, "one half only.*norm1.patch"),
        ({"blocks.0.norm1.weight": torch.ones(48)}, r"split .* and shared \(blocks\.0\.norm1\.weight\) at once"),
    ],
)
def test_half_a_split_is_refused(make_vit: Callable, tmp_path: Path, change: dict, match: str) -> None:
    state = {**make_vit(split=Specialization(norm1=(0,))).state_dict(), **change}
    torch.save({key: tensor for key, tensor in state.items() if tensor is not None}, tmp_path / "vit.pth")
    with pytest.raises(SpecialisationError, match=match):
        load_backbone(tmp_path / "vit.pth", num_heads=4)


@pytest.mark.parametrize(
    "others",
    [
        {".cls.": ".fns.0.", ".patch.": ".fns.1."},
        {"norm1.cls.": "norm1.cls_norm.", "norm1.patch.": "norm1.patch_norm."},
        {"norm.cls.": "cls_norm.", "norm.patch.": "norm."},
    ],
    ids=["vit-pytorch", "cls_norm in a block", "cls_norm at the top"],
)
def test_split_layers_are_read_by_the_names_of_others(make_vit: Callable, tmp_path: Path, others: dict) -> None:
    vit = make_vit(split=Specialization(norm1=(0, 1), qkv=(0,), final_norm=True))
    state = {}
    for key, tensor in vit.state_dict().items():
        name = key
        for ours, theirs in others.items():
            name = name.replace(ours, theirs) if not theirs.startswith(("cls", "norm.")) or key[:4] == "norm" else name
        state[name] = tensor
    assert state.keys() != vit.state_dict().keys()
    torch.save(state, tmp_path / "vit.pth")
    backbone = load_backbone(tmp_path / "vit.pth", num_heads=4)
    assert backbone.spec.split == vit.spec.split
    images = torch.randn(1, 3, 56, 56)
    assert torch.equal(backbone.tokens(images)[0].cls, vit.tokens(images)[0].cls)


@pytest.mark.parametrize("preset", ["none", "norms+qkv", "norms+lora", "norms+qkv+proj+mlp"])
def test_it_trains(preset: str) -> None:
    """A supervised step as anybody's training script has it: every weight gets a gradient and the loss goes down."""
    torch.manual_seed(0)
    vit = build_vit(
        "Ti", specialization=preset, patch_size=16, image_size=32, num_registers=2, attention_bias=True,
        layer_scale=0.1, drop_path=0.1, seed=0,
    )  # fmt: skip
    head = torch.nn.Linear(2 * 192, 3)
    optimizer = torch.optim.AdamW([*vit.parameters(), *head.parameters()], lr=1e-3)
    images, labels = torch.randn(6, 3, 32, 32), torch.arange(6) % 3
    losses = []
    for _ in range(6):
        [tokens] = vit.train().tokens(images)
        loss = torch.nn.functional.cross_entropy(head(torch.cat((tokens.cls, tokens.patches.mean(1)), 1)), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.7 * losses[0]
    without = {name for name, parameter in vit.named_parameters() if parameter.grad is None}
    assert not without


def test_it_trains_under_bfloat16_autocast() -> None:
    vit = build_vit("Ti", specialization="norms+qkv+proj+mlp", patch_size=16, image_size=32, num_registers=1, seed=0)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = vit.train()(torch.randn(2, 3, 32, 32)).float().square().mean()
    loss.backward()
    assert all(parameter.grad.isfinite().all() for parameter in vit.parameters())


def test_drop_path_drops_whole_branches_of_whole_images_and_only_in_training() -> None:
    branch = torch.ones(1000, 3, 4)
    drop = DropPath(0.3)
    torch.manual_seed(0)
    dropped = drop.train()(branch)
    kept = dropped[:, 0, 0] != 0
    assert torch.equal(dropped, torch.where(kept[:, None, None], branch / 0.7, 0))
    assert 0.6 < kept.float().mean() < 0.8
    assert drop.eval()(branch) is branch


def test_fresh_weights_are_those_of_dinov2() -> None:
    """trunc_normal(0.02) products with zero biases, unit norms, LayerScale of 1e-5, [CLS] nearly zero."""
    vit = build_vit("Ti", specialization="norms+qkv", num_registers=2, attention_bias=True, seed=0)
    vit.requires_grad_(False)
    block = vit.blocks[0]
    assert block.attn.qkv.cls.weight.std() == pytest.approx(0.02, rel=0.05)
    assert not torch.equal(block.attn.qkv.cls.weight, block.attn.qkv.patch.weight)
    assert not block.attn.qkv.patch.bias.any()
    assert torch.equal(block.norm1.cls.weight, torch.ones(192))
    assert torch.equal(block.ls1.patch.gamma, torch.full((192,), 1e-5))
    assert block.attn.k_bias.std() == pytest.approx(0.02, rel=0.3)
    assert vit.pos_embed.std() == pytest.approx(0.02, rel=0.05)
    assert vit.cls_token.abs().max() < 1e-5
    assert vit.patch_embed.proj.weight.abs().max() <= (3 * 14 * 14) ** -0.5
