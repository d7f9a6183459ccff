"""What README, CONTRIBUTING and ``docs/`` point at exists, and they say each thing once."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import pytest
from documents import PAGES, ROOT, blocks, headings, links, prose

from benchmark.benchmarks import BENCHMARKS

_README = ROOT / "README.md"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_and_anchor_exists(page: Path) -> None:
    for target in links(page):
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), f"{page.name}: {target}"
        assert file.is_relative_to(ROOT), f"{page.name}: {target}"
        if anchor:
            assert anchor in headings(file), f"{page.name}: {target}"


def test_the_readme_is_short() -> None:
    assert len(_README.read_text("utf-8").splitlines()) <= 180


def test_the_readme_names_every_page_of_the_docs() -> None:
    named = {target.partition("#")[0] for target in links(_README)}
    assert {f"docs/{page.name}" for page in PAGES if page.parent == ROOT / "docs"} <= named


def test_the_readme_has_a_row_for_every_benchmark_with_its_metric() -> None:
    rows = re.findall(r"^\| `run ([\w-]+)` \|.*\| ([^|]+) \|$", _README.read_text("utf-8"), re.M)
    assert rows == [(each.name, f"{each.metric.title}, {each.metric.unit}") for each in BENCHMARKS.values()]


def test_no_sentence_stands_on_two_pages() -> None:
    pages: defaultdict[str, set[str]] = defaultdict(set)
    for page in PAGES:
        text = re.sub(r"^#.*$", "", prose(page), flags=re.M)
        for sentence in re.split(r"(?<=[.:;])\s+|\n\s*\n|\|", text):
            words = re.sub(r"\W+", " ", sentence).split()
            if len(words) >= 8:
                pages[" ".join(words).lower()].add(page.name)
    assert {sentence: names for sentence, names in pages.items() if len(names) > 1} == {}


def test_the_map_of_the_code_names_the_folders_that_exist() -> None:
    [text] = [block.text for block in blocks(ROOT / "CONTRIBUTING.md") if block.text.startswith("benchmark/ ")]
    drawn, above = set(), ""
    for indent, name in re.findall(r"^( *)([\w/]+)/ ", text, re.M):
        above = above if indent else name
        drawn.add(f"{above}/{name}" if indent else name)
    packages = {f"benchmark/{path.parent.name}" for path in (ROOT / "benchmark").glob("*/__init__.py")}
    tops = {"benchmark", "heads", "configs", "docs", "results", "tests"}
    assert drawn == packages | tops
    assert all((ROOT / name).is_dir() for name in tops)
