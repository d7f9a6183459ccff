"""``densebench extract``."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmark.cli.arguments import CHECKPOINT, Verbs
from benchmark.cli.options import add_options, read_options
from benchmark.extract_options import ExtractOptions

_EXTRACT = """Write the frozen features of a dataset's images to a folder, as safetensors shards or numpy arrays with a
manifest that says what they are and how to read them. Images become squares of one size, so that tensors have one
shape. An interrupted extraction resumes; a folder that holds something else is refused. backbone.key=value gives
settings that the weights do not show, as in run."""


def add(verbs: Verbs) -> None:
    """Adds the verb."""
    extract = verbs.add_parser("extract", help="write the frozen features of a dataset's images", description=_EXTRACT)
    extract.add_argument("--checkpoint", required=True, metavar="CKPT", help=CHECKPOINT)
    extract.add_argument(
        "--dataset",
        required=True,
        metavar="D",
        help="a dataset of `densebench list`, or a .toml file that describes your own",
    )
    extract.add_argument("--output", required=True, type=Path, metavar="DIR", help="a new folder, or one to resume")
    add_options(extract, ExtractOptions)
    extract.set_defaults(verb=_extract, takes_fields=True)


def _extract(options: argparse.Namespace) -> int:
    from benchmark.benchmarks import find_dataset
    from benchmark.extract import extract

    given = read_options(ExtractOptions, options, overrides=tuple(options.overrides))
    extract(options.checkpoint, find_dataset(options.dataset), options.output, given)
    return 0
