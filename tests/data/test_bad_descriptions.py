"""What is wrong with one's own data is said in one line, before anything is trained: where, what, how to mend it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from own_data import BIRDS, ROOFS, YARD, describe, write_birds, write_roofs, write_yard
from PIL import Image

from benchmark.cli import main

_PROGRESS = re.compile(r": \d[\d,]*/\d[\d,]* in |: failed; recorded as ")
_TRAIN_MAP = "roofs/labels/train/train_0.png"
_PALETTE = "palette = [[90, 60, 40], [200, 60, 60], [40, 160, 70]]\n"


def _text(name: str, text: str) -> Callable[[Path], str]:
    def make(root: Path) -> str:
        describe(root / name, text)
        return name

    return make


def _roofs(*changes: tuple[str, str], head: str = "") -> Callable[[Path], str]:
    """Makes roofs.toml with parts of its text replaced, and lines before all others."""
    text = ROOFS
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return _text("roofs.toml", head + text)


def _classes(text: str, head: str = "") -> Callable[[Path], str]:
    return _roofs(('classes = ["ground", "roof", "tree"]', f"classes = {text}"), head=head)


def _yard(old: str, new: str) -> Callable[[Path], str]:
    assert old in YARD
    return _text("yard.toml", YARD.replace(old, new))


def _birds(old: str, new: str, files: Callable[[Path], None] = lambda root: None) -> Callable[[Path], str]:
    assert old in BIRDS

    def make(root: Path) -> str:
        files(root)
        describe(root / "birds.toml", BIRDS.replace(old, new))
        return "birds.toml"

    return make


def _map(pixels: np.ndarray, where: str = _TRAIN_MAP, text: str = ROOFS, form: str = "PNG") -> Callable[[Path], str]:
    def make(root: Path) -> str:
        Image.fromarray(pixels).save(root / where, format=form)
        return _text("roofs.toml", text)(root)

    return make


def _done(act: Callable[[Path], object], name: str = "roofs.toml") -> Callable[[Path], str]:
    def make(root: Path) -> str:
        act(root)
        return name

    return make


def _emptied(root: Path, folder: str) -> None:
    shutil.rmtree(root / folder)
    (root / folder).mkdir()


def _list(*lines: str) -> Callable[[Path], None]:
    def write(root: Path) -> None:
        (root / "train.csv").write_text("".join(f"{line}\n" for line in lines))

    return write


_GREY = np.zeros((48, 64), np.uint8)
_VALID = (*("birds/train/crow/train_crow_0.png,crow", "birds/train/kite/train_kite_0.png,kite"),)
_BY_LIST = ('images = "birds/train"', 'list = "train.csv"')

_OF_THE_FILE: dict[str, tuple[Callable[[Path], str], str]] = {
    "no file": (lambda _: "typo.toml", r"there is no .*typo\.toml; give the path of a description"),
    "no TOML": (_text("roofs.toml", "kind: segmentation\n"), r"roofs\.toml is not TOML: .*line 1"),
    "a folder": (_done(lambda root: (root / "x.toml").mkdir(), "x.toml"), r"x\.toml is a folder; give the path"),
    "UTF-16": (
        _done(lambda root: (root / "roofs.toml").write_bytes(ROOFS.encode("utf-16"))),
        r"roofs\.toml is not UTF-8; save it as UTF-8",
    ),
    "nested for ever": (_text("roofs.toml", f"a = {'[' * 5000}"), r"roofs\.toml is not a description: .*too deeply"),
    "no kind": (_roofs(('kind = "segmentation"', "")), r"kind is missing; write one of: segmentation, depth, class"),
    "unknown kind": (
        _roofs(('"segmentation"', '"segmentations"')),
        r"kind 'segmentations' is unknown \(did you mean 'segmentation'\?\); write one of",
    ),
    "kind a list": (_roofs(('"segmentation"', '["depth"]')), r"kind \['depth'\] is unknown.*; write one of"),
    "unknown key": (_roofs(head='clases = ["a"]\n'), r"clases: unknown key \(did you mean 'classes'\?\); keys of the"),
    "a key of two lines": (_roofs(head='"a\\nb" = 1\n'), r"'a\\nb': unknown key; keys of the file"),
    "unknown key of a split": (
        _roofs(("images = ", "image = ")),
        r"splits\.train\.image: unknown key \(did you mean 'images'\?\); keys of \[splits\.train\]: images, labels"
        r"|splits\.train\.images is missing",
    ),
    "no train": (_roofs(("[splits.train]", "[splits.trian]")), r"there is no \[splits\.train\]; heads are trained on"),
    "no splits": (
        _text("roofs.toml", ROOFS.partition("[splits")[0]),
        r"splits is missing; write \[splits\.train\] and",
    ),
    "splits a number": (
        _text("roofs.toml", ROOFS.partition("[splits")[0] + "splits = 3\n"),
        r"splits: write a table, .*; it is 3",
    ),
    "no images": (
        _roofs(('images = "roofs/images/val"\n', "")),
        r"splits\.val\.images is missing; it is the folder of",
    ),
    "no labels": (
        _roofs(('labels = "roofs/labels/val"\n', "")),
        r"splits\.val\.labels is missing; it is the folder of",
    ),
    "a number for a path": (
        _roofs(('images = "roofs/images/val"', "images = 3")),
        r"splits\.val\.images: write a text in quotes; it is 3",
    ),
    "a date for a title": (
        _roofs(head="title = 1979-05-27\n"),
        r"title: write a text in quotes; it is datetime\.date\(1979, 5, 27\)",
    ),
    "a title of two lines": (_roofs(head='title = "a\\nb"\n'), r"title: 'a\\nb' holds line breaks"),
    "no class": (_classes("[]"), r"classes: there is no class; a benchmark needs at least two"),
    "one class": (_classes('["roof"]'), r"classes: there is one class; a benchmark needs at least two"),
    "a class twice": (_classes('["a", "b", "a"]'), r"classes: class 'a' stands there twice; names must differ"),
    "a class without a name": (_classes('["a", " "]'), r"classes: a class has an empty name; write what it is called"),
    "too many classes": (
        _classes(str([f"c{number}" for number in range(256)])),
        r"classes: 256 classes are more than the 255",
    ),
    "a label beyond 8 bits": (_classes('{0 = "a", 300 = "b"}'), r"label 300 of 'b' is beyond the 255 that 8-bit"),
    "a negative label": (_classes('{-1 = "a", 2 = "b"}'), r"classes: '-1' is not a label; labels are whole numbers"),
    "classes in one text": (_classes('"ground, roof"'), r"classes: write a list of names, \[.*or a table"),
    "an ignored class": (
        _roofs(("ignore = [255]", "ignore = [1]")),
        r"label 1 is class 'roof' and in ignore.*; drop it from one of the two",
    ),
    "ignore no list": (_roofs(("[255]", "255")), r"ignore: write a list in square brackets; it is 255"),
    "ignore beyond 8 bits": (
        _roofs(("[255]", "[256]")),
        r"ignore\.0: Input should be less than or equal to 255; it is",
    ),
    "an absolute path": (
        _roofs(('"roofs/images/val"', '"/data/val"')),
        r"splits\.val\.images: '/data/val' is absolute; write it relative to the data root",
    ),
    "a path upwards": (
        _roofs(('"roofs/images/val"', '"roofs/../../val"')),
        r"splits\.val\.images: 'roofs/\.\./\.\./val' leaves the data root; write it relative to the data root",
    ),
    "an empty path": (_roofs(('"roofs/images/val"', '""')), r"splits\.val\.images: the path is empty"),
    "one split twice": (
        _text("roofs.toml", ROOFS.replace("/val", "/train")),
        r"\[splits\.val\] names the same files as \[splits\.train\]; each needs images of its own",
    ),
    "colours for some classes": (
        _roofs(head="palette = [[0, 0, 0], [9, 9, 9]]\n"),
        r"palette has 2 colours for 3 classes; give one each",
    ),
    "a colour twice": (
        _roofs(head="palette = [[0, 0, 0], [9, 9, 9], [0, 0, 0]]\n"),
        r"colour \[0, 0, 0\] stands there twice; colours must differ",
    ),
    "a colour of two numbers": (_roofs(head="palette = [[0, 0], [1, 1], [2, 2]]\n"), r"palette\.0\.2 is missing"),
    "ignored colours alone": (_roofs(head="ignore_palette = [[0, 0, 0]]\n"), r"ignore_palette belongs to palette"),
    "a palette of numbered classes": (
        _classes('{1 = "a", 2 = "b", 3 = "c"}', _PALETTE),
        r"with a palette, classes are a list of names in the order of the colours",
    ),
    "a suffix without a dot": (_roofs(head='label_suffix = "mask"\n'), r"label_suffix: 'mask' is not a file suffix;"),
    "a name that is no column": (_text("Roofs-2.toml", ROOFS), r"stem names .*; rename it, for example roofs_2\.toml"),
    "the name of a dataset": (_text("ade20k.toml", ROOFS), r"ade20k\.toml: the name 'ade20k' is taken .*; rename the"),
    "the name of a group": (_text("seg.toml", ROOFS), r"seg\.toml: the name 'seg' is taken by what ships; rename the"),
    "the name of all": (_text("all.toml", ROOFS), r"all\.toml: the name 'all' is taken by what ships; rename the file"),
    "the name of an average": (_text("avg_seg.toml", ROOFS), r"the name 'avg_seg_miou' is taken .*; rename the file"),
    "no unit": (_yard("per_metre = 1000\n", ""), r"per_metre is missing; it is the units of the 16-bit values"),
    "a unit of 0": (_yard("1000", "0"), r"per_metre: Input should be greater than 0; it is 0"),
    "a unit in quotes": (_yard("1000", '"1000"'), r"per_metre: Input should be a valid number; it is '1000'"),
    "a range backwards": (_yard("[0.1, 10]", "[10, 0.1]"), r"range: \[10\.0, 0\.1\] is reversed.*; write the nearest"),
    "a range without end": (_yard("[0.1, 10]", "[0.1, inf]"), r"range\.1: Input should be a finite number; it is inf"),
    "an unknown crop": (
        _yard("[0.1, 10]", '[0.1, 10]\nevaluation_crop = "eigne"'),
        r"evaluation_crop: Input should be 'none', 'eigen' or 'garg'; it is 'eigne'",
    ),
    "a list and folders": (
        _yard("[splits.val]", '[splits.val]\nlist = "val.txt"'),
        r"splits\.val: give either images and depths, or list, and not both",
    ),
    "no depths": (_yard('depths = "yard/depths/val"\n', ""), r"splits\.val: depths is missing beside the other"),
    "a list and a folder": (
        _birds("[splits.val]", '[splits.val]\nlist = "val.csv"'),
        r"splits\.val: give either images or list, and not both",
    ),
    "classes of class folders": (
        _birds("[splits.train]", 'classes = ["crow"]\n[splits.train]'),
        r"classes: unknown key; keys of the file: title, splits, kind",
    ),
}

_OF_THE_DATA: dict[str, tuple[Callable[[Path], str], str]] = {
    "no folder": (_roofs(('"roofs/images/val"', '"roofs/images/test"')), r"roofs/images/test|lacks .* 'val'"),
    "an empty folder": (_done(lambda root: _emptied(root, "roofs/images/val")), r"val_0\.png has no image|no image"),
    "shared images": (
        _roofs(
            (
                'images = "roofs/images/val"\nlabels = "roofs/labels/val"',
                'images = "roofs/images"\nlabels = "roofs/labels"',
            )
        ),
        r"6 images are in both 'train' and 'val': .*roofs/images/train/train_0\.png",
    ),
    "an image without a map": (
        _done(lambda root: (root / _TRAIN_MAP).unlink()),
        r"labels/train/train_0\.png (is missing; 'train' needs an image and its label map|cannot be read: No such)",
    ),
    "a map without an image": (
        _done(lambda root: (root / "roofs/images/train/train_0.png").unlink()),
        r"labels/train/train_0\.png has no image; fetch the image, or remove the label map",
    ),
    "two images of one name": (
        _done(lambda root: shutil.copy(root / "roofs/images/val/val_0.png", root / "roofs/images/val/val_0.jpg")),
        r"images/val holds 1 images twice, .*val_0\.jpg and val_0\.png.*; remove one of each two, or rename it",
    ),
    "a label that is not a class": (
        _map(np.full_like(_GREY, 7)),
        r"train_0\.png: label 7 is neither a class nor ignored; classes are 0 to 2, ignored are 255",
    ),
    "a map of another size": (_map(_GREY[:, :60]), r"train_0\.png: the label map is 60x48, its image .* is 64x48"),
    "a JPEG called PNG": (
        _map(_GREY, form="JPEG"),
        r"train_0\.png: label maps are PNG files, this one is a JPEG; .*save the labels as 8-bit grey PNG",
    ),
    "a map of 16 bits": (
        _map(_GREY.astype(np.uint16)),
        r"train_0\.png: label maps are 8-bit .*, this one is 16-bit grey; save the labels as 8-bit grey PNG",
    ),
    "colours without a palette": (
        _map(np.zeros((48, 64, 3), np.uint8)),
        r"train_0\.png: label maps are .*, this one is 8-bit RGB; .*give their colours as palette in the description",
    ),
    "a grey map with a palette": (
        _map(_GREY, text=_PALETTE + ROOFS),
        r"train_\d\.png: with a palette, label maps are 8-bit RGB .*, this one is 8-bit grey; save it as 8-bit RGB PNG",
    ),
    "a damaged image": (
        _done(lambda root: (root / "roofs/images/train/train_5.png").write_bytes(b"\x89PNG\r\n\x1a\n")),
        r"images/train/train_5\.png cannot be (read|decoded)",
    ),
    "nothing but ignored pixels": (
        _text("roofs.toml", ROOFS.replace("roofs/labels/val", "ignored")),
        r"no pixel of (split 'val' is labelled|its 3 label maps holds a class)",
    ),
    "depths of another unit": (
        _yard("1000", "1"),
        r"only those between 0\.1 and 10 m are scored; mend per_metre or ra",
    ),
    "a depth map of 8 bits": (
        _done(lambda root: Image.fromarray(_GREY).save(root / "yard/depths/val/val_0.png"), "yard.toml"),
        r"val_0\.png: depth maps are 16-bit grey PNG files, this one is 8-bit grey; save the depths as 16-bit grey PNG",
    ),
    "no list": (_birds(*_BY_LIST), r"train\.csv|lacks the folders or the list of 'train'"),
    "a line without a class": (
        _birds(*_BY_LIST, _list(*_VALID, "birds/train/wren/train_wren_0.png")),
        r"train\.csv, line 3: expected \"path,class\", got",
    ),
    "a line twice": (_birds(*_BY_LIST, _list(*_VALID, _VALID[0])), r"train\.csv, line 3: .* stands in line 1 already"),
    "a line of a file that is not there": (
        _birds(*_BY_LIST, _list(*_VALID, "birds/train/wren/none.png,wren")),
        r"train\.csv, line 3: there is no .*birds/train/wren/none\.png",
    ),
    "a line that leaves the data root": (
        _birds(*_BY_LIST, _list(*_VALID, "../wren.png,wren")),
        r"train\.csv, line 3: \.\./wren\.png is outside .*; write it relative to that folder",
    ),
    "an empty list": (_birds(*_BY_LIST, _list("path,class")), r"no image|classes of val are not in train"),
    "a class of val alone": (
        _done(lambda root: shutil.rmtree(root / "birds/train/wren"), "birds.toml"),
        r"1 classes of val are not in train: wren",
    ),
    "an empty class": (
        _done(lambda root: _emptied(root, "birds/train/wren"), "birds.toml"),
        r"birds/train/wren holds no image; fill it or remove it",
    ),
}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All three descriptions with their data."""
    root = tmp_path_factory.mktemp("own")
    for write in (write_roofs, write_yard, write_birds):
        write(root)
    for number in range(3):
        path = root / f"ignored/val_{number}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(np.full_like(_GREY, 255)).save(path)
    return root


@pytest.fixture
def root(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound, tmp_path / "data"))


def _run(root: Path, name: str) -> int:
    words = ["--checkpoint", "pixels", "--device", "cpu", "--protocol", "mini", "--data-root", str(root)]
    return main(["run", str(root / name), *words, "--results", str(root.parent / "results")])


def _errors(capsys: pytest.CaptureFixture[str]) -> list[str]:
    lines = capsys.readouterr().err.splitlines()
    return [line for line in lines if not _PROGRESS.search(line)]


@pytest.mark.parametrize("case", _OF_THE_FILE)
def test_a_description_that_is_wrong_is_one_line(case: str, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make, said = _OF_THE_FILE[case]
    name = make(root)
    assert _run(root, name) == 2
    [line] = _errors(capsys)
    assert re.search(said, line), line
    assert line.startswith("error: ")
    assert name in line
    assert main(["check", "--data", str(root / name), "--data-root", str(root)]) == 2
    assert _errors(capsys) == [line]
    assert main(["list", str(root / name), "--data-root", str(root)]) == 2
    assert _errors(capsys) == [line]


@pytest.mark.parametrize("case", _OF_THE_DATA)
def test_data_that_is_wrong_is_one_line_before_anything_is_trained(
    case: str, root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def trained(*_: object, **__: object) -> None:
        raise AssertionError("it is trained")

    monkeypatch.setattr("benchmark.probing.dense.train", trained)
    make, said = _OF_THE_DATA[case]
    name = make(root)
    kind = ":knn" if name == "birds.toml" else ""
    assert _run(root, name + kind) == 1
    [line] = _errors(capsys)
    assert line.startswith("error: ")
    assert re.search(said, line), line
    assert main(["check", "--data", str(root / name), "--data-root", str(root)]) == 1
    printed = capsys.readouterr().out
    assert "to be mended" in printed
    assert any(re.search(said, problem) for problem in printed.splitlines()), printed


def test_there_are_many_of_them() -> None:
    assert len(_OF_THE_FILE) + len(_OF_THE_DATA) >= 30
