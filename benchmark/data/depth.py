"""The splits of depth datasets: images with a depth map each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmark.data.decoding import depth_map_problem, refuse_unfit
from benchmark.data.depth_encoding import DepthEncoding
from benchmark.data.images import read_image, size_mismatch
from benchmark.data.split import MapSplit
from benchmark.errors import DataError


class DepthSplit(MapSplit):
    """The images and depth maps of one split, in the order of its list; see `MapSplit`.

    Images whose depth is the word ``None`` in a list are left out.

    Raises:
        DataError: What `MapSplit` raises, a malformed line, or a path that leaves the dataset.
    """

    map_key = "depth_map_path"

    def load(self, index: int) -> dict[str, Any]:
        """Reads one image (BGR) and its depth map in metres (``gt_depth_map``) into a ``results`` dict.

        Raises:
            DataError: A file that cannot be decoded, a depth map without 16 bits or of another size than its image.
        """
        info = self._infos[index]
        image = read_image(info["img_path"])
        depth = self.load_map(index)
        if depth.shape != image.shape[:2]:
            raise size_mismatch("depth", info["depth_map_path"], depth.shape, info["img_path"], image.shape)
        return dict(info, img=image, gt_depth_map=depth, seg_fields=["gt_depth_map"])

    def load_map(self, index: int) -> NDArray[np.float32]:
        """Reads one depth map alone, (H, W) metres; 0 where nothing was measured.

        Raises:
            DataError: A file that cannot be decoded, or that has not 16 bits.
        """
        return read_depth(self._infos[index]["depth_map_path"], self.dataset.encoding)


def read_depth(path: Path | str, encoding: DepthEncoding) -> NDArray[np.float32]:
    """Reads a 16-bit depth map as (H, W) float32 metres, 0 where nothing was measured.

    Raises:
        DataError: A file that cannot be decoded, or one that is no 16-bit grey PNG: 8 bits hold a picture of depths.
    """
    refuse_unfit(path, depth_map_problem)
    try:
        with Image.open(path) as file:
            values = np.asarray(file)
    except Exception as error:  # decoders fail in many ways
        raise DataError(f"{path} cannot be read: {error}") from error
    return encoding.decode(values)
