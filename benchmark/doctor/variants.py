"""Which of the known variants of a dataset somebody has, judged by the number of images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmark.data.dataset import Dataset


@dataclass(frozen=True)
class Release:
    """What somebody has."""

    text: str
    comparable: bool
    """Whether scores on it can stand beside published ones."""


def name_variant(
    dataset: Dataset, counts: Mapping[str, tuple[int, int | None]], *, optional: Sequence[str] = (), rendered: bool
) -> Release:
    """Names the variant.

    Args:
        dataset: The dataset.
        counts: Images that are there and images of the official release, if there is one, by split.
        optional: Splits the dataset is complete without.
        rendered: Whether DenseBench rendered the data itself.
    """
    needed = {name: count for name, count in counts.items() if name not in optional}
    have = _join([f"{found:,} {name}" for name, (found, _) in needed.items()])
    if rendered or dataset.description is not None:
        rendition = f"rendered by DenseBench, {have} images: to try things out, never to compare"
        own = f"data of your own, {have} images: there is nothing published to compare with"
        return Release(rendition if rendered else own, comparable=False)
    odd = [each.text for each in dataset.known_variants if needed.get(each.split, (0, 0))[0] == each.images]
    if odd:
        return Release(f"{'; '.join(odd)}: scores on it are not comparable with published ones", comparable=False)
    other = _another_count(needed)
    if other:
        return Release(f"{other}: scores on it are not comparable with published ones", comparable=False)
    if dataset.official_variant is not None:
        return Release(dataset.official_variant(counts), comparable=True)
    return Release(f"{dataset.title}, the official release: {have} images", comparable=True)


def _another_count(needed: Mapping[str, tuple[int, int]]) -> str:
    """Says in which splits there are more or fewer images than in the official release; nothing where there are not."""
    more = [f"{found:,} {name} images instead of {whole:,}" for name, (found, whole) in needed.items() if found > whole]
    fewer = [f"{found:,} of {whole:,} {name}" for name, (found, whole) in needed.items() if found < whole]
    if more:
        return f"more than the official release: {_join(more)}"
    return f"a subset: {_join(fewer)} images" if fewer else ""


def _join(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
