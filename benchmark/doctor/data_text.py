"""What the data doctor says, on a terminal and in a log."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchmark.doctor.data_report import ClassCount, DataReport, SplitReport
from benchmark.progress import duration

_LOG_WIDTH = 120  # where there is no terminal to ask
_MOST_PROBLEMS = 20
_MOST_CLASSES = 21
_BAR = 24


def print_report(report: DataReport, console: Console | None = None) -> None:
    """Prints a report; long lists are cut, ``--json`` has all of them."""
    console = console or Console(width=None if sys.stdout.isatty() else _LOG_WIDTH, highlight=False)
    console.print(f"[bold]{escape(report.title)}[/]  {escape(report.root)}", soft_wrap=True)
    if report.splits:
        console.print(_counts(report.splits))
    for split in report.splits:
        if split.classes is not None:
            console.print(_histogram(split, split.classes))
        for line in _lines(split):
            console.print(f"  {split.name}: {line}", markup=False, soft_wrap=True)
    for note in report.notes:
        console.print(f"  {note}", markup=False, soft_wrap=True)
    if report.problems:
        console.print(f"[bold red]Problems ({len(report.problems):,})[/]")
        for problem in report.problems[:_MOST_PROBLEMS]:
            console.print(f"  {problem}", markup=False, soft_wrap=True)
        if len(report.problems) > _MOST_PROBLEMS:
            console.print(f"  … and {len(report.problems) - _MOST_PROBLEMS:,} more; --json lists all of them")
    console.print(f"[bold]What it is[/]   {escape(report.variant)}", soft_wrap=True)
    if report.splits:
        console.print(f"[bold]Fingerprint[/]  {report.fingerprint or 'none, for some files cannot be read'}")
    read = f"{report.files:,} files read in {duration(report.seconds)}"
    if report.problems:
        console.print(f"[bold]Verdict[/]      [bold red]to be mended[/] ({read})")
    elif report.comparable or all(split.official is None for split in report.splits):
        console.print(f"[bold]Verdict[/]      [bold green]fine[/] ({read})")
    else:
        console.print(f"[bold]Verdict[/]      [bold yellow]usable, not comparable[/] ({read})")


def _counts(splits: Iterable[SplitReport]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for title in ("split", "images", "official", "readable"):
        table.add_column(title, justify="left" if title == "split" else "right")
    table.add_column("smallest")
    table.add_column("largest")
    for split in splits:
        sizes = ("" if size is None else f"{size[0]}x{size[1]}" for size in (split.smallest, split.largest))
        counts = ("" if number is None else f"{number:,}" for number in (split.images, split.official, split.readable))
        table.add_row(split.name, *counts, *sizes)
    return table


def _histogram(split: SplitReport, classes: tuple[ClassCount, ...]) -> Table:
    """Shows all classes, or the most and least frequent ones where there are many."""
    total = sum(one.pixels for one in classes) or 1
    ranked = sorted((one for one in classes if one.pixels), key=lambda one: -one.pixels)
    cut = len(ranked) > _MOST_CLASSES
    shown = [*ranked[:8], *ranked[-4:]] if cut else ranked
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), title=f"{split.name}: labels", title_justify="left")
    table.add_column("id", justify="right")
    table.add_column("class")
    table.add_column("images", justify="right")
    table.add_column("pixels", justify="right")
    table.add_column("")
    for number, one in enumerate(shown):
        if cut and number == 8:
            table.add_row("", f"… {len(ranked) - 12} more", "", "", "")
        share = one.pixels / total
        bar = "█" * max(round(share / (ranked[0].pixels / total) * _BAR), 0) or "▏"
        table.add_row(str(one.id), escape(one.name), f"{one.images:,}", f"{share:.2%}", bar)
    return table


def _lines(split: SplitReport) -> Iterable[str]:
    if split.classes is not None:
        absent = [one for one in split.classes if not one.pixels]
        names = ", ".join(one.name or str(one.id) for one in absent[:10]) + (", …" if len(absent) > 10 else "")
        present = len(split.classes) - len(absent)
        yield f"{present} of {len(split.classes)} classes occur" + (f"; absent: {names}" if absent else "")
        yield f"{split.ignored_share:.1%} of the label pixels are ignored"
    if split.depth is not None:
        depth = split.depth
        yield (
            f"depth {depth.lowest:.2f} to {depth.highest:.2f} m, median {depth.median:.2f} m; "
            f"{depth.valid:.1%} of the pixels have a measurement"
        )
    if split.folders:
        sizes = sorted(split.folders.values())
        many = f"{sizes[0]:,}" if sizes[0] == sizes[-1] else f"{sizes[0]:,} to {sizes[-1]:,}"
        yield f"{len(sizes):,} classes of {many} images"
    for remark in split.remarks:
        yield f"{remark.count:,} {remark.kind}, for example {', '.join(remark.examples)}"
    yield from split.notes
