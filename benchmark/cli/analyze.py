"""``densebench analyze``."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmark.cli.arguments import Verbs, add_device, add_results
from benchmark.options import positive

_ANALYZE = """Measure the tokens inside one or more checkpoints on the same pictures: cosine similarity of [CLS] and
patches around each layer, largest dimensions, norms and outliers, attention of [CLS], principal components (arXiv
2602.08626). Writes figures, a tidy table and a summary. backbone.key=value gives settings that the weights do not show,
as in run."""


def add(verbs: Verbs) -> None:
    """Adds the verb."""
    analyze = verbs.add_parser(
        "analyze", help="figures and statistics of the tokens inside a model", description=_ANALYZE
    )
    analyze.add_argument("images", nargs="?", metavar="IMAGES", help="folder of pictures (default: rendered rooms)")
    analyze.add_argument(
        "--checkpoint",
        required=True,
        action="append",
        metavar="CKPT",
        help="file or folder; repeat it to compare side by side",
    )
    analyze.add_argument("--output", type=Path, metavar="DIR", help="default: analysis/NAME in the results folder")
    add_results(analyze)
    analyze.add_argument("--size", type=positive, default=224, metavar="N", help="side of pictures (default: 224)")
    analyze.add_argument("--limit", type=positive, metavar="N", help="N pictures, spread over the folder, or N rooms")
    add_device(analyze)
    analyze.set_defaults(verb=_analyze, takes_fields=True)


def _analyze(options: argparse.Namespace) -> int:
    from benchmark.analysis.analyze import analyze, describe
    from benchmark.devices import choose_device
    from benchmark.protocols.read_settings import parse_backbone_options

    images = options.images
    if images is not None and images.startswith("backbone."):  # argparse takes the first word without dashes
        options.overrides, images = [images, *options.overrides], None
    found = analyze(
        options.checkpoint,
        images=None if images is None else Path(images),
        results=options.results,
        output=options.output,
        size=options.size,
        limit=options.limit,
        options=parse_backbone_options(options.overrides),
        device=choose_device(options.device),
    )
    print(describe(found))
    return 0
