"""Which names of a folder are data."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from benchmark.data.folders import Scan, is_left_over, under_another_suffix

LEFT = [
    *(
        ".DS_Store",
        "._a.jpg",
        "Thumbs.db",
        "desktop.ini",
        "Desktop.ini",
        ".ipynb_checkpoints",
        "__MACOSX",
        ".a.jpg.swp",
    ),
    *(
        "a.jpg~",
        "a.swp",
        ".git",
        ".gitignore",
        "@eaDir",
        "lost+found",
        "a.jpg.part",
        ".nfs0001",
        "a.jpg:Zone.Identifier",
    ),
]


def _touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


@pytest.mark.parametrize("name", LEFT)
def test_what_other_programs_leave_is_known(name: str) -> None:
    assert is_left_over(name)


@pytest.mark.parametrize("name", ["a.jpg", "n01440764", "a.b.png", "swp", "git", "thumbs.db.png", "~a.jpg"])
def test_data_is_not_taken_for_it(name: str) -> None:
    assert not is_left_over(name)


def test_suffixes_are_read_in_any_case_and_the_rest_is_counted(tmp_path: Path) -> None:
    scan = Scan(_touch(tmp_path, "b.JPG", "a.jpg", "c.Png", "x.gif", "y/z.jpeg", "w.txt", "._a.jpg", ".DS_Store"))
    assert scan.look() == (["y"], ["a.jpg", "b.JPG", "c.Png"])
    assert scan.problems == []
    [note] = scan.notes
    assert note.startswith(f"{tmp_path}: passed over: 2 left by other programs (")
    assert note.endswith(", 2 that do not end with .jpeg or .jpg or .png (w.txt for example)")


def test_nothing_is_told_where_nothing_was_passed_over(tmp_path: Path) -> None:
    scan = Scan(_touch(tmp_path, "a.jpg"))
    scan.look()
    assert (scan.notes, scan.problems, scan.twins) == ([], [], [])


def test_walking_enters_folders_and_links_but_no_loop_and_nothing_left_over(tmp_path: Path) -> None:
    _touch(
        tmp_path,
        "in/a.jpg",
        "in/deep/b.jpg",
        "in/.ipynb_checkpoints/a-checkpoint.jpg",
        "in/__MACOSX/c.jpg",
        "out/d.jpg",
    )
    (tmp_path / "in/link").symlink_to(tmp_path / "out")
    (tmp_path / "in/deep/up").symlink_to(tmp_path / "in")
    scan = Scan(tmp_path / "in")
    assert sorted(scan.walk()) == ["a.jpg", "deep/b.jpg", "link/d.jpg"]
    assert "passed over: 2 left by other programs" in scan.notes[0]


@pytest.mark.parametrize("name", ["wheel.part", "n1.bak", "a.tmp", "b.orig", "c~", "d.swp"])
def test_a_folder_called_as_copies_end_may_be_a_class(tmp_path: Path, name: str) -> None:
    assert is_left_over(name)
    assert not is_left_over(name, folder=True)
    scan = Scan(_touch(tmp_path, f"{name}/a.jpg", "x.jpg"))
    assert (scan.look(), scan.notes) == (([name], ["x.jpg"]), [])
    assert sorted(scan.walk()) == [f"{name}/a.jpg", "x.jpg"]


@pytest.mark.parametrize("name", [".git", ".ipynb_checkpoints", "__MACOSX", "@eaDir", "lost+found"])
def test_folders_of_other_programs_are_known(name: str) -> None:
    assert is_left_over(name, folder=True)


@pytest.mark.parametrize("way", ["look", "walk"])
def test_what_cannot_be_read_is_a_problem(tmp_path: Path, way: str) -> None:
    _touch(tmp_path, "a/x.jpg")
    (tmp_path / "loop.jpg").symlink_to("loop.jpg")
    (tmp_path / "n01440764").symlink_to("gone")
    (tmp_path / ".#x.jpg").symlink_to("me@host.1")
    scan = Scan(tmp_path)
    found = getattr(scan, way)()
    assert found == ((["a"], []) if way == "look" else ["a/x.jpg"])
    [problem] = scan.problems
    assert problem.startswith(f"{tmp_path}: cannot be read: 2 files or folders (")
    assert any(
        f"({what} for example); mend or remove them" in problem
        for what in ("loop.jpg: Too many levels of symbolic links", "n01440764: No such file or directory")
    )
    assert scan.notes == [f"{tmp_path}: passed over: 1 left by other programs (.#x.jpg)"]


@pytest.mark.parametrize("way", ["look", "walk"])
def test_a_file_in_place_of_a_folder_is_a_problem(tmp_path: Path, way: str) -> None:
    scan = Scan(_touch(tmp_path, "images") / "images")
    assert getattr(scan, way)() == (([], []) if way == "look" else [])
    told = f"1 files or folders ({tmp_path / 'images'}: Not a directory)"
    assert scan.problems == [f"{tmp_path / 'images'}: cannot be read: {told}; mend or remove them"]


def test_a_folder_that_may_not_be_read_hides_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As root may read everything, the refusal is played."""
    scandir = os.scandir

    def refuse(path: Path) -> Any:
        if Path(path).name == "closed":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    scan = Scan(_touch(tmp_path, "closed/a.jpg", "open/b.jpg"))
    assert scan.walk() == ["open/b.jpg"]
    assert scan.problems == [
        f"{tmp_path}: cannot be read: 1 files or folders (closed/: Permission denied); mend or remove them"
    ]


@pytest.mark.parametrize("others", [("a.png",), ("a.JPG",), ("a.jpeg",)])
@pytest.mark.parametrize("suffixes", [(".jpeg", ".jpg", ".png"), (".jpg",)])
def test_an_image_under_two_suffixes_is_a_problem(
    tmp_path: Path, others: tuple[str, ...], suffixes: tuple[str, ...]
) -> None:
    scan = Scan(_touch(tmp_path, "a.jpg", "b.jpg", *others), suffixes)
    scan.look()
    [problem] = scan.twins
    assert problem.startswith(f"{tmp_path} holds 1 images twice, under names that differ in their suffix only (")
    assert "a.jpg" in problem
    assert others[0] in problem


def test_names_that_are_not_utf_8_are_a_problem_and_escaped(tmp_path: Path) -> None:
    file, folder = os.fsdecode(b"caf\xe9.jpg"), os.fsdecode(b"d\xe9")
    scan = Scan(_touch(tmp_path, "a.jpg", file, f"{folder}/b.jpg"))
    assert scan.look() == ([], ["a.jpg"])
    [problem] = scan.problems
    assert "holds 2 names that are not UTF-8 (d\\udce9 for example)" in problem
    assert problem.isascii()


@pytest.mark.parametrize(
    ("wanted", "there", "told"),
    [
        ("a.jpg", "a.JPG", True),
        ("a.jpg", "a.jpeg", True),
        ("a", "a.jpg", True),
        ("a.jpg", "a.png", False),
        ("a.png", "a.jpg", False),
        ("a.jpg", "b.JPG", False),
        ("a.txt", "a.TXT", False),
    ],
)
def test_a_picture_under_another_suffix_is_found(tmp_path: Path, wanted: str, there: str, told: bool) -> None:
    _touch(tmp_path, there)
    expected = f"; {there} is there, and names must agree" if told else ""
    assert under_another_suffix(tmp_path / wanted) == expected
