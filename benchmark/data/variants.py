"""Which of the known variants of a dataset somebody has, judged by the number of images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_KNOWN: dict[tuple[str, str, int], str] = {
    ("voc2012", "train", 10_582): "train.txt is the list of SBD's trainaug, 10,582 images, not VOC's 1,464",
    ("voc2012", "train", 2_913): "train.txt is VOC's trainval: it holds the val images",
    ("ade20k", "train", 25_574): "the full ADE20K release, not the scene parsing benchmark with its 20,210",
    ("nyu", "train", 795): "train is the 795 labelled images, not BTS's 24,231",
    ("nyu", "train", 1_449): "train is all 1,449 labelled images, the 654 test images among them",
    ("nyu", "train", 50_688): "train is the 50,688 images of DenseDepth, not BTS's 24,231",
    ("kitti", "val", 697): "val holds all 697 Eigen images; published results use the 652 with improved depth",
    ("imagenet", "train", 9_469): "Imagenette: 10 classes",
    ("imagenet", "train", 126_689): "ImageNet-100: 100 classes",
}
"""Sources: the datasets' own pages, and those of BTS, DenseDepth and Imagenette."""


@dataclass(frozen=True)
class Variant:
    """What somebody has."""

    text: str
    comparable: bool
    """Whether scores on it can stand beside published ones."""


def name_variant(
    dataset: str, title: str, counts: Mapping[str, tuple[int, int]], *, optional: Sequence[str] = (), rendered: bool
) -> Variant:
    """Names the variant.

    Args:
        dataset: Name on the command line.
        title: What a person calls it.
        counts: Images that are there and images of the official release, by split.
        optional: Splits the dataset is complete without.
        rendered: Whether DenseBench rendered the data itself.
    """
    needed = {name: count for name, count in counts.items() if name not in optional}
    have = _join([f"{found:,} {name}" for name, (found, _) in needed.items()])
    if rendered:
        return Variant(f"rendered by DenseBench, {have} images: to try things out, never to compare", comparable=False)
    odd = [_KNOWN[dataset, name, n] for name, (n, _) in needed.items() if (dataset, name, n) in _KNOWN]
    if odd:
        return Variant(f"{'; '.join(odd)}: scores on it are not comparable with published ones", comparable=False)
    fewer = {name: pair for name, pair in needed.items() if pair[0] < pair[1]}
    more = {name: pair for name, pair in needed.items() if pair[0] > pair[1]}
    if more:
        listed = _join([f"{found:,} {name} images instead of {official:,}" for name, (found, official) in more.items()])
        text = f"more than the official release: {listed}: scores on it are not comparable with published ones"
        return Variant(text, comparable=False)
    if fewer:
        listed = _join([f"{found:,} of {official:,} {name}" for name, (found, official) in fewer.items()])
        return Variant(
            f"a subset: {listed} images: scores on it are not comparable with published ones", comparable=False
        )
    if dataset == "voc2012":
        return _voc2012(counts)
    return Variant(f"{title}, the official release: {have} images", comparable=True)


def _voc2012(counts: Mapping[str, tuple[int, int]]) -> Variant:
    if "trainaug" not in counts:
        return Variant("VOC2012 train+val, no SBD: 1,464 train and 1,449 val images", comparable=True)
    found, official = counts["trainaug"]
    if found == official:
        return Variant("VOC2012 train+val with SBD: 1,464 train, 10,582 trainaug and 1,449 val images", comparable=True)
    return Variant(
        f"VOC2012 train+val with a part of SBD: trainaug has {found:,} of {official:,} images and is not comparable "
        "with published ones; train and val are whole",
        comparable=True,
    )


def _join(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
