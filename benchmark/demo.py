"""The whole story on rendered data: no network, no weights, the same code path as the real benchmarks."""

from __future__ import annotations

from pathlib import Path

import torch

from benchmark.atomic import atomic_write
from benchmark.backbones import VisionTransformer, ViTSpec
from benchmark.backbones.spec import PositionInterpolation, vit_name
from benchmark.benchmarks import BENCHMARKS
from benchmark.data.synthetic_layouts import write_mini
from benchmark.listing import protocol_names
from benchmark.probing.run import RunOptions, run_cells

_PROTOCOL = "mini"


def run_demo(data_root: Path, results: Path, command: str) -> int:
    """Renders the mini data, makes a seeded checkpoint, and evaluates it beside the raw-colour floor.

    Args:
        data_root: Where the rendered datasets and the checkpoint go.
        results: Where records go.
        command: Command line, for the records.

    Returns:
        Number of cells that failed.
    """
    print(f"Rendering small scenes with exact labels in the official layouts under {data_root}")
    write_mini(data_root, train=96, val=48)
    checkpoint = write_demo_checkpoint(data_root / "checkpoints" / "random-vit.pth")
    print(f"A small vision transformer with random weights: {checkpoint}\n")
    benchmarks = [name for name in BENCHMARKS if _PROTOCOL in protocol_names(name)]
    failed = 0
    for name, weights in (("raw pixels (floor)", "pixels"), ("random ViT", str(checkpoint))):
        options = RunOptions(
            data_root=data_root,
            results=results,
            features=data_root / "features",
            name=name,
            protocol=_PROTOCOL,
            command=command,
        )
        failed += run_cells(benchmarks, weights, options)
    print(
        "\nNobody trained this transformer: what it adds over raw pixels is what a random network's features are worth."
        "\nA real checkpoint goes through the very same code, with the protocols dinov2-lin and dinov3-lin.\n"
    )
    return failed


def write_demo_checkpoint(path: Path, seed: int = 0) -> Path:
    """Writes a small ViT with seeded random weights in the DINOv2 layout (3 heads of 64, patches of 14 pixels)."""
    width, depth, patch = 192, 4, 14
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        vit = VisionTransformer(
            ViTSpec(
                arch=vit_name(width, depth, patch),
                embed_dim=width,
                depth=depth,
                num_heads=3,
                patch_size=patch,
                grid_size=8,
                ffn="mlp",
                ffn_dim=4 * width,
                norm_eps=1e-6,
                position_interpolation=PositionInterpolation(0.1, antialias=False),
            )
        )
        torch.nn.init.trunc_normal_(vit.pos_embed, std=0.02)
        torch.nn.init.normal_(vit.cls_token, std=1e-6)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as file:
        torch.save(vit.state_dict(), file)
    return path
