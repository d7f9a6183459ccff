"""Classification splits and samples."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from benchmark.backbones import Preprocessing
from benchmark.data.classification import ClassificationSplit
from benchmark.data.registry import DATASETS
from benchmark.data.split import data_fingerprint, refuse_overlap
from benchmark.errors import DataError
from benchmark.load_protocol import load_protocol
from benchmark.protocols.classification import ImageView
from benchmark.samples.classification import train_sample, view_sample

IMAGENET = DATASETS["imagenet"]


@pytest.fixture
def make_imagenet(tmp_path: Path) -> Callable[..., Path]:
    """Returns a function that writes small pictures, each of its own colours, at the given places."""

    def make(*names: str, size: tuple[int, int] = (40, 30)) -> Path:
        for number, name in enumerate(names):
            path = tmp_path / "imagenet" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            pixels = np.random.default_rng(number).integers(0, 256, (3, 4, 3), np.uint8)
            Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC).save(path, "PNG")
        return tmp_path

    return make


TRAIN = [f"train/{name}/{number}.png" for name in "abc" for number in range(4)]
VAL = [f"val/{name}/{number}.png" for name in "abc" for number in range(2)]


def test_a_split_gives_images_in_bgr_with_labels_names_and_files(make_imagenet: Callable) -> None:
    root = make_imagenet(*VAL)
    split = ClassificationSplit(IMAGENET, root, "val")
    assert (len(split), split.name, split.dataset, split.root) == (6, "val", IMAGENET, root / "imagenet")
    assert split.classes == ("a", "b", "c")
    assert (split.labels.tolist(), split.labels.dtype) == ([0, 0, 1, 1, 2, 2], np.int64)
    assert split.names == VAL
    assert split.files == [root / "imagenet" / name for name in VAL]
    with Image.open(split.files[3]) as file:
        np.testing.assert_array_equal(split.load(3)[..., ::-1], np.asarray(file))


def test_a_limit_is_spread_over_the_classes(make_imagenet: Callable) -> None:
    split = ClassificationSplit(IMAGENET, make_imagenet(*TRAIN), "train", limit=5)
    assert split.names == [f"train/{name}.png" for name in ("a/0", "a/1", "b/0", "b/1", "c/0")]
    assert split.labels.tolist() == [0, 0, 1, 1, 2]
    assert split.classes == ("a", "b", "c")


def test_what_is_wrong_with_the_folders_stops_the_benchmark(make_imagenet: Callable) -> None:
    root = make_imagenet(*VAL)
    for name in ("d", "e"):
        (root / "imagenet/val" / name).mkdir()
    with pytest.raises(DataError, match=r"imagenet: .*val/d holds no image; .* \(and 1 more problems\)"):
        ClassificationSplit(IMAGENET, root, "val")
    with pytest.raises(DataError, match=r"imagenet: no .*imagenet/train; --data-root must hold imagenet/"):
        ClassificationSplit(IMAGENET, root, "train")
    with pytest.raises(DataError, match=r"no split 'vall' \(did you mean 'val'\?\); splits: train, val"):
        ClassificationSplit(IMAGENET, root, "vall")


def test_classes_that_differ_are_named_in_both_directions(make_imagenet: Callable) -> None:
    root = make_imagenet("train/a/1.png", "train/b/1.png", "val/b/1.png", "val/x/1.png")
    train, val = (ClassificationSplit(IMAGENET, root, name) for name in ("train", "val"))
    with pytest.raises(DataError, match="1 classes of train are not in val: a; 1 classes of val are not in train: x"):
        val.refuse_other_classes(train)
    train.refuse_other_classes(train)
    refuse_overlap(train, val)


def _tell_classes(root: Path) -> list[str]:
    rows = [f"ILSVRC2012_val_0000000{n},n0000000{n % 2 + 1} 1 2 3 4" for n in (1, 2, 3)]
    (root / "imagenet/LOC_val_solution.csv").write_text("\n".join(rows))
    return [f"ILSVRC/Data/CLS-LOC/val/ILSVRC2012_val_0000000{n}.JPEG" for n in (2, 1, 3)]


def test_the_challenge_sites_layout_is_read(make_imagenet: Callable) -> None:
    places = [f"ILSVRC/Data/CLS-LOC/val/ILSVRC2012_val_0000000{n}.JPEG" for n in (1, 2, 3)]
    root = make_imagenet(*(f"ILSVRC/Data/CLS-LOC/train/n0000000{n}/1.JPEG" for n in (1, 2)), *places)
    names = _tell_classes(root)
    train, val = (ClassificationSplit(IMAGENET, root, name) for name in ("train", "val"))
    val.refuse_other_classes(train)
    assert (val.names, val.labels.tolist()) == (names, [0, 1, 1])
    assert val.files[-1] == val.label_files[0] == root / "imagenet/LOC_val_solution.csv"


def test_another_label_file_is_another_dataset_and_the_doctor_sees_the_same(make_imagenet: Callable) -> None:
    from benchmark.data.registry import DATASETS
    from benchmark.doctor.data import examine

    places = [f"val/ILSVRC2012_val_0000000{n}.JPEG" for n in (1, 2, 3)]
    root = make_imagenet("train/n00000001/1.JPEG", "train/n00000002/1.JPEG", *places)
    _tell_classes(root)
    prints = []
    for change in ("", "\nILSVRC2012_val_00000004,n00000001 1 2 3 4"):
        path = root / "imagenet/LOC_val_solution.csv"
        path.write_text(path.read_text() + change)
        prints.append(data_fingerprint([ClassificationSplit(IMAGENET, root, name) for name in ("train", "val")]))
        report = examine(DATASETS["imagenet"], root)
        assert report.problems == ()
        assert report.fingerprint == prints[-1]
        assert report.splits[1].folders == {"n00000001": 1, "n00000002": 2}
    assert prints[0] != prints[1]


def test_the_fingerprint_of_class_folders_is_the_doctors(make_imagenet: Callable) -> None:
    from benchmark.data.registry import DATASETS
    from benchmark.doctor.data import examine

    root = make_imagenet(*TRAIN, *VAL)
    splits = [ClassificationSplit(IMAGENET, root, name) for name in ("train", "val")]
    report = examine(DATASETS["imagenet"], root)
    assert report.fingerprint == data_fingerprint(splits)


def test_the_scored_view_is_the_normalised_centre(make_imagenet: Callable) -> None:
    split = ClassificationSplit(IMAGENET, make_imagenet(*VAL, size=(61, 40)), "val")
    sample = view_sample(split, ImageView(resize=32, crop=28, filter="bicubic"), Preprocessing())(2)
    assert sample.label == 1
    with Image.open(split.files[2]) as file:
        small = file.resize((int(32 * 61 / 40), 32), Image.Resampling.BICUBIC).crop((10, 2, 38, 30))
    rgb = torch.from_numpy(np.array(small)).permute(2, 0, 1) / 255
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    torch.testing.assert_close(sample.image, (rgb - mean) / std)


def test_filters_of_the_view_differ(make_imagenet: Callable) -> None:  # trap 35
    split = ClassificationSplit(IMAGENET, make_imagenet(*VAL), "val")
    views = [ImageView(resize=24, crop=24, filter=name) for name in ("bicubic", "bilinear")]
    first, second = (view_sample(split, view, Preprocessing())(0).image for view in views)
    assert not torch.equal(first, second)


def test_training_samples_vary_with_numpys_generator_and_nothing_else(make_imagenet: Callable) -> None:
    split = ClassificationSplit(IMAGENET, make_imagenet(*TRAIN), "train")
    load = train_sample(
        split, load_protocol("imagenet-linear", "mini", ["train.crop=20"]).settings.train, Preprocessing()
    )
    images = []
    for seed in (0, 1, 0):
        np.random.seed(seed)
        sample = load(5)
        assert (sample.image.shape, sample.image.dtype, sample.label) == ((3, 20, 20), torch.float32, 1)
        images.append(sample.image)
    assert torch.equal(images[0], images[2])
    assert not torch.equal(images[0], images[1])


def test_a_certain_flip_of_the_whole_image_is_its_mirror_image(make_imagenet: Callable) -> None:
    split = ClassificationSplit(IMAGENET, make_imagenet(*TRAIN, size=(24, 24)), "train")
    words = ["train.crop=24", "train.scale=[1.0,1.0]", "train.ratio=[1.0,1.0]"]
    plain, mirrored = (
        train_sample(
            split, load_protocol("imagenet-linear", "mini", [*words, f"train.flip={p}"]).settings.train, Preprocessing()
        )(0).image
        for p in (0, 1)
    )
    assert torch.equal(plain.flip(-1), mirrored)


def test_a_damaged_image_is_named(make_imagenet: Callable) -> None:
    split = ClassificationSplit(IMAGENET, make_imagenet(*VAL), "val")
    split.files[1].write_bytes(b"no picture")
    load = view_sample(split, ImageView(resize=32, crop=28, filter="bicubic"), Preprocessing())
    with pytest.raises(DataError, match=r"val/a/1\.png cannot be read"):
        load(1)


@pytest.mark.real_data
def test_the_sample_of_imagenet_has_the_right_labels(real_data: Path) -> None:
    train, val = (ClassificationSplit(IMAGENET, real_data, name) for name in ("train", "val"))
    val.refuse_other_classes(train)
    refuse_overlap(train, val)
    assert train.classes == (
        *("n01440764", "n02102040", "n02979186", "n03000684", "n03028079"),
        *("n03394916", "n03417042", "n03425413", "n03445777", "n03888257"),
    )
    assert np.bincount(train.labels).tolist() == [100] * 10
    assert np.bincount(val.labels).tolist() == [50] * 10
    for split in (train, val):
        assert [name.split("/")[1] for name in split.names] == [split.classes[label] for label in split.labels]
    settings = load_protocol("imagenet-knn", "dinov2").settings
    assert view_sample(val, settings.view, Preprocessing())(0).image.shape == (3, 224, 224)
    few = ClassificationSplit(IMAGENET, real_data, "val", limit=20)
    assert np.bincount(few.labels).tolist() == [2] * 10


@pytest.mark.real_data
def test_pictures_of_every_shape_give_the_same_view(real_data: Path, tmp_path: Path) -> None:
    (tmp_path / "imagenet").mkdir()
    (tmp_path / "imagenet/val").symlink_to(real_data / "imagenet_samples")
    split = ClassificationSplit(IMAGENET, tmp_path, "val")
    assert len(split) == len(split.classes) == 100
    settings = load_protocol("imagenet-linear", "dinov2").settings
    view = view_sample(split, settings.view, Preprocessing())
    augmented = train_sample(split, settings.train, Preprocessing())
    for index in range(0, 100, 9):
        assert view(index).image.shape == augmented(index).image.shape == (3, 224, 224)
