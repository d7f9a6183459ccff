"""The cost of token specialisation: parameters of each layer, of each preset and size, by formula.

    python docs/tools/specialization_table.py                            # prints the table
    python docs/tools/specialization_table.py docs/specialization.md     # updates the document

Source: arXiv 2602.08626, component ablation.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmark.atomic import atomic_write
from benchmark.backbones.presets import specialization_preset
from benchmark.backbones.specialization import LAYERS, Specialization
from benchmark.configs import backbone_presets
from benchmark.errors import DenseBenchError, UsageError

PRINTED = {
    "norms": "0.05",
    "norms+proj": "3",
    "norms+qkv": "8",
    "norms+qkv+proj": "11",
    "norms+mlp": "22",
    "norms+proj+mlp": "25",
    "norms+qkv+mlp": "30",
    "norms+qkv+proj+mlp": "33",
}
"""Percentages for ViT-L that the paper prints."""

_SIZES = ("S", "B", "L", "H", "g")
_PATCH, _GRID = 14, 37  # DINOv2's, 518 pixels
_BEGIN, _END = "<!-- table: python docs/tools/specialization_table.py -->", "<!-- end of table -->"


def layer_parameters(embed_dim: int, ffn: str, ffn_dim: int) -> dict[str, int]:
    """Returns the parameters of one copy of each layer of a block that can be split; every product has a bias."""
    width, hidden = embed_dim, ffn_dim
    return {
        "norm1": 2 * width,
        "norm2": 2 * width,
        "ls1": width,
        "ls2": width,
        "qkv": 3 * width**2 + 3 * width,
        "proj": width**2 + width,
        "mlp": (2 if ffn == "mlp" else 3) * width * hidden + (1 if ffn == "mlp" else 2) * hidden + width,
    }


def added_parameters(split: Specialization, size: Mapping[str, Any]) -> int:
    """Returns what a split adds to a size of ``configs/backbones/sizes.py``: one more copy per layer and block."""
    copies = layer_parameters(size["embed_dim"], size["ffn"], size["ffn_dim"])
    added = sum(copies[layer] * len(getattr(split, layer)) for layer in LAYERS)
    low_rank = split.lora_rank * (size["embed_dim"] + 3 * size["embed_dim"])
    return added + low_rank * len(split.qkv_lora) + 2 * size["embed_dim"] * split.final_norm


def shared_parameters(size: Mapping[str, Any]) -> int:
    """Returns the parameters of the ViT with patches of 14 pixels, a 37 x 37 position grid and nothing split."""
    width = size["embed_dim"]
    blocks = size["depth"] * sum(layer_parameters(width, size["ffn"], size["ffn_dim"]).values())
    patch_embed, positions, cls, norm = 3 * _PATCH**2 * width + width, (_GRID**2 + 1) * width, width, 2 * width
    return patch_embed + positions + cls + blocks + norm


def table() -> str:
    """Writes added parameters as Markdown: a row per preset, a column per size."""
    presets = backbone_presets()
    sizes = {name: presets["sizes"][name] for name in _SIZES}
    shared = {name: shared_parameters(size) for name, size in sizes.items()}
    heads = [f"ViT-{name}, {shared[name] / 1e6:,.1f} M" for name in sizes]
    lines = [
        f"| preset | {' | '.join(heads)} | printed for ViT-L |",
        f"|---|{'--:|' * (len(sizes) + 1)}",
    ]
    for preset in presets["specializations"]:
        if preset in ("none", "all-0"):
            continue
        cells = [_cell(preset, size, shared[name]) for name, size in sizes.items()]
        printed = f"{PRINTED[preset]} %" if preset in PRINTED else ""
        lines.append(f"| `{preset}` | {' | '.join(cells)} | {printed} |")
    return "\n".join(lines)


def _cell(preset: str, size: Mapping[str, Any], shared: int) -> str:
    try:
        split = specialization_preset(preset, depth=size["depth"])
    except UsageError:  # more blocks than it has
        return ""
    added = added_parameters(split, size)
    count = f"{added / 1e6:,.1f} M" if added >= 1e6 else f"{added / 1e3:,.0f} k"
    return f"{count} ({100 * added / shared:.2f} %)"


def with_table(text: str) -> str:
    """Returns a document with the table between its two markers replaced.

    Raises:
        UsageError: It has no such markers.
    """
    before, begin, rest = text.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise UsageError(f"the document has no place for the table; write {_BEGIN} and {_END} where it belongs")
    return f"{before}{begin}\n\n{table()}\n\n{end}{after}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the table or writes it into a document; returns the exit code."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("document", nargs="?", type=Path, help="Markdown with the two markers; default: print")
    document = parser.parse_args(arguments).document
    try:
        if document is None:
            print(table())
        else:
            text = with_table(document.read_text("utf-8"))
            with atomic_write(document) as file:
                file.write(text.encode())
    except (DenseBenchError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
