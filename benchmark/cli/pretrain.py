"""``densebench pretrain``."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from benchmark.cli.arguments import Verbs
from benchmark.cli.options import add_options, read_options
from benchmark.options import positive
from benchmark.pretraining.options import PretrainOptions

_PRETRAIN = """Train a vision transformer from scratch: supervised after DeiT-III, or self-supervised after DINOv2.
Variants of one size and seed start from equal weights and see the same images in the same order. An interrupted run
resumes. key=value replaces a recipe field, for example train.steps=1000."""


def add(verbs: Verbs) -> None:
    """Adds the verb."""
    pretrain = verbs.add_parser(
        "pretrain", help="train a backbone, specialised or not, on class folders", description=_PRETRAIN
    )
    pretrain.add_argument("output", type=Path, metavar="OUT", help=".pth or .safetensors to write")
    add_options(pretrain, PretrainOptions)
    pretrain.add_argument(
        "--gpus", type=positive, default=1, metavar="N", help="processes on this machine (default: 1)"
    )
    pretrain.set_defaults(verb=_pretrain, takes_fields=True)


def _pretrain(options: argparse.Namespace) -> int:
    from benchmark.distributed import is_first, is_launched, launch
    from benchmark.pretraining.run import prepare, pretrain

    given = read_options(PretrainOptions, options, overrides=tuple(options.overrides))
    # What is wrong is printed once, here: torchrun adds a report of its own to each error of its processes.
    if options.gpus > 1 and not is_launched() and prepare(options.output, given, options.gpus):
        return launch(options.gpus, shlex.split(options.command)[1:])
    trained = pretrain(options.output, given)
    done = "written" if trained else "done already"
    if is_first():
        print(f"{options.output}: {done}; log: {options.output.with_suffix('.jsonl')}")
    return 0
