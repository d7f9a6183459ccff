"""What ``densebench report`` does."""

from __future__ import annotations

from pathlib import Path

from benchmark.report.files import write_text
from benchmark.report.page.build import build_page
from benchmark.report.verbs import collect_from, name_problems


def report(results: Path) -> int:
    """Writes ``report.html`` and says where it is.

    Args:
        results: Results folder.

    Returns:
        Exit code: 1 if a record was left out because it cannot be trusted.

    Raises:
        UsageError: No results folder.
    """
    found = collect_from(results)
    path = results / "report.html"
    write_text(path, build_page(found, results / "runs"))
    print(f"{path}: {path.stat().st_size / 1e6:.1f} MB, {len(found.records)} records")
    return name_problems(found)
