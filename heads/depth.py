"""The linear depth head: a 1x1 convolution to depth bins, whose normalised weights average the bins' depths."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# Added to every bin's weight, so that the weights never sum to nothing (AdaBins).
_FLOOR = 0.1


class LinearDepthHead(nn.Module):
    """1x1 convolution of patch tokens, and of [CLS] if wanted, to bins from ``min_depth`` to ``max_depth``.

    The weight of a bin is relu(logit) + 0.1, the depth the weighted mean of the bins, which are evenly spaced with
    both ends among them. Sources: ``BNHead`` of facebookresearch/dinov2 (``eval/depth/models/decode_heads``) and
    ``LinearHead`` with ``FeaturesToDepth`` of facebookresearch/dinov3 (``eval/depth/models``):

    * dinov2-lin1: ``LinearDepthHead(D, cls_token=True, upsample=4, ...)``
    * dinov2-lin4: ``LinearDepthHead(D, layers=4, cls_token=True, upsample=4, ...)``
    * dinov3-lin: ``LinearDepthHead(D, cls_token=False, norm=True, init="normal", ...)``

    Parameters have the shapes and names of the sources (``conv_depth``, ``batchnorm_layer``), and the input channels
    their order, layer by layer first patch then [CLS]: a DINOv3 head loads as it is, a released DINOv2 head once
    ``decode_head.`` is cut from its keys. The bins are no part of the state, because the released DINOv2 heads are
    used with more than one range (the hub code sets 80 m for all of them, which is wrong for NYU); the range is the
    dataset's.

    The sources broadcast [CLS] over the map, join it to the patch channels, upsample, and convolve. A 1x1 convolution
    commutes with bilinear upsampling and [CLS] is constant over an image, so here the patches are convolved at token
    resolution, [CLS] becomes a bias per image, and only the logits are upsampled: the same depths to rounding.

    Args:
        embed_dim: Width D of the tokens of one layer.
        layers: Number L of layers whose tokens are joined.
        cls_token: Whether [CLS] is seen beside the patches.
        min_depth: Depth of the first bin, metres.
        max_depth: Depth of the last bin, metres.
        bins: Number of bins.
        upsample: Factor by which the map is enlarged, bilinearly.
        norm: Whether batch norm comes before the convolution.
        init: Initial weights: PyTorch's own for a convolution, or N(0, 0.01) with bias 0.

    Raises:
        ValueError: ``norm`` with ``cls_token``, which no source has, or depths that are not a range.
    """

    bins: Tensor

    def __init__(
        self,
        embed_dim: int,
        *,
        layers: int = 1,
        cls_token: bool,
        min_depth: float,
        max_depth: float,
        bins: int = 256,
        upsample: int = 1,
        norm: bool = False,
        init: Literal["pytorch", "normal"] = "pytorch",
    ) -> None:
        super().__init__()
        if norm and cls_token:
            raise ValueError("batch norm is for patch tokens alone; set cls_token=False or norm=False")
        if not 0 < min_depth < max_depth:
            raise ValueError(f"depths must satisfy 0 < min_depth < max_depth, received {min_depth} and {max_depth}")
        if init not in ("pytorch", "normal"):
            raise ValueError(f"init must be 'pytorch' or 'normal', received {init!r}")
        self.embed_dim = embed_dim
        self.layers = layers
        self.cls_token = cls_token
        self.upsample = upsample
        channels = embed_dim * layers * (2 if cls_token else 1)
        self.batchnorm_layer = nn.BatchNorm2d(channels) if norm else nn.Identity()
        self.conv_depth = nn.Conv2d(channels, bins, kernel_size=1)
        if init == "normal":
            nn.init.normal_(self.conv_depth.weight, std=0.01)
            nn.init.zeros_(self.conv_depth.bias)
        self.register_buffer("bins", torch.linspace(min_depth, max_depth, bins), persistent=False)

    def forward(self, patches: Tensor, cls: Tensor | None = None) -> Tensor:
        """Predicts depth in metres, within the range to rounding.

        Args:
            patches: (B, L*D, h, w), layers one after the other.
            cls: (B, L*D), the [CLS] tokens of the same layers, or None for a head that sees none.

        Returns:
            (B, 1, h * upsample, w * upsample).

        Raises:
            ValueError: Channels are not the head's, or [CLS] is missing or superfluous.
        """
        logits = self.logits(patches, cls)
        if self.upsample != 1:
            size = [side * self.upsample for side in logits.shape[-2:]]
            logits = F.interpolate(logits, size=size, mode="bilinear", align_corners=False)
        # (sum(w * bin), sum(w)) as one product, so that neither w nor w / sum(w) is held at full size
        sums_of = torch.stack((self.bins, torch.ones_like(self.bins)))
        weighted = F.conv2d(logits.relu(), sums_of[:, :, None, None], _FLOOR * sums_of.sum(1))
        return weighted[:, :1] / weighted[:, 1:]

    def logits(self, patches: Tensor, cls: Tensor | None = None) -> Tensor:
        """Returns the logits of the bins at token resolution, (B, bins, h, w)."""
        self._check(patches, cls)
        if cls is None:
            return self.conv_depth(self.batchnorm_layer(patches))
        weight = self.conv_depth.weight.view(-1, self.layers, 2, self.embed_dim)
        of_patches, of_cls = weight.unbind(2)
        bias = F.linear(cls, of_cls.flatten(1), self.conv_depth.bias)
        return F.conv2d(patches, of_patches.flatten(1)[:, :, None, None]) + bias[:, :, None, None]

    def _check(self, patches: Tensor, cls: Tensor | None) -> None:
        if (cls is not None) != self.cls_token:
            expected, received = ("needs", "none") if self.cls_token else ("sees no", "some")
            raise ValueError(f"this head {expected} [CLS] tokens and received {received}")
        channels = self.embed_dim * self.layers
        if patches.ndim != 4 or patches.shape[1] != channels:
            raise ValueError(f"patches must be (B, {channels}, h, w), received {tuple(patches.shape)}")
        if cls is not None and cls.shape != (len(patches), channels):
            raise ValueError(f"cls must be ({len(patches)}, {channels}), received {tuple(cls.shape)}")
