"""mIoU against mmsegmentation's IoUMetric, and what must not move it."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from benchmark import compat
from benchmark.metrics import confusion_matrix, iou_scores

compat.install()
from mmseg.evaluation import IoUMetric  # noqa: E402


def _mmseg(targets: list[torch.Tensor], predictions: list[torch.Tensor], num_classes: int) -> dict[str, float]:
    metric = IoUMetric(iou_metrics=["mIoU"])
    metric.dataset_meta = {"classes": [str(index) for index in range(num_classes)]}
    samples = [
        {"pred_sem_seg": {"data": prediction}, "gt_sem_seg": {"data": target}}
        for target, prediction in zip(targets, predictions, strict=True)
    ]
    metric.process({}, samples)
    return metric.compute_metrics(metric.results)


def _ours(targets: list[torch.Tensor], predictions: list[torch.Tensor], num_classes: int) -> dict:
    pairs = zip(targets, predictions, strict=True)
    return iou_scores(sum(confusion_matrix(t, p, num_classes=num_classes) for t, p in pairs))


@pytest.mark.parametrize(("num_classes", "occurring"), [(21, 21), (150, 40)], ids=["all classes", "absent classes"])
def test_scores_equal_mmsegmentation_to_its_printed_digits(num_classes: int, occurring: int) -> None:
    generator = torch.Generator().manual_seed(0)
    targets, predictions = [], []
    for height, width in ((30, 40), (64, 20), (7, 9)):
        target = torch.randint(0, occurring, (height, width), generator=generator)
        wrong = torch.randint(0, occurring, (height, width), generator=generator)
        keep = torch.rand(height, width, generator=generator)
        predictions.append(torch.where(keep < 0.6, target, wrong))
        targets.append(torch.where(keep > 0.9, 255, target))
    ours, theirs = _ours(targets, predictions, num_classes), _mmseg(targets, predictions, num_classes)
    assert round(100 * ours["miou"], 2) == pytest.approx(theirs["mIoU"], abs=1e-4)
    assert round(100 * ours["pixel_accuracy"], 2) == pytest.approx(theirs["aAcc"], abs=1e-4)
    assert round(100 * ours["mean_accuracy"], 2) == pytest.approx(theirs["mAcc"], abs=1e-4)


def test_absent_class_is_left_out_of_mean_iou() -> None:  # traps 2 and 5
    scores = iou_scores(np.array([[3, 1, 0], [0, 4, 0], [0, 0, 0]]))
    assert math.isnan(scores["per_class_iou"][2])
    assert scores["miou"] == pytest.approx((3 / 4 + 4 / 5) / 2)


def test_class_predicted_but_absent_from_labels_scores_zero() -> None:
    scores = iou_scores(np.array([[3, 1], [0, 0]]))
    assert scores["per_class_iou"].tolist() == [0.75, 0.0]
    assert scores["mean_accuracy"] == 0.75  # recall has no such class


def test_perfect_predictions_of_150_classes_score_one() -> None:  # trap 3
    target = torch.arange(150).repeat(3)
    assert _ours([target], [target], 150)["miou"] == 1.0


def test_swapped_classes_score_zero() -> None:  # trap 4: no matching of predicted to true classes
    target = torch.tensor([0, 0, 1, 1])
    assert _ours([target], [1 - target], 2)["miou"] == 0.0


def test_dataset_iou_is_not_the_mean_of_image_ious() -> None:
    targets = [torch.tensor([0, 0, 0, 0]), torch.tensor([0, 1])]
    predictions = [torch.tensor([0, 0, 0, 0]), torch.tensor([1, 1])]
    assert _ours(targets, predictions, 2)["miou"] == pytest.approx((4 / 5 + 1 / 2) / 2)


def test_nothing_scored_is_nan() -> None:
    scores = iou_scores(torch.zeros(2, 2, dtype=torch.int64))
    assert math.isnan(scores["miou"])
    assert math.isnan(scores["pixel_accuracy"])


def test_a_matrix_that_is_not_square_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\(C, C\)"):
        iou_scores(np.zeros((2, 3)))


@pytest.mark.real_data
@pytest.mark.parametrize("reduce_zero_label", [True, False], ids=["ade20k", "voc2012"])
def test_scores_equal_mmsegmentation_on_real_labels(real_data, reduce_zero_label: bool) -> None:  # noqa: ANN001
    from benchmark.data.registry import DATASETS
    from benchmark.data.segmentation import SegmentationSplit

    dataset = DATASETS["ade20k" if reduce_zero_label else "voc2012"]
    split = SegmentationSplit(dataset, real_data, "val", limit=20)
    generator = np.random.default_rng(0)
    targets, predictions = [], []
    for index in range(len(split)):
        target = split.load(index)["gt_seg_map"].astype(np.int64)
        flipped = np.where(generator.random(target.shape) < 0.7, target, target[:, ::-1])
        targets.append(torch.from_numpy(target))
        predictions.append(torch.from_numpy(np.where(flipped == 255, 3, flipped)))
    ours, theirs = (score(targets, predictions, dataset.num_classes) for score in (_ours, _mmseg))
    assert round(100 * ours["miou"], 2) == pytest.approx(theirs["mIoU"], abs=1e-4)
