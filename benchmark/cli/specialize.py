"""``densebench specialize``."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmark.cli.arguments import Verbs
from benchmark.options import natural, positive

_SPECIALIZE = """Write a checkpoint in which [CLS] and patch tokens have separate copies of some layers (arXiv
2602.08626). The copies start equal, so the function is unchanged until it is trained."""

_BLOCKS = "all, 8 (the first 8), 1/3, or 0-7,12"


def add(verbs: Verbs) -> None:
    """Adds the verb."""
    special = verbs.add_parser(
        "specialize",
        help="give [CLS] and patches separate weights without changing the function",
        description=_SPECIALIZE,
    )
    special.add_argument("input", type=Path, metavar="IN", help="checkpoint of any known layout")
    special.add_argument("output", type=Path, metavar="OUT", help=".pth or .safetensors to write")
    special.add_argument("--preset", metavar="NAME", help="a name of `densebench list`, for example norms+qkv")
    special.add_argument(
        "--layers",
        metavar="A,B",
        help="norm1, norm2, ls1, ls2, qkv, proj, mlp, norm (the final one); split in --blocks",
    )
    special.add_argument("--blocks", default="all", metavar="BLOCKS", help=f"where --layers are split; {_BLOCKS}")
    for layer in ("qkv", "proj", "mlp"):
        special.add_argument(f"--{layer}-blocks", metavar="BLOCKS", help=f"where {layer} is split; {_BLOCKS}")
    special.add_argument(
        "--lora-rank", type=positive, metavar="R", help="low-rank additions in --qkv-blocks, no copies"
    )
    special.add_argument("--registers", choices=("patch", "cls"), help="which copy the registers use (default: patch)")
    special.add_argument("--seed", type=natural, default=0, metavar="N", help="of low-rank additions (default: 0)")
    special.set_defaults(verb=_specialize, takes_fields=True)


def _specialize(options: argparse.Namespace) -> int:
    from benchmark.backbones.specialize import specialize_file
    from benchmark.protocols.read_settings import parse_backbone_options

    blocks = {"qkv": options.qkv_blocks, "proj": options.proj_blocks, "mlp": options.mlp_blocks}
    done = specialize_file(
        options.input,
        options.output,
        parse_backbone_options(options.overrides),
        preset=options.preset,
        layers={
            **dict.fromkeys(filter(None, (options.layers or "").split(",")), options.blocks),
            **{layer: text for layer, text in blocks.items() if text is not None},
        },
        lora_rank=options.lora_rank,
        registers_follow=options.registers,
        seed=options.seed,
    )
    print(done)
    return 0
