"""Depth errors against a written-out loop and mmsegmentation's DepthMetric, and both conventions by hand."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch

from benchmark import compat
from benchmark.metrics import depth_errors
from benchmark.metrics.depth import DEPTH_ERRORS, DEPTH_SUMS, depth_sums, errors_from_sums, scores_from_sums

compat.install()
from mmseg.evaluation import DepthMetric  # noqa: E402


def _image(seed: int = 0, size: tuple[int, int] = (13, 17)) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    target = generator.uniform(0.5, 10, size)
    prediction = target * generator.lognormal(0.1, 0.4, size)
    return target, prediction, generator.random(size) < 0.7


def _naive(target: np.ndarray, prediction: np.ndarray, valid: np.ndarray) -> dict[str, float]:
    pairs = [(g, p) for g, p, v in zip(target.flat, prediction.flat, valid.flat, strict=True) if v]

    def mean(value: Callable[[float, float], float]) -> float:
        return math.fsum(value(g, p) for g, p in pairs) / len(pairs)

    bias = mean(lambda g, p: math.log(p) - math.log(g))
    return {
        "rmse": math.sqrt(mean(lambda g, p: (p - g) ** 2)),
        "abs_rel": mean(lambda g, p: abs(p - g) / g),
        "sq_rel": mean(lambda g, p: (p - g) ** 2 / g),
        "log10": mean(lambda g, p: abs(math.log10(p) - math.log10(g))),
        "rmse_log": math.sqrt(mean(lambda g, p: (math.log(p) - math.log(g)) ** 2)),
        "silog": 100 * math.sqrt(mean(lambda g, p: (math.log(p) - math.log(g) - bias) ** 2)),
        "delta1": mean(lambda g, p: max(p / g, g / p) < 1.25),
        "delta2": mean(lambda g, p: max(p / g, g / p) < 1.25**2),
        "delta3": mean(lambda g, p: max(p / g, g / p) < 1.25**3),
    }


@pytest.mark.parametrize("seed", range(3))
def test_errors_equal_a_written_out_loop(seed: int) -> None:
    target, prediction, valid = _image(seed)
    errors = depth_errors(target, prediction, valid=valid)
    assert tuple(errors) == DEPTH_ERRORS
    assert errors == pytest.approx(_naive(target, prediction, valid), rel=1e-9)


def test_float32_tensors_agree_to_a_millionth() -> None:
    target, prediction, valid = _image()
    tensors = (torch.from_numpy(values).float() for values in (target, prediction))
    errors = depth_errors(*tensors, valid=torch.from_numpy(valid))
    assert errors == pytest.approx(_naive(target, prediction, valid), rel=1e-6)


def test_mean_over_images_equals_mmsegmentation() -> None:
    metric = DepthMetric(min_depth_eval=1e-3, max_depth_eval=10.0, crop_type="nyu_crop")
    rows, samples = [], []
    for seed in range(3):
        target, prediction, _ = (torch.from_numpy(values) for values in _image(seed, (480, 640)))
        target[:100] = 0
        crop = torch.zeros(target.shape, dtype=torch.bool)
        crop[45:471, 41:601] = True
        rows.append(depth_sums(target, prediction, valid=crop & (target > 1e-3) & (target < 10)))
        samples.append({"pred_depth_map": {"data": prediction[None]}, "gt_depth_map": {"data": target[None]}})
    metric.process({}, samples)
    theirs = metric.compute_metrics(metric.results)
    ours = scores_from_sums(torch.stack(rows))
    for name in ("rmse", "abs_rel", "sq_rel", "log10", "rmse_log"):
        assert ours[name] == pytest.approx(theirs[name], rel=1e-9)
    for number in (1, 2, 3):
        assert ours[f"delta{number}"] == pytest.approx(theirs[f"d{number}"], rel=1e-6)  # theirs are float32


def test_mean_of_image_errors_is_not_the_error_over_pixels() -> None:  # trap 16
    # one pixel that is 3 m off, and three pixels that are 1 m off
    near = depth_sums(np.array([1.0]), np.array([4.0]), valid=np.array([True]))
    far = depth_sums(np.array([2.0, 2.0, 4.0]), np.array([3.0, 1.0, 5.0]), valid=np.ones(3, dtype=bool))
    scores = scores_from_sums(np.stack([near, far]))
    assert scores["rmse"] == pytest.approx((3 + 1) / 2)
    assert scores["rmse_pooled"] == pytest.approx(math.sqrt((9 + 1 + 1 + 1) / 4))
    assert scores["abs_rel"] == pytest.approx((3 + (0.5 + 0.5 + 0.25) / 3) / 2)
    assert scores["abs_rel_pooled"] == pytest.approx((3 + 0.5 + 0.5 + 0.25) / 4)
    assert scores["delta1"] == pytest.approx((0 + 0) / 2)
    assert scores["delta2"] == pytest.approx((0 + 2 / 3) / 2)  # 3/2 and 5/4 are below 1.5625, 2/1 is not
    assert scores["delta2_pooled"] == pytest.approx(2 / 4)


def test_scores_equal_the_slow_way_in_both_conventions() -> None:
    images = [_image(seed, (5 + seed, 9)) for seed in range(4)]
    scores = scores_from_sums(np.stack([depth_sums(t, p, valid=v) for t, p, v in images]))
    per_image = [_naive(*image) for image in images]
    pooled = _naive(*(np.concatenate([values.ravel() for values in kind]) for kind in zip(*images, strict=True)))
    for name in DEPTH_ERRORS:
        assert scores[name] == pytest.approx(np.mean([errors[name] for errors in per_image]), rel=1e-9)
        assert scores[f"{name}_pooled"] == pytest.approx(pooled[name], rel=1e-9)


def test_an_image_without_depth_is_nan_and_left_out_of_every_mean() -> None:
    target, prediction, valid = _image()
    nothing = np.zeros_like(valid)
    assert all(map(math.isnan, depth_errors(target, prediction, valid=nothing).values()))
    row, empty = (depth_sums(target, prediction, valid=mask) for mask in (valid, nothing))
    assert not empty.any()
    alone, beside = scores_from_sums(row[None]), scores_from_sums(np.stack([empty, row, empty]))
    assert (beside.pop("images_scored"), beside.pop("images_without_depth")) == (1, 2)
    assert (alone.pop("images_scored"), alone.pop("images_without_depth")) == (1, 0)
    assert beside == alone


def test_no_depth_at_all_is_nan() -> None:
    scores = scores_from_sums(np.zeros((2, len(DEPTH_SUMS))))
    assert math.isnan(scores["rmse"])
    assert math.isnan(scores["rmse_pooled"])
    assert (scores["images_scored"], scores["images_without_depth"]) == (0, 2)


def test_a_diverged_image_is_not_dropped_from_the_mean() -> None:
    target, prediction, valid = _image()
    rows = np.stack([depth_sums(target, p, valid=valid) for p in (prediction, np.full_like(target, np.nan))])
    assert math.isnan(scores_from_sums(rows)["rmse"])


def test_probes_share_one_call() -> None:
    target, prediction, valid = _image()
    probes = np.stack([prediction, 2 * prediction, target])
    sums = depth_sums(target, probes, valid=valid)
    assert sums.shape == (3, len(DEPTH_SUMS))
    for row, probe in zip(sums, probes, strict=True):
        np.testing.assert_array_equal(row, depth_sums(target, probe, valid=valid))
    assert errors_from_sums(sums)["rmse"].shape == (3,)


def test_perfect_depth_has_no_error() -> None:
    target, _, valid = _image()
    errors = depth_errors(target, target, valid=valid)
    assert errors == {name: float(name.startswith("delta")) for name in DEPTH_ERRORS}


@pytest.mark.parametrize("factor", [0.1, 0.9, 3.0])
def test_a_wrong_scale_has_no_silog(factor: float) -> None:
    target, _, valid = _image()
    errors = depth_errors(target, factor * target, valid=valid)
    assert errors["silog"] == pytest.approx(0, abs=1e-5)  # never nan: rounding may make the variance negative
    assert errors["rmse_log"] == pytest.approx(abs(math.log(factor)))


def test_variance_rounded_below_zero_is_zero() -> None:
    row = np.zeros(len(DEPTH_SUMS))
    row[DEPTH_SUMS.index("pixels")], row[DEPTH_SUMS.index("log")] = 1, 1 + 1e-15
    row[DEPTH_SUMS.index("log_squared")] = 1
    assert errors_from_sums(row)["silog"] == 0


def test_unit_of_length_moves_metres_and_nothing_else() -> None:
    target, prediction, valid = _image()
    metres = depth_errors(target, prediction, valid=valid)
    feet = depth_errors(target / 0.3048, prediction / 0.3048, valid=valid)
    for name in DEPTH_ERRORS:
        scale = 0.3048 if name in ("rmse", "sq_rel") else 1
        assert scale * feet[name] == pytest.approx(metres[name])


def test_pixels_that_are_not_valid_may_hold_anything() -> None:
    target, prediction, valid = _image()
    expected = depth_errors(target, prediction, valid=valid)
    target[~valid], prediction[~valid] = -1, np.nan
    assert depth_errors(target, prediction, valid=valid) == expected


def test_ratio_of_exactly_five_quarters_is_not_below_it() -> None:
    errors = depth_errors(np.array([1.0, 1.25]), np.array([1.25, 1.0]), valid=np.ones(2, dtype=bool))
    assert (errors["delta1"], errors["delta2"]) == (0.0, 1.0)


def test_images_add_up_in_any_order() -> None:
    target, prediction, valid = _image()
    halves = sum(depth_sums(target[rows], prediction[rows], valid=valid[rows]) for rows in (slice(6, 13), slice(0, 6)))
    np.testing.assert_allclose(halves, depth_sums(target, prediction, valid=valid), rtol=1e-12)


def test_sums_are_of_the_kind_of_the_target() -> None:
    target, prediction, valid = _image()
    tensors = [torch.from_numpy(values) for values in (target, prediction, valid)]
    sums = depth_sums(*tensors[:2], valid=tensors[2])
    assert isinstance(sums, torch.Tensor)
    assert sums.dtype == torch.float64
    np.testing.assert_array_equal(sums.numpy(), depth_sums(target, prediction, valid=valid))


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"prediction": np.ones(3)}, "differ in shape"),
        ({"prediction": np.ones((1, 2))}, "differ in shape"),
        ({"valid": np.ones(3, dtype=bool)}, "valid have it"),
        ({"valid": np.ones(2)}, "valid must be boolean, received torch.float64"),
        ({"prediction": np.array([1.0, 0.0])}, "prediction must be positive.* found 0.0; clamp"),
        ({"target": np.array([1.0, -2.0])}, "target must be positive.* found -2.0; mask"),
        ({"target": np.array([1.0, np.nan])}, "target must be positive"),
    ],
)
def test_bad_input_is_refused(changes: dict, match: str) -> None:
    arguments = {"target": np.ones(2), "prediction": np.ones(2), "valid": np.ones(2, dtype=bool), **changes}
    with pytest.raises(ValueError, match=match):
        depth_errors(**arguments)


def test_sums_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(\.\.\., 10\)"):
        errors_from_sums(np.zeros(9))
    with pytest.raises(ValueError, match=r"\(images, 10\)"):
        scores_from_sums(np.zeros(10))
