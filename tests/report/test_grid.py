"""Tables as Markdown and LaTeX."""

from __future__ import annotations

import io

from rich.console import Console

from benchmark.report.grid import Column, Entry, Grid, Section, marks
from benchmark.report.latex import to_latex
from benchmark.report.markdown import to_markdown
from benchmark.report.terminal import print_grid

_COLUMNS = [Column("name"), Column("mIoU %", "higher", numeric=True), Column("RMSE", "lower", numeric=True)]


def _grid(*rows: tuple[str, str, str]) -> Grid:
    return Grid("A_title", _COLUMNS, [Section("p_1", [[Entry(text) for text in row] for row in rows])], ["100 % sure"])


def test_best_and_second_follow_the_direction() -> None:
    grid = _grid(("a", "44.10", "0.400"), ("b", "45.20", "0.410"), ("c", "43.00", "0.390"))
    assert marks(grid, grid.sections[0]) == [["", "second", "second"], ["", "best", ""], ["", "", "best"]]


def test_equal_numbers_share_a_place_and_one_alone_has_none() -> None:
    grid = _grid(("a", "44.10", "0.400"), ("b", "44.10", ""), ("c", "43.00", ""))
    assert marks(grid, grid.sections[0]) == [["", "best", ""], ["", "best", ""], ["", "second", ""]]
    same = _grid(("a", "44.10", ""), ("b", "44.10", ""))
    assert marks(same, same.sections[0]) == [["", "", ""], ["", "", ""]]


def test_sections_are_ranked_apart() -> None:
    rows = [[Entry("a"), Entry("44.10"), Entry()], [Entry("b"), Entry("45.20"), Entry()]]
    grid = Grid("t", _COLUMNS, [Section("p", rows), Section("q", rows[:1])])
    assert marks(grid, grid.sections[1]) == [["", "", ""]]


def test_what_is_not_ranked_is_not_marked() -> None:
    rows = [
        [Entry(name), Entry(text, ranked=name != "floor"), Entry()]
        for name, text in (("floor", "99"), ("a", "1"), ("b", "2"))
    ]
    section = Section("p", rows)
    assert [row[1] for row in marks(Grid("t", _COLUMNS, [section]), section)] == ["", "second", "best"]


def test_markdown_has_bold_underline_arrows_and_escapes() -> None:
    grid = Grid(
        "A_title",
        _COLUMNS,
        [
            Section(
                "p|1",
                [[Entry("a|b"), Entry("44.10", "[43, 45]"), Entry("0.4")], [Entry("c"), Entry("45.20"), Entry("0.5")]],
            )
        ],
    )
    assert to_markdown(grid) == (
        "# A\\_title\n\n## p\\|1\n\n"
        "| name | mIoU % ↑ | RMSE ↓ |\n| :-- | --: | --: |\n"
        "| a\\|b | <u>44.10</u> <sub>\\[43, 45\\]</sub> | **0.4** |\n"
        "| c | **45.20** | <u>0.5</u> |\n"
    )


def test_latex_has_booktabs_bold_underline_and_escapes() -> None:
    text = to_latex(_grid(("norms+qkv[0-7]_x", "44.10", "0.400"), ("b & c", "45.20", "-0.410")))
    assert text == (
        "% A_title. Needs \\usepackage{booktabs}.\n"
        "\\begin{tabular}{lrr}\n\\toprule\n"
        "name & mIoU \\% $\\uparrow$ & RMSE $\\downarrow$ \\\\\n"
        "\\midrule\n\\multicolumn{3}{l}{\\textit{p\\_1}} \\\\\n"
        "norms+qkv{[}0-7{]}\\_x & \\underline{44.10} & \\underline{0.400} \\\\\n"
        "b \\& c & \\textbf{45.20} & \\textbf{$-$0.410} \\\\\n"
        "\\bottomrule\n\\end{tabular}\n% 100 % sure\n"
    )


def test_the_terminal_shows_names_and_details_as_they_are() -> None:
    text = io.StringIO()
    grid = Grid(
        "t", _COLUMNS, [Section("", [[Entry("my [cls] vit[/b]"), Entry("44.10", "[43, 45]"), Entry()]])], ["a [b]"]
    )
    print_grid(grid, Console(file=text, width=80))
    for part in ("my [cls] vit[/b]", "[43, 45]", "a [b]", "mIoU % ↑", "RMSE ↓"):
        assert part in text.getvalue()
