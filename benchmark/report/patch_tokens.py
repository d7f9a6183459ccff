"""Resolution at which a backbone saw an image: patch tokens of one forward when it was scored.

Two models of the same protocol may differ in it, since a patch of 14 pixels makes more tokens of a window than one of
16; so every comparison shows it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from benchmark.benchmarks import Benchmark, benchmark_of
from benchmark.records.schema import Record


def patch_tokens(record: Record) -> tuple[int, int] | None:
    """Returns the fewest and most patch tokens of a forward: of a window, of the view, or of a test image.

    Records older than the field have them of their protocol; None where images were whole and of any size.
    """
    if record.patch_tokens is not None:
        return record.patch_tokens
    benchmark = benchmark_of(record)
    count = None if benchmark is None else tokens_of(benchmark, record.protocol.fields, record.model.patch_size)
    return None if count is None else (count, count)


def tokens_of(benchmark: Benchmark, fields: Mapping[str, Any], patch_size: int) -> int | None:
    """Returns the patch tokens of one forward of a protocol; None where images are seen whole and differ in size.

    Args:
        benchmark: What is asked.
        fields: Of the protocol.
        patch_size: Side of a patch, pixels.
    """
    sides = benchmark.task.seen(fields)
    return None if sides is None else math.prod(_patches(side, patch_size) for side in sides)


def tokens_text(records: Sequence[Record]) -> str:
    """Writes the tokens of records, "1,369" or "1,369 and 1,024"; nothing where they are not known."""
    spans = dict.fromkeys(span for record in records if (span := patch_tokens(record)) is not None)
    return " and ".join(f"{low:,}" if low == high else f"{low:,} to {high:,}" for low, high in spans)


def _patches(side: int | Mapping[str, int], patch_size: int) -> int:
    """A side is pixels, padded to whole patches, or a number of patches."""
    return side["patches"] if isinstance(side, Mapping) else -(-side // patch_size)
