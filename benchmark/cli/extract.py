"""``densebench extract``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.cli.arguments import CHECKPOINT, Verbs, add_data_root, add_device, integers, natural, positive
from benchmark.errors import UsageError

if TYPE_CHECKING:
    from benchmark.probing.extract import View

_EXTRACT = """Write the frozen features of a dataset's images to a folder, as safetensors shards or numpy arrays with a
manifest that says what they are and how to read them. Images become squares of one size, so that tensors have one
shape. A killed extraction goes on where it was; a folder that holds something else is refused. backbone.key=value says
what the checkpoint's tensors do not, as in run."""


def add(verbs: Verbs) -> None:
    """Adds the verb."""
    extract = verbs.add_parser(
        "extract", help="frozen features of a dataset's images, for others", description=_EXTRACT
    )
    extract.add_argument("--checkpoint", required=True, metavar="CKPT", help=CHECKPOINT)
    extract.add_argument("--dataset", required=True, metavar="D", help="a dataset of `densebench list`")
    extract.add_argument("--output", required=True, type=Path, metavar="DIR", help="new folder, or one to go on with")
    extract.add_argument("--split", default="val", metavar="S", help="default: val")
    add_data_root(extract)
    extract.add_argument("--limit", type=positive, metavar="N", help="first N images; of class folders, spread evenly")
    extract.add_argument(
        "--tokens", default="cls,patches", metavar="A,B", help="of cls, registers, mean, patches (default: cls,patches)"
    )
    extract.add_argument(
        "--layers", type=integers, default=(-1,), metavar="I,J", help="blocks, as in --layers=-4,-1 (default: -1)"
    )
    extract.add_argument("--no-norm", action="store_true", help="leave the final LayerNorm out")
    extract.add_argument("--resize", type=positive, metavar="N", help="short side, pixels (default: 256)")
    extract.add_argument("--crop", type=positive, metavar="N", help="central square (default: 224)")
    extract.add_argument(
        "--size", type=positive, metavar="N", help="squash the whole image to N x N instead of --resize and --crop"
    )
    precisions = ("float32", "bfloat16", "float16")
    extract.add_argument("--precision", choices=precisions, default="float32", help="of the backbone")
    extract.add_argument("--dtype", choices=("float32", "float16", "bfloat16"), default="float16", help="of the files")
    extract.add_argument("--format", choices=("safetensors", "npy"), default="safetensors", help="of the files")
    extract.add_argument("--on-bad-image", choices=("error", "skip"), default="error", help="default: error")
    add_device(extract)
    extract.add_argument("--batch-size", type=positive, default=32, metavar="N", help="images per pass (default: 32)")
    extract.add_argument("--workers", type=natural, metavar="N", help="loader processes (default: by device)")
    extract.set_defaults(verb=_extract, takes_fields=True)


def _extract(options: argparse.Namespace) -> int:
    from benchmark.probing.extract import ExtractOptions, extract

    extract(
        options.checkpoint,
        options.dataset,
        options.output,
        ExtractOptions(
            data_root=options.data_root,
            split=options.split,
            limit=options.limit,
            overrides=tuple(options.overrides),
            tokens=tuple(options.tokens.split(",")),
            layers=options.layers,
            norm=not options.no_norm,
            view=_view(options),
            precision=options.precision,
            dtype=options.dtype,
            format=options.format,
            on_bad_image=options.on_bad_image,
            device=options.device,
            batch_size=options.batch_size,
            workers=options.workers,
        ),
    )
    return 0


def _view(options: argparse.Namespace) -> View:
    from benchmark.probing.extract import View

    if options.size is None:
        return View(options.resize or 256, options.crop or 224)
    if options.resize is not None or options.crop is not None:
        raise UsageError("--size squashes the whole image: leave --resize and --crop out, or --size")
    return View(None, options.size)
