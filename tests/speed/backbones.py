"""Races of the vision transformer itself, each against a baseline in the same run. Not a test: nothing here can fail.

make speed                                  # a ViT-S/14 with random weights on 518-pixel images
python tests/speed/backbones.py --quick     # smaller, in a few seconds
python tests/speed/backbones.py --size B    # another size
"""

from __future__ import annotations

import argparse

import torch
from race import race
from torch import Tensor
from torch.nn import functional as F

from benchmark.backbones import VisionTransformer, build_vit
from benchmark.backbones.compilation import compile_backbone
from benchmark.backbones.cost import count_gflops, overhead_percent
from benchmark.backbones.spec import Source


def main() -> None:
    """Runs every race and prints one line each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="smaller images and fewer rounds")
    parser.add_argument("--size", default="S", help="size of the model (default: S)")
    given = parser.parse_args()
    side, rounds = (154, 5) if given.quick else (518, 15)
    torch.manual_seed(0)
    images = torch.randn(2, 3, side, side)
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, ViT-{given.size}/14, 2 images of {side} px")
    vit = _vit(given.size)
    with torch.no_grad():
        for preset in ("norms", "norms+qkv", "norms+qkv+proj+mlp", "norms+lora"):
            special = _vit(given.size, preset)
            flops = count_gflops(special) / count_gflops(vit)
            added = f"+{overhead_percent(special):.1f} % parameters, {flops:.4f} x FLOPs"
            race(f"shared / {preset} ({added})", lambda: vit.tokens(images), lambda m=special: m.tokens(images), rounds)
        race("float32 / bfloat16 autocast", lambda: vit.tokens(images), lambda: _bfloat16(vit, images), rounds)
        race("written-out attention / SDPA", lambda: _written_out(images), lambda: _sdpa(images), rounds)
        wide = images.to(memory_format=torch.channels_last)
        race("patch embedding, contiguous / channels last", lambda: vit.embed(images), lambda: vit.embed(wide), rounds)
        fast = _vit(given.size)
        if compile_backbone(fast):
            fast.tokens(images)
            race("eager / torch.compile", lambda: vit.tokens(images), lambda: fast.tokens(images), rounds)


def _vit(size: str, preset: str = "none") -> VisionTransformer:
    vit = build_vit(size, specialization=preset, image_size=518, seed=0).eval().requires_grad_(False)
    vit.source = Source("random", "0" * 64, "densebench")
    return vit


def _bfloat16(vit: VisionTransformer, images: Tensor) -> None:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        vit.tokens(images)


def _heads(images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    tokens = (images.shape[2] // 14) ** 2 + 1
    generator = torch.Generator().manual_seed(0)
    return tuple(torch.randn(len(images), 6, tokens, 64, generator=generator) for _ in range(3))


def _sdpa(images: Tensor) -> Tensor:
    return F.scaled_dot_product_attention(*_heads(images))


def _written_out(images: Tensor) -> Tensor:
    queries, keys, values = _heads(images)
    return (queries @ keys.transpose(-2, -1) / 8).softmax(-1) @ values


if __name__ == "__main__":
    main()
