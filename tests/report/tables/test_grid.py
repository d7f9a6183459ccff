"""Tables as Markdown and LaTeX."""

from __future__ import annotations

import io

from rich.console import Console

from benchmark.metric import MIOU, RMSE
from benchmark.report.tables.grid import Column, Grid, GridEntry, GridSection, marks
from benchmark.report.tables.latex import to_latex
from benchmark.report.tables.markdown import to_markdown
from benchmark.report.tables.terminal import print_grid

_COLUMNS = [Column("name"), Column("mIoU %", MIOU, numeric=True), Column("RMSE", RMSE, numeric=True)]


def _grid(*rows: tuple[str, str, str]) -> Grid:
    return Grid("A_title", _COLUMNS, [GridSection("p_1", [_row(*row) for row in rows])], ["100 % sure"])


def _row(name: str, *texts: str) -> list[GridEntry]:
    return [
        GridEntry(name),
        *(GridEntry(text, value=float(text), ranked=True) if text else GridEntry() for text in texts),
    ]


def test_best_and_second_follow_the_direction() -> None:
    grid = _grid(("a", "44.10", "0.400"), ("b", "45.20", "0.410"), ("c", "43.00", "0.390"))
    assert marks(grid, grid.sections[0]) == [["", "second", "second"], ["", "best", ""], ["", "", "best"]]


def test_equal_numbers_share_a_place_and_one_alone_has_none() -> None:
    grid = _grid(("a", "44.10", "0.400"), ("b", "44.10", ""), ("c", "43.00", ""))
    assert marks(grid, grid.sections[0]) == [["", "best", ""], ["", "best", ""], ["", "second", ""]]
    same = _grid(("a", "44.10", ""), ("b", "44.10", ""))
    assert marks(same, same.sections[0]) == [["", "", ""], ["", "", ""]]


def test_numbers_are_ranked_at_the_precision_that_is_printed_whatever_stands_beside_them() -> None:
    def ranks(*entries: GridEntry) -> list[str]:
        section = GridSection("p", [[GridEntry(), entry, GridEntry()] for entry in entries])
        return [row[1] for row in marks(Grid("t", _COLUMNS, [section]), section)]

    entries = [GridEntry.of(MIOU, value) for value in (44.104, 44.096, 44.089)]
    assert ranks(*entries) == ["best", "best", "second"]
    assert ranks(GridEntry("≈1,044", value=1044.0, ranked=True), *entries[1:]) == ["best", "second", ""]


def test_sections_are_ranked_apart() -> None:
    rows = [_row("a", "44.10", ""), _row("b", "45.20", "")]
    grid = Grid("t", _COLUMNS, [GridSection("p", rows), GridSection("q", rows[:1])])
    assert marks(grid, grid.sections[1]) == [["", "", ""]]


def test_what_is_not_ranked_is_not_marked() -> None:
    rows = [
        [GridEntry(name), GridEntry.of(MIOU, value, ranked=name != "pixels"), GridEntry()]
        for name, value in (("pixels", 99), ("a", 1), ("b", 2))
    ]
    section = GridSection("p", rows)
    assert [row[1] for row in marks(Grid("t", _COLUMNS, [section]), section)] == ["", "second", "best"]


def test_markdown_has_bold_underline_arrows_and_escapes() -> None:
    grid = Grid(
        "A_title",
        _COLUMNS,
        [
            GridSection(
                "p|1",
                [
                    [
                        GridEntry("a|b"),
                        GridEntry("44.10", "[43, 45]", 44.1, True),
                        GridEntry("0.4", value=0.4, ranked=True),
                    ],
                    _row("c", "45.20", "0.5"),
                ],
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
        "t",
        _COLUMNS,
        [GridSection("", [[GridEntry("my [cls] vit[/b]"), GridEntry("44.10", "[43, 45]"), GridEntry()]])],
        ["a [b]"],
    )
    print_grid(grid, Console(file=text, width=80))
    for part in ("my [cls] vit[/b]", "[43, 45]", "a [b]", "mIoU % ↑", "RMSE ↓"):
        assert part in text.getvalue()


def test_a_narrow_terminal_folds_and_leaves_nothing_out() -> None:
    text = io.StringIO()
    columns = [Column("name"), Column("birds-knn", MIOU, numeric=True), Column("birds-logreg", MIOU, numeric=True)]
    row = [GridEntry("other_ViT"), GridEntry("20.83", "[+0.054, +0.152]"), GridEntry("25.00", "[12.00, 44.90]")]
    print_grid(Grid("t", columns, [GridSection("", [row])], []), Console(file=text, width=28))
    assert "…" not in text.getvalue()
    cells = [line.split("│") for line in text.getvalue().splitlines() if line.startswith("│")]
    joined = ["".join(cell[place].strip() for cell in cells) for place in (1, 2, 3)]
    assert joined == ["other_ViT", "20.83[+0.054,+0.152]", "25.00[12.00,44.90]"]
