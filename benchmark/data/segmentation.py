"""The splits of segmentation datasets: images with a label map each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmark.data.decoding import label_map_problem, refuse_unfit
from benchmark.data.images import read_image, size_mismatch
from benchmark.data.label_encoding import LabelEncoding, PaletteKind
from benchmark.data.palettes import palette_problem
from benchmark.data.split import MapSplit
from benchmark.errors import DataError


class SegmentationSplit(MapSplit):
    """The images and label maps of one split, in a fixed order; see `MapSplit`."""

    map_key = "seg_map_path"

    def load(self, index: int) -> dict[str, Any]:
        """Reads one image (BGR) and its label map into an mmsegmentation ``results`` dict.

        Raises:
            DataError: A file that cannot be decoded, labels that are not classes, or a map of another size than its
                image.
        """
        info = self._infos[index]
        image, labels = read_image(info["img_path"]), self.load_map(index)
        if labels.shape != image.shape[:2]:
            raise size_mismatch("label", info["seg_map_path"], labels.shape, info["img_path"], image.shape)
        size = image.shape[:2]
        return dict(
            info, img=image, img_shape=size, ori_shape=size, gt_seg_map=labels, seg_fields=["gt_seg_map"],
            reduce_zero_label=False,
        )  # fmt: skip

    def load_map(self, index: int) -> NDArray[np.uint8]:
        """Reads one label map alone, (H, W) class ids; 255 is ignored.

        Raises:
            DataError: A file that cannot be decoded, or labels that are not classes.
        """
        dataset = self.dataset
        return read_label_map(self._infos[index]["seg_map_path"], dataset.labels, dataset.palette)


def read_label_map(path: Path | str, labels: LabelEncoding, palette: PaletteKind = "any") -> NDArray[np.uint8]:
    """Reads a label map as (H, W) uint8 class ids, 255 where nothing is scored.

    Args:
        path: The file.
        labels: What its grey values, indices into its palette, or colours mean.
        palette: What its palette should hold, if it has one.

    Raises:
        DataError: A file that cannot be decoded, whose kind cannot hold labels, whose palette does not say that its
            indices are the labels, or that holds a label that is not a class.
    """
    coloured = labels.colours is not None
    refuse_unfit(path, lambda begin: label_map_problem(begin, coloured=coloured))
    try:
        with Image.open(path) as file:
            file.load()
    except Exception as error:  # decoders fail in many ways
        raise DataError(f"{path} cannot be read: {error}") from error
    problem = None if coloured else palette_problem(file, palette)
    if problem:
        raise DataError(f"{path}: {problem}")
    try:
        return decode_labels(file, labels)
    except ValueError as error:
        raise DataError(f"{path}: {error}") from error


def decode_labels(picture: Image.Image, labels: LabelEncoding) -> NDArray[np.uint8]:
    """Maps a decoded label map to (H, W) class ids; raises ValueError for a label or colour that is not a class."""
    return labels.decode(np.asarray(picture.convert("RGB") if labels.colours is not None else picture))
