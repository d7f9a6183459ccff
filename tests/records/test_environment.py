"""Where a run took place."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmark.records import environment
from benchmark.records.environment import code_hash, code_version

_ROOT = Path(__file__).parents[2]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The code without git, as rsync or an archive brings it to another machine."""
    ignored = shutil.ignore_patterns("__pycache__")
    for folder in ("benchmark", "heads", "configs"):
        shutil.copytree(_ROOT / folder, tmp_path / "copy" / folder, ignore=ignored)
    return tmp_path / "copy"


def test_a_copy_without_git_is_the_same_code(copy: Path) -> None:
    assert code_hash(copy) == code_hash()
    assert code_hash() in code_version()


@pytest.mark.parametrize("name", ["benchmark/metrics/iou.py", "heads/linear.py", "configs/segmentation/mini.py"])
@pytest.mark.parametrize("change", ["edited", "removed", "added", "renamed"])
def test_whatever_can_move_a_number_is_other_code(copy: Path, name: str, change: str) -> None:
    path = copy / name
    if change == "edited":
        path.write_text(path.read_text() + "\n")
    elif change == "removed":
        path.unlink()
    elif change == "added":
        path.with_name("more.py").touch()
    else:
        path.rename(path.with_name("other.py"))
    assert code_hash(copy) != code_hash()


def test_what_moves_no_number_is_no_other_code(copy: Path) -> None:
    for name in ("benchmark/__pycache__/a.pyc", "benchmark/.ipynb_checkpoints/a-checkpoint.py", "tests/a.py", "N.md"):
        (copy / name).parent.mkdir(exist_ok=True)
        (copy / name).touch()
    assert code_hash(copy) == code_hash()


def test_two_copies_without_git_that_differ_have_different_versions(copy: Path) -> None:
    """As two processes of one run find them."""
    path = copy / "benchmark/metrics/iou.py"
    path.write_text(f"{path.read_text()}# another\n")

    def version(folder: Path) -> str:
        code = "from benchmark.records.environment import code_version; print(code_version())"
        run = {"env": {**os.environ, "PYTHONPATH": str(folder)}, "cwd": "/", "text": True}
        return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, **run).stdout

    assert version(_ROOT) != version(copy)


def test_a_record_says_which_code_made_it() -> None:
    assert environment.environment(device="cpu", device_name=None).code == code_hash()
