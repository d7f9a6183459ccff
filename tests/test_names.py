"""Names that a reader can search for."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections import defaultdict
from pathlib import Path

_ROOT = Path(__file__).parents[1]
_ROOMS = [path.name for path in (_ROOT / "benchmark").iterdir() if path.is_dir() and path.name != "data"]
# Sources of other projects are cited too; files of theirs in a folder ``data`` look like ours and are not looked for.
_FOLDERS = "|".join(["benchmark", "heads", "configs", "docs", "tests", *_ROOMS])
_OURS = re.compile(rf"(?<![\w/.-])((?:{_FOLDERS})/[\w/.-]+\.(?:py|md|csv))\b")


def test_no_public_class_shares_its_name_with_another() -> None:
    places: defaultdict[str, list[str]] = defaultdict(list)
    for path in sorted(path for folder in ("benchmark", "heads") for path in (_ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(f"{path.relative_to(_ROOT)}:{node.lineno}")
    assert {name: lines for name, lines in places.items() if len(lines) > 1} == {}


def test_files_that_comments_and_docstrings_name_are_there() -> None:
    folders = ("benchmark", "heads", "configs", "tests", "docs")
    lost = [
        f"{path.relative_to(_ROOT)}:{line}: {name}"
        for path in sorted(path for folder in folders for path in (_ROOT / folder).rglob("*.py"))
        for line, text in _prose(path)
        for name in _OURS.findall(text)
        if not ((_ROOT / name).exists() or (_ROOT / "benchmark" / name).exists())
    ]
    assert lost == []


def _prose(path: Path) -> list[tuple[int, str]]:
    """Returns comments and docstrings with their lines."""
    tokens = tokenize.generate_tokens(io.StringIO(path.read_text("utf-8")).readline)
    return [
        (token.start[0], token.string)
        for token in tokens
        if token.type == tokenize.COMMENT or (token.type == tokenize.STRING and token.string.startswith('"""'))
    ]
