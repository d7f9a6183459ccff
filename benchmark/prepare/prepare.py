"""Puts a dataset into its official layout under the data root, whole or not at all.

    <data root>/.downloads/        what was fetched from URLs; removed when the dataset is fine
    <data root>/.<name>.staging/   the dataset while it is being made; removed when that fails, and by the next try
    <data root>/.<name>.old/       the replaced dataset, for the moment between two renames
    <data root>/<name>/            the dataset; appears by a rename, so that one that is there is complete

Archives are unpacked. Files of folders become hard links where the file system allows it, else copies: nothing is moved
away from where it was, and no space is used twice, but a linked file that is edited in one place changes in the other.
A dataset that is in its official layout already needs none of this: let the data root hold a symbolic link to it.
"""

from __future__ import annotations

import contextlib
import fcntl
import filecmp
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from benchmark.data.dataset import Dataset
from benchmark.data.folders import SUFFIXES, is_left_over_path
from benchmark.data.manifest import Manifest
from benchmark.data.recipe import Recipe
from benchmark.doctor.data import check_data
from benchmark.errors import DataError, UsageError
from benchmark.prepare.archives import Member, inner_members, is_archive, members, unpacked_size
from benchmark.prepare.checksums import check_archive
from benchmark.prepare.download import download, is_url
from benchmark.progress import Progress, size
from benchmark.utf8 import is_utf8, printable

_PACKED = (".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".7z", ".rar")
_PICTURES = (*SUFFIXES, ".bmp", ".gif", ".tif", ".tiff", ".webp")
_QUIET_BELOW = 16 << 20  # bytes of an archive that are unpacked before anybody wonders what is going on

Existing = Literal["refuse", "add", "replace"]


@dataclass
class _Tally:
    """What came of one source."""

    placed: int = 0
    left_out: int = 0
    first_left_out: str = ""
    pictures: int = 0
    """Pictures among what was left out: masks that no benchmark reads, or images under a name that none has."""
    first_picture: str = ""

    def leave_out(self, name: str) -> None:
        """Counts a file that has no place."""
        self.left_out += 1
        self.first_left_out = self.first_left_out or name
        if name.lower().endswith(_PICTURES) and not is_left_over_path(name):
            self.pictures += 1
            self.first_picture = self.first_picture or name

    def summary(self) -> str:
        """Says what was taken and what was left out."""
        pictures = f", among them {self.pictures:,} pictures ({printable(self.first_picture)})" if self.pictures else ""
        left_out = f", {self.left_out:,} not needed{pictures}" if self.left_out else ""
        return f"{self.placed:,} files{left_out}"


def prepare(
    dataset: Dataset,
    sources: Sequence[str],
    data_root: Path,
    *,
    existing: Existing = "refuse",
    skip_checksum: bool = False,
    keep_downloads: bool = False,
) -> int:
    """Makes a dataset from archives, folders, single files or URLs, checks it, and says what it is.

    Without sources a dataset that is there is completed (training labels, lists) and checked; for one that is not, the
    places to get it are printed.

    Args:
        dataset: The dataset.
        sources: Archives, folders, lists, or addresses of archives.
        data_root: Folder that holds all datasets; made where missing.
        existing: What to do with a dataset of that name: refuse, add the new files to it, or replace it.
        skip_checksum: Use an archive whose checksum is not the official one.
        keep_downloads: Keep fetched archives although the dataset is fine.

    Returns:
        0 where a benchmark can run on it, 1 where something must be mended, 2 where there is nothing to do it from.

    Raises:
        UsageError: An unknown dataset.
        DataError: A source that is missing, damaged, hostile or of another dataset; a dataset that would be
            overwritten; a disk that is full.
    """
    name, recipe, place = dataset.name, dataset.recipe, data_root / dataset.name
    if recipe is None:
        word = dataset.path or name
        raise UsageError(f"{word} is used where it lies; 'densebench check --data {word}' looks at it")
    if not sources:
        if not place.is_dir():
            print(f"There is no {place}.\n{recipe.where}")
            return 2
        with _telling(place):
            _finish(recipe, place)
        return 0 if check_data(dataset, data_root).usable else 1
    with _telling(data_root):
        data_root.mkdir(parents=True, exist_ok=True)
        with _alone(data_root, name):
            _recover(data_root, name)
            if existing == "refuse" and place.exists() and not (place.is_dir() and not any(place.iterdir())):
                raise DataError(
                    f"{place} exists; --add puts the new files beside those in it, --replace makes it anew, and "
                    "without --from it is checked as it is"
                )
            paths = [_local(source, data_root) for source in sources]
            for path in paths:
                if path.is_dir():
                    _refuse_itself(path, place)
                elif is_archive(path):
                    print(check_archive(dataset, path, ignore=skip_checksum))
            _make(dataset, recipe, paths, place, add=existing == "add" and place.exists())
    report = check_data(dataset, data_root)
    Manifest(dataset.root(data_root)).save(beside=True)
    if report.usable and not keep_downloads:
        _clear(paths, data_root / ".downloads")
    return 0 if report.usable else 1


def _make(dataset: Dataset, recipe: Recipe, paths: Sequence[Path], place: Path, *, add: bool) -> None:
    """Fills the staging folder and renames it to its place."""
    name = dataset.name
    staging, old = (place.with_name(f".{name}.{kind}") for kind in ("staging", "old"))
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir()
    try:
        if add:
            _link_tree(place, staging)
        for path in paths:
            tally = _fill(path, recipe, staging)
            _refuse_stranger(name, path, tally)
            print(f"{path.name}: {tally.summary()}")
        _finish(recipe, staging)
        _refuse_fragment(dataset, staging)
        if place.exists():
            place.rename(old)
        staging.rename(place)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        _recover(place.parent, name)


def _finish(recipe: Recipe, folder: Path) -> None:
    for note in filter(None, recipe.finish(folder)):
        print(note)


@contextlib.contextmanager
def _telling(folder: Path) -> Iterator[None]:
    """Turns a failing file system into one line: what is wrong with which path, and that nothing was changed."""
    try:
        yield
    except OSError as error:
        where, what = error.filename or folder, error.strerror or error
        raise DataError(f"{where}: {what}; a dataset that was there is as it was") from error


def _fill(path: Path, recipe: Recipe, staging: Path) -> _Tally:
    """Brings the files of one source into the staging folder."""
    tally = _Tally()
    if path.is_dir():
        _fill_from_folder(path, recipe, staging, tally)
    elif is_archive(path):
        _fill_from_archive(path, recipe, staging, tally)
    else:
        _put(recipe.place(path.name), path.name, staging, tally, lambda target: _link(path, target))
    return tally


def _fill_from_archive(path: Path, recipe: Recipe, staging: Path, tally: _Tally) -> None:
    progress = Progress(
        unpacked_size(path), f"unpacking {path.name}", count=size, quiet=path.stat().st_size < _QUIET_BELOW
    )
    for member in members(path):
        inner = recipe.inner_folder(member.name)
        files = [(member, member.name)] if inner is None else ((m, f"{inner}/{m.name}") for m in inner_members(member))
        for file, name in files:
            _put(recipe.place(name), name, staging, tally, lambda target, file=file: _write(file, target))
            progress.advance(by=file.size)
    progress.close()


def _write(member: Member, path: Path) -> None:
    with path.open("xb") as file:
        member.copy(file)


def _fill_from_folder(folder: Path, recipe: Recipe, staging: Path, tally: _Tally) -> None:
    files = sorted(_walk(folder))
    progress = Progress(len(files), f"linking {folder.name}", quiet=len(files) < 1000)
    for path in files:
        # The folder's own name may be a part of the layout, as in official_splits/test.
        inside = path.relative_to(folder).as_posix()
        target = recipe.place(f"{folder.resolve().name}/{inside}") or recipe.place(inside)
        _put(target, inside, staging, tally, lambda target, path=path: _link(path, target))
        progress.advance()
    progress.close()


def _walk(folder: Path) -> Iterator[Path]:
    """Yields all files below ``folder``; symbolic links are the user's own and are followed, once each."""
    seen = set()
    for path, folders, names in os.walk(folder, followlinks=True, onerror=_raise):
        status = Path(path).stat()
        if (status.st_dev, status.st_ino) in seen:
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        yield from (Path(path, name) for name in names)


def _raise(error: OSError) -> None:
    """Makes ``os.walk`` stop at a folder that cannot be read; by itself it leaves it out in silence."""
    raise error


def _put(target: str | None, name: str, staging: Path, tally: _Tally, write: Callable[[Path], None]) -> None:
    """Writes one file to its place; a second file for a place must be equal to the first."""
    if target is None:
        tally.leave_out(name)
        return
    if not is_utf8(target):
        raise DataError(f"the name {target} is not UTF-8, and records could not hold it; rename the file or folder")
    path = staging / target
    tally.placed += 1
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path)
        return
    second = path.with_name(f".{path.name}.second")
    write(second)
    same = filecmp.cmp(path, second, shallow=False)
    second.unlink()
    if not same:
        raise DataError(f"two different files for {target}: one is there already, the other is {name}")


def _link(source: Path, target: Path) -> None:
    source = Path(os.path.realpath(source, strict=True))  # Path.resolve raises a RuntimeError for a loop of links
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without hard links
        shutil.copyfile(source, target)


def _link_tree(source: Path, target: Path) -> None:
    shutil.copytree(source, target, copy_function=lambda old, new: _link(Path(old), Path(new)), dirs_exist_ok=True)


def _local(source: str, data_root: Path) -> Path:
    """Returns the path of a source, which is fetched first where it is a URL."""
    if is_url(source):
        return download(source, data_root / ".downloads")
    path = Path(source)
    if not path.exists():
        raise DataError(f"there is no {path}")
    return path


def _refuse_itself(source: Path, place: Path) -> None:
    inside = place.resolve()
    if inside == source.resolve() or source.resolve() in inside.parents or inside in source.resolve().parents:
        raise DataError(
            f"{source} is the place of the dataset itself, or holds it; without --from it is checked as it is"
        )


def _refuse_stranger(name: str, path: Path, tally: _Tally) -> None:
    if tally.placed == 0 and path.suffix.lower() in _PACKED and path.is_file() and not is_archive(path):
        raise DataError(
            f"{path} is damaged or no .zip or .tar archive; fetch it again, or unpack it and give the folder"
        )
    if tally.placed == 0:
        example = f", for example {tally.first_left_out}" if tally.first_left_out else ""
        raise DataError(
            f"{path}: none of its {tally.left_out:,} files belongs to {name}{example}; "
            f"'densebench data {name}' shows what does"
        )


def _refuse_fragment(dataset: Dataset, staging: Path) -> None:
    """Raises DataError where not one image with its label would be found."""
    name = dataset.name
    root = dataset.root(staging.parent)
    root = staging / root.relative_to(staging.parent / name)
    splits = dataset.read_splits(root) if root.is_dir() else []
    found = any(
        pair.image.is_file() and (pair.label is None or pair.label.is_file())
        for split in splits
        for pair in split.pairs
    )
    if not found:
        have = ", ".join(split.name for split in splits) or "none"
        raise DataError(
            f"{name}: with these sources no image has its label (lists or folders of splits: {have}); give the missing "
            f"archives and lists in the same command; 'densebench data {name}' shows which there are"
        )


def _clear(paths: Sequence[Path], downloads: Path) -> None:
    """Removes the fetched ones among ``paths``."""
    for path in paths:
        if downloads in path.parents:
            shutil.rmtree(path.parent, ignore_errors=True)
    with contextlib.suppress(OSError):  # other datasets' archives may lie there
        downloads.rmdir()


def _recover(data_root: Path, name: str) -> None:
    """Puts a dataset back that was being replaced when a command was killed."""
    old, place = data_root / f".{name}.old", data_root / name
    if old.exists():
        if place.exists() and (old.is_symlink() or not old.is_dir()):
            old.unlink()  # a file, or a link to a dataset that is not ours to delete
        elif place.exists():
            shutil.rmtree(old)
        else:
            old.rename(place)
            print(f"{place}: put back after an interrupted --replace or --add")


@contextlib.contextmanager
def _alone(data_root: Path, name: str) -> Iterator[None]:
    """Keeps a second command from preparing the same dataset at the same time."""
    path = data_root / f".{name}.lock"
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DataError(f"another command is preparing {name} in {data_root}; wait for it") from None
        except OSError:
            pass  # a file system without locks
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
