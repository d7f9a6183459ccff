"""README, CONTRIBUTING and ``docs/``, taken apart: links, headings, code blocks and the commands in them."""

from __future__ import annotations

import re
import shlex
import textwrap
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))

_FENCE = re.compile(r"(?P<indent>\s*)```(?P<language>\w*)\s*")
_PROGRAMS = (
    ("densebench",),
    (".venv/bin/densebench",),
    ("python", "-m", "benchmark"),
    ("torchrun", "-m", "benchmark"),
)


@dataclass(frozen=True)
class Block:
    """A block of code."""

    page: Path
    line: int
    """Of its first line, from 1."""

    language: str
    """What stands after the fence; empty for an indented block."""

    text: str

    @property
    def where(self) -> str:
        """Page and line, as a test is named after it."""
        return f"{self.page.name}:{self.line}"


def blocks(page: Path) -> list[Block]:
    """Returns the fenced and the indented code blocks of a page."""
    return _apart(page)[0]


def prose(page: Path) -> str:
    """Returns a page without its code blocks."""
    return _apart(page)[1]


def _apart(page: Path) -> tuple[list[Block], str]:
    found: list[Block] = []
    rest: list[str] = []
    code: list[str] = []
    fence: re.Match[str] | None = None
    for number, line in enumerate([*page.read_text("utf-8").split("\n"), "end"], start=1):
        if fence is not None:
            if line.strip() == "```":
                found.append(_block(page, number - len(code), fence["language"], code))
                fence, code = None, []
            else:
                code.append(line)
        elif (code and not line.strip()) or (line.startswith("    ") and (code or not rest or not rest[-1].strip())):
            code.append(line)
        else:
            if code:
                found.append(_block(page, number - len(code), "", code))
                code = []
                rest.append("")
            fence = _FENCE.fullmatch(line)
            if fence is None:
                rest.append(line)
    return found, "\n".join(rest[:-1])


def _block(page: Path, line: int, language: str, lines: list[str]) -> Block:
    return Block(page, line, language, textwrap.dedent("\n".join(lines)).strip("\n") + "\n")


def headings(page: Path) -> set[str]:
    """Returns the anchors of the headings of a page, as a forge makes them."""
    anchors: list[str] = []
    for title in re.findall(r"^#+ (.*)$", prose(page), re.M):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title).lower()
        anchor = re.sub(r"[^\w\- ]", "", plain).strip().replace(" ", "-")
        anchors.append(f"{anchor}-{anchors.count(anchor)}" if anchor in anchors else anchor)
    return set(anchors)


def links(page: Path) -> list[str]:
    """Returns the targets of the links and pictures of a page, those to other sites left out."""
    plain = re.sub(r"`[^`\n]*`", "code", prose(page))
    targets = re.findall(r"\[[^\]]*\]\(([^)\s]+)\)", plain)
    return [target for target in targets if "://" not in target]


@dataclass(frozen=True)
class Command:
    """A command of a code block."""

    where: str
    words: tuple[str, ...]

    @property
    def arguments(self) -> tuple[str, ...] | None:
        """What follows ``densebench``; None for another program."""
        for program in _PROGRAMS:
            if self.words[: len(program)] == program:
                return self.words[len(program) :]
        return None


def commands(page: Path) -> list[Command]:
    """Returns the commands of ``densebench``, make and python in blocks that are a shell's, and those in the prose.

    Of a loop, the first turn is returned.
    """
    found = []
    for block in blocks(page):
        if block.language in ("", "bash"):
            found += _commands(block.where, _first_turn(block.text))
    for text in re.findall(r"`((?:densebench|make) [^`]+)`", prose(page)):
        if "…" not in text:
            found += _commands(page.name, text.replace("\n", " "))
    return found


def _commands(where: str, text: str) -> list[Command]:
    found = []
    for line in re.sub(r"\\\n\s*", " ", text).split("\n"):
        if not re.match(r"\s*(do |python -m|python docs|torchrun|densebench|\.venv/bin/|make )", line):
            continue
        reader = shlex.shlex(line.strip().removeprefix("do "), posix=True, punctuation_chars=";&|<>")
        reader.whitespace_split, reader.commenters = True, "#"
        words = list(reader)
        ends = [place for place, word in enumerate(words) if set(word) <= set(";&|<>")]
        found.append(Command(where, tuple(words[: ends[0]] if ends else words)))
    return found


def _first_turn(text: str) -> str:
    """Gives the variables of loops and assignments their first values."""
    for name, values in re.findall(r"for (\w+) in ([^;]+);", text):
        text = text.replace(f"${name}", values.split()[0])
    for name, value in re.findall(r"^\s*(\w+)=(\S+)$", text, re.M):
        text = text.replace(f"${name}", value)
    return text
