"""Which images and label maps a segmentation split holds."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmark import compat
from benchmark.data.map_listing import MapListing
from benchmark.data.registry import DATASETS

compat.install()
import mmseg.datasets  # noqa: E402, F401
from mmseg.registry import DATASETS as MMSEG  # noqa: E402


def _touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


@pytest.fixture
def make_voc(tmp_path: Path) -> Callable[..., MapListing]:
    """Returns a function that lists a split of a VOC whose lists hold the given bytes."""

    def make(split: str, **lists: bytes) -> MapListing:
        folder = tmp_path / "ImageSets/Segmentation"
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in lists.items():
            (folder / f"{name}.txt").write_bytes(content)
        return DATASETS["voc2012"].list_split(tmp_path, split)

    return make


def _ade(root: Path) -> MapListing:
    return DATASETS["ade20k"].list_split(root, "train")


def test_a_folder_is_listed_in_the_order_of_mmsegmentation(tmp_path: Path) -> None:
    names = ["b/2", "b/10", "a", "B", "a-1", "a/z", "\u00e9"]
    _touch(tmp_path, *(f"images/training/{name}.jpg" for name in names))
    _touch(tmp_path, *(f"annotations/training/{name}.png" for name in names))
    theirs = MMSEG.build(
        {
            "type": "ADE20KDataset",
            "data_root": str(tmp_path),
            "data_prefix": {"img_path": "images/training", "seg_map_path": "annotations/training"},
            "pipeline": [],
        }
    )
    infos = [theirs.get_data_info(index) for index in range(len(theirs))]
    assert [(str(image), str(label)) for image, label in _ade(tmp_path).pairs] == [
        (info["img_path"], info["seg_map_path"]) for info in infos
    ]


def test_copies_that_notebooks_keep_are_no_images(tmp_path: Path) -> None:
    """Mmsegmentation reads them: its scan leaves out hidden files, not what lies in hidden folders."""
    _touch(tmp_path, "images/training/a.jpg", "annotations/training/a.png")
    _touch(tmp_path, *(f"{kind}/training/.ipynb_checkpoints/a-checkpoint.{suffix}" for kind, suffix in
                       (("images", "jpg"), ("annotations", "png"))))  # fmt: skip
    found = _ade(tmp_path)
    assert len(found.pairs) == 1
    assert found.problems == ()
    assert found.notes == tuple(
        f"{tmp_path}/{kind}/training: passed over: 1 left by other programs (.ipynb_checkpoints)"
        for kind in ("images", "annotations")
    )


def test_suffixes_are_read_in_any_case(tmp_path: Path) -> None:
    _touch(tmp_path, "images/training/a.JPG", "annotations/training/a.PNG")
    found = _ade(tmp_path)
    assert found.pairs == ((tmp_path / "images/training/a.JPG", tmp_path / "annotations/training/a.PNG"),)
    assert found.problems == ()


@pytest.mark.parametrize(
    ("name", "images", "labels"),
    [
        ("ade20k", ("images/training/a.jpg", "images/training/a.png"), "annotations/training/a.png"),
        (
            "cityscapes",
            ("leftImg8bit/train/ulm/a_leftImg8bit.png", "leftImg8bit/train/ulm/a_leftImg8bit.jpg"),
            "gtFine/train/ulm/a_gtFine_labelTrainIds.png",
        ),
    ],
)
def test_two_files_of_one_stem_are_one_image_twice(
    tmp_path: Path, name: str, images: tuple[str, str], labels: str
) -> None:
    _touch(tmp_path, *images, labels)
    [problem] = DATASETS[name].list_split(tmp_path, "train").problems
    assert "holds 1 images twice, under names that differ in their suffix only" in problem


def test_two_label_maps_of_one_stem_are_refused(tmp_path: Path) -> None:
    _touch(tmp_path, "images/training/a.jpg", "annotations/training/a.png", "annotations/training/a.PNG")
    [problem] = _ade(tmp_path).problems
    assert "differs from another label map in the case of its suffix only" in problem


def test_other_files_of_an_annotation_folder_are_nothing_to_tell(tmp_path: Path) -> None:
    _touch(tmp_path, "leftImg8bit/val/ulm/a_leftImg8bit.png", "gtFine/val/ulm/a_gtFine_labelTrainIds.png")
    kinds = ("color.png", "polygons.json", "instanceIds.png", "labelIds.png", "instanceTrainIds.png")
    _touch(tmp_path, *(f"gtFine/val/ulm/a_gtFine_{kind}" for kind in kinds))
    found = DATASETS["cityscapes"].list_split(tmp_path, "val")
    assert (len(found.pairs), found.problems, found.notes) == (1, (), ())


@pytest.mark.parametrize(
    ("name", "image", "label"),
    [
        ("ade20k", "images/validation/a.jpg", "annotations/validation/a.png"),
        ("cityscapes", "leftImg8bit/val/a_leftImg8bit.png", "gtFine/val/a_gtFine_labelTrainIds.png"),
    ],
)
def test_what_lies_among_label_maps_is_told(tmp_path: Path, name: str, image: str, label: str) -> None:
    folder = Path(label).parent
    _touch(tmp_path, image, label, *(f"{folder}/{other}" for other in ("foo.bmp", "x.png~", ".ipynb_checkpoints/a")))
    found = DATASETS[name].list_split(tmp_path, "val")
    assert (len(found.pairs), found.problems) == (1, ())
    [note] = found.notes
    assert note.startswith(f"{tmp_path / folder}: passed over: 2 left by other programs (")
    assert note.endswith("(foo.bmp)")
    strange = Path(label).name.replace("a", os.fsdecode(b"caf\xe9"), 1)
    (tmp_path / folder / strange).touch()
    [problem] = DATASETS[name].list_split(tmp_path, "val").problems
    assert problem.startswith(f"{tmp_path / folder} holds 1 names that are not UTF-8")


@pytest.mark.parametrize(
    "content", [b"a\nb\n", b"\xef\xbb\xbfa\r\n\r\nb", b" a\t\n\n\nb \n\n"], ids=["plain", "windows", "white space"]
)
def test_what_editors_add_to_a_list_names_no_image(make_voc: Callable, tmp_path: Path, content: bytes) -> None:
    found = make_voc("train", train=content)
    assert found.pairs == tuple(
        (tmp_path / f"JPEGImages/{stem}.jpg", tmp_path / f"SegmentationClass/{stem}.png") for stem in "ab"
    )
    assert found.problems == ()


def test_an_image_that_is_listed_twice_is_named_by_list_and_lines(make_voc: Callable, tmp_path: Path) -> None:
    found = make_voc("val", val=b"a\nb\n\na\nc\n./b\n")
    assert found.problems == (
        f"{tmp_path}/ImageSets/Segmentation/val.txt, line 4: JPEGImages/a.jpg stands in line 1 already, and 1 more "
        "lines name what is named before; each file is to be named once, remove the lines that repeat others",
    )


def test_an_image_of_train_in_the_list_of_sbd_is_twice_in_trainaug(make_voc: Callable, tmp_path: Path) -> None:
    """Whoever takes DeepLab's trainaug.txt for aug.txt trains on VOC's 1,464 images twice."""
    found = make_voc("trainaug", train=b"a\nb\n", aug=b"c\nb\n")
    [problem] = found.problems
    lists = f"{tmp_path}/ImageSets/Segmentation"
    assert problem.startswith(f"{lists}/aug.txt, line 2: JPEGImages/b.jpg stands in {lists}/train.txt, line 2 already;")


@pytest.mark.parametrize("line", ["../../x", "a/../../../x"])
def test_a_line_that_leads_out_of_the_dataset_is_a_problem(make_voc: Callable, tmp_path: Path, line: str) -> None:
    found = make_voc("val", val=f"a\n{line}\n".encode())
    assert found.problems == (f"{tmp_path}/ImageSets/Segmentation/val.txt, line 2: {line} is outside {tmp_path}",)


def test_a_list_that_is_not_utf_8_is_a_problem(make_voc: Callable) -> None:
    found = make_voc("val", val=b"a\ncaf\xe9\n")
    assert "val.txt, line 2: not UTF-8" in found.problems[0]
