"""The linear segmentation head."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from heads import LinearSegmentationHead


def test_it_starts_as_mmsegmentation_heads_do() -> None:
    torch.manual_seed(0)
    head = LinearSegmentationHead(384, 150)
    assert abs(head.conv.weight.std().item() - 0.01) < 1e-4
    assert not head.conv.bias.any()


def test_classifying_commutes_with_upsampling() -> None:
    head = LinearSegmentationHead(8, 3).eval()
    features = torch.randn(2, 8, 4, 5)
    before = head(F.interpolate(features, scale_factor=3, mode="bilinear"))
    after = F.interpolate(head(features), scale_factor=3, mode="bilinear")
    torch.testing.assert_close(before, after)


def test_dropout_takes_whole_channels_and_only_in_training() -> None:
    head = LinearSegmentationHead(64, 3, dropout=0.5)
    seen = []
    head.bn.register_forward_hook(lambda _module, inputs, _output: seen.append(inputs[0]))
    features = torch.ones(1, 64, 3, 3)
    head.train()(features)
    head.eval()(features)
    dropped = (seen[0] == 0).flatten(2)
    assert torch.equal(dropped.any(-1), dropped.all(-1))
    assert dropped.any()
    assert torch.equal(seen[1], features)
