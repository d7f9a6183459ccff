"""Races of linear segmentation, each against a baseline in the same run. Not a test: nothing here can fail.

    make speed                                    # a ViT-S/14 with random weights on 512-pixel crops
    python tests/speed/segmentation.py --quick    # smaller, in a few seconds

Times are medians; trust the ratios more than the seconds.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.structures import PixelData
from race import race
from torch import Tensor, nn
from torch.nn import functional as F

from benchmark.backbones import VisionTransformer, ViTSpec
from benchmark.backbones.spec import PositionInterpolation, vit_name
from benchmark.features.frozen import FrozenFeatures
from benchmark.load_protocol import load_protocol
from benchmark.openmmlab import MODELS, register_all_modules
from benchmark.probing.sliding_window import WindowAssembly, Windows
from heads import LinearSegmentationHead, upsampled_cross_entropy

_CLASSES = 150
_CPU = torch.device("cpu")


def main() -> None:
    """Runs every race and prints one line each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a smaller model and fewer rounds")
    quick = parser.parse_args().quick
    rounds = 2 if quick else 3
    torch.manual_seed(0)
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads")
    for contest in (
        _loss,
        _windows,
        lambda rounds: _step(rounds, quick=quick),
        lambda rounds: _sweep(rounds, quick=quick),
    ):
        contest(rounds)


def _loss(rounds: int) -> None:
    logits, labels = torch.randn(4, _CLASSES, 37, 37), torch.randint(0, _CLASSES, (4, 512, 512))

    def stock() -> None:
        leaf = logits.clone().requires_grad_()
        full = F.interpolate(leaf, size=labels.shape[-2:], mode="bilinear", align_corners=False)
        F.cross_entropy(full, labels, ignore_index=255).backward()

    def ours() -> None:
        upsampled_cross_entropy(logits.clone().requires_grad_(), labels).backward()

    race("loss and gradient, 4 x 150 x 512 x 512", stock, ours, rounds)


def _windows(rounds: int) -> None:
    windows = Windows(window=512, stride=341, patch_size=14)
    logits = torch.randn(2, _CLASSES, 37, 37)

    def stock() -> Tensor:
        """Canvas of logits, division, resize to the label, argmax: mmsegmentation's slide_inference."""
        scores, counts = torch.zeros(1, _CLASSES, 512, 683), torch.zeros(1, 1, 512, 683)
        for index, start in enumerate(windows.starts(683)):
            window = F.interpolate(logits[index : index + 1], size=(512, 512), mode="bilinear", align_corners=False)
            scores += F.pad(window, (start, 683 - start - 512, 0, 0))
            counts[..., start : start + 512] += 1
        scores = F.interpolate(scores / counts, size=(512, 683), mode="bilinear", align_corners=False)
        return scores[0].argmax(0)

    def ours() -> Tensor:
        return WindowAssembly.of(windows, (512, 683), (512, 683), _CPU).labels(logits)

    race("windows to labels, 150 x 512 x 683", stock, ours, rounds)


def _step(rounds: int, *, quick: bool) -> None:
    vit = _vit(quick=quick)
    images, labels = torch.randn(2, 3, 512, 512), torch.randint(0, _CLASSES, (2, 512, 512))
    segmentor = _stock_segmentor(vit)
    stock_step = torch.optim.AdamW(segmentor.decode_head.linear.parameters())
    features = FrozenFeatures(vit, load_protocol("ade20k", "dinov2-lin").settings.features, _CPU)
    head = LinearSegmentationHead(features.dim, _CLASSES).train()
    our_step = torch.optim.AdamW(head.parameters())

    def stock() -> None:
        samples = []
        for label in labels:
            sample = segmentor.sample()
            sample.gt_sem_seg = PixelData(data=label[None])
            samples.append(sample)
        stock_step.zero_grad()
        segmentor.loss(images, samples)["decode.loss_ce"].backward()
        stock_step.step()

    def ours() -> None:
        our_step.zero_grad()
        upsampled_cross_entropy(head(features(images)), labels).backward()
        our_step.step()

    race(f"training step of {vit.spec.arch}, batch 2", stock, ours, rounds)


def _sweep(rounds: int, *, quick: bool) -> None:
    """Six probes on one pass against six runs of one probe."""
    vit = _vit(quick=quick)
    images, labels = torch.randn(2, 3, 512, 512), torch.randint(0, _CLASSES, (2, 512, 512))
    features = FrozenFeatures(vit, load_protocol("ade20k", "dinov2-lin").settings.features, _CPU)
    heads = [LinearSegmentationHead(features.dim, _CLASSES).train() for _ in range(6)]

    def apart() -> None:
        for head in heads:
            upsampled_cross_entropy(head(features(images)), labels).backward()

    def together() -> None:
        seen = features(images)
        for head in heads:
            upsampled_cross_entropy(head(seen), labels).backward()

    race(f"six probes on {vit.spec.arch}, apart and together", apart, together, rounds)


def _vit(*, quick: bool) -> VisionTransformer:
    width, depth = (192, 2) if quick else (384, 12)
    spec = ViTSpec(
        arch=vit_name(width, depth, 14),
        embed_dim=width,
        depth=depth,
        patch_size=14,
        num_heads=width // 64,
        grid_size=37,
        ffn="mlp",
        ffn_dim=4 * width,
        norm_eps=1e-6,
        position_interpolation=PositionInterpolation(0.1, antialias=False),
    )
    return VisionTransformer(spec).eval().requires_grad_(False)


def _stock_segmentor(vit: VisionTransformer) -> nn.Module:
    from mmseg.structures import SegDataSample

    register_all_modules(init_default_scope=True)
    path = Path(__file__).parents[2] / "configs" / "mmseg" / "linear_vits14_1xb16-40k_ade20k-512x512.py"
    with tempfile.TemporaryDirectory() as folder:
        torch.save(vit.state_dict(), Path(folder) / "vit.pth")
        config = Config.fromfile(path)
        config.merge_from_dict(
            {
                "model.backbone.checkpoint": str(Path(folder) / "vit.pth"),
                "model.decode_head.in_channels": vit.spec.embed_dim,
            }
        )
        segmentor = MODELS.build(config.model)
    segmentor.sample = SegDataSample
    return segmentor.train()


if __name__ == "__main__":
    main()
