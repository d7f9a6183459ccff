"""The Semantic Boundaries Dataset as further training data of VOC2012: ``trainaug``.

    SBD     benchmark_RELEASE/dataset/{img/*.jpg, cls/*.mat}         label map in GTcls.Segmentation, no border label
    VOC     JPEGImages/*.jpg  SegmentationClassAug/*.png  ImageSets/Segmentation/aug.txt

``trainaug`` is VOC's ``train`` with its own masks, and the images of SBD that are neither in ``train`` nor in ``val``:
1,464 + 9,118 = 10,582. Source: B. Hariharan et al., "Semantic Contours from Inverse Detectors", ICCV 2011; the split is
that of DeepLab and mmsegmentation (``tools/dataset_converters/voc_aug.py``).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from benchmark.atomic import atomic_write
from benchmark.data.folders import Scan
from benchmark.data.lines import read_lines
from benchmark.data.palettes import voc_palette
from benchmark.errors import DataError
from benchmark.progress import Progress

_LISTS = "ImageSets/Segmentation"


def merge_sbd(voc: Path, sbd: Path) -> str:
    """Turns SBD's label maps into palette PNGs, adds missing images, and writes ``aug.txt``.

    Args:
        voc: ``VOCdevkit/VOC2012`` with its ``train`` and ``val`` lists.
        sbd: Folder with SBD's ``cls`` and ``img``.

    Returns:
        A line that says what was added.

    Raises:
        DataError: VOC's lists are missing, or a file of SBD is damaged.
    """
    known = _train_and_val(voc)
    stems = [path.stem for path in sorted((sbd / "cls").glob("*.mat")) if path.stem not in known]
    masks = voc / "SegmentationClassAug"
    masks.mkdir(exist_ok=True)
    (voc / "JPEGImages").mkdir(exist_ok=True)
    progress = Progress(len(stems), "converting SBD")
    for stem in stems:
        _add_image(voc / "JPEGImages" / f"{stem}.jpg", sbd / "img" / f"{stem}.jpg")
        if not (masks / f"{stem}.png").exists():
            image = Image.fromarray(read_label_map(sbd / "cls" / f"{stem}.mat"))
            image.putpalette(voc_palette().tobytes())
            with atomic_write(masks / f"{stem}.png") as file:
                image.save(file, "PNG")
        progress.advance()
    progress.close()
    write_list(voc / _LISTS / "aug.txt", stems)
    return f"SBD: {len(stems):,} images outside VOC's train and val; trainaug can be used"


def complete_lists(voc: Path) -> str | None:
    """Writes ``aug.txt`` where ``trainaug.txt`` or a folder ``SegmentationClassAug`` tells what belongs in it.

    Returns:
        A line that says what was written, or None.
    """
    lists, masks = voc / _LISTS, voc / "SegmentationClassAug"
    if (lists / "aug.txt").exists() or not masks.is_dir() or not (lists / "train.txt").exists():
        return None
    known = _train_and_val(voc)
    if (lists / "trainaug.txt").exists():
        stems = [line.text for line in read_lines(lists / "trainaug.txt") if line.text not in known]
    else:
        scan = Scan(masks, (".png",))
        _, names = scan.look()
        for problem in scan.problems:
            raise DataError(problem)
        stems = [stem for stem in (name[: -len(".png")] for name in names) if stem not in known]
    if not stems:
        return None
    write_list(lists / "aug.txt", stems)
    return f"aug.txt: {len(stems):,} images outside VOC's train and val; trainaug can be used"


def read_label_map(path: Path) -> np.ndarray:
    """Returns the label map (H, W) uint8 of one SBD file: 0 for background, 1..20.

    Raises:
        DataError: A file that is damaged or holds something else.
    """
    from scipy.io import loadmat  # noqa: PLC0415  (a second of import that nothing else needs)

    try:
        labels = loadmat(path)["GTcls"]["Segmentation"][0, 0]
    except Exception as error:  # scipy's parser fails in many ways
        raise DataError(f"{path.name} is not a label map of SBD: {error}") from error
    if labels.ndim != 2 or labels.max(initial=0) > 20:
        raise DataError(f"{path.name}: expected labels (H, W) from 0 to 20, found {labels.shape} up to {labels.max()}")
    return labels.astype(np.uint8)


def write_list(path: Path, stems: list[str]) -> None:
    """Writes one name per line, whole or not at all."""
    with atomic_write(path) as file:
        file.write("".join(f"{stem}\n" for stem in stems).encode())


def _train_and_val(voc: Path) -> set[str]:
    names: set[str] = set()
    for name in ("train", "val"):
        path = voc / _LISTS / f"{name}.txt"
        if not path.is_file():
            raise DataError(
                f"SBD adds to VOC2012, whose list {name}.txt is missing: give VOC's archive as well, or --add SBD to a "
                "VOC2012 that is there"
            )
        names |= {line.text for line in read_lines(path)}
    return names


def _add_image(target: Path, source: Path) -> None:
    if target.exists():
        return
    if not source.exists():
        raise DataError(f"{target.name} is neither among VOC's images nor among SBD's")
    source.rename(target)
