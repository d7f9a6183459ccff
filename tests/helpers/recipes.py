"""The recipes of CONTRIBUTING.md, followed in a copy of the code."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from documents import ROOT

_PAGE = ROOT / "CONTRIBUTING.md"
_BLOCK = re.compile(r"```(python|diff)\n# (\S+)\n(.*?)```\n", re.DOTALL)


def copy_code(tree: Path) -> Path:
    """Copies what runs into a folder and returns it."""
    for name in ("benchmark", "heads", "configs"):
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    return tree


def follow(recipe: str, tree: Path) -> list[str]:
    """Does what a recipe says.

    Args:
        recipe: Its heading.
        tree: A copy of the code.

    Returns:
        The files it makes or changes, in order.
    """
    [text] = re.findall(rf"^### {re.escape(recipe)}\n(.*?)(?=^##)", _PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    touched = []
    for kind, name, content in _BLOCK.findall(text):
        path = tree / name
        touched.append(name)
        if kind == "python":
            assert not path.exists(), f"{name} is there already"
            path.parent.mkdir(exist_ok=True)
            path.write_text(content)
        else:
            path.write_text(_changed(path.read_text(), content.splitlines(), name))
    return touched


def _changed(text: str, lines: list[str], name: str) -> str:
    """Replaces the lines that go by those that come; lines alone go to the end, and imports to the other imports."""
    gone = "".join(f"{line[1:]}\n" for line in lines if line.startswith("-"))
    new = [line[1:] for line in lines if line.startswith("+")]
    imports = "".join(f"{line}\n" for line in new if line.startswith("from "))
    come = "".join(f"{line}\n" for line in new if not line.startswith("from "))
    if not gone:
        return text + come
    assert text.count(gone) == 1, f"{name} holds {text.count(gone)} times: {gone}"
    text = text.replace(gone, come)
    place = text.index("from ") if imports else 0
    return text[:place] + imports + text[place:]


def densebench(tree: Path, *commands: str) -> str:
    """Runs ``densebench`` commands of a copy of the code, in one process, and returns what they print."""
    environment = {**os.environ, "PYTHONPATH": str(tree), "OMP_NUM_THREADS": "1"}
    code = (
        "import shlex, sys; from benchmark.cli import main; sys.exit(any(main(shlex.split(x)) for x in sys.argv[1:]))"
    )
    command = [sys.executable, "-c", code, *commands]
    done = subprocess.run(command, cwd=tree, env=environment, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout
