"""``densebench data``, its cache among it."""

from __future__ import annotations

import argparse

from benchmark.cli.arguments import Verbs, add_data_root
from benchmark.errors import UsageError
from benchmark.options import positive

_DATA = """Put a dataset into its official layout under the data root, completely or not at all, and check every file.
Without --from: complete and check the files that are present, or say where to get them. An interrupted download
resumes. "data cache" lists the stored features and trained heads and, with --prune, deletes them."""


def add(verbs: Verbs) -> None:
    """Adds the verb."""
    data = verbs.add_parser("data", help="put a dataset into its official layout and check it", description=_DATA)
    data.add_argument(
        "dataset",
        metavar="NAME",
        help="a dataset of `densebench list`; or cache: the stored features",
    )
    data.add_argument(
        "--from", dest="sources", nargs="+", default=(), metavar="SOURCE", help="archives, folders, lists or URLs"
    )
    add_data_root(data)
    existing = data.add_mutually_exclusive_group()
    existing.add_argument("--add", action="store_true", help="add to the existing dataset")
    existing.add_argument("--replace", action="store_true", help="replace the existing dataset")
    data.add_argument("--skip-checksum", action="store_true", help="accept archives with another checksum")
    data.add_argument("--keep-downloads", action="store_true", help="keep fetched archives")
    data.add_argument("--prune", action="store_true", help="cache: delete stored features and trained heads")
    data.add_argument("--older-than", type=positive, metavar="DAYS", help="cache: only what was not used for this long")
    data.add_argument("--incomplete", action="store_true", help="cache: only unfinished extractions")
    data.set_defaults(verb=_data)


def _data(options: argparse.Namespace) -> int:
    if options.dataset == "cache":
        return _cache(options)
    if options.prune or options.older_than is not None or options.incomplete:
        raise UsageError("--prune, --older-than and --incomplete belong to `densebench data cache`")
    from benchmark.benchmarks import find_dataset
    from benchmark.prepare.prepare import prepare

    return prepare(
        find_dataset(options.dataset),
        options.sources,
        options.data_root,
        existing="add" if options.add else "replace" if options.replace else "refuse",
        skip_checksum=options.skip_checksum,
        keep_downloads=options.keep_downloads,
    )


def _cache(options: argparse.Namespace) -> int:
    from benchmark.cache import features_folder
    from benchmark.features.inventory import describe, prune, stored
    from benchmark.probing import kept_heads

    if options.sources or options.add or options.replace:
        raise UsageError("the cache is filled by runs; `densebench data cache` lists it, --prune frees it")
    if not options.prune and (options.older_than is not None or options.incomplete):
        raise UsageError("data cache: --older-than and --incomplete choose what --prune deletes; add --prune")
    root, heads = features_folder(), kept_heads.heads_folder()
    if options.prune:
        print(prune(root, older_than_days=options.older_than, incomplete_only=options.incomplete))
        if not options.incomplete and kept_heads.kept_heads(heads):
            print(kept_heads.prune(heads, older_than_days=options.older_than))
    else:
        print(f"Stored features\n{describe(stored(root))}\nTrained heads\n{kept_heads.describe(heads)}")
    return 0
