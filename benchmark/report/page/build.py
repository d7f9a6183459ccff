"""Puts the page together. The same records give the same bytes."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from benchmark.report.collect import Collected
from benchmark.report.page import scatter
from benchmark.report.page.axis import short
from benchmark.report.page.board import make_board
from benchmark.report.page.classes import make_classes
from benchmark.report.page.flag_groups import group_flags
from benchmark.report.page.forest import make_forests
from benchmark.report.page.gallery import make_galleries
from benchmark.report.page.inside import make_inside
from benchmark.report.page.introduction import make_introduction
from benchmark.report.page.runs import anchors_of, make_protocols, make_runs
from benchmark.report.page.scatter import make_costs
from benchmark.report.page.tables import make_ablations, make_published
from benchmark.report.published import read_figures
from benchmark.report.tables.leaderboard import make_leaderboard
from benchmark.report.tables.leaderboard_grid import leaderboard_grid
from benchmark.report.tables.write import board_flags

_TEMPLATES = Path(__file__).parent / "templates"


def build_page(collected: Collected, runs: Path) -> str:
    """Returns the whole page as HTML.

    Args:
        collected: Sound records and what was left out.
        runs: Folder of the records, for their galleries.
    """
    records, estimates = collected.records, collected.estimates
    leaderboard = make_leaderboard(records, estimates)
    rows = leaderboard.rows
    anchors = anchors_of(records)
    protocols = make_protocols(records)
    figures = read_figures()
    tables, differing = make_published(rows, figures, anchors)
    inside, inside_notes = make_inside(runs.parent)
    script = (_TEMPLATES / "page.js").read_text("utf-8")
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["short"] = short
    return environment.get_template(
        "page.html.j2"
    ).render(
        style=Markup((_TEMPLATES / "page.css").read_text("utf-8")),  # noqa: S704  (ours, not a record's)
        script=Markup(script),  # noqa: S704
        script_hash=_hash(script),
        asked=make_introduction(rows),
        board=make_board(leaderboard_grid(leaderboard), anchors),
        left_out=leaderboard.left_out,
        forests=make_forests(rows, estimates, anchors),
        ablations=make_ablations(rows, estimates, figures),
        costs=make_costs(rows, anchors),
        plot_size=(scatter.WIDTH, scatter.HEIGHT),
        plot_frame=scatter.FRAME,
        classes=make_classes(rows),
        galleries=make_galleries(rows, runs),
        inside=inside,
        inside_notes=inside_notes,
        figure_tables=tables,
        differing=differing,
        flags=group_flags(board_flags(leaderboard, records, collected.unverified), anchors),
        problems=collected.problems,
        runs=make_runs(records, rows, anchors, protocols, collected.unverified),
        protocols=list(protocols.values()),
        models=len({row.model.checkpoint_sha256 for row in rows}),
        newest=max((record.created for record in records), default="")[:10],
    )


def _hash(script: str) -> str:
    """Returns what the page's policy lets run: this script and no other."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
