"""The same probe for OpenMMLab users: frozen backbone and linear head in mmsegmentation's ``MODELS``.

    python -m benchmark.openmmlab configs/mmseg/linear_vits14_1xb16-40k_ade20k-512x512.py
        model.backbone.checkpoint=my_vit.pth

trains a stock ``EncoderDecoder`` with a stock ``Runner``. It is a supported way in, and the independent reference the
tests compare our own loop with; our loop is the faster one.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.model import BaseModule
from mmengine.runner import Runner
from torch import Tensor

from benchmark import compat
from benchmark.backbones import center_pad, load_backbone
from heads import LinearSegmentationHead

compat.install()
from mmseg.models.decode_heads.decode_head import BaseDecodeHead  # noqa: E402  (the shims come first)
from mmseg.registry import MODELS  # noqa: E402
from mmseg.utils import register_all_modules  # noqa: E402

import benchmark.openmmlab.datasets  # noqa: E402  (registers our datasets)
import benchmark.samples.transforms  # noqa: E402, F401  (registers our transforms)


@MODELS.register_module()
class FrozenViT(BaseModule):
    """A frozen backbone as an mmsegmentation backbone: it stays in evaluation mode and has no gradients.

    Args:
        checkpoint: What ``load_backbone`` takes.
        layers: Blocks whose patch tokens are returned, from 0, negatives from the end.
        norm: Whether the final LayerNorm is applied.
        **options: Options of ``load_backbone``.
    """

    def __init__(self, checkpoint: str, layers: Sequence[int] = (-1,), norm: bool = True, **options: Any) -> None:
        super().__init__()
        self.vit = load_backbone(checkpoint, **options)
        self.layers = tuple(layers)
        self.norm = norm

    def train(self, mode: bool = True) -> FrozenViT:
        """Keeps evaluation mode whatever is asked."""
        return super().train(False)

    @torch.no_grad()
    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Maps images (B, 3, H, W), normalised, to one (B, D, h, w) map per layer, padding to whole patches."""
        images = center_pad(images, self.vit.spec.patch_size)
        tokens = self.vit.tokens(images, layers=self.layers, norm=self.norm)
        return tuple(layer.feature_map().contiguous() for layer in tokens)


@MODELS.register_module()
class LinearProbeHead(BaseDecodeHead):
    """``LinearSegmentationHead`` as an mmsegmentation decode head.

    Args:
        in_channels: Width of the feature map.
        num_classes: Number of classes.
        dropout_ratio: Share of whole channels dropped, before the norm.
        **kwargs: Of ``BaseDecodeHead``: loss, ignored label, input selection.
    """

    def __init__(self, in_channels: int, num_classes: int, *, dropout_ratio: float = 0.0, **kwargs: Any) -> None:
        super().__init__(in_channels, in_channels, num_classes=num_classes, dropout_ratio=0.0, init_cfg=None, **kwargs)
        del self.conv_seg  # the linear head has its own
        self.linear = LinearSegmentationHead(self.in_channels, num_classes, dropout=dropout_ratio)

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Maps the backbone's feature maps to logits (B, C, h, w)."""
        return self.linear(self._transform_inputs(inputs))


def build_runner(config: Config) -> Runner:
    """Builds a stock Runner; it may resume from its own ``work_dir`` and loads everything else safely."""
    register_all_modules(init_default_scope=True)
    runner = Runner.from_cfg(config)
    compat.trust_only(Path(runner.work_dir))
    return runner
