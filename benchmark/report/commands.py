"""The commands that read records: leaderboard, compare, ablation and report.

Each collects the records, writes its files, prints, and says whether anything was left out.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from benchmark.errors import UsageError, did_you_mean
from benchmark.report.baseline import page_family
from benchmark.report.collect import Collected, collect
from benchmark.report.compare import compare, select
from benchmark.report.flags import summarise
from benchmark.report.published import lay_beside, of_protocols, read_figures
from benchmark.report.tables.ablation import make_ablation
from benchmark.report.tables.ablation_config import read_ablation
from benchmark.report.tables.ablation_grid import ablation_grid, ablation_table
from benchmark.report.tables.compare_grid import compare_grid, compare_json
from benchmark.report.tables.filters import filtered, ordered
from benchmark.report.tables.latex import to_latex
from benchmark.report.tables.leaderboard import make_leaderboard
from benchmark.report.tables.leaderboard_grid import leaderboard_grid
from benchmark.report.tables.markdown import to_markdown
from benchmark.report.tables.terminal import make_console, print_grid, print_lines
from benchmark.report.tables.write import board_flags, to_csv, to_json, write_grid, write_leaderboard, write_text


def leaderboard(
    results: Path,
    *,
    form: str = "terminal",
    sort: str | None = None,
    conditions: Sequence[str] = (),
    published: Sequence[str] = (),
) -> int:
    """Writes the leaderboard's files, whole, and prints the part that was asked for.

    Args:
        results: Results folder.
        form: As ``--format`` of the command line; what is not a table goes to stderr unless it is ``terminal``.
        sort: Column to sort by.
        conditions: Filters.
        published: Protocols whose published figures are shown as well.

    Returns:
        Exit code: 1 if a record was left out because it cannot be trusted.

    Raises:
        UsageError: No results folder, or a column, filter or protocol that does not exist.
    """
    figures = of_protocols(read_figures(), published) if published else []
    collected = collect_from(results)
    board = write_leaderboard(collected.records, results, collected.estimates, collected.unverified)
    board = filtered(board, conditions)
    if sort is not None:
        board = ordered(board, sort)
    beside = lay_beside(figures, board.rows)
    flags = board_flags(board, collected.records, collected.unverified)
    lines = [f"left out: {line}" for line in board.left_out]
    lines += [f"flag: {line}" for line in summarise([flag for flag in flags if flag.kind != "limited"])]
    lines += beside.differing
    grid = leaderboard_grid(board, beside.beside)
    if form == "terminal":
        console = make_console()
        if board.rows:
            print_grid(grid, console)
        elif conditions and collected.records:
            console.print("No row matches the filters.")
        else:
            console.print("The leaderboard is empty: no successful run without --limit yet.")
        print_lines(lines, console)
    else:
        write = {
            "csv": lambda: to_csv(board.table),
            "markdown": lambda: to_markdown(grid),
            "latex": lambda: to_latex(grid),
            "json": lambda: to_json(board, flags),
        }
        sys.stdout.write(write[form]())
        for line in lines:
            print(line, file=sys.stderr)
    return report_problems(collected)


def collect_from(results: Path) -> Collected:
    """Reads a results folder.

    Raises:
        UsageError: The folder does not exist.
    """
    if not results.is_dir():
        raise UsageError(f"there is no results folder {results}")
    return collect(results, lambda line: print(line, file=sys.stderr))


def report_problems(collected: Collected) -> int:
    """Prints which records cannot be trusted and why; returns the exit code."""
    for problem in collected.problems:
        print(f"left out: {problem}", file=sys.stderr)
    return 1 if collected.problems else 0


def compare_models(results: Path, first: str, second: str, *, as_json: bool = False) -> int:
    """Compares two models and prints the result.

    Args:
        results: Results folder.
        first: A record's identity, a model's name or the beginning of a checkpoint's hash.
        second: Likewise.
        as_json: Whether JSON is printed.

    Returns:
        Exit code: 1 if a record was left out because it cannot be trusted.

    Raises:
        UsageError: No such model, or nothing about the two is paired.
        RecordError: Statistics are missing or damaged, or images differ.
    """
    collected = collect_from(results)
    code = report_problems(collected)
    page = page_family(make_leaderboard(collected.records).rows, collected.estimates)
    compared = compare(select(collected.records, first), select(collected.records, second), collected.estimates, page)
    if as_json:
        sys.stdout.write(compare_json(compared))
    else:
        print_grid(compare_grid(compared))
    return code


def ablations(results: Path, names: Sequence[str], *, label: str | None = None, conditions: Sequence[str] = ()) -> int:
    """Writes ablation tables into ``results/ablations/`` and prints them.

    Args:
        results: Results folder.
        names: Tables of ``configs/ablations/``, or config files.
        label: Protocol label to show; None takes the one that fills most cells of a table.
        conditions: Filters on the leaderboard's rows, where several checkpoints fit one row of a table.

    Returns:
        Exit code: 1 if a record was left out because it cannot be trusted.

    Raises:
        UsageError: No such table, label, column or filter.
        ProtocolError: A config that cannot be read.
    """
    configs = [read_ablation(name) for name in names]
    figures = read_figures()
    collected = collect_from(results)
    board = filtered(make_leaderboard(collected.records), conditions)
    labels = list(dict.fromkeys(row.label for row in board.rows))
    if label is not None and label not in labels:
        raise UsageError(f"no row has the protocol {label!r}{did_you_mean(label, labels)}; rows: {', '.join(labels)}")
    console = make_console()
    for name, config in configs:
        table = make_ablation(config, board.rows, collected.estimates, label=label)
        grid = ablation_grid(table, figures)
        stem = results / "ablations" / name
        write_grid(grid, ablation_table(table, figures), stem)
        print_grid(grid, console)
        console.print(f"written: {stem}.csv, .md and .tex\n", markup=False, soft_wrap=True)
    return report_problems(collected)


def report(results: Path) -> int:
    """Writes ``report.html`` and says where it is.

    Args:
        results: Results folder.

    Returns:
        Exit code: 1 if a record was left out because it cannot be trusted.

    Raises:
        UsageError: No results folder.
    """
    from benchmark.report.page.build import build_page  # noqa: PLC0415  (templates and pictures serve this one only)

    collected = collect_from(results)
    path = results / "report.html"
    write_text(path, build_page(collected, results / "runs"))
    print(f"{path}: {path.stat().st_size / 1e6:.1f} MB, {len(collected.records)} records")
    return report_problems(collected)
