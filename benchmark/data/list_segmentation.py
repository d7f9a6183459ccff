"""Which images and label maps a segmentation split holds. Reads names and lists only and imports nothing heavy.

A part with a list takes the images it names, in its order; one without takes every image of its folder and the folders
below, sorted by path, as mmsegmentation does (``datasets/basesegdataset.py``, ``load_data_list``).
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmark.data.folders import Scan
from benchmark.data.lines import read_lines
from benchmark.data.map_listing import MapListing, Mention, repeats
from benchmark.data.sources import LabelFolders
from benchmark.errors import DataError


@dataclass(frozen=True)
class _Ends:
    """What names of images and label maps end with, after the stem that they share."""

    images: tuple[str, ...]
    labels: str
    beside: tuple[str, ...]
    map_name: str

    def of(self, text: str) -> str | None:
        """Returns the suffix of images or label maps that a text ends with."""
        return next((end for end in (*self.images, self.labels) if text.lower().endswith(end.lower())), None)

    def stem(self, image: str) -> str:
        """Returns the stem of an image."""
        return image[: -len(next(end for end in self.images if image.lower().endswith(end.lower())))]

    def image(self, root: Path, stem: str) -> str:
        """Returns the path of the image of a stem: the first that is there, of several suffixes."""
        if len(self.images) == 1:
            return stem + self.images[0]
        return next((stem + end for end in self.images if (root / (stem + end)).is_file()), stem + self.images[0])


def list_segmentation(
    root: Path,
    parts: Sequence[LabelFolders],
    *,
    image_suffixes: Sequence[str],
    label_suffix: str,
    beside_labels: Sequence[str] = (),
    map_name: str = "label map",
) -> MapListing:
    """Lists a split whose folders and lists are there.

    Args:
        root: The dataset's root.
        parts: Folders of the split.
        image_suffixes: What names of images may end with, after the part that they share with their label map's.
        label_suffix: The same for label maps.
        beside_labels: What names of other official files among the label maps end with.
        map_name: What messages call the maps.
    """
    ends = _Ends(tuple(image_suffixes), label_suffix, tuple(beside_labels), map_name)
    listings, mentions = [], []
    for part in parts:
        if part.ids is None:
            listings.append(_from_folder(root, part, ends))
        else:
            listing, named = _from_list(root, part, part.ids, ends)
            listings.append(listing)
            mentions += named
    return MapListing(
        tuple(pair for listing in listings for pair in listing.pairs),
        (*(problem for listing in listings for problem in listing.problems), *repeats(mentions)),
        tuple(note for listing in listings for note in listing.notes),
    )


def _from_list(root: Path, part: LabelFolders, ids: str, ends: _Ends) -> tuple[MapListing, list[Mention]]:
    path = root / ids
    try:
        lines = read_lines(path)
    except DataError as error:
        return MapListing(problems=(str(error),)), []
    pairs, problems, mentions, with_suffix = [], [], [], []
    for line in lines:
        image = posixpath.normpath(ends.image(root, f"{part.images}/{line.text}"))
        label = posixpath.normpath(f"{part.labels}/{line.text}{ends.labels}")
        if ".." in (image.split("/")[0], label.split("/")[0]):
            problems.append(f"{path}, line {line.number}: {line.text} is outside {root}")
            continue
        if ends.of(line.text) and not (root / image).is_file():
            with_suffix.append(line)
            continue
        pairs.append((root / image, root / label))
        mentions.append(Mention(image, path, line.number))
    if with_suffix:
        line, more = with_suffix[0], f" (and {len(with_suffix) - 1:,} more lines)" if with_suffix[1:] else ""
        end = ends.of(line.text)
        problems.append(
            f"{path}, line {line.number}: {line.text} ends with {end}, which lists leave out; write "
            f"{line.text[: -len(end)]}{more}"
        )
    return MapListing(tuple(pairs), tuple(problems)), mentions


def _from_folder(root: Path, part: LabelFolders, ends: _Ends) -> MapListing:
    images = Scan(root / part.images, ends.images)
    labels = Scan(root / part.labels, (ends.labels,), ends.beside)
    label_names = sorted(labels.walk())
    label_of = {name[: -len(ends.labels)]: name for name in label_names}
    pairs, stems = [], set()
    for path in sorted(images.walk()):
        stem = ends.stem(path)
        stems.add(stem)
        pairs.append((images.folder / path, labels.folder / label_of.get(stem, stem + ends.labels)))
    second = [path for path in label_names if label_of[path[: -len(ends.labels)]] != path]
    alone = [path for stem, path in label_of.items() if stem not in stems]
    name = ends.map_name
    problems = [
        *images.problems,
        *labels.problems,
        *images.twins,
        *_first_of(
            labels.folder, second, f"differs from another {ends.map_name} in the case of its suffix only; remove one"
        ),
        *_first_of(labels.folder, alone, f"has no image; fetch the image, or remove the {name}"),
    ]
    return MapListing(tuple(pairs), tuple(problems), (*images.notes, *labels.notes))


def _first_of(folder: Path, names: list[str], what: str) -> list[str]:
    more = f" (and {len(names) - 1:,} more)" if len(names) > 1 else ""
    return [f"{folder / names[0]} {what}{more}"] if names else []
