"""results/report.html: everything in it, nothing from outside, nothing that a name could smuggle in."""

from __future__ import annotations

import base64
import io
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from benchmark.cli import main
from benchmark.report.commands import collect_from
from benchmark.report.page.build import build_page
from benchmark.report.tables.write import write_leaderboard

_VOID = {"meta", "link", "br", "img", "input", "hr", "line", "circle"}
_LOADING = {"src", "srcset", "poster", "data", "action", "formaction", "background", "manifest", "xlink:href"}


class Page(HTMLParser):
    """Keeps tags, texts by tag and what does not nest."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.misnested: list[str] = []
        self.links: list[tuple[dict[str, str | None], str]] = []
        self._link: dict[str, str | None] | None = None
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keeps a tag."""
        self.tags.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)
        if tag == "a":
            self._link = dict(attrs)
            self.links.append((self._link, ""))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keeps a tag that is closed at once."""
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        """Sees whether tags nest."""
        if not self.open or self.open.pop() != tag:
            self.misnested.append(tag)
        if tag == "a":
            self._link = None

    def handle_data(self, data: str) -> None:
        """Keeps the texts of links."""
        if self._link is not None:
            self.links[-1] = (self._link, self.links[-1][1] + data)

    def having(self, name: str) -> list[str]:
        """Returns the values of an attribute."""
        return [attributes[name] or "" for _, attributes in self.tags if name in attributes]


@pytest.fixture
def html(results: Path) -> str:
    return build_page(collect_from(results), results / "runs")


def test_it_nests_and_identities_are_unique(html: str) -> None:
    page = Page(html)
    assert page.misnested == []
    assert page.open == []
    assert [name for name, count in Counter(page.having("id")).items() if count > 1] == []


def test_every_record_has_its_place_and_every_link_leads_somewhere(html: str) -> None:
    page = Page(html)
    places = set(page.having("id"))
    for identity in (*(f"{kind}{number}" for kind in ("seg", "depth") for number in range(3)), "smoke", "failed"):
        assert f"<dd>{identity}.json</dd>" in html
    assert {target[1:] for target in page.having("href") if target.startswith("#")} <= places
    assert {run for runs in page.having("data-runs") for run in runs.split()} <= places


def test_numbers_are_those_of_the_leaderboard(results: Path, html: str) -> None:
    found = collect_from(results)
    write_leaderboard(found.records, results, found.estimates)
    table = pd.read_csv(results / "leaderboard.csv", dtype=str)
    scores = table.filter(regex="(_miou|_rmse|_top1)$").drop(columns=["avg_seg_miou", "avg_depth_rmse"])
    expected = Counter(scores.stack().dropna())
    board = html[html.index('id="board"') : html.index('id="differences"')]
    assert Counter(text for link, text in Page(board).links if "data-runs" in link) == expected
    for interval in table.filter(regex="_ci95$").stack().dropna():
        low, high = interval.split("-")
        assert f"[{low}, {high}]" in board


def test_nothing_is_loaded(html: str) -> None:
    page = Page(html)
    for tag, attributes in page.tags:
        for name, value in attributes.items():
            if name in _LOADING:
                assert (value or "").startswith("data:"), (tag, name)
            elif name == "href":
                assert (value or "").startswith("#") or (tag == "link" and value == "data:,")
    style = "".join(re.findall(r"<style>(.*?)</style>", html, re.DOTALL))
    assert "url(" not in style
    assert "@import" not in style
    [policy] = [value for value in page.having("content") if "default-src" in value]
    assert policy.startswith("default-src 'none'; img-src data:;")


def test_every_picture_is_one_and_says_what_it_shows(html: str) -> None:
    pictures = [attributes for tag, attributes in Page(html).tags if tag == "img"]
    assert len(pictures) == 2 * 2 * (2 + 3 * 2)  # benchmarks, images; image and truth, three models with map and errors
    for each in pictures:
        kind, _, content = (each["src"] or "").partition(";base64,")
        image = Image.open(io.BytesIO(base64.b64decode(content)))
        image.load()
        assert kind == f"data:image/{image.format.lower()}"
        assert image.size == (int(each["width"]), int(each["height"])) == (40, 30)
        assert each["alt"]


def test_a_name_cannot_run_anything(html: str) -> None:
    page = Page(html)
    assert sum(tag == "script" for tag, _ in page.tags) == 1
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    assert "&lt;script&gt;alert(" in html
    assert "{{ 7 * 7 }}" in html
    assert "<b>out of memory</b>" not in html


def test_the_same_records_give_the_same_bytes(results: Path, html: str) -> None:
    assert build_page(collect_from(results), results / "runs") == html


def test_a_page_without_records_tells_what_to_type(tmp_path: Path) -> None:
    html = build_page(collect_from(tmp_path), tmp_path / "runs")
    page = Page(html)
    assert page.misnested == page.open == []
    assert "densebench run all --checkpoint my_vit.pth" in html
    assert "has no records" in html


def test_what_cannot_be_trusted_is_named_and_the_exit_code_says_so(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", "--results", str(results)]) == 0
    (results / "runs" / "broken.json").write_text("{")
    assert main(["report", "--results", str(results)]) == 1
    assert "left out: broken.json" in capsys.readouterr().err
    assert "broken.json: not JSON" in (results / "report.html").read_text()


def test_a_damaged_gallery_is_named_and_the_others_are_shown(results: Path) -> None:
    (results / "runs" / "seg0.gallery.zip").write_bytes(b"nothing")
    html = build_page(collect_from(results), results / "runs")
    assert "plain, ade20k: seg0.gallery.zip: not a gallery" in html
    assert sum(tag == "img" for tag, _ in Page(html).tags) == 2 * (2 + 2 * 2) + 2 * (2 + 3 * 2)


def test_hundreds_of_records_are_a_page_of_sane_size(
    tmp_path: Path, add_record: Callable, add_gallery: Callable, counts: Callable, metrics: Callable
) -> None:
    table = counts(0, images=3)
    for number in range(120):
        identity = f"r{number:03}"
        model = {"name": f"m{number}", "checkpoint_sha256": f"{number:064}"}
        add_record(id=identity, model=model, statistics=table, metrics=metrics(table))
        add_gallery(identity)
    html = build_page(collect_from(tmp_path), tmp_path / "runs")
    assert len(html) < 2_000_000
    assert "The newest 16 of 119 models are shown" in html
    assert "114 are left out" in html


def test_it_needs_no_torch() -> None:
    code = "import sys, benchmark.report.page.build; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
