"""The linear segmentation head: batch norm and a 1x1 convolution on patch tokens."""

from __future__ import annotations

from torch import Tensor, nn


class LinearSegmentationHead(nn.Module):
    """Channel dropout, batch norm, 1x1 convolution, at token resolution.

    Source: ``BNHead`` of facebookresearch/dinov2 (``eval/segmentation/models/decode_heads/linear_head.py``,
    dropout 0) and ``LinearHead`` of facebookresearch/dinov3 (``eval/segmentation/models/heads``, dropout 0.1
    before the norm). The convolution starts from N(0, 0.01) with bias 0, as mmsegmentation's decode heads do.
    A 1x1 convolution commutes with bilinear upsampling, so logits are made here and upsampled later.

    Args:
        in_channels: Width D of the feature map.
        num_classes: Number of classes C.
        dropout: Share of whole channels dropped in training.
    """

    def __init__(self, in_channels: int, num_classes: int, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.dropout = nn.Dropout2d(dropout)
        self.bn = nn.BatchNorm2d(in_channels)
        self.conv = nn.Conv2d(in_channels, num_classes, kernel_size=1)
        nn.init.normal_(self.conv.weight, std=0.01)
        nn.init.zeros_(self.conv.bias)

    def forward(self, features: Tensor) -> Tensor:
        """Maps features (B, D, h, w) to logits (B, C, h, w)."""
        return self.conv(self.bn(self.dropout(features)))
