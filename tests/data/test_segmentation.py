"""Splits and samples: what is found, what is refused, what the transforms do."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from benchmark.backbones import Preprocessing
from benchmark.data.registry import DATASETS
from benchmark.data.segmentation import SegmentationSplit
from benchmark.data.split import data_fingerprint, refuse_overlap
from benchmark.errors import DataError
from benchmark.load_protocol import load_protocol
from benchmark.samples.segmentation import test_sample as make_test_sample
from benchmark.samples.segmentation import train_sample

ADE20K, VOC2012 = DATASETS["ade20k"], DATASETS["voc2012"]


@pytest.fixture
def own_data(mini_data: Path, tmp_path: Path) -> Path:
    """A copy of the rendered data that a test may damage."""
    return Path(shutil.copytree(mini_data, tmp_path / "data"))


def _mask(root: Path, number: int = 1) -> Path:
    return ADE20K.root(root) / f"annotations/training/ADE_train_{number:08d}.png"


def _image(root: Path, number: int = 1) -> Path:
    return ADE20K.root(root) / f"images/training/ADE_train_{number:08d}.jpg"


def _resave(path: Path, change: Callable[[np.ndarray], np.ndarray]) -> None:
    with Image.open(path) as file:
        array = np.array(file)
    Image.fromarray(change(array)).save(path)


def _read_all(root: Path) -> None:
    split = SegmentationSplit(ADE20K, root, "train")
    for index in range(len(split)):
        split.load(index)


def test_a_split_lists_its_images_in_order(mini_data: Path) -> None:
    split = SegmentationSplit(ADE20K, mini_data, "train")
    assert split.names == [f"images/training/ADE_train_{number:08d}.jpg" for number in range(1, 7)]
    assert len(SegmentationSplit(ADE20K, mini_data, "train", limit=2)) == 2


def test_ade20k_labels_lose_their_zero_once(mini_data: Path) -> None:  # trap 6
    results = SegmentationSplit(ADE20K, mini_data, "train").load(0)
    with Image.open(_mask(mini_data)) as file:
        raw = np.array(file).astype(int)
    expected = np.where(raw == 0, 255, raw - 1)
    np.testing.assert_array_equal(results["gt_seg_map"], expected)


def test_voc_labels_are_palette_indices(mini_data: Path) -> None:
    labels = SegmentationSplit(VOC2012, mini_data, "train").load(0)["gt_seg_map"]
    assert labels.ndim == 2
    assert set(np.unique(labels)) <= {*range(21), 255}


def test_images_with_one_class_are_kept(own_data: Path) -> None:  # trap 27
    _resave(_mask(own_data), lambda mask: np.full_like(mask, 4))
    split = SegmentationSplit(ADE20K, own_data, "train")
    assert len(split) == 6
    assert np.unique(split.load(0)["gt_seg_map"]).tolist() == [3]


def test_trainaug_joins_train_and_the_extra_list(own_data: Path) -> None:
    root = VOC2012.root(own_data)
    ids = (root / "ImageSets/Segmentation/train.txt").read_text().split()
    (root / "ImageSets/Segmentation/train.txt").write_text("\n".join(ids[:4]))
    (root / "ImageSets/Segmentation/aug.txt").write_text("\n".join(ids[4:]))
    shutil.copytree(root / "SegmentationClass", root / "SegmentationClassAug")
    split = SegmentationSplit(VOC2012, own_data, "trainaug")
    assert [Path(name).stem for name in split.names] == ids
    masks = [path.parent.name for path in split.files[1::2]]
    assert masks == ["SegmentationClass"] * 4 + ["SegmentationClassAug"] * 2


def test_fingerprint_follows_the_files(own_data: Path) -> None:
    before = data_fingerprint([SegmentationSplit(ADE20K, own_data, "train")])
    assert data_fingerprint([SegmentationSplit(ADE20K, own_data, "train")]) == before
    assert data_fingerprint([SegmentationSplit(ADE20K, own_data, "train", limit=5)]) != before
    _resave(_mask(own_data), lambda mask: 150 - mask)
    assert data_fingerprint([SegmentationSplit(ADE20K, own_data, "train")]) != before


def test_fingerprint_notices_an_edit_that_keeps_the_size(own_data: Path) -> None:
    before = data_fingerprint([SegmentationSplit(ADE20K, own_data, "train")])
    content = bytearray(_image(own_data).read_bytes())
    content[-100] ^= 1
    _image(own_data).write_bytes(content)
    assert data_fingerprint([SegmentationSplit(ADE20K, own_data, "train")]) != before


def test_a_missing_folder_is_named_with_the_layout(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"images/training; --data-root must hold ade20k/ADEChallengeData2016/"):
        SegmentationSplit(ADE20K, tmp_path, "train")


def test_an_image_without_mask_is_named(own_data: Path) -> None:
    _mask(own_data, 3).unlink()
    with pytest.raises(DataError, match=r"annotations/training/ADE_train_00000003\.png is missing"):
        SegmentationSplit(ADE20K, own_data, "train")


def test_an_empty_split_is_refused(own_data: Path) -> None:
    (VOC2012.root(own_data) / "ImageSets/Segmentation/val.txt").write_text("")
    with pytest.raises(DataError, match="no images of split 'val'"):
        SegmentationSplit(VOC2012, own_data, "val")


def test_an_unknown_split_is_refused(mini_data: Path) -> None:
    with pytest.raises(DataError, match=r"no split 'trainval'.*splits: train, trainaug, val"):
        SegmentationSplit(VOC2012, mini_data, "trainval")


def test_an_image_in_train_and_val_is_refused(own_data: Path) -> None:
    lists = VOC2012.root(own_data) / "ImageSets/Segmentation"
    shutil.copy(lists / "train.txt", lists / "val.txt")
    splits = [SegmentationSplit(VOC2012, own_data, name) for name in ("train", "val")]
    with pytest.raises(DataError, match="6 images are in both 'train' and 'val'"):
        refuse_overlap(*splits)


def test_a_mask_of_another_size_is_named(own_data: Path) -> None:
    _resave(_mask(own_data), lambda mask: mask[:-1])
    with pytest.raises(DataError, match=r"ADE_train_00000001\.png: the label map is 160x127, its image .* is 160x128"):
        _read_all(own_data)


def test_a_half_turn_in_exif_turns_the_image_no_more_than_its_labels(own_data: Path) -> None:
    with Image.open(_image(own_data)) as file:
        pixels = np.array(file)
    exif = Image.Exif()
    exif[0x0112] = 3
    Image.fromarray(pixels).save(_image(own_data), quality=95, exif=exif)
    image = SegmentationSplit(ADE20K, own_data, "train").load(0)["img"][..., ::-1]
    assert abs(image.astype(float) - pixels).mean() < abs(image[::-1, ::-1].astype(float) - pixels).mean() / 5


def test_grey_and_cmyk_images_are_read(own_data: Path) -> None:
    for number, mode in ((1, "L"), (2, "CMYK")):
        with Image.open(_image(own_data, number)) as file:
            file.convert(mode).save(_image(own_data, number))
    split = SegmentationSplit(ADE20K, own_data, "train")
    assert [split.load(index)["img"].shape for index in (0, 1)] == [(128, 160, 3)] * 2


def test_a_16_bit_image_is_named(own_data: Path) -> None:
    Image.fromarray(np.zeros((128, 160), np.uint16)).save(own_data / "deep.png")
    (own_data / "deep.png").rename(_image(own_data))
    with pytest.raises(DataError, match=r"ADE_train_00000001\.jpg: pictures have 8 bits"):
        _read_all(own_data)


def test_a_label_outside_the_classes_is_named(own_data: Path) -> None:
    _resave(_mask(own_data), lambda mask: np.where(mask == mask[0, 0], 151, mask).astype(np.uint8))
    with pytest.raises(
        DataError, match=r"png: label 151 is neither a class nor ignored; classes are 1 to 150, ignored are 0, 255"
    ):
        _read_all(own_data)


@pytest.mark.parametrize(
    ("change", "kind"),
    [(lambda mask: np.stack([mask] * 3, -1), "8-bit RGB"), (lambda mask: mask.astype(np.uint16), "16-bit grey")],
)
def test_masks_with_colours_or_16_bits_are_refused(own_data: Path, change: Callable, kind: str) -> None:
    _resave(_mask(own_data), change)
    with pytest.raises(DataError, match=f"this one is {kind}"):
        _read_all(own_data)


def test_a_truncated_jpeg_is_named(own_data: Path) -> None:
    _image(own_data).write_bytes(_image(own_data).read_bytes()[:-600])
    with pytest.raises(DataError, match=r"ADE_train_00000001\.jpg cannot be read.*truncated"):
        _read_all(own_data)


def test_a_file_that_is_no_image_is_named(own_data: Path) -> None:
    _mask(own_data).write_text("not a picture")
    with pytest.raises(
        DataError, match=r"ADE_train_00000001\.png: label maps are PNG files, this one begins with b'not"
    ):
        _read_all(own_data)


def test_training_samples_are_square_and_padded_with_ignored_labels(mini_data: Path) -> None:
    settings = load_protocol("ade20k", "mini", ["train.scale=[0.5,0.5]"]).settings.train
    sample = train_sample(SegmentationSplit(ADE20K, mini_data, "train"), settings, Preprocessing())(0)
    assert sample.image.shape == (3, 112, 112)
    assert sample.labels.shape == (112, 112)
    assert (sample.labels[56:] == 255).all()
    assert not sample.image[:, 56:].any()  # zero after normalising


@pytest.mark.parametrize("name", ["dinov2-lin", "dinov3-lin"])
def test_test_images_have_a_short_side_of_512_and_labels_their_own_size(mini_data: Path, name: str) -> None:
    settings = load_protocol("ade20k", name).settings.test
    sample = make_test_sample(SegmentationSplit(ADE20K, mini_data, "val"), settings, Preprocessing())(0)
    assert sample.image.shape == (3, 512, 640)
    assert sample.labels.shape == (128, 160)


def test_images_are_normalised_rgb(own_data: Path) -> None:
    Image.new("RGB", (160, 128), (255, 0, 0)).save(_image(own_data).with_suffix(".jpg"), quality=100)
    settings = load_protocol("ade20k", "mini").settings.test
    split = SegmentationSplit(ADE20K, own_data, "train")
    image = make_test_sample(split, settings, Preprocessing())(0).image[:, 5, 5]
    expected = (torch.tensor([254 / 255, 0, 0]) - torch.tensor([0.485, 0.456, 0.406])) / torch.tensor(
        [0.229, 0.224, 0.225]
    )
    torch.testing.assert_close(image, expected, atol=0.02, rtol=0)


@pytest.mark.parametrize("name", ["dinov2-lin", "dinov3-lin"])
def test_augmentation_equals_the_stock_pipeline_under_one_seed(mini_data: Path, name: str) -> None:
    """The pipeline of the protocol written out with mmsegmentation's own transforms and preprocessor."""
    from mmseg.models import SegDataPreProcessor
    from mmseg.registry import TRANSFORMS
    from mmseg.utils import register_all_modules

    register_all_modules(init_default_scope=True)
    dinov3 = name == "dinov3-lin"
    resize = dict(backend="pillow", resize_type="mmseg.ResizeWithFloorLabels") if dinov3 else {}
    steps = [
        dict(type="LoadImageFromFile"),
        dict(type="LoadAnnotations"),
        dict(
            type="RandomResize",
            scale=(10**6 if dinov3 else 2048, 512),
            ratio_range=(0.5, 2.0),
            keep_ratio=True,
            **resize,
        ),
        dict(type="RandomCrop", crop_size=(512, 512), cat_max_ratio=0.75),
        dict(type="RandomFlip", prob=0.5),
        dict(type="TorchvisionPhotoMetricDistortion", brightness=32, contrast=(0.5, 1.5), saturation=(0.5, 1.5), hue=90)
        if dinov3  # see test_photometric.py
        else dict(type="PhotoMetricDistortion"),
        dict(type="PackSegInputs"),
    ]
    preprocess = SegDataPreProcessor(
        mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], size=(512, 512), bgr_to_rgb=True
    )
    split = SegmentationSplit(ADE20K, mini_data, "train")
    ours = train_sample(split, load_protocol("ade20k", name).settings.train, Preprocessing())
    for seed in range(8):
        np.random.seed(seed)
        sample = ours(seed % len(split))
        np.random.seed(seed)
        results = dict(split._infos[seed % len(split)], seg_fields=[], reduce_zero_label=True)
        for step in steps:
            results = TRANSFORMS.build(step)(results)
        packed = preprocess({"inputs": [results["inputs"]], "data_samples": [results["data_samples"]]}, training=True)
        torch.testing.assert_close(sample.image, packed["inputs"][0], atol=1e-5, rtol=0)
        assert torch.equal(sample.labels.long(), packed["data_samples"][0].gt_sem_seg.data[0].long())


def test_dinov3_shifts_hue_five_times_as_far() -> None:  # trap 9
    hues = [load_protocol("ade20k", name).settings.train.hue for name in ("dinov2-lin", "dinov3-lin")]
    assert hues == [18, 90]


def test_resize_filters_differ_and_labels_do_not(mini_data: Path) -> None:  # trap 35
    from benchmark.samples.transforms import ResizeWithFloorLabels

    results = SegmentationSplit(ADE20K, mini_data, "train").load(0)
    small = {
        backend: ResizeWithFloorLabels((64, 40), keep_ratio=True, backend=backend)(
            {"img": results["img"], "gt_seg_map": results["gt_seg_map"]}
        )
        for backend in ("cv2", "pillow")
    }
    assert (small["cv2"]["img"] != small["pillow"]["img"]).any()
    np.testing.assert_array_equal(small["cv2"]["gt_seg_map"], small["pillow"]["gt_seg_map"])
    height, width = small["cv2"]["gt_seg_map"].shape
    rows, columns = (np.arange(n) * size // n for n, size in ((height, 128), (width, 160)))
    np.testing.assert_array_equal(small["cv2"]["gt_seg_map"], results["gt_seg_map"][np.ix_(rows, columns)])


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "counts", "size"), [("ade20k", (4, 3), (512, 683)), ("voc2012", (200, 200), (512, 562))]
)
def test_real_files_are_read(real_data: Path, name: str, counts: tuple[int, int], size: tuple[int, int]) -> None:
    layout, protocol = DATASETS[name], load_protocol(name, "dinov2-lin").settings
    train, val = (SegmentationSplit(layout, real_data, split) for split in ("train", "val"))
    refuse_overlap(train, val)
    assert (len(train), len(val)) == counts
    for index in range(3):
        assert train_sample(train, protocol.train, Preprocessing())(index).image.shape == (3, 512, 512)
    assert tuple(make_test_sample(val, protocol.test, Preprocessing())(0).image.shape[1:]) == size
