"""The folders that are written: names, seeds, and what is there already."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from benchmark.errors import DataError
from benchmark.synthetic.datasets import split_seeds, voc2012, write_dataset, write_mini
from benchmark.synthetic.rendering import Rendering

COUNTS = {"train": 48, "val": 24}


def test_names_follow_the_official_layouts(tmp_path: Path) -> None:
    roots = write_mini(tmp_path, train=2, val=1)
    ade20k, voc = tmp_path / "ade20k" / "ADEChallengeData2016", tmp_path / "voc2012" / "VOCdevkit" / "VOC2012"
    nyu, kitti = tmp_path / "nyu" / "nyu_depth_v2", tmp_path / "kitti"
    cityscapes, sunrgbd, imagenet = (tmp_path / name for name in ("cityscapes", "sunrgbd", "imagenet"))
    assert roots == {
        **{"ade20k": ade20k, "voc2012": voc, "cityscapes": cityscapes},
        **{"nyu": nyu, "kitti": kitti, "sunrgbd": sunrgbd, "imagenet": imagenet},
    }
    assert _files(ade20k) == {
        "images/training/ADE_train_00000001.jpg",
        "images/training/ADE_train_00000002.jpg",
        "images/validation/ADE_val_00000001.jpg",
        "annotations/training/ADE_train_00000001.png",
        "annotations/training/ADE_train_00000002.png",
        "annotations/validation/ADE_val_00000001.png",
    }
    stems = ["2007_000001", "2007_000002", "2007_500001"]
    assert _files(voc) == {
        *(f"JPEGImages/{stem}.jpg" for stem in stems),
        *(f"SegmentationClass/{stem}.png" for stem in stems),
        *(f"ImageSets/Segmentation/{name}.txt" for name in ("train", "val", "trainval")),
    }
    lists = {path.stem: path.read_text().split() for path in (voc / "ImageSets/Segmentation").iterdir()}
    assert lists == {"train": stems[:2], "val": stems[2:], "trainval": stems}
    assert _files(nyu) == {
        *(
            f"room_0001/{name}"
            for number in (1, 2)
            for name in (f"rgb_0000{number}.jpg", f"sync_depth_0000{number}.png")
        ),
        *("room/rgb_00001.jpg", "room/sync_depth_00001.png", "nyu_train.txt", "nyu_test.txt"),
    }
    assert (nyu / "nyu_train.txt").read_text().splitlines()[1] == (
        "/room_0001/rgb_00002.jpg /room_0001/sync_depth_00002.png 518.8579"
    )
    drives = {"2011_09_26_drive_0001_sync": (0, 1), "2011_09_26_drive_0101_sync": (0,)}
    names = [
        (drive, f"image_02/data/{n:010d}.png", f"image_02/{n:010d}.png") for drive in drives for n in drives[drive]
    ]
    assert _files(kitti) == {
        *(f"input/2011_09_26/{drive}/{image}" for drive, image, _ in names),
        *(f"gt_depth/{drive}/proj_depth/groundtruth/{depth}" for drive, _, depth in names),
        *("kitti_eigen_train.txt", "kitti_eigen_test.txt", "SYNTHETIC.json"),
    }
    assert [line.split()[1:] for line in (kitti / "kitti_eigen_test.txt").read_text().splitlines()] == [
        ["2011_09_26_drive_0101_sync/proj_depth/groundtruth/image_02/0000000000.png", "721.5377"],
        ["None", "721.5377"],
    ]
    frames = ("train/aachen/aachen", "train/bochum/bochum", "val/frankfurt/frankfurt")
    assert _files(cityscapes) == {
        *(f"leftImg8bit/{frame}_000000_000019_leftImg8bit.png" for frame in frames),
        *(f"gtFine/{frame}_000000_000019_gtFine_label{kind}.png" for frame in frames for kind in ("Ids", "TrainIds")),
        "SYNTHETIC.json",
    }
    image, depth = "SUNRGBD/kv2/kinect2data/0001/image/0000001.jpg", "SUNRGBD/kv2/kinect2data/0001/depth/0000001.png"
    assert _files(sunrgbd) == {image, depth, "SUNRGBD_val_splits.txt", "SYNTHETIC.json"}
    assert (sunrgbd / "SUNRGBD_val_splits.txt").read_text() == f"{image} {depth}\n"
    assert _files(imagenet) == {
        *(f"train/n0000000{n}/n0000000{n}_1.JPEG" for n in range(1, 9)),
        *(f"val/n0000000{n}/ILSVRC2012_val_0000000{n}.JPEG" for n in range(1, 9)),
        "SYNTHETIC.json",
    }


def test_no_room_occurs_twice_in_splits_datasets_or_runs(mini: Path) -> None:
    pngs = (*mini.glob("kitti/input/**/*.png"), *mini.glob("cityscapes/leftImg8bit/**/*.png"))
    images = [path.read_bytes() for path in (*mini.rglob("*.jpg"), *mini.rglob("*.JPEG"), *pngs)]
    assert len(set(images)) == len(images) == (5 + 2) * sum(COUNTS.values()) + COUNTS["val"]
    dense = ("ade20k", "voc2012", "nyu", "kitti", "cityscapes", "imagenet")
    pairs = [*((dataset, split) for dataset in dense for split in COUNTS), ("sunrgbd", "val")]
    ranges = [split_seeds(*pair, 100_000, seed) for pair in pairs for seed in (0, 1)]
    ends = sorted((seeds[0], seeds[-1]) for seeds in ranges)
    assert all(end < start for (_, end), (start, _) in itertools.pairwise(ends))


def test_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    for name, seed in (("one", 3), ("two", 3), ("other", 4)):
        write_mini(tmp_path / name, train=2, val=1, seed=seed)
    one, two, other = (_bytes(tmp_path / name) for name in ("one", "two", "other"))
    assert one == two
    assert one.keys() == other.keys()
    assert not {one[name] for name in one if name.endswith(".jpg")} & set(other.values())


def test_a_smaller_set_begins_with_the_same_rooms(tmp_path: Path) -> None:
    write_dataset("ade20k", tmp_path / "small", train=1, val=1)
    write_dataset("ade20k", tmp_path / "large", train=2, val=2)
    small, large = _bytes(tmp_path / "small"), _bytes(tmp_path / "large")
    assert all(large[name] == small[name] for name in small if not name.endswith(".json"))


def test_writing_again_keeps_a_complete_folder(tmp_path: Path) -> None:
    root = write_dataset("ade20k", tmp_path, train=1, val=1)
    times = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    write_dataset("ade20k", tmp_path, train=1, val=1)
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == times


def test_other_settings_replace_the_folder_and_leave_no_old_file(tmp_path: Path) -> None:
    root = write_dataset("ade20k", tmp_path, train=3, val=1)
    write_dataset("ade20k", tmp_path, train=1, val=1)
    assert [path.name for path in (root / "images/training").iterdir()] == ["ADE_train_00000001.jpg"]
    assert [path.name for path in tmp_path.iterdir()] == ["ade20k"]


def test_a_folder_that_may_hold_real_data_is_left_alone(tmp_path: Path) -> None:
    image = tmp_path / "ade20k/ADEChallengeData2016/images/training/ADE_train_00000001.jpg"
    image.parent.mkdir(parents=True)
    image.write_bytes(b"real")
    with pytest.raises(DataError, match="may be real data"):
        write_dataset("ade20k", tmp_path, train=1, val=1)
    assert image.read_bytes() == b"real"


def test_an_interrupted_write_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(seed: int, size: tuple[int, int]) -> Rendering:
        raise KeyboardInterrupt

    monkeypatch.setattr(voc2012, "render_room", fail)
    with pytest.raises(KeyboardInterrupt):
        write_dataset("voc2012", tmp_path, train=1, val=1)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("train", "val", "seed"), [(0, 1, 0), (1, 0, 0), (100_001, 1, 0), (1, 1, -1)])
def test_counts_and_seeds_out_of_range_are_refused(tmp_path: Path, train: int, val: int, seed: int) -> None:
    with pytest.raises(ValueError, match="Received"):
        write_mini(tmp_path, train=train, val=val, seed=seed)
    assert not list(tmp_path.iterdir())


def test_an_unknown_dataset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"must be one of ade20k, .* Received 'coco'"):
        write_dataset("coco", tmp_path, train=1, val=1)


def _bytes(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def _files(root: Path) -> set[str]:
    return set(_bytes(root))
