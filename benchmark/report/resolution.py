"""How finely a backbone saw an image: patch tokens of one forward when it was scored.

Two models of the same protocol may differ in it, since a patch of 14 pixels makes more tokens of a window than one of
16; so it stands beside every comparison.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from benchmark.data import DATASETS
from benchmark.records.schema import Record


def patch_tokens(record: Record) -> int | None:
    """Returns the patch tokens of one forward: of a window, of the view, or of a test image of the usual size.

    None for a protocol that says nothing of it.
    """
    return tokens_of(record.protocol.fields, record.data.name, record.model.patch_size)


def tokens_of(fields: Mapping[str, Any], dataset: str, patch_size: int) -> int | None:
    """Does what `patch_tokens` does for the fields of a protocol, a dataset and a patch size."""
    if "view" in fields:
        sides: Sequence[Any] = (fields["view"]["crop"],) * 2
    elif "window" in fields.get("test", {}):
        sides = (fields["test"]["window"],) * 2
    elif crop := fields.get("test", {}).get("fixed_crop"):
        sides = (crop["height"], crop["width"])
    elif dataset in DATASETS and "evaluation_crop" in fields.get("test", {}):
        sides = DATASETS[dataset].usual_size
    else:
        return None
    return math.prod(_patches(side, patch_size) for side in sides)


def tokens_text(records: Sequence[Record]) -> str:
    """Writes the tokens of records, "1,369" or "1,369 and 1,024"; nothing where they are not known."""
    counts = dict.fromkeys(count for record in records if (count := patch_tokens(record)) is not None)
    return " and ".join(f"{count:,}" for count in counts)


def _patches(side: int | Mapping[str, int], patch_size: int) -> int:
    """A side is pixels, padded to whole patches, or a number of patches."""
    return side["patches"] if isinstance(side, Mapping) else -(-side // patch_size)
