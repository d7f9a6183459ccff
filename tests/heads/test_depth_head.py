"""The linear depth head against the sources' order of steps, written out."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from heads import LinearDepthHead

_NYU = {"min_depth": 0.001, "max_depth": 10.0}
_KITTI = {"min_depth": 0.001, "max_depth": 80.0}
_PROTOCOLS: dict[str, dict[str, Any]] = {
    "dinov2-lin1": {"cls_token": True, "upsample": 4},
    "dinov2-lin4": {"cls_token": True, "upsample": 4, "layers": 4},
    "dinov3-lin": {"cls_token": False, "norm": True, "init": "normal"},
}
_D = 6


def _head(protocol: str, **changes: Any) -> LinearDepthHead:
    torch.manual_seed(0)
    head = LinearDepthHead(_D, **{**_PROTOCOLS[protocol], **_NYU, **changes})
    torch.nn.init.normal_(head.conv_depth.weight, std=0.5)  # depths that differ
    torch.nn.init.normal_(head.conv_depth.bias, std=0.5)
    return head


def _tokens(head: LinearDepthHead, batch: int = 2, *, dtype: torch.dtype = torch.float32) -> tuple[Tensor, ...]:
    generator = torch.Generator().manual_seed(1)
    patches = torch.randn(batch, head.layers * _D, 3, 5, generator=generator, dtype=dtype)
    cls = torch.randn(batch, head.layers * _D, generator=generator, dtype=dtype)
    return (patches, cls) if head.cls_token else (patches,)


def _sources_order(head: LinearDepthHead, patches: Tensor, cls: Tensor | None = None) -> Tensor:
    """Join layer by layer, upsample the features, convolve all, then average the bins."""
    joined = patches
    if cls is not None:
        parts = []
        for layer in range(head.layers):
            channels = slice(layer * _D, (layer + 1) * _D)
            patch = patches[:, channels]
            parts += [patch, cls[:, channels, None, None].expand_as(patch)]
        joined = torch.cat(parts, dim=1)
    if head.upsample > 1:
        joined = F.interpolate(joined, scale_factor=head.upsample, mode="bilinear", align_corners=False)
    weights = head.conv_depth(head.batchnorm_layer(joined)).relu() + 0.1
    weights = weights / weights.sum(1, keepdim=True)
    return (weights * head.bins[:, None, None]).sum(1, keepdim=True)


@pytest.mark.parametrize("protocol", _PROTOCOLS)
@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
def test_convolving_first_equals_upsampling_first(protocol: str, training: bool) -> None:
    head = _head(protocol).train(training)
    tokens = _tokens(head)
    depth = head(*tokens)
    assert depth.shape == (2, 1, 3 * head.upsample, 5 * head.upsample)
    assert depth.std() > 0.1
    torch.testing.assert_close(depth, _sources_order(head, *tokens), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("protocol", _PROTOCOLS)
def test_depth_and_gradient_agree_to_a_millionth_in_double_precision(protocol: str) -> None:
    head = _head(protocol).double()
    tokens = _tokens(head, dtype=torch.float64)
    ours, theirs = head(*tokens), _sources_order(head, *tokens)
    torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-9)
    for mine, source in zip(
        *(torch.autograd.grad(depth.log().sum(), head.parameters()) for depth in (ours, theirs)), strict=True
    ):
        torch.testing.assert_close(mine, source, rtol=1e-6, atol=1e-9)


def test_gradient_passes_gradcheck() -> None:
    head = _head("dinov2-lin4", bins=3, upsample=2).double()
    patches, cls = (tokens.requires_grad_() for tokens in _tokens(head, 1, dtype=torch.float64))
    assert torch.autograd.gradcheck(head, (patches, cls))


def test_depth_of_one_pixel_by_hand() -> None:
    head = LinearDepthHead(1, cls_token=True, min_depth=1.0, max_depth=3.0, bins=3)
    head.conv_depth.weight.data = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-5.0, 0.0]])[:, :, None, None]
    head.conv_depth.bias.data.zero_()
    depth = head(torch.full((1, 1, 1, 1), 0.4), torch.tensor([[0.9]]))
    # weights 0.4 + 0.1, 0.9 + 0.1 and 0 + 0.1 of 1, 2 and 3 m
    assert depth.item() == pytest.approx((0.5 * 1 + 1.0 * 2 + 0.1 * 3) / 1.6)


@pytest.mark.parametrize("limits", [_NYU, _KITTI], ids=["nyu", "kitti"])
def test_bins_span_the_range_of_the_dataset(limits: dict[str, float]) -> None:  # trap 14
    head = _head("dinov2-lin1", **limits)
    assert len(head.bins) == 256
    assert (head.bins[0].item(), head.bins[-1].item()) == pytest.approx((limits["min_depth"], limits["max_depth"]))
    torch.nn.init.zeros_(head.conv_depth.weight)
    torch.nn.init.constant_(head.conv_depth.bias, -1)
    indifferent = head(*_tokens(head))
    torch.testing.assert_close(indifferent, torch.full_like(indifferent, sum(limits.values()) / 2))


def test_the_range_is_never_assumed() -> None:  # trap 14: one hub default, 80 m, served every dataset
    with pytest.raises(TypeError, match="max_depth"):
        LinearDepthHead(_D, cls_token=True, min_depth=0.001)


def test_extreme_logits_stay_in_the_range() -> None:
    head = _head("dinov2-lin1")
    torch.nn.init.normal_(head.conv_depth.weight, std=1e4)
    depth = head(*_tokens(head))
    assert depth.min() >= 0.001
    assert depth.max() <= 10 * (1 + 1e-6)


def test_released_dinov2_heads_load() -> None:
    released = {
        "decode_head.conv_depth.weight": torch.randn(256, 4 * 2 * _D, 1, 1),
        "decode_head.conv_depth.bias": torch.randn(256),
    }
    head = _head("dinov2-lin4")
    head.load_state_dict({key.removeprefix("decode_head."): value for key, value in released.items()})
    assert torch.equal(head.conv_depth.weight, released["decode_head.conv_depth.weight"])


def test_channels_are_joined_layer_by_layer_first_patch_then_cls() -> None:
    head = _head("dinov2-lin4")
    patches, cls = _tokens(head)
    # only the second block of weights of the third layer: its [CLS]
    weight = torch.zeros(256, 4, 2, _D)
    weight[:, 2, 1] = torch.randn(256, _D)
    head.conv_depth.weight.data = weight.flatten(1)[:, :, None, None]
    before = head(patches, cls)
    torch.testing.assert_close(before, head(torch.zeros_like(patches), cls))
    elsewhere = cls.clone()
    elsewhere.unflatten(1, (4, _D))[:, [0, 1, 3]] = 7.0
    torch.testing.assert_close(before, head(patches, elsewhere))
    elsewhere.unflatten(1, (4, _D))[:, 2] = 7.0
    assert not torch.allclose(before, head(patches, elsewhere))


def test_a_head_without_norm_adds_none() -> None:  # trap 20: DINOv2's depth sees unnormalised tokens
    plain, normed = _head("dinov2-lin1"), _head("dinov3-lin").train()
    assert set(dict(plain.named_parameters())) == {"conv_depth.weight", "conv_depth.bias"}
    patches, cls = _tokens(plain)
    assert not torch.allclose(plain(patches, cls), plain(3 * patches, 3 * cls), rtol=0.01)
    torch.testing.assert_close(normed(patches), normed(3 * patches), rtol=1e-3, atol=1e-3)


def test_initial_weights_are_those_of_the_sources() -> None:
    torch.manual_seed(0)
    dinov2 = LinearDepthHead(384, **_PROTOCOLS["dinov2-lin1"], **_NYU)
    bound = 1 / math.sqrt(2 * 384)  # PyTorch: uniform, by the number of inputs, [CLS] included
    assert dinov2.conv_depth.weight.abs().max().item() == pytest.approx(bound, rel=1e-3)
    dinov3 = LinearDepthHead(384, **_PROTOCOLS["dinov3-lin"], **_NYU)
    assert abs(dinov3.conv_depth.weight.std().item() - 0.01) < 1e-4
    assert not dinov3.conv_depth.bias.any()


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"cls_token": True, "norm": True}, "batch norm is for patch tokens alone"),
        ({"min_depth": 10.0, "max_depth": 0.001}, "0 < min_depth < max_depth, received 10.0 and 0.001"),
        ({"min_depth": 0.0}, "0 < min_depth"),
        ({"init": "xavier"}, "init must be"),
    ],
)
def test_bad_options_are_refused(changes: dict, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        LinearDepthHead(_D, **{"cls_token": False, **_NYU, **changes})


def test_tokens_of_another_kind_are_refused() -> None:
    with_cls, without = _head("dinov2-lin1"), _head("dinov3-lin")
    patches, cls = _tokens(with_cls)
    with pytest.raises(ValueError, match=r"needs \[CLS\] tokens and received none"):
        with_cls(patches)
    with pytest.raises(ValueError, match=r"sees no \[CLS\] tokens and received some"):
        without(patches, cls)
    with pytest.raises(ValueError, match=r"patches must be \(B, 6, h, w\)"):
        without(patches[:, 1:])
    with pytest.raises(ValueError, match=r"cls must be \(2, 6\)"):
        with_cls(patches, cls[:1])
