"""How figures look and how they are written."""

from __future__ import annotations

from pathlib import Path

from benchmark.analysis.plots.saving import save_figure
from benchmark.analysis.plots.style import PALETTE, colours, new_figure, style, wrapped


def test_the_same_figure_is_the_same_file(tmp_path: Path) -> None:
    for name in ("one", "two"):
        with style():
            figure, [[axes]] = new_figure(1.0)
            axes.plot([0, 1])
            save_figure(figure, tmp_path / name, (".png", ".svg"))
    for suffix in (".png", ".svg"):
        one, two = ((tmp_path / name).with_suffix(suffix).read_bytes() for name in ("one", "two"))
        assert one == two


def test_every_checkpoint_has_a_colour_of_its_own() -> None:
    given = colours("abcdef")
    assert list(given) == list("abcdef")
    assert len(set(given.values())) == 6
    assert set(given.values()) <= set(PALETTE)


def test_a_title_wider_than_its_panel_is_broken_also_without_spaces() -> None:
    lines = wrapped("a_checkpoint_with_a_name_that_is_long", 1.0).split("\n")
    assert "".join(lines) == "a_checkpoint_with_a_name_that_is_long"
    assert max(map(len, lines)) <= 13
    assert wrapped("short", 1.0) == "short"
