"""What a wheel holds, and that it works away from the tree it was built from."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[1]
_FOLDERS = ("benchmark", "heads", "configs")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The content of a wheel, unpacked where an installer would put it."""
    tree, out = tmp_path_factory.mktemp("tree"), tmp_path_factory.mktemp("out")
    for name in _FOLDERS:  # a copy: a build leaves files in its tree
        shutil.copytree(_ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(_ROOT / name, tree)
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*build, "--wheel-dir", str(out), str(tree)], check=True)
    [wheel] = out.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(out / "site")
    return out / "site"


def test_a_wheel_holds_every_file_of_the_code_and_the_configs(installed: Path) -> None:
    assert _files(installed) == _files(_ROOT)


def _files(root: Path) -> set[str]:
    paths = [path for name in _FOLDERS for path in (root / name).rglob("*") if path.is_file()]
    return {str(path.relative_to(root)) for path in paths if path.suffix in {".py", ".csv", ".j2", ".css", ".js"}}


@pytest.mark.parametrize(
    "code",
    [
        "from benchmark.cli import main; raise SystemExit(main(['list']))",
        "from benchmark.report.published import read_figures; assert read_figures()",
    ],
)
def test_an_installed_wheel_works_in_another_folder(code: str, installed: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    check = f"import benchmark; assert benchmark.__file__.startswith({str(installed)!r}); {code}"
    done = subprocess.run(
        [sys.executable, "-c", check], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
