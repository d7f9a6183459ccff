"""Which images a classification split holds and of which class each is."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from benchmark.data.datasets.imagenet.val_labels import FLAT_IMAGES
from benchmark.data.list_classes import ClassListing, class_differences, list_class_folders
from benchmark.data.sources import ClassFolders

WNIDS = ("n01440764", "n01443537", "n02102040")
# The development kit numbers classes in another order than their names; 1001 is no leaf of the hierarchy.
ILSVRC_IDS = {"n02102040": 1, "n01440764": 2, "n01443537": 3}
TRUTH = (1, 3, 2, 3)  # class of val image 1, 2, 3, 4


def _listed(root: Path, folder: str) -> ClassListing:
    return list_class_folders(root, ClassFolders((folder,), FLAT_IMAGES))


def _touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def _flat(root: Path, folder: str = "val", count: int = len(TRUTH)) -> Path:
    return _touch(root, *(f"{folder}/ILSVRC2012_val_{number:08d}.JPEG" for number in range(1, count + 1)))


def _devkit(root: Path, truth: tuple[int, ...] = TRUTH) -> None:
    synsets = np.zeros(4, [("ILSVRC2012_ID", object), ("WNID", object), ("num_children", object)])
    for row, (wnid, number) in enumerate(ILSVRC_IDS.items()):
        synsets[row] = (number, wnid, 0)
    synsets[3] = (1001, "n00001740", 2)
    folder = root / "ILSVRC2012_devkit_t12/data"
    folder.mkdir(parents=True)
    savemat(folder / "meta.mat", {"synsets": synsets})
    (folder / "ILSVRC2012_validation_ground_truth.txt").write_text("".join(f"{number}\n" for number in truth))


def _solution(root: Path, truth: tuple[int, ...] = TRUTH) -> None:
    names = {number: wnid for wnid, number in ILSVRC_IDS.items()}
    rows = [f"ILSVRC2012_val_{n:08d},{names[number]} 85 1 499 272" for n, number in enumerate(truth, start=1)]
    (root / "LOC_val_solution.csv").write_text("\n".join(["ImageId,PredictionString", *reversed(rows)]))


def test_classes_and_images_come_sorted_whatever_they_are_called(tmp_path: Path) -> None:
    names = ("val/zebra/b.PNG", "val/zebra/a.jpg", "val/Ant/2.JPEG", "val/Ant/10.jpeg", "val/bee 1/x.png")
    found = _listed(_touch(tmp_path, *names), "val")
    assert found.classes == ("Ant", "bee 1", "zebra")
    assert found.images == (
        "val/Ant/10.jpeg",
        "val/Ant/2.JPEG",
        "val/bee 1/x.png",
        "val/zebra/a.jpg",
        "val/zebra/b.PNG",
    )
    assert (found.labels.tolist(), found.labels.dtype) == ([0, 0, 1, 2, 2], np.int64)
    assert found.problems == found.label_files == ()


def test_the_order_is_that_of_os_walk_over_sorted_class_folders(tmp_path: Path) -> None:
    """What torchvision's ``ImageFolder`` does."""
    rng = np.random.default_rng(0)
    for name in rng.choice(10_000, 60, replace=False):
        _touch(tmp_path, f"train/c{name % 7}/{name}.jpg")
    walked = [
        os.path.relpath(os.path.join(folder, name), tmp_path)  # noqa: PTH118
        for entry in sorted(entry.path for entry in os.scandir(tmp_path / "train"))
        for folder, _, names in sorted(os.walk(entry))
        for name in sorted(names)
    ]
    assert list(_listed(tmp_path, "train").images) == walked


def test_hidden_files_and_others_are_passed_over_and_counted(tmp_path: Path) -> None:
    hidden = ("val/.DS_Store", "val/.cache/a.jpg", "val/a/._1.jpg", "val/a/.hidden.png", "val/__MACOSX/a/1.jpg")
    others = ("val/x.csv", "val/a/notes.txt", "val/a/2.webp")
    found = _listed(_touch(tmp_path, "val/a/1.jpg", *hidden, *others), "val")
    assert (found.classes, found.images, found.problems) == (("a",), ("val/a/1.jpg",), ())
    [note] = found.notes
    assert note.startswith(f"{tmp_path}/val: passed over: 5 left by other programs (")
    assert note.endswith(", 3 that do not end with .jpeg or .jpg or .png (x.csv for example)")


def test_an_image_under_two_suffixes_is_a_problem(tmp_path: Path) -> None:
    problem = _problem(_touch(tmp_path, "val/a/1.jpg", "val/a/1.png", "val/b/1.jpg"))
    assert problem.startswith(f"{tmp_path}/val holds 1 images twice, under names that differ in their suffix only")
    _devkit(_touch(_flat(tmp_path / "flat"), "val/ILSVRC2012_val_00000002.jpg"))
    assert "(ILSVRC2012_val_00000002.JPEG and ILSVRC2012_val_00000002.jpg)" in _problem(tmp_path / "flat")


def test_an_official_image_in_two_class_folders_is_a_problem(tmp_path: Path) -> None:
    name = "ILSVRC2012_val_00000001.JPEG"
    problem = _problem(_touch(tmp_path, f"val/a/{name}", f"val/b/{name}", "val/a/1.jpg", "val/b/1.jpg"))
    assert problem == f"val/b/{name} is the image val/a/{name} again; an image has one class, remove the wrong one"


def test_names_that_are_not_utf_8_are_a_problem(tmp_path: Path) -> None:
    folder = os.fsdecode(b"caf\xe9")
    problem = _problem(_touch(tmp_path, "val/a/1.jpg", f"val/{folder}/1.jpg"))
    assert "val holds 1 names that are not UTF-8 (caf\\udce9)" in problem


def test_folders_and_files_may_be_links(tmp_path: Path) -> None:
    _touch(tmp_path, "elsewhere/1.jpg", "val/b/1.jpg")
    (tmp_path / "val/a").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "val/b/2.jpg").symlink_to(tmp_path / "elsewhere/1.jpg")
    assert _listed(tmp_path, "val").images == ("val/a/1.jpg", "val/b/1.jpg", "val/b/2.jpg")


@pytest.mark.parametrize(("tell", "files"), [(_devkit, 2), (_solution, 1)])
@pytest.mark.parametrize("folder", ["val", "ILSVRC/Data/CLS-LOC/val"])
def test_flat_val_is_labelled_by_rank_and_not_by_the_kits_number(
    tmp_path: Path, tell: Callable, files: int, folder: str
) -> None:
    tell(_flat(tmp_path, folder))
    found = _listed(tmp_path, folder)
    assert found.problems == ()
    assert found.classes == WNIDS
    by_number = {image[-13:-5]: WNIDS[label] for image, label in zip(found.images, found.labels, strict=True)}
    assert by_number == {
        "00000001": "n02102040",
        "00000002": "n01443537",
        "00000003": "n01440764",
        "00000004": "n01443537",
    }
    assert len(found.label_files) == files
    assert all(path.is_file() for path in found.label_files)


def test_flat_val_and_class_folders_list_the_same_images_in_the_same_order(tmp_path: Path) -> None:
    _devkit(_flat(tmp_path / "flat"))
    flat = _listed(tmp_path / "flat", "val")
    for image, label in zip(flat.images, flat.labels, strict=True):
        _touch(tmp_path / "sorted", f"val/{WNIDS[label]}/{image.rpartition('/')[2]}")
    folders = _listed(tmp_path / "sorted", "val")
    assert [name.rpartition("/")[2] for name in flat.images] == [name.rpartition("/")[2] for name in folders.images]
    np.testing.assert_array_equal(flat.labels, folders.labels)


def _problem(root: Path) -> str:
    [problem] = _listed(root, "val").problems
    return problem


def test_an_empty_class_folder_is_named(tmp_path: Path) -> None:
    (_touch(tmp_path, "val/a/1.jpg") / "val/b").mkdir()
    assert _problem(tmp_path) == f"{tmp_path}/val/b holds no image; fill it or remove it (.jpeg, .jpg, .png are read)"


def test_no_class_folder_at_all_is_told(tmp_path: Path) -> None:
    assert "holds no class folder; it must hold <class>/<image>" in _problem(_touch(tmp_path, "val/readme.txt"))


def test_images_outside_class_folders_are_named(tmp_path: Path) -> None:
    problem = _problem(_touch(tmp_path, "val/a/1.jpg", "val/stray.jpg"))
    assert "holds 1 images outside class folders, stray.jpg for example; move them" in problem
    assert "outside class folders" in _problem(_touch(tmp_path / "other", "val/1.jpg"))


def test_folders_inside_class_folders_are_named(tmp_path: Path) -> None:  # Tiny ImageNet: train/<class>/images/
    assert "a holds the folder images;" in _problem(_touch(tmp_path, "val/a/images/1.jpg"))


def test_flat_val_that_nothing_tells_the_classes_of_is_told(tmp_path: Path) -> None:
    assert "holds 4 images outside class folders and nothing tells their classes: put" in _problem(_flat(tmp_path))


@pytest.mark.parametrize("tell", [_devkit, _solution])
def test_val_images_without_ground_truth_are_named(tmp_path: Path, tell: Callable) -> None:
    tell(_flat(tmp_path, count=6))
    problem = _problem(tmp_path)
    assert "does not tell the class of 2 images of" in problem
    assert "ILSVRC2012_val_00000005.JPEG for example" in problem


def test_ground_truth_that_is_no_class_is_a_problem(tmp_path: Path) -> None:
    _devkit(_flat(tmp_path), (1, 2, 1001, 3))
    assert "holds the class 1001, which" in _problem(tmp_path)


def test_a_blank_line_among_the_ground_truth_would_shift_it(tmp_path: Path) -> None:
    _devkit(_flat(tmp_path))
    truth = tmp_path / "ILSVRC2012_devkit_t12/data/ILSVRC2012_validation_ground_truth.txt"
    truth.write_bytes(b"\xef\xbb\xbf1\r\n3\r\n2\r\n3\r\n\r\n")
    assert _listed(tmp_path, "val").problems == ()
    truth.write_text("1\n\n3\n2\n3\n")
    assert "ground_truth.txt, line 2 is blank, and line 2 tells the class of val image 2" in _problem(tmp_path)
    truth.write_text("1\n3\ntwo\n3\n")
    assert "line 3 holds the class two, which" in _problem(tmp_path)


def test_an_image_that_the_solution_lists_twice_is_named_by_lines(tmp_path: Path) -> None:
    _solution(_flat(tmp_path), (*TRUTH, 1))
    path = tmp_path / "LOC_val_solution.csv"
    path.write_text(path.read_text().replace("00000005", "00000002"))
    assert "LOC_val_solution.csv, line 5: ILSVRC2012_val_00000002 stands in line 2 already" in _problem(tmp_path)
    path.write_bytes(b"ILSVRC2012_val_00000001,n01440764 \xe9\n")
    assert "LOC_val_solution.csv, line 1: not UTF-8" in _problem(tmp_path)


def test_class_differences_are_named_in_both_directions() -> None:
    assert class_differences("abc", "abc") == []
    assert class_differences("abc", "bd") == [
        "2 classes of train are not in val: a, c",
        "1 classes of val are not in train: d",
    ]
    assert class_differences("abcdefgh", "") == ["8 classes of train are not in val: a, b, c, d, e, …"]
