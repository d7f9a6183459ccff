"""Our segmentation datasets for mmengine: the same files in the same order, with labels that mean the same.

train_dataloader = dict(
dataset=dict(
type='ListedSegmentation',
dataset='roofs.toml',  # or ade20k, or any other segmentation dataset of `densebench list`
split='train',
data_root='my_data',
pipeline=[
dict(type='LoadImageFromFile', imdecode_backend='pillow', color_type='color_ignore_orientation'),
dict(type='LoadDecodedLabels'),  # in place of LoadAnnotations
...
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmcv.transforms import BaseTransform

from benchmark import compat
from benchmark.benchmarks import find_dataset
from benchmark.data.dataset import SegmentationDataset
from benchmark.data.images import size_mismatch
from benchmark.data.label_encoding import IGNORE_INDEX
from benchmark.data.palettes import voc_palette
from benchmark.data.segmentation import SegmentationSplit, read_label_map
from benchmark.errors import UsageError

compat.install()
from mmseg.datasets import BaseSegDataset  # noqa: E402  (the shims come first)
from mmseg.registry import DATASETS, TRANSFORMS  # noqa: E402


@DATASETS.register_module()
class ListedSegmentation(BaseSegDataset):
    """A split of a segmentation dataset as the benchmarks list it.

    Args:
        dataset: Name of a dataset that ships, or path of a description.
        split: Name of one of its splits.
        data_root: Folder that holds all datasets, as ``--data-root``.
        pipeline: Transforms, ``LoadDecodedLabels`` among them where labels are wanted.
        **options: Of ``BaseSegDataset``: ``indices``, ``test_mode``, ``lazy_init`` and the like.

    Raises:
        UsageError: No such dataset, one without label maps, or a pipeline that would read labels as they are stored.
        DataError: What is wrong with the description or the files.
    """

    def __init__(
        self,
        dataset: str,
        split: str,
        data_root: str = "data",
        pipeline: Sequence[Mapping[str, Any]] = (),
        **options: Any,
    ) -> None:
        known = find_dataset(dataset)
        if not isinstance(known, SegmentationDataset):
            raise UsageError(f"{dataset} has no label maps; ListedSegmentation takes segmentation datasets")
        if any(isinstance(step, Mapping) and step.get("type") == "LoadAnnotations" for step in pipeline):
            raise UsageError(
                f"LoadAnnotations would take the stored values of {dataset} for classes; put LoadDecodedLabels in its "
                "place"
            )
        self._listed = SegmentationSplit(known, Path(data_root), split)
        colours = known.labels.colours or voc_palette()[: known.num_classes].tolist()
        super().__init__(
            metainfo={"classes": known.classes, "palette": [list(colour) for colour in colours]},
            data_root=None,
            pipeline=list(pipeline),
            ignore_index=IGNORE_INDEX,
            reduce_zero_label=False,
            **options,
        )

    def load_data_list(self) -> list[dict[str, Any]]:
        """Returns image and label map of each sample, in the order of the benchmarks."""
        paths = iter(self._listed.files)
        return [
            {
                "img_path": str(image),
                "seg_map_path": str(labels),
                "label_map": self.label_map,
                "reduce_zero_label": False,
                "seg_fields": [],
            }
            for image, labels in zip(paths, paths, strict=True)
        ]

    def get_data_info(self, idx: int) -> dict[str, Any]:
        """Returns one sample, and what the values of its label map mean."""
        known = self._listed.dataset
        return {**super().get_data_info(idx), "label_encoding": known.labels, "label_palette": known.palette}


@TRANSFORMS.register_module()
class LoadDecodedLabels(BaseTransform):
    """Reads a label map of `ListedSegmentation` as (H, W) uint8 class ids, 255 where nothing is scored.

    It comes after the image is loaded.

    Raises:
        DataError: A map that cannot be read, of another size than its image, or with a label that is not a class.
    """

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Adds ``gt_seg_map``."""
        path = results["seg_map_path"]
        labels = read_label_map(path, results["label_encoding"], results["label_palette"])
        if labels.shape != results["img"].shape[:2]:
            raise size_mismatch("label", path, labels.shape, results["img_path"], results["img"].shape)
        results["gt_seg_map"] = labels
        results["seg_fields"].append("gt_seg_map")
        return results
