"""From archives, folders and URLs to the official layout."""

from __future__ import annotations

import errno
import io
import os
import shutil
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from benchmark.benchmarks import find_dataset
from benchmark.cli import main
from benchmark.data.datasets.cityscapes.train_ids import make_train_ids
from benchmark.data.datasets.voc2012.sbd import complete_lists
from benchmark.data.manifest import BESIDE
from benchmark.data.registry import DATASETS
from benchmark.doctor.data import examine
from benchmark.errors import DataError, UsageError
from benchmark.prepare import prepare as module
from benchmark.prepare.prepare import prepare


def _zip(path: Path, folder: Path, inside: str = "") -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, f"{inside}{file.relative_to(folder).as_posix()}")
    return path


def _tar(path: Path, folder: Path, inside: str = "") -> Path:
    with tarfile.open(path, "w:gz" if path.suffix == ".tgz" else "w") as archive:
        archive.add(folder, inside or ".")
    return path


def _tree(root: Path) -> dict[str, bytes]:
    """All files below a folder, without the manifest."""
    files = (path for path in root.rglob("*") if path.is_file() and path.name != BESIDE)
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


def _picture(path: Path, seed: int = 0, size: tuple[int, int] = (12, 16)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (*size, 3), np.uint8)).save(path)


def _depth(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((12, 16), 2500 if "sync_depth" in path.name else 2560, np.uint16)).save(path)


def _leftovers(data_root: Path) -> list[str]:
    return sorted(path.name for path in data_root.iterdir() if path.name.startswith("."))


@pytest.fixture
def ade(mini_data: Path) -> Path:
    """An unpacked ADE20K; not to be written to."""
    return mini_data / "ade20k/ADEChallengeData2016"


@pytest.mark.parametrize("inside", ["ADEChallengeData2016/", "", "a/b/ADEChallengeData2016/"])
@pytest.mark.parametrize("pack", [_zip, _tar])
def test_archives_are_unpacked_whatever_folder_wraps_them(
    ade: Path, tmp_path: Path, pack: Callable[..., Path], inside: str, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = pack(tmp_path / "ade.bin", ade, inside)
    assert main(["data", "ade20k", "--from", str(archive), "--data-root", str(tmp_path / "data")]) == 0
    assert _tree(DATASETS["ade20k"].root(tmp_path / "data")) == _tree(ade)
    text = capsys.readouterr().out
    assert "ade.bin: 18 files" in text
    assert "(no official checksum is known)" in text
    assert "a subset: 6 of 20,210 train and 3 of 2,000 val images" in text
    assert _leftovers(tmp_path / "data") == []


def test_a_folder_is_linked_and_stays_where_it_was(ade: Path, tmp_path: Path) -> None:
    source = Path(shutil.copytree(ade, tmp_path / "mine"))
    before = _tree(source)
    assert prepare(find_dataset("ade20k"), [str(source)], tmp_path / "data") == 0
    assert _tree(source) == before
    made = DATASETS["ade20k"].root(tmp_path / "data")
    assert _tree(made) == before
    name = "images/training/ADE_train_00000001.jpg"
    assert (made / name).samefile(source / name)


def test_links_inside_a_folder_are_followed(ade: Path, tmp_path: Path) -> None:
    source = Path(shutil.copytree(ade, tmp_path / "mine"))
    (source / "images").rename(tmp_path / "elsewhere")
    (source / "images").symlink_to(tmp_path / "elsewhere")
    (source / "images/again").symlink_to(source)  # a loop ends
    assert prepare(find_dataset("ade20k"), [str(source)], tmp_path / "data") == 0
    assert _tree(DATASETS["ade20k"].root(tmp_path / "data")) == _tree(ade)


@pytest.mark.parametrize("name", list(DATASETS))
def test_suffixes_in_capitals_lose_no_image(
    mini_data: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    source = Path(shutil.copytree(mini_data / name, tmp_path / "source"))
    pictures = [path for path in source.rglob("*") if path.suffix in {".jpg", ".png", ".jpeg", ".JPEG"}]
    assert main(["data", name, "--from", str(source), "--data-root", str(tmp_path / "plain")]) == 0
    for path in pictures:
        path.rename(path.with_suffix(path.suffix.upper()))
    assert main(["data", name, "--from", str(source), "--data-root", str(tmp_path / "capitals")]) == 0
    assert "pictures" not in capsys.readouterr().out
    plain, capitals = (examine(DATASETS[name], tmp_path / where) for where in ("plain", "capitals"))
    images = [split.images for split in plain.splits]
    assert images == [split.images for split in capitals.splits] == [split.readable for split in capitals.splits]
    if name != "imagenet":  # whose images are called as they come
        assert plain.fingerprint == capitals.fingerprint


def test_pictures_that_have_no_place_are_counted(ade: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = Path(shutil.copytree(ade, tmp_path / "source"))
    folder = source / "images/training"
    for name in ("ADE_train_00000901.webp", "mine.jpg", "notes.txt", "._mine.jpg", ".ipynb_checkpoints/a.jpg"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
    assert main(["data", "ade20k", "--from", str(source), "--data-root", str(tmp_path / "data")]) == 0
    told = "18 files, 5 not needed, among them 2 pictures (images/training/ADE_train_00000901.webp)"
    assert f"source: {told}" in capsys.readouterr().out


def test_a_folder_or_link_that_cannot_be_read_is_not_left_out_in_silence(
    ade: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Path(shutil.copytree(ade, tmp_path / "source"))
    image = max((source / "images/validation").iterdir())
    image.unlink()
    image.symlink_to(image.name)
    with pytest.raises(DataError, match=rf"{image.name}: Too many levels of symbolic links; a dataset that was there"):
        prepare(find_dataset("ade20k"), [str(source)], tmp_path / "data")
    image.unlink()
    scandir = os.scandir

    def refuse(path: Any) -> Iterator[os.DirEntry]:
        if str(path) == str(source / "images/training"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(DataError, match=r"images/training: Permission denied"):
        prepare(find_dataset("ade20k"), [str(source)], tmp_path / "data")
    assert list((tmp_path / "data").iterdir()) == []


def test_where_links_are_impossible_files_are_copied(
    ade: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(module.os, "link", refuse)
    assert prepare(find_dataset("ade20k"), [str(ade)], tmp_path) == 0
    assert _tree(DATASETS["ade20k"].root(tmp_path)) == _tree(ade)


def test_a_url_is_fetched_and_the_archive_removed_when_all_is_fine(
    ade: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = _zip(tmp_path / "ade.zip", ade)

    def fetch(url: str, folder: Path) -> Path:
        assert url == "https://host/ade.zip"
        (folder / "1").mkdir(parents=True)
        return Path(shutil.copy(archive, folder / "1/ade.zip"))

    monkeypatch.setattr(module, "download", fetch)
    for options, left in (([], []), (["--replace", "--keep-downloads"], [".downloads"])):
        words = ["data", "ade20k", "--from", "https://host/ade.zip", "--data-root", str(tmp_path / "data"), *options]
        assert main(words) == 0
        assert _leftovers(tmp_path / "data") == left


def test_file_addresses_are_read_in_place(ade: Path, tmp_path: Path) -> None:
    archive = _zip(tmp_path / "ade.zip", ade)
    assert prepare(find_dataset("ade20k"), [archive.as_uri()], tmp_path / "data") == 0
    assert archive.exists()


def test_without_sources_one_is_told_where_to_get_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in DATASETS:
        assert main(["data", name, "--data-root", str(tmp_path)]) == 2
        assert f"densebench data {name} " in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_without_sources_what_is_there_is_checked(mini_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "ade20k", "--data-root", str(mini_data)]) == 0
    assert "rendered by DenseBench" in capsys.readouterr().out


# What must not happen ------------------------------------------------------------------------------------------------


def test_an_existing_dataset_is_not_overwritten_in_silence(ade: Path, tmp_path: Path) -> None:
    mine = tmp_path / "ade20k/notes.txt"
    mine.parent.mkdir()
    mine.write_text("mine")
    with pytest.raises(DataError, match="exists; --add puts the new files beside those in it, --replace makes it anew"):
        prepare(find_dataset("ade20k"), [str(ade)], tmp_path)
    assert prepare(find_dataset("ade20k"), [str(ade)], tmp_path, existing="add") == 0
    assert mine.read_text() == "mine"
    assert prepare(find_dataset("ade20k"), [str(ade)], tmp_path, existing="replace") == 0
    assert not mine.exists()
    assert _leftovers(tmp_path) == []


@pytest.mark.parametrize("existing", ["add", "replace"])
def test_a_link_to_a_dataset_is_replaced_and_what_it_leads_to_is_left_alone(
    ade: Path, tmp_path: Path, existing: module.Existing
) -> None:
    elsewhere, data = tmp_path / "elsewhere", tmp_path / "data"
    shutil.copytree(ade, elsewhere / "ADEChallengeData2016")
    data.mkdir()
    (data / "ade20k").symlink_to(elsewhere)
    before = _tree(elsewhere)
    assert prepare(find_dataset("ade20k"), [str(ade)], data, existing=existing) == 0
    assert not (data / "ade20k").is_symlink()
    assert _tree(elsewhere) == before
    assert _leftovers(data) == []


@pytest.mark.parametrize("existing", ["refuse", "add", "replace"])
def test_an_interrupted_unpack_leaves_what_was_there(
    ade: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, existing: module.Existing
) -> None:
    archive, data = _zip(tmp_path / "ade.zip", ade), tmp_path / "data"
    if existing != "refuse":
        prepare(find_dataset("ade20k"), [str(ade)], data)
    before = _tree(data)

    def write(_member: object, path: Path) -> None:
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "_write", write)
    with pytest.raises(KeyboardInterrupt):
        prepare(find_dataset("ade20k"), [str(archive)], data, existing=existing)
    assert _tree(data) == before
    assert _leftovers(data) == []


def test_an_empty_folder_is_no_dataset(ade: Path, tmp_path: Path) -> None:
    (tmp_path / "ade20k").mkdir()
    assert prepare(find_dataset("ade20k"), [str(ade)], tmp_path) == 0
    assert _leftovers(tmp_path) == []


def test_a_staging_folder_of_a_killed_command_is_no_dataset_and_is_cleared(ade: Path, tmp_path: Path) -> None:
    stale = tmp_path / ".ade20k.staging/ADEChallengeData2016/images/training/ADE_train_00000009.jpg"
    stale.parent.mkdir(parents=True)
    stale.write_bytes(b"half")
    assert main(["check", "--data", "ade20k", "--data-root", str(tmp_path)]) == 1
    assert prepare(find_dataset("ade20k"), [str(ade)], tmp_path) == 0
    assert _tree(DATASETS["ade20k"].root(tmp_path)) == _tree(ade)


def test_a_dataset_that_was_being_replaced_when_killed_is_put_back(ade: Path, tmp_path: Path) -> None:
    shutil.copytree(ade, tmp_path / ".ade20k.old/ADEChallengeData2016")
    with pytest.raises(DataError, match="exists"):
        prepare(find_dataset("ade20k"), [str(ade)], tmp_path)
    assert _tree(DATASETS["ade20k"].root(tmp_path)) == _tree(ade)


def test_a_full_disk_leaves_nothing_behind(ade: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(_member: object, path: Path) -> None:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(module, "_write", write)
    archive = _zip(tmp_path / "ade.zip", ade)
    with pytest.raises(DataError, match="No space left on device; a dataset that was there is as it was"):
        prepare(find_dataset("ade20k"), [str(archive)], tmp_path / "data")
    assert list((tmp_path / "data").iterdir()) == []


def test_two_commands_do_not_prepare_one_dataset_at_the_same_time(ade: Path, tmp_path: Path) -> None:
    with (
        module._alone(tmp_path, "ade20k"),
        pytest.raises(DataError, match="another command is preparing ade20k"),
    ):
        prepare(find_dataset("ade20k"), [str(ade)], tmp_path)
    assert prepare(find_dataset("ade20k"), [str(ade)], tmp_path) == 0


@pytest.mark.parametrize("name", ["../evil.txt", "/evil.txt"])
def test_a_hostile_archive_leaves_nothing_behind(ade: Path, tmp_path: Path, name: str) -> None:
    archive = _zip(tmp_path / "evil.zip", ade)
    with zipfile.ZipFile(archive, "a") as file:
        file.writestr(name, "evil")
    with pytest.raises(DataError, match="leads out of the folder"):
        prepare(find_dataset("ade20k"), [str(archive)], tmp_path / "data")
    assert list((tmp_path / "data").iterdir()) == []
    assert not (tmp_path / "evil.txt").exists()


def test_a_damaged_archive_leaves_nothing_behind(ade: Path, tmp_path: Path) -> None:
    archive = _tar(tmp_path / "ade.tgz", ade)
    archive.write_bytes(archive.read_bytes()[:-20_000])
    with pytest.raises(DataError, match=r"ade\.tgz is damaged"):
        prepare(find_dataset("ade20k"), [str(archive)], tmp_path / "data")
    assert list((tmp_path / "data").iterdir()) == []


@pytest.mark.parametrize("name", ["ade.zip", "ADE.ZIP", "ade.tar.gz", "ade.7z"])
def test_a_file_that_should_be_an_archive_and_is_none_is_called_damaged(ade: Path, tmp_path: Path, name: str) -> None:
    """A .zip that was cut off has lost its table of contents, so nothing in it tells that it ever was one."""
    archive = _zip(tmp_path / name, ade)
    archive.write_bytes(archive.read_bytes()[:-2000])
    with pytest.raises(DataError, match=rf"{name} is damaged or no \.zip or \.tar archive; fetch it again"):
        prepare(find_dataset("ade20k"), [str(archive)], tmp_path / "data")


def test_a_file_in_the_place_of_a_dataset_is_replaced_for_good(ade: Path, tmp_path: Path) -> None:
    (tmp_path / "ade20k").write_text("no folder")
    for _ in range(2):
        assert prepare(find_dataset("ade20k"), [str(ade)], tmp_path, existing="replace") == 0
    assert _leftovers(tmp_path) == []


def test_an_archive_of_another_dataset_is_refused(ade: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none of its .* files belongs to voc2012, for example"):
        prepare(find_dataset("voc2012"), [str(_zip(tmp_path / "ade.zip", ade))], tmp_path / "data")
    (tmp_path / "readme.txt").write_text("hello")
    with pytest.raises(DataError, match=r"none of its 1 files belongs to ade20k, for example readme\.txt"):
        prepare(find_dataset("ade20k"), [str(tmp_path / "readme.txt")], tmp_path / "data")


def test_images_without_labels_do_not_become_a_dataset(ade: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="with these sources no image has its label"):
        prepare(find_dataset("ade20k"), [str(ade / "images")], tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_images_and_labels_may_come_from_two_archives(ade: Path, tmp_path: Path) -> None:
    sources = [str(_zip(tmp_path / f"{part}.zip", ade / part, f"{part}/")) for part in ("images", "annotations")]
    assert prepare(find_dataset("ade20k"), sources, tmp_path / "data") == 0
    assert _tree(DATASETS["ade20k"].root(tmp_path / "data")) == _tree(ade)


def test_two_different_files_for_one_place_are_refused_and_equal_ones_are_not(ade: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(ade, tmp_path / "other"))
    assert prepare(find_dataset("ade20k"), [str(ade), str(other)], tmp_path / "data") == 0
    _picture(other / "images/training/ADE_train_00000002.jpg", 7)
    with pytest.raises(DataError, match=r"two different files for .*ADE_train_00000002\.jpg"):
        prepare(find_dataset("ade20k"), [str(ade), str(other)], tmp_path / "data", existing="replace")
    with pytest.raises(DataError, match="two different files"):
        prepare(find_dataset("ade20k"), [str(other)], tmp_path / "data", existing="add")
    assert _tree(DATASETS["ade20k"].root(tmp_path / "data")) == _tree(ade)


@pytest.mark.parametrize("source", ["ade20k", "ade20k/ADEChallengeData2016", "."])
def test_a_dataset_is_not_made_from_itself(ade: Path, tmp_path: Path, source: str) -> None:
    prepare(find_dataset("ade20k"), [str(ade)], tmp_path)
    with pytest.raises(DataError, match="is the place of the dataset itself, or holds it"):
        prepare(find_dataset("ade20k"), [str(tmp_path / source)], tmp_path, existing="replace")


def test_a_missing_source_and_an_unknown_dataset_are_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no .*absent\.zip"):
        prepare(find_dataset("ade20k"), [str(tmp_path / "absent.zip")], tmp_path)
    with pytest.raises(UsageError, match="did you mean 'cityscapes'"):
        prepare(find_dataset("cityscape"), [], tmp_path)


def test_a_data_root_that_cannot_be_written_is_told(ade: Path, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    with pytest.raises(DataError, match="a dataset that was there is as it was"):
        prepare(find_dataset("ade20k"), [str(ade)], tmp_path / "data")


def test_a_damaged_picture_gives_exit_code_1(ade: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = Path(shutil.copytree(ade, tmp_path / "mine"))
    (source / "images/training/ADE_train_00000002.jpg").write_bytes(b"no picture")
    assert main(["data", "ade20k", "--from", str(source), "--data-root", str(tmp_path / "data")]) == 1
    assert "ADE_train_00000002.jpg cannot be decoded" in capsys.readouterr().out


def test_the_manifest_travels_with_a_prepared_dataset(ade: Path, tmp_path: Path) -> None:
    source = Path(shutil.copytree(ade, tmp_path / "mine"))
    for path in source.rglob("*.*"):
        os.utime(path, (1e9, 1e9))
    prepare(find_dataset("ade20k"), [str(source)], tmp_path / "data")
    manifest = (DATASETS["ade20k"].root(tmp_path / "data") / BESIDE).read_text()
    assert manifest.count("\n") == 19
    assert str(tmp_path) not in manifest


# The datasets --------------------------------------------------------------------------------------------------------


@pytest.fixture
def voc(mini_data: Path, tmp_path: Path) -> Path:
    """VOC's archive, with files nobody needs."""
    folder = Path(shutil.copytree(mini_data / "voc2012/VOCdevkit", tmp_path / "unpacked"))
    for stem in ("2008_000001", "2008_000002"):
        _picture(folder / f"VOC2012/JPEGImages/{stem}.jpg")
    (folder / "VOC2012/Annotations").mkdir()
    (folder / "VOC2012/Annotations/2007_000001.xml").write_text("<annotation/>")
    return _tar(tmp_path / "VOCtrainval.tar", folder, "VOCdevkit")


def _sbd(path: Path, stems: list[str]) -> Path:
    from scipy.io import savemat

    folder = path.with_suffix("")
    (folder / "cls").mkdir(parents=True)
    for number, stem in enumerate(stems):
        labels = np.full((12, 16), number, np.uint8)
        savemat(folder / f"cls/{stem}.mat", {"GTcls": {"Segmentation": labels, "CategoriesPresent": number}})
        _picture(folder / f"img/{stem}.jpg", number)
    return _tar(path, folder, "benchmark_RELEASE/dataset")


def test_trainaug_is_train_and_what_of_sbd_is_neither_in_train_nor_val(
    voc: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sbd = _sbd(tmp_path / "sbd.tgz", ["2007_000001", "2007_500001", "2008_000001", "2008_000002", "2008_000003"])
    data = tmp_path / "data"
    assert prepare(find_dataset("voc2012"), [str(voc)], data) == 0
    assert prepare(find_dataset("voc2012"), [str(sbd)], data, existing="add") == 0
    assert "SBD: 3 images outside VOC's train and val; trainaug can be used" in capsys.readouterr().out
    root = DATASETS["voc2012"].root(data)
    splits = {split.name: split for split in DATASETS["voc2012"].read_splits(root)}
    assert len(splits["trainaug"].pairs) == 6 + 3
    assert [pair.image.stem for pair in splits["trainaug"].pairs[6:]] == ["2008_000001", "2008_000002", "2008_000003"]
    assert {pair.image for pair in splits["trainaug"].pairs}.isdisjoint(pair.image for pair in splits["val"].pairs)
    with Image.open(root / "SegmentationClassAug/2008_000002.png") as file:
        assert (file.mode, set(np.unique(np.asarray(file)))) == ("P", {3})
    assert (root / "JPEGImages/2008_000003.jpg").is_file()  # only SBD has it
    assert not (data / "voc2012/.sbd").exists()
    assert not (root / "Annotations").exists()


def test_sbd_alone_is_no_dataset(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"SBD adds to VOC2012, whose list train\.txt is missing: give VOC's archive"):
        prepare(find_dataset("voc2012"), [str(_sbd(tmp_path / "sbd.tgz", ["2008_000001"]))], tmp_path / "data")


def test_a_damaged_label_map_of_sbd_is_named(voc: Path, tmp_path: Path) -> None:
    sbd = tmp_path / "dataset/cls/2008_000001.mat"
    sbd.parent.mkdir(parents=True)
    sbd.write_bytes(b"MATLAB no more")
    with pytest.raises(DataError, match=r"2008_000001\.mat is not a label map of SBD"):
        prepare(find_dataset("voc2012"), [str(voc), str(sbd.parents[1])], tmp_path / "data")


@pytest.mark.parametrize("listed", [True, False])
def test_ready_made_masks_of_trainaug_get_their_list(voc: Path, tmp_path: Path, listed: bool) -> None:
    masks = tmp_path / "SegmentationClassAug"
    for stem in ("2007_000001", "2007_500001", "2008_000001"):
        masks.mkdir(exist_ok=True)
        Image.fromarray(np.zeros((12, 16), np.uint8)).save(masks / f"{stem}.png")
    (tmp_path / "trainaug.txt").write_bytes(b"\xef\xbb\xbf2007_000001\r\n\r\n2008_000001")
    sources = [str(voc), str(masks), *([str(tmp_path / "trainaug.txt")] if listed else [])]
    assert prepare(find_dataset("voc2012"), sources, tmp_path / "data") == 0
    lists = DATASETS["voc2012"].root(tmp_path / "data") / "ImageSets/Segmentation"
    assert (lists / "aug.txt").read_text() == "2008_000001\n"


def test_cityscapes_gets_its_training_labels(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for split in ("train", "val", "test"):
        stem = f"{split}/ulm/ulm_000000_000019"
        _picture(tmp_path / f"left/leftImg8bit/{stem}_leftImg8bit.png", len(split))
        ids = tmp_path / f"fine/gtFine/{stem}_gtFine_labelIds.png"
        ids.parent.mkdir(parents=True)
        Image.fromarray(np.arange(192, dtype=np.uint8).reshape(12, 16) % 34).save(ids)
        ids.with_name("ulm_000000_000019_gtFine_polygons.json").write_text("{}")
    sources = [str(_zip(tmp_path / f"{part}.zip", tmp_path / part)) for part in ("left", "fine")]
    assert prepare(find_dataset("cityscapes"), sources, tmp_path / "data") == 0
    assert "labelTrainIds made from labelIds: 2" in capsys.readouterr().out
    made = tmp_path / "data/cityscapes"
    assert not list(made.rglob("*test*"))
    with Image.open(made / "gtFine/val/ulm/ulm_000000_000019_gtFine_labelTrainIds.png") as file:
        assert np.asarray(file)[0, 7:9].tolist() == [0, 1]


def test_missing_training_labels_of_a_dataset_that_is_there_are_made(tmp_path: Path) -> None:
    for split in ("train", "val"):
        _picture(tmp_path / f"cityscapes/leftImg8bit/{split}/ulm/a_leftImg8bit.png", len(split))
        labels = tmp_path / f"cityscapes/gtFine/{split}/ulm/a_gtFine_labelIds.png"
        labels.parent.mkdir(parents=True)
        Image.fromarray(np.full((12, 16), 26, np.uint8)).save(labels)
    assert main(["check", "--data", "cityscapes", "--data-root", str(tmp_path)]) == 1
    assert main(["data", "cityscapes", "--data-root", str(tmp_path)]) == 0


@pytest.mark.parametrize("wrapped", [True, False])
def test_nyu_of_bts_with_its_lists(tmp_path: Path, wrapped: bool) -> None:
    lists = []
    for split, base, scene in (("train", "sync", "kitchen_0028b"), ("test", "official_splits/test", "kitchen")):
        _picture(tmp_path / f"in/{base}/{scene}/rgb_00045.jpg", len(scene))
        _depth(tmp_path / f"in/{base}/{scene}/sync_depth_00045.png")
        path = tmp_path / f"nyudepthv2_{split}_files_with_gt.txt"
        path.write_text(f"/{scene}/rgb_00045.jpg /{scene}/sync_depth_00045.png 518.8579\n")
        lists.append(str(path))
    archive = _zip(tmp_path / "sync.zip", tmp_path / "in/sync", "sync/" if wrapped else "")
    assert (
        prepare(find_dataset("nyu"), [str(archive), str(tmp_path / "in/official_splits"), *lists], tmp_path / "data")
        == 0
    )
    root = DATASETS["nyu"].root(tmp_path / "data")
    assert (root / "official_splits/test/kitchen/rgb_00045.jpg").is_file()
    assert (root / ("sync" if wrapped else "") / "kitchen_0028b/rgb_00045.jpg").is_file()


def test_depth_maps_without_their_lists_do_not_become_a_dataset(tmp_path: Path) -> None:
    _picture(tmp_path / "sync/kitchen_0028b/rgb_00045.jpg")
    _depth(tmp_path / "sync/kitchen_0028b/sync_depth_00045.png")
    with pytest.raises(DataError, match=r"no image has its label \(lists or folders of splits: none\)"):
        prepare(find_dataset("nyu"), [str(tmp_path / "sync")], tmp_path / "data")


def test_kitti_of_its_official_archives(tmp_path: Path) -> None:
    drive, lists = "2011_09_26_drive_0002_sync", []
    for split, frame in (("train", "0000000001"), ("test", "0000000069")):
        _picture(tmp_path / f"raw/2011_09_26/{drive}/image_02/data/{frame}.png", int(frame))
        _depth(tmp_path / f"depth/{split}/{drive}/proj_depth/groundtruth/image_02/{frame}.png")
        path = tmp_path / f"kitti_eigen_{split}.txt"
        line = f"2011_09_26/{drive}/image_02/data/{frame}.png {drive}/proj_depth/groundtruth/image_02/{frame}.png 721.5"
        path.write_text(f"{line}\n{line.split(maxsplit=1)[0]} None 721.5\n")
        lists.append(str(path))
    sources = [str(_zip(tmp_path / f"{part}.zip", tmp_path / part)) for part in ("raw", "depth")]
    assert prepare(find_dataset("kitti"), [*sources, *lists], tmp_path / "data") == 0
    assert (tmp_path / f"data/kitti/input/2011_09_26/{drive}/image_02/data/0000000069.png").is_file()
    depth = f"gt_depth/{drive}/proj_depth/groundtruth/image_02/0000000069.png"
    assert (tmp_path / "data/kitti" / depth).is_file()


def test_sunrgbd_with_its_list(tmp_path: Path) -> None:
    scene = "SUNRGBD/kv2/kinect2data/000002_resize"
    _picture(tmp_path / f"in/{scene}/image/1.jpg")
    path = tmp_path / f"in/{scene}/depth/1.png"
    path.parent.mkdir()
    Image.fromarray(np.full((12, 16), 2500 << 3, np.uint16)).save(path)
    (tmp_path / f"in/{scene}/annotation.json").write_text("{}")
    (tmp_path / "SUNRGBD_val_splits.txt").write_text(f"{scene}/image/1.jpg {scene}/depth/1.png\n")
    archive = _zip(tmp_path / "SUNRGBD.zip", tmp_path / "in")
    assert (
        prepare(find_dataset("sunrgbd"), [str(archive), str(tmp_path / "SUNRGBD_val_splits.txt")], tmp_path / "data")
        == 0
    )
    assert not list((tmp_path / "data").rglob("annotation.json"))


def _imagenet_train(tmp_path: Path) -> Path:
    for wnid in ("n01440764", "n01443537"):
        for number in range(2):
            _picture(tmp_path / f"classes/{wnid}/{wnid}_{number}.JPEG", number + int(wnid[1:]))
    path = tmp_path / "train.tar"
    with tarfile.open(path, "w") as archive:
        for folder in sorted((tmp_path / "classes").iterdir()):
            content = io.BytesIO()
            with tarfile.open(fileobj=content, mode="w") as inner:
                for file in sorted(folder.iterdir()):
                    inner.add(file, file.name)
            info = tarfile.TarInfo(f"{folder.name}.tar")
            info.size = len(content.getvalue())
            content.seek(0)
            archive.addfile(info, content)
    return path


def _imagenet_val(tmp_path: Path) -> Path:
    for number in (1, 2, 3):
        _picture(tmp_path / f"val/ILSVRC2012_val_{number:08d}.JPEG", number)
    return _tar(tmp_path / "val.tar", tmp_path / "val")


def _devkit(tmp_path: Path, truth: str = "7\n3\n7\n") -> Path:
    from scipy.io import savemat

    rows = [(3, "n01443537", 0), (7, "n01440764", 0), (1001, "n00001740", 2)]
    synsets = np.zeros(3, [("ILSVRC2012_ID", object), ("WNID", object), ("num_children", object)])
    for number, row in enumerate(rows):
        synsets[number] = row
    folder = tmp_path / "devkit/ILSVRC2012_devkit_t12/data"
    folder.mkdir(parents=True)
    savemat(folder / "meta.mat", {"synsets": synsets})
    (folder / "ILSVRC2012_validation_ground_truth.txt").write_text(truth)
    return _tar(tmp_path / "devkit.tgz", tmp_path / "devkit")


def test_what_other_programs_left_in_an_archive_or_folder_is_not_needed(
    ade: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = Path(shutil.copytree(ade, tmp_path / "ade"))
    image = source / "images/training/ADE_train_00000001.jpg"
    (image.parent / ".ipynb_checkpoints").mkdir()
    (source / "__MACOSX/images/training").mkdir(parents=True)
    for copy in (".ipynb_checkpoints/ADE_train_00000001.jpg", "../../__MACOSX/images/training/ADE_train_00000002.jpg"):
        shutil.copy(image, image.parent / copy)
    for number, given in enumerate((source, _zip(tmp_path / "ade.zip", source))):
        assert prepare(find_dataset("ade20k"), [str(given)], tmp_path / f"data{number}") == 0
        assert _tree(DATASETS["ade20k"].root(tmp_path / f"data{number}")) == _tree(ade)
    assert "18 files, 2 not needed" in capsys.readouterr().out


def test_leavings_among_the_labels_of_cityscapes_are_not_converted(tmp_path: Path) -> None:
    folder = tmp_path / "cityscapes/gtFine/val/ulm"
    folder.mkdir(parents=True)
    Image.fromarray(np.full((12, 16), 26, np.uint8)).save(folder / "a_gtFine_labelIds.png")
    (folder / "._a_gtFine_labelIds.png").write_bytes(b"\0\5\x16\7")
    assert make_train_ids(tmp_path / "cityscapes") == "labelTrainIds made from labelIds: 1"


def test_leavings_among_the_masks_of_trainaug_are_not_listed(tmp_path: Path) -> None:
    lists, masks = tmp_path / "ImageSets/Segmentation", tmp_path / "SegmentationClassAug"
    lists.mkdir(parents=True)
    masks.mkdir()
    for name in ("train.txt", "val.txt"):
        (lists / name).touch()
    for name in ("2008_000001.png", "._2008_000001.png"):
        (masks / name).touch()
    complete_lists(tmp_path)
    assert (lists / "aug.txt").read_text() == "2008_000001\n"
    (lists / "aug.txt").unlink()
    (masks / os.fsdecode(b"caf\xe9.png")).touch()
    with pytest.raises(DataError, match="holds 1 names that are not UTF-8"):
        complete_lists(tmp_path)


def test_a_name_that_is_not_utf_8_is_refused_and_nothing_is_left(tmp_path: Path) -> None:
    _picture(tmp_path / "train" / "n01440764" / os.fsdecode(b"caf\xe9.jpg"))
    with pytest.raises(DataError, match=r"the name train/n01440764/caf\\udce9\.jpg is not UTF-8"):
        prepare(
            find_dataset("imagenet"), [str(_tar(tmp_path / "a.tar", tmp_path / "train", "train"))], tmp_path / "data"
        )
    assert _leftovers(tmp_path / "data") == []
    assert not (tmp_path / "data/imagenet").exists()


def test_imagenet_of_its_official_archives(tmp_path: Path) -> None:
    sources = [_imagenet_train(tmp_path), _imagenet_val(tmp_path), _devkit(tmp_path)]
    assert prepare(find_dataset("imagenet"), [str(path) for path in sources], tmp_path / "data") == 0
    assert sorted(_tree(tmp_path / "data/imagenet")) == [
        "train/n01440764/n01440764_0.JPEG",
        "train/n01440764/n01440764_1.JPEG",
        "train/n01443537/n01443537_0.JPEG",
        "train/n01443537/n01443537_1.JPEG",
        "val/n01440764/ILSVRC2012_val_00000001.JPEG",
        "val/n01440764/ILSVRC2012_val_00000003.JPEG",
        "val/n01443537/ILSVRC2012_val_00000002.JPEG",
    ]


def test_imagenet_val_is_sorted_by_the_solution_of_the_challenge_site(tmp_path: Path) -> None:
    rows = ["ImageId,PredictionString", "ILSVRC2012_val_00000002,n01443537 85 1 499 272"]
    rows += [f"ILSVRC2012_val_0000000{n},n01440764 1 1 2 2 n01440764 3 3 4 4" for n in (1, 3)]
    (tmp_path / "LOC_val_solution.csv").write_text("\n".join(rows))
    sources = [_imagenet_train(tmp_path), _imagenet_val(tmp_path), tmp_path / "LOC_val_solution.csv"]
    assert prepare(find_dataset("imagenet"), [str(path) for path in sources], tmp_path / "data") == 0
    assert len(list((tmp_path / "data/imagenet/val/n01440764").iterdir())) == 2


@pytest.mark.parametrize(
    ("truth", "text"),
    [("7\n3\n", "nothing tells the class of ILSVRC2012_val_00000003.JPEG"), ("7\n1001\n7\n", "the class 1001, which")],
)
def test_classes_of_imagenet_val_that_nobody_knows_are_told(tmp_path: Path, truth: str, text: str) -> None:
    sources = [_imagenet_train(tmp_path), _imagenet_val(tmp_path), _devkit(tmp_path, truth)]
    with pytest.raises(DataError, match=text):
        prepare(find_dataset("imagenet"), [str(path) for path in sources], tmp_path / "data")


def test_imagenet_val_without_classes_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="give the development kit"):
        prepare(
            find_dataset("imagenet"), [str(_imagenet_train(tmp_path)), str(_imagenet_val(tmp_path))], tmp_path / "data"
        )


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["ade20k", "voc2012", "nyu", "kitti", "imagenet"])
def test_real_samples_go_through_an_archive_and_come_out_the_same(real_data: Path, tmp_path: Path, name: str) -> None:
    source = real_data / name
    archive = _tar(tmp_path / "sample.tar", source, name)
    assert prepare(find_dataset(name), [str(archive)], tmp_path / "data") == 0
    assert _tree(DATASETS[name].root(tmp_path / "data")) == _tree(DATASETS[name].root(real_data))
