"""What the data doctor calls usable is what a benchmark reads: the same files, the same refusals."""

from __future__ import annotations

import errno
import io
import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from benchmark.cli import main
from benchmark.data.registry import DATASETS
from benchmark.doctor.data import DataReport, examine
from benchmark.errors import DataError
from benchmark.load_protocol import load_protocol
from benchmark.probing.splits import Splits, open_splits

BENCHMARK = {name: name for name in DATASETS} | {"imagenet": "imagenet-knn"}
FOLDERS = {"ade20k": "images/*", "cityscapes": "leftImg8bit/val/*", "imagenet": "val/*"}
LISTS = {
    "voc2012": "ImageSets/Segmentation/val.txt",
    "nyu": "nyu_test.txt",
    "kitti": "kitti_eigen_test.txt",
    "sunrgbd": "SUNRGBD_val_splits.txt",
}
MAPS = {
    "ade20k": "annotations/validation/*.png",
    "voc2012": "SegmentationClass/2007_500002.png",
    "cityscapes": "gtFine/val/*/*TrainIds.png",
    "nyu": "*/sync_depth_*.png",
    "kitti": "gt_depth/**/*.png",
    "sunrgbd": "SUNRGBD/**/depth/*.png",
}


@pytest.fixture
def own_data(mini_data: Path, tmp_path: Path) -> Path:
    """A copy of the rendered data that a test may damage."""
    return Path(shutil.copytree(mini_data, tmp_path / "data"))


def _root(name: str, data_root: Path) -> Path:
    return DATASETS[name].root(data_root)


def _run(name: str, data_root: Path, *overrides: str) -> Splits:
    return open_splits(load_protocol(BENCHMARK[name], "mini", overrides), data_root, None)


def _check(name: str, data_root: Path) -> DataReport:
    return examine(DATASETS[name], data_root)


def _image_folder(name: str, data_root: Path) -> Path:
    return min(path for path in _root(name, data_root).glob(FOLDERS[name]) if path.is_dir())


@pytest.mark.parametrize("name", list(DATASETS))
def test_sound_data_has_nothing_to_tell(mini_data: Path, name: str) -> None:
    data, report = _run(name, mini_data), _check(name, mini_data)
    left_out = ("lines of kitti_eigen_test.txt without depth map (None), left out: 1",) if name == "kitti" else ()
    assert data.notes == left_out
    assert report.problems == ()
    if name != "sunrgbd":  # whose heads are trained on another dataset
        assert data.fingerprint == report.fingerprint


@pytest.mark.parametrize("name", list(FOLDERS))
def test_what_other_programs_leave_changes_no_file_and_is_told_by_both(own_data: Path, name: str) -> None:
    before = _run(name, own_data)
    folder = _image_folder(name, own_data)
    images = sorted(path for path in folder.iterdir() if path.is_file())
    (folder / ".ipynb_checkpoints").mkdir()
    for copy in (".ipynb_checkpoints/a-checkpoint.png", "._a.png", "Thumbs.db", "a.png~", ".a.png.swp", "notes.txt"):
        shutil.copy(images[0], folder / copy)
    (folder.parent / "__MACOSX").mkdir()
    data, report = _run(name, own_data), _check(name, own_data)
    assert (data.fingerprint, data.val.names) == (before.fingerprint, before.val.names)
    assert report.problems == ()
    assert report.fingerprint == data.fingerprint
    [told] = data.notes
    assert "left by other programs" in told
    assert "notes.txt" in told
    assert told in [note for split in report.splits for note in split.notes]


_DAMAGED_FOLDERS = {
    "ade20k": ("images/validation", "annotations/validation"),
    "cityscapes": ("leftImg8bit/val", "gtFine/val"),
    "imagenet": ("val", "train"),
    "voc2012": ("JPEGImages", "SegmentationClass"),
}


@pytest.mark.parametrize(("name", "place"), [(name, place) for name in _DAMAGED_FOLDERS for place in (0, 1)])
@pytest.mark.parametrize("damage", ["loop", "file", "closed"])
def test_folders_that_cannot_be_read_are_one_line_of_every_verb(
    own_data: Path,
    tmp_path: Path,
    checkpoint: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    place: int,
    damage: str,
) -> None:
    folder = _root(name, own_data) / _DAMAGED_FOLDERS[name][place]
    if damage == "loop":
        old = max(folder.iterdir())  # of VOC's files, one of val
        shutil.rmtree(old) if old.is_dir() else old.unlink()
        old.symlink_to(old.name)
    elif damage == "file":
        shutil.rmtree(folder)
        folder.touch()
    else:  # root may read everything, so the refusal is played
        _close(folder, monkeypatch)
    root = ("--data-root", str(own_data))
    run = ("run", BENCHMARK[name], "--checkpoint", "pixels", "--protocol", "mini", "--results", str(tmp_path / "r"))
    assert main([*run, *root]) in (1, 2)
    assert len(_errors(capsys)) == 1
    split = "train" if (name, place) == ("imagenet", 1) else "val"
    extract = ("extract", "--checkpoint", str(checkpoint), "--dataset", name, "--output", str(tmp_path / "x"))
    assert main([*extract, "--split", split, *root]) == 2
    assert len(_errors(capsys)) == 1
    assert main(["check", "--data", name, *root]) in (1, 2)
    captured = capsys.readouterr()
    assert "Problems" in captured.out or captured.err.startswith("error: ")


@pytest.mark.parametrize(
    ("name", "end", "there"),
    [
        ("voc2012", "JPEGImages/2007_500001.jpg", ".JPG"),
        ("voc2012", "SegmentationClass/2007_500001.png", ".PNG"),
        ("voc2012", "JPEGImages/2007_500001.jpg", ".jpeg"),
        ("nyu", "rgb_*.jpg", ".JPEG"),
        ("kitti", "data/*.png", ".Png"),
        ("sunrgbd", "depth/*.png", ".PNG"),
    ],
)
def test_a_file_that_is_there_under_another_suffix_is_named_by_both(
    own_data: Path, name: str, end: str, there: str
) -> None:
    path = min(_root(name, own_data).rglob(end))
    path.rename(path.with_suffix(there))
    hint = f"; {path.stem}{there} is there, and names must agree"
    with pytest.raises(DataError, match=re.escape(f"{path} is missing{hint}")):
        _run(name, own_data)
    assert f"{path} cannot be read: No such file or directory{hint}" in _check(name, own_data).problems


@pytest.mark.parametrize("end", [".jpg", ".png", ".JPG"])
def test_a_list_of_names_with_suffixes_is_refused_by_both(own_data: Path, end: str) -> None:
    path = _root("voc2012", own_data) / LISTS["voc2012"]
    stems = path.read_text().split()
    path.write_text("".join(f"{stem}{end}\n" for stem in stems))
    said = (
        f"{path}, line 1: {stems[0]}{end} ends with {end.lower()}, which lists leave out; write {stems[0]} "
        f"(and {len(stems) - 1} more lines)"
    )
    with pytest.raises(DataError, match=re.escape(said)):
        _run("voc2012", own_data)
    assert said in _check("voc2012", own_data).problems


@pytest.fixture
def with_sketch(own_data: Path) -> Path:
    """The rendered data with ImageNet's val as a further test set."""
    shutil.copytree(own_data / "imagenet/val", own_data / "imagenet-sketch/sketch")
    return own_data


def test_further_test_sets_are_read_by_both(with_sketch: Path) -> None:
    before = _check("imagenet", with_sketch)
    data = _run("imagenet", with_sketch)
    [sketch] = [split for split in before.splits if split.name == "sketch"]
    assert before.problems == ()
    assert (sketch.images, sketch.readable) == (len(data.extras[0].split), len(data.extras[0].split))
    assert data.fingerprint == before.fingerprint  # it is that of the splits
    shutil.rmtree(with_sketch / "imagenet-sketch")
    assert _check("imagenet", with_sketch).fingerprint == before.fingerprint
    assert len(before.splits) == 1 + len(_check("imagenet", with_sketch).splits)


def test_a_stray_file_of_a_further_test_set_is_refused_by_both(with_sketch: Path) -> None:
    folder = with_sketch / "imagenet-sketch/sketch"
    shutil.copy(max(folder.glob("*/*")), folder / "stray.jpg")
    with pytest.raises(DataError, match=r"sketch holds 1 images outside class folders, stray\.jpg for example"):
        _run("imagenet", with_sketch)
    assert any(
        "holds 1 images outside class folders, stray.jpg" in each for each in _check("imagenet", with_sketch).problems
    )


def test_a_damaged_image_of_a_further_test_set_is_a_problem(with_sketch: Path) -> None:
    image = max((with_sketch / "imagenet-sketch/sketch").glob("*/*"))
    image.write_bytes(image.read_bytes()[:-600])
    [problem] = _check("imagenet", with_sketch).problems
    assert problem.startswith(f"{image} cannot be decoded")


def test_a_further_test_set_that_is_left_out_is_told_by_both(with_sketch: Path) -> None:
    image = max((with_sketch / "imagenet-sketch/sketch").glob("*/*"))
    image.parent.rename(image.parent.with_name("another"))
    (with_sketch / "imagenet/real.json").write_text("{")
    data, report = _run("imagenet", with_sketch), _check("imagenet", with_sketch)
    assert data.extras == ()
    assert [note.partition(":")[0] for note in data.notes] == ["real is left out", "sketch is left out"]
    assert (report.notes, report.problems) == (data.notes, ())


@pytest.fixture
def thousand(tmp_path: Path) -> Path:
    """An ImageNet of its thousand classes, one image each."""
    picture = tmp_path / "picture.JPEG"
    Image.new("RGB", (8, 8), (90, 20, 10)).save(picture)
    for number in range(1, 1001):
        for split, name in (("train", "a.JPEG"), ("val", f"ILSVRC2012_val_{number:08d}.JPEG")):
            folder = tmp_path / "imagenet" / split / f"n{number:08d}"
            folder.mkdir(parents=True)
            (folder / name).symlink_to(picture)
    return tmp_path


def test_labels_of_real_are_read_by_both(thousand: Path) -> None:
    real = thousand / "imagenet/real.json"
    real.write_text(json.dumps([[number] for number in range(1000)] + [[]] * 49_000))
    assert [extra.name for extra in _run("imagenet", thousand).extras] == ["real"]
    assert _check("imagenet", thousand).notes == ("real labels 1,000 of the images",)
    real.write_text("[[1], [2]]")
    with pytest.raises(DataError, match=r"real\.json: expected 50,000 lists"):
        _run("imagenet", thousand)
    [problem] = [problem for problem in _check("imagenet", thousand).problems if "real.json" in problem]
    assert "expected 50,000 lists" in problem


def _errors(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [line for line in capsys.readouterr().err.splitlines() if line.startswith("error:")]


def _close(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes a folder one that this user may neither list nor enter."""

    def closed(call: Callable[..., Any]) -> Callable[..., Any]:
        def checked(path: Any, *arguments: Any, **options: Any) -> Any:
            where = Path(path) if isinstance(path, str | os.PathLike) else Path()
            if folder in where.parents or (call is scandir and where == folder):
                raise PermissionError(errno.EACCES, "Permission denied", str(path))
            return call(path, *arguments, **options)

        return checked

    scandir = os.scandir
    for module, call in ((os, "scandir"), (os, "stat"), (io, "open")):
        monkeypatch.setattr(module, call, closed(getattr(module, call)))


@pytest.mark.parametrize("name", list(LISTS))
def test_what_editors_add_to_a_list_changes_no_file(own_data: Path, name: str) -> None:
    before = _run(name, own_data)
    path = _root(name, own_data) / LISTS[name]
    lines = path.read_text().splitlines()
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(f" {line}\t" if line else "" for line in ["", *lines, ""]).encode())
    data, report = _run(name, own_data), _check(name, own_data)
    assert (data.fingerprint, data.val.names) == (before.fingerprint, before.val.names)
    assert report.problems == ()


@pytest.mark.parametrize("name", list(LISTS))
def test_an_image_that_is_listed_twice_is_refused_by_both(
    own_data: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = _root(name, own_data) / LISTS[name]
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines, lines[1]]))
    said = f"{path}, line {len(lines) + 1}: "
    with pytest.raises(DataError, match=rf"{path.name}, line {len(lines) + 1}: .* stands in line 2 already"):
        _run(name, own_data)
    [problem] = _check(name, own_data).problems
    assert problem.startswith(said)
    words = ("--checkpoint", "pixels", "--protocol", "mini", "--data-root", str(own_data), "--results", str(tmp_path))
    assert main(["run", name, *words]) == 1
    assert said in capsys.readouterr().err
    assert not list((tmp_path / "runs").iterdir())


@pytest.mark.parametrize("name", list(FOLDERS))
def test_an_image_under_two_suffixes_is_refused_by_both(own_data: Path, name: str) -> None:
    image = sorted(path for path in _image_folder(name, own_data).iterdir() if path.is_file())[0]
    shutil.copy(image, image.with_suffix(".JPEG" if image.suffix != ".JPEG" else ".png"))
    with pytest.raises(DataError, match=r"holds 1 images twice, under names that differ in their suffix only"):
        _run(name, own_data)
    assert "holds 1 images twice" in _check(name, own_data).problems[0]


@pytest.mark.parametrize(
    ("name", "end"),
    [
        ("ade20k", b".jpg"),
        ("cityscapes", b"_leftImg8bit.png"),
        ("cityscapes", b""),
        ("imagenet", b".png"),
        ("imagenet", b""),
    ],
)
def test_names_that_are_not_utf_8_are_refused_by_both(
    own_data: Path, name: str, end: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = _image_folder(name, own_data)
    if end:
        shutil.copy(min(path for path in folder.iterdir() if path.is_file()), folder / os.fsdecode(b"caf\xe9" + end))
    else:
        shutil.copytree(folder, folder.parent / os.fsdecode(b"caf\xe9"))
    with pytest.raises(DataError, match=r"holds 1 names that are not UTF-8 \(.*caf\\udce9"):
        _run(name, own_data)
    assert main(["check", "--data", name, "--data-root", str(own_data)]) == 1
    assert "holds 1 names that are not UTF-8" in capsys.readouterr().out


@pytest.mark.parametrize("name", list(LISTS))
def test_a_list_that_is_not_utf_8_is_refused_by_both(own_data: Path, name: str) -> None:
    path = _root(name, own_data) / LISTS[name]
    path.write_bytes(path.read_bytes().rstrip() + b"\ncaf\xe9.jpg caf\xe9.png\n")
    line = len(path.read_bytes().splitlines())
    with pytest.raises(DataError, match=rf"{path.name}, line {line}: not UTF-8; save the list as UTF-8"):
        _run(name, own_data)
    assert f"{path}, line {line}: not UTF-8" in _check(name, own_data).problems[0]


def test_trainaug_with_images_of_train_is_refused_by_both(own_data: Path) -> None:
    root = _root("voc2012", own_data)
    shutil.copytree(root / "SegmentationClass", root / "SegmentationClassAug")
    shutil.copy(root / "ImageSets/Segmentation/train.txt", root / "ImageSets/Segmentation/aug.txt")
    with pytest.raises(DataError, match=r"aug\.txt, line 1: JPEGImages/.* stands in .*train\.txt, line 1 already"):
        _run("voc2012", own_data, "data.train=trainaug")
    assert "aug.txt, line 1" in _check("voc2012", own_data).problems[0]


@pytest.mark.parametrize("name", list(MAPS))
@pytest.mark.parametrize("split", ["first", "last"])
def test_a_jpeg_that_is_called_png_is_no_map_for_both(own_data: Path, name: str, split: str) -> None:
    paths = sorted(_root(name, own_data).glob(MAPS[name]))
    path = paths[0 if split == "first" else -1]
    with Image.open(path) as file:
        Image.fromarray(np.asarray(file).astype(np.uint8)).save(path, "JPEG")
    kind = "depth" if name in ("nyu", "kitti", "sunrgbd") else "label"
    with pytest.raises(DataError, match=rf"{path.name}: {kind} maps are PNG files, this one is a JPEG"):
        _run(name, own_data)
    assert f"{path}: {kind} maps are PNG files, this one is a JPEG" in _check(name, own_data).problems[0]


@pytest.mark.parametrize("damage", ["palette", "few bits", "colours"])
@pytest.mark.parametrize("name", ["ade20k", "voc2012", "cityscapes"])
def test_label_maps_that_were_written_anew_are_refused_by_both(own_data: Path, name: str, damage: str) -> None:
    path = sorted(_root(name, own_data).glob(MAPS[name]))[0]
    with Image.open(path) as file:
        labels, image = np.asarray(file), file.convert("RGB")
    if damage == "palette":
        used, indices = np.unique(labels, return_inverse=True)
        image = Image.fromarray(indices.reshape(labels.shape).astype(np.uint8))
        image.putpalette(np.repeat(used[:, None], 3, axis=1).tobytes())
    elif damage == "few bits":
        image = Image.fromarray(labels > 0)
    image.save(path)
    said = {"palette": "its palette was renumbered", "few bits": "this one is 1-bit grey", "colours": "is 8-bit RGB"}
    with pytest.raises(DataError, match=rf"{path.name}: .*{said[damage]}"):
        data = _run(name, own_data)
        for split in (data.train, data.val):
            for index in range(len(split)):
                split.load(index)
    assert said[damage] in _check(name, own_data).problems[0]


@pytest.mark.parametrize("name", ["nyu", "kitti", "sunrgbd"])
def test_depth_maps_of_8_bits_are_refused_by_both(own_data: Path, name: str) -> None:
    path = sorted(_root(name, own_data).glob(MAPS[name]))[-1]
    with Image.open(path) as file:
        Image.fromarray((np.asarray(file) >> 8).astype(np.uint8)).save(path)
    with pytest.raises(DataError, match=rf"{path.name}: depth maps are 16-bit grey PNG files, this one is 8-bit grey"):
        _run(name, own_data)
    assert "this one is 8-bit grey" in _check(name, own_data).problems[0]


def test_a_run_tells_what_was_passed_over(
    own_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], make_note: Callable[[Path], str]
) -> None:
    told = make_note(own_data)
    words = ("--checkpoint", "pixels", "--protocol", "mini", "--data-root", str(own_data), "--results", str(tmp_path))
    assert main(["run", "imagenet-knn", *words]) == 0
    assert f"imagenet-knn: note: {told}" in capsys.readouterr().out
    assert main(["check", "--data", "imagenet", "--data-root", str(own_data)]) == 0
    assert f"val: {told}" in capsys.readouterr().out


def test_extract_and_pretrain_tell_it_too(
    own_data: Path,
    tmp_path: Path,
    checkpoint: Path,
    capsys: pytest.CaptureFixture[str],
    make_note: Callable[[Path], str],
) -> None:
    told = make_note(own_data)
    words = ("--dataset", "imagenet", "--output", str(tmp_path / "features"), "--data-root", str(own_data))
    assert main(["extract", "--checkpoint", str(checkpoint), *words, "--crop", "28"]) == 0
    assert f"imagenet val: note: {told}" in capsys.readouterr().out
    words = ("--recipe", "supervised", "--data-root", str(own_data), "train.steps=1", "train.batch_size=2")
    assert main(["pretrain", str(tmp_path / "own.pth"), *words]) == 0
    assert f"own: note: {told.replace('/val', '/train')}" in capsys.readouterr().out


@pytest.fixture
def make_note() -> Callable[[Path], str]:
    """Returns a function that leaves a file beside the classes of ImageNet's val and says what is told of it."""

    def make(data_root: Path) -> str:
        for split in ("train", "val"):
            (_root("imagenet", data_root) / split / ".DS_Store").touch()
        return f"{_root('imagenet', data_root)}/val: passed over: 1 left by other programs (.DS_Store)"

    return make
