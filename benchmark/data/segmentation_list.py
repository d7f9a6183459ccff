"""Which images and label maps a segmentation split holds. Reads names and lists only and imports nothing heavy.

A part with a list takes the images it names, in its order; one without takes every image of its folder and the folders
below, sorted by path, as mmsegmentation does (``datasets/basesegdataset.py``, ``load_data_list``).
"""

from __future__ import annotations

import posixpath
from pathlib import Path

from benchmark.data.folders import Scan
from benchmark.data.layout import Part, SegmentationLayout
from benchmark.data.lines import read_lines
from benchmark.data.map_listing import MapListing, Mention, repeats
from benchmark.errors import DataError


def list_segmentation(root: Path, layout: SegmentationLayout, split: str) -> MapListing:
    """Lists a split whose folders and lists are there.

    Args:
        root: The dataset's root.
        layout: The dataset.
        split: Name of one of its splits.
    """
    listings, mentions = [], []
    for part in layout.splits[split]:
        if part.ids is None:
            listings.append(_from_folder(root, layout, part))
        else:
            listing, named = _from_list(root, layout, part, part.ids)
            listings.append(listing)
            mentions += named
    return MapListing(
        tuple(pair for listing in listings for pair in listing.pairs),
        (*(problem for listing in listings for problem in listing.problems), *repeats(mentions)),
        tuple(note for listing in listings for note in listing.notes),
    )


def _from_list(root: Path, layout: SegmentationLayout, part: Part, ids: str) -> tuple[MapListing, list[Mention]]:
    path = root / ids
    try:
        lines = read_lines(path)
    except DataError as error:
        return MapListing(problems=(str(error),)), []
    pairs, problems, mentions, with_suffix = [], [], [], []
    for line in lines:
        image, label = (
            posixpath.normpath(f"{folder}/{line.text}{suffix}")
            for folder, suffix in ((part.images, layout.image_suffix), (part.labels, layout.label_suffix))
        )
        if ".." in (image.split("/")[0], label.split("/")[0]):
            problems.append(f"{path}, line {line.number}: {line.text} is outside {root}")
            continue
        if _ends(line.text, layout) and not (root / image).is_file():
            with_suffix.append(line)
            continue
        pairs.append((root / image, root / label))
        mentions.append(Mention(image, path, line.number))
    if with_suffix:
        line, more = with_suffix[0], f" (and {len(with_suffix) - 1:,} more lines)" if with_suffix[1:] else ""
        end = _ends(line.text, layout)
        problems.append(
            f"{path}, line {line.number}: {line.text} ends with {end}, which lists leave out; write "
            f"{line.text[: -len(end)]}{more}"
        )
    return MapListing(tuple(pairs), tuple(problems)), mentions


def _ends(text: str, layout: SegmentationLayout) -> str | None:
    """Returns the suffix of images or label maps that a line ends with."""
    return next((end for end in (layout.image_suffix, layout.label_suffix) if text.lower().endswith(end.lower())), None)


def _from_folder(root: Path, layout: SegmentationLayout, part: Part) -> MapListing:
    images = Scan(root / part.images, (layout.image_suffix,))
    labels = Scan(root / part.labels, (layout.label_suffix,), layout.beside_labels)
    label_names = sorted(labels.walk())
    label_of = {name[: -len(layout.label_suffix)]: name for name in label_names}
    pairs, stems = [], set()
    for name in sorted(images.walk()):
        stem = name[: -len(layout.image_suffix)]
        stems.add(stem)
        pairs.append((images.folder / name, labels.folder / label_of.get(stem, stem + layout.label_suffix)))
    second = [name for name in label_names if label_of[name[: -len(layout.label_suffix)]] != name]
    alone = [name for stem, name in label_of.items() if stem not in stems]
    problems = [
        *images.problems,
        *labels.problems,
        *images.twins,
        *_told(labels.folder, second, "differs from another label map in the case of its suffix only; remove one"),
        *_told(labels.folder, alone, "has no image; fetch the image, or remove the label map"),
    ]
    return MapListing(tuple(pairs), tuple(problems), (*images.notes, *labels.notes))


def _told(folder: Path, names: list[str], what: str) -> list[str]:
    more = f" (and {len(names) - 1:,} more)" if len(names) > 1 else ""
    return [f"{folder / names[0]} {what}{more}"] if names else []
