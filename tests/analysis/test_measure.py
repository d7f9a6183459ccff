"""The pass over pictures, against an independent implementation and against itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import Dinov2Config, Dinov2Model, Dinov2WithRegistersConfig, Dinov2WithRegistersModel

from benchmark.analysis.block_points import BLOCK_POINTS, early_middle_late
from benchmark.analysis.measure import LARGEST_PATCHES, TokenStatistics, measure
from benchmark.analysis.pca import principal_maps
from benchmark.backbones import VisionTransformer, load_backbone, specialize
from benchmark.backbones.specialization import Specialization
from benchmark.errors import CheckpointError
from benchmark.samples.images import normalised

_CPU = torch.device("cpu")
_DEPTH, _SIDE = 3, 56


def _pictures(count: int = 5, side: int = _SIDE) -> list[np.ndarray]:
    return list(np.random.default_rng(0).integers(0, 256, (count, side, side, 3), np.uint8))


def _reference(registers: int) -> nn.Module:
    fields = {
        "hidden_size": 128,
        "num_hidden_layers": _DEPTH,
        "num_attention_heads": 2,
        "mlp_ratio": 2,
        "image_size": _SIDE,
        "patch_size": 14,
        "attn_implementation": "eager",
    }
    if registers:
        config = Dinov2WithRegistersConfig(**fields, num_register_tokens=registers)
        model: nn.Module = Dinov2WithRegistersModel(config)
    else:
        model = Dinov2Model(Dinov2Config(**fields))
    generator = torch.Generator().manual_seed(0)
    for name, parameter in model.named_parameters():
        centre = float(name.endswith(("norm1.weight", "norm2.weight", "layernorm.weight", "lambda1")))
        nn.init.normal_(parameter, centre, 0.2 if parameter.ndim == 1 else 0.1, generator=generator)
    return model.eval().requires_grad_(False)


def _by_brute_force(model: nn.Module, images: Tensor, registers: int) -> dict[tuple[str, str], np.ndarray]:
    """Computes (images, blocks) of every statistic in float64 from all pairs of tokens, by hooks on transformers."""
    points: dict[str, list[Tensor]] = {point: [] for point in BLOCK_POINTS}

    def hook(after: str, before: str | None = None) -> Callable:
        def keep(_module: nn.Module, inputs: tuple, output: Tensor | tuple) -> None:
            if before:
                points[before].append(inputs[0])
            points[after].append(output[0] if isinstance(output, tuple) else output)

        return keep

    for layer in model.encoder.layer:
        layer.norm1.register_forward_hook(hook("norm1", "input"))
        layer.attention.register_forward_hook(hook("attn"))
        layer.layer_scale1.register_forward_hook(hook("ls1"))
        layer.norm2.register_forward_hook(hook("norm2", "residual"))
        layer.mlp.register_forward_hook(hook("mlp"))
        layer.layer_scale2.register_forward_hook(hook("ls2"))
        layer.register_forward_hook(hook("output"))
    attentions = model(images, output_attentions=True).attentions
    statistics: dict[tuple[str, str], list[list[float]]] = {}
    for point, sequences in points.items():
        for sequence in sequences:
            for image, tokens in enumerate(sequence):
                cls, patches = tokens[0], tokens[1 + registers :]
                pairs = F.cosine_similarity(patches[:, None], patches[None], dim=-1)
                apart = ~torch.eye(len(patches), dtype=torch.bool)
                values = {
                    "cls_patch": F.cosine_similarity(cls[None], patches, dim=-1).mean(),
                    "patch_patch": pairs[apart].mean(),
                    "cls_norm": cls.norm(),
                    "patch_norm": patches.norm(dim=-1).mean(),
                    "largest_patch_norm": patches.norm(dim=-1).max(),
                }
                if registers:
                    values["register_norm"] = tokens[1 : 1 + registers].norm(dim=-1).mean()
                for statistic, value in values.items():
                    per_image = statistics.setdefault((point, statistic), [[] for _ in sequence])
                    per_image[image].append(float(value))
    for attention in attentions:
        for image, heads in enumerate(attention):
            row = heads[:, 0].mean(0)
            shares = {"cls": row[0], "patches": row[1 + registers :].sum()}
            if registers:
                shares["registers"] = row[1 : 1 + registers].sum()
            for kind, share in shares.items():
                key = ("attn", f"cls_attention_to_{kind}")
                statistics.setdefault(key, [[] for _ in attention])[image].append(float(share))
    return {key: np.array(values) for key, values in statistics.items()}


@pytest.mark.parametrize("registers", [0, 4])
def test_equals_brute_force_in_float64_on_transformers(tmp_path: Path, registers: int) -> None:
    model = _reference(registers)
    model.save_pretrained(tmp_path)
    vit = load_backbone(tmp_path)
    pictures = _pictures()
    images = torch.stack([normalised(picture, vit.spec.preprocessing) for picture in pictures])
    expected = _by_brute_force(model.double(), images.double(), registers)
    measured = measure(vit, [pictures[:2], pictures[2:]], device=_CPU, shown=0)
    assert measured.images == len(pictures)
    assert {point for point, _ in measured.by_point} == set(BLOCK_POINTS)
    assert set(measured.by_point) == set(expected)
    for key, values in expected.items():
        joined = np.concatenate((values, values.mean(1, keepdims=True)), axis=1)
        scale = max(abs(values).max(), 1)
        stats = measured.by_point[key]
        np.testing.assert_allclose(stats.mean, joined.mean(0), rtol=0, atol=5e-6 * scale, err_msg=str(key))
        np.testing.assert_allclose(stats.std, joined.std(0), rtol=0, atol=2e-5 * scale, err_msg=str(key))


def _same(one: TokenStatistics, other: TokenStatistics) -> None:
    assert set(one.by_point) == set(other.by_point)
    for key, stats in one.by_point.items():
        np.testing.assert_array_equal(stats.mean, other.by_point[key].mean, err_msg=str(key))
        np.testing.assert_array_equal(stats.std, other.by_point[key].std, err_msg=str(key))
    for block, magnitudes in one.magnitudes.items():
        np.testing.assert_array_equal(magnitudes.cls.mean, other.magnitudes[block].cls.mean)
        np.testing.assert_array_equal(magnitudes.patches.mean, other.magnitudes[block].patches.mean)
    np.testing.assert_array_equal(one.norms.patches, other.norms.patches)
    for ours, theirs in zip(one.maps, other.maps, strict=True):
        np.testing.assert_array_equal(ours.principal, theirs.principal)
        np.testing.assert_array_equal(ours.attention, theirs.attention)


@pytest.mark.parametrize(
    "split",
    [
        Specialization(norm1=(0, 1, 2), norm2=(0, 1, 2), ls1=(0, 1, 2), ls2=(0, 1, 2), qkv=(0,), proj=(1,), mlp=(2,)),
        Specialization(norm1=(0,), qkv_lora=(0, 1), lora_rank=4, final_norm=True),
    ],
)
def test_a_checkpoint_just_specialised_is_analysed_as_the_shared_one(make_vit: Callable, split: Specialization) -> None:
    vit = make_vit(num_registers=2, attention_bias=True)
    pictures = [_pictures(3)]
    special = specialize(vit, split)
    assert special.spec.split == split
    _same(measure(vit, pictures, device=_CPU, shown=2), measure(special, pictures, device=_CPU, shown=2))


def test_the_size_of_the_batches_changes_nothing_but_rounding(make_vit: Callable) -> None:
    vit, pictures = make_vit(), _pictures(7)
    whole = measure(vit, [pictures], device=_CPU, shown=4)
    parts = measure(vit, [pictures[:1], pictures[1:3], pictures[3:]], device=_CPU, shown=4)
    for key, stats in whole.by_point.items():
        assert stats.n == parts.by_point[key].n == 7
        np.testing.assert_allclose(stats.mean, parts.by_point[key].mean, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(stats.std, parts.by_point[key].std, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(whole.norms.patches, parts.norms.patches, rtol=1e-4)
    assert len(whole.maps) == len(parts.maps) == 4
    for ours, theirs in zip(whole.maps, parts.maps, strict=True):
        np.testing.assert_allclose(ours.principal, theirs.principal, atol=1e-3)
        np.testing.assert_allclose(ours.attention, theirs.attention, atol=1e-4)


def test_norms_magnitudes_and_maps_are_those_of_the_backbones_tokens(make_vit: Callable) -> None:
    vit, pictures = make_vit(num_registers=2), _pictures(2)
    measured = measure(vit, [pictures], device=_CPU, shown=1)
    images = torch.stack([normalised(picture, vit.spec.preprocessing) for picture in pictures])
    early = early_middle_late(3)[0]
    last, first = vit.tokens(images, layers=(-1, early), norm=False)
    [final] = vit.tokens(images)
    lengths = last.patches.norm(dim=-1)
    np.testing.assert_allclose(measured.norms.patches, lengths.flatten(), rtol=1e-5)
    np.testing.assert_allclose(measured.norms.cls, last.cls.norm(dim=-1), rtol=1e-5)
    np.testing.assert_allclose(measured.norms.registers, last.registers.norm(dim=-1).flatten(), rtol=1e-5)
    assert measured.norms.outliers == float((lengths > 4 * lengths.median()).float().mean())
    np.testing.assert_allclose(measured.magnitudes[early].cls.mean, first.cls.abs().mean(0), rtol=1e-4)
    order = first.patches.norm(dim=-1).argsort(dim=1, descending=True)[:, :LARGEST_PATCHES]
    largest = torch.stack([image[rank] for image, rank in zip(first.patches, order, strict=True)])
    np.testing.assert_allclose(measured.magnitudes[early].patches.mean, largest.abs().mean(0), rtol=1e-4)
    np.testing.assert_allclose(measured.maps[0].principal, principal_maps(final.patches[0], (4, 4)), atol=1e-4)


def test_hooks_are_gone_afterwards_and_the_output_is_untouched(make_vit: Callable) -> None:
    vit = make_vit(split=Specialization(norm1=(0,), ls1=(1,), qkv=(2,)))
    images = torch.randn(1, 3, 28, 28, generator=torch.Generator().manual_seed(0))
    before = vit(images)
    measure(vit, [_pictures(1)], device=_CPU, shown=0)
    assert torch.equal(vit(images), before)
    assert not any(module._forward_hooks for module in vit.modules())


def test_without_layer_scale_there_is_nothing_to_say_about_it(make_vit: Callable) -> None:
    measured = measure(make_vit(layer_scale=False), [_pictures(1)], device=_CPU, shown=0)
    assert {point for point, _ in measured.by_point} == set(BLOCK_POINTS) - {"ls1", "ls2"}


@pytest.mark.parametrize(
    "changes",
    [
        {"ffn": "swiglu", "num_registers": 4, "registers_follow": "cls", "split": Specialization(norm1=(0,), mlp=(1,))},
        {"rope_dtype": "float32", "grid_size": None, "position_interpolation": None, "num_registers": 4},
        {"qkv_bias": False, "depth": 1},
    ],
)
def test_every_kind_of_model_is_measured(make_vit: Callable, changes: dict) -> None:
    vit: VisionTransformer = make_vit(**changes)
    measured = measure(vit, [_pictures(2)], device=_CPU, shown=1)
    assert measured.by_point["input", "cls_patch"].mean.shape == (vit.spec.depth + 1,)
    shares = [stats.mean for (_, name), stats in measured.by_point.items() if name.startswith("cls_attention_to")]
    np.testing.assert_allclose(sum(shares), 1, atol=1e-6)


def test_nan_tokens_are_refused_with_block_and_layer(make_vit: Callable) -> None:
    vit = make_vit()
    vit.blocks[1].mlp.fc2.bias[0] = torch.nan
    with pytest.raises(CheckpointError, match=r"NaN or infinite from block 1 on \(first at mlp\)"):
        measure(vit, [_pictures(1)], device=_CPU, shown=0)


def test_early_middle_and_late_are_the_last_blocks_of_each_third() -> None:
    assert [early_middle_late(depth) for depth in (24, 12, 40, 2, 1)] == [
        (7, 15, 23),
        (3, 7, 11),
        (12, 26, 39),
        (0, 1),
        (0,),
    ]
