"""``densebench pretrain``."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from benchmark.cli.arguments import Verbs, add_device, natural, positive, seconds

_PRETRAIN = """Train a vision transformer from scratch: supervised after DeiT-III, or self-supervised after DINOv2.
Variants of one size and seed start from equal weights and see the same images in the same order. A killed run goes on
where it was. key=value replaces a recipe field, for example train.steps=1000."""


def add(verbs: Verbs) -> None:
    """Adds the verb."""
    pretrain = verbs.add_parser(
        "pretrain", help="train a backbone, specialised or not, on class folders", description=_PRETRAIN
    )
    pretrain.add_argument("output", type=Path, metavar="OUT", help=".pth or .safetensors to write")
    pretrain.add_argument(
        "--recipe",
        required=True,
        metavar="R",
        help="a name of configs/pretraining/, such as supervised or dino, or a config file",
    )
    pretrain.add_argument(
        "--data-root",
        type=Path,
        default=Path("data"),
        metavar="DIR",
        help="holds imagenet/train/<class>/ (default: data)",
    )
    pretrain.add_argument("--size", default="tiny", metavar="S", help="tiny, Ti, S, B, L, H or g (default: tiny)")
    pretrain.add_argument(
        "--specialization", default="none", metavar="NAME", help="a name of `densebench list` (default: none)"
    )
    pretrain.add_argument("--registers", type=natural, default=0, metavar="N", help="default: 0")
    pretrain.add_argument("--attention-bias", action="store_true", help="a learned key and value in every head")
    pretrain.add_argument("--seed", type=natural, default=0, metavar="N", help="default: 0")
    add_device(pretrain)
    pretrain.add_argument(
        "--gpus", type=positive, default=1, metavar="N", help="processes on this machine (default: 1)"
    )
    pretrain.add_argument("--workers", type=natural, metavar="N", help="loader processes (default: by device)")
    pretrain.add_argument(
        "--save-every", type=seconds, default=60.0, metavar="S", help="seconds between saves of the state (default: 60)"
    )
    pretrain.set_defaults(verb=_pretrain, takes_fields=True)


def _pretrain(options: argparse.Namespace) -> int:
    from benchmark.pretraining import PretrainOptions, prepare, pretrain
    from benchmark.probing.distributed import is_first, is_launched, launch

    given = PretrainOptions(
        data_root=options.data_root,
        recipe=options.recipe,
        size=options.size,
        specialization=options.specialization,
        num_registers=options.registers,
        attention_bias=options.attention_bias,
        overrides=tuple(options.overrides),
        seed=options.seed,
        device=options.device,
        workers=options.workers,
        save_every_s=options.save_every,
    )
    # What is wrong is told once, here: torchrun adds a report of its own to each error of its processes.
    if options.gpus > 1 and not is_launched() and prepare(options.output, given, options.gpus):
        return launch(options.gpus, shlex.split(options.command)[1:])
    trained = pretrain(options.output, given)
    done = "written" if trained else "done already"
    if is_first():
        print(f"{options.output}: {done}; log: {options.output.with_suffix('.jsonl')}")
    return 0
