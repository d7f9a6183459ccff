"""The page in a real headless Chromium, as a file from disk; skipped where there is none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import CHROMIUM, Browser

from benchmark.report.commands import collect_from
from benchmark.report.page.build import build_page

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on the PATH (Debian: apt-get install chromium)")

_COLUMN = "[...document.querySelectorAll('#board tbody tr:not(.section)')].map(row => row.cells[{}].textContent.trim())"


@pytest.fixture
def page(results: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    file = results / "report.html"
    file.write_text(build_page(collect_from(results), results / "runs"))
    with Browser(tmp_path_factory.mktemp("browser") / "profile") as browser:
        browser.resize(1280, 900)
        browser.open(file.as_uri())
        yield browser


def _place(page: Browser, title: str) -> int:
    """Finds a column of the leaderboard."""
    titles = page.run("[...document.querySelectorAll('#board thead th')].map(each => each.textContent)")
    return next(place for place, each in enumerate(titles) if each.startswith(title))


def test_it_loads_in_silence_and_asks_for_nothing_but_itself(page: Browser, results: Path) -> None:
    page.run("scrollTo(0, document.body.scrollHeight)")
    page.run("new Promise(done => setTimeout(done, 200))")
    assert page.complaints == []
    outside = [each for each in page.requests if not each.startswith("data:")]
    assert outside == [(results / "report.html").as_uri()]


def test_every_picture_decodes(page: Browser) -> None:
    decoded = "each.decode().then(() => each.naturalWidth > 0, () => false).then(fine => fine ? '' : each.alt)"
    broken = page.run(f"Promise.all([...document.images].map(each => {decoded})).then(all => all.filter(Boolean))")
    assert page.run("document.images.length") == 32
    assert broken == []


def test_a_heading_sorts_best_first_and_says_so(page: Browser) -> None:
    for title, best_first, other in (("ade20k", "descending", "ascending"), ("nyu", "ascending", "descending")):
        place = _place(page, title)
        header = f"document.querySelectorAll('#board thead th')[{place}]"
        for direction in (best_first, other):
            page.run(f"{header}.querySelector('button').click()")
            scores = [float(text.partition("[")[0]) for text in page.run(_COLUMN.format(place))]
            assert scores == sorted(scores, reverse=direction == "descending")
            assert page.run(f"{header}.getAttribute('aria-sort')") == direction
    assert page.run("document.querySelectorAll('#board [aria-sort]').length") == 1


def test_sorting_and_records_work_by_keyboard(page: Browser) -> None:
    place = _place(page, "ade20k")
    header = f"document.querySelectorAll('#board thead th')[{place}]"
    page.run(f"{header}.querySelector('button').focus()")
    page.press("Enter", 13)
    assert page.run(f"{header}.getAttribute('aria-sort')") == "descending"
    page.run("document.querySelector('#board a[data-runs]').focus()")
    page.press("Enter", 13)
    assert page.run("document.getElementById('drawer').open")
    assert page.run("document.getElementById('drawer').contains(document.activeElement)")
    text = page.run("document.getElementById('drawer-body').innerText")
    for said in ("sha256", "fingerprint", "densebench rerun", "commit", "95 % interval over images"):
        assert said in text
    page.press("Escape", 27)
    assert not page.run("document.getElementById('drawer').open")
    assert page.run("document.activeElement.matches('#board a[data-runs]')")  # the focus is where it was


def test_a_choice_shows_one_benchmark(page: Browser) -> None:
    shown = "[...document.querySelectorAll('[data-of=gallery]')].map(each => each.checkVisibility())"
    assert page.run(shown) == [True, False]
    page.run(
        """(select => { select.selectedIndex = 1; select.dispatchEvent(new Event('change')); })
             (document.querySelector('select[data-choice=gallery]'))"""
    )
    assert page.run(shown) == [False, True]


def test_a_link_to_a_folded_record_unfolds_it(page: Browser) -> None:
    page.run("document.querySelector('#runs a[data-plain]').click()")
    page.run("new Promise(done => setTimeout(done, 100))")
    assert page.run("document.querySelector(location.hash).open")


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_window(page: Browser, width: int, dark: bool) -> None:
    page.resize(width, 844, dark=dark)
    page.run("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert page.run("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("dark", [False, True])
def test_text_stands_out_from_its_background(page: Browser, dark: bool) -> None:
    page.resize(1280, 900, dark=dark)
    worst = page.run(_CONTRAST)
    assert worst["ratio"] >= 4.5, worst  # WCAG 2.2, AA


def test_names_mean_no_harm(page: Browser) -> None:
    assert page.run("document.scripts.length") == 1
    assert page.run("document.querySelectorAll('#board th[scope=row]').length") == 3
    assert page.run("document.body.innerText.includes('<script>alert(')")


def test_paper_has_every_record_unfolded(page: Browser, tmp_path: Path) -> None:
    page.run(
        "addEventListener('beforeprint', () => (window.folded = document.querySelectorAll('.run:not([open])').length))"
    )
    page.print(tmp_path / "report.pdf")
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")
    assert page.run("window.folded") == 0
    assert page.run("document.querySelectorAll('.run[open]').length") == 0  # folded again


_CONTRAST = """(() => {
  const channels = text => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(c => (c /= 255, c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, place) => sum + c * [0.2126, 0.7152, 0.0722][place], 0);
  const behind = each => {
    for (; each; each = each.parentElement) {
      const colour = channels(getComputedStyle(each).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  let worst = { ratio: 99 };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const each = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !each.checkVisibility() || each.closest("script, svg")) continue;
    const pair = [light(channels(getComputedStyle(each).color)), light(behind(each))].sort((a, b) => b - a);
    const ratio = (pair[0] + 0.05) / (pair[1] + 0.05);
    if (ratio < worst.ratio) worst = { ratio, text: walker.currentNode.data.trim().slice(0, 60) };
  }
  return worst;
})()"""
