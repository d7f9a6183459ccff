"""Comparisons show the patch tokens of an image."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmark.cli import main
from benchmark.load_protocol import load_protocol
from benchmark.report.patch_tokens import patch_tokens, tokens_text
from benchmark.report.published import lay_beside, of_protocols, read_figures
from benchmark.report.tables.leaderboard import make_leaderboard
from benchmark.report.tables.leaderboard_grid import leaderboard_grid


@pytest.mark.parametrize(
    ("benchmark", "name", "patch", "tokens"),
    [
        ("ade20k", "dinov2-lin", 14, 37 * 37),  # 512 pixels padded to 518
        ("ade20k", "dinov2-lin", 16, 32 * 32),
        ("ade20k", "dinov3-lin-sweep", 14, 32 * 32),
        ("ade20k", "dinov3-lin-sweep", 16, 32 * 32),
        ("kitti", "dinov2-lin1", 16, 22 * 76),  # 352 x 1216
        ("imagenet-knn", "dinov2", 14, 16 * 16),
        ("imagenet-linear", "dinov3-paper", 14, 32 * 32),
    ],
)
def test_tokens_follow_from_protocol_and_patch(
    make_record: Callable, benchmark: str, name: str, patch: int, tokens: int
) -> None:
    record = make_record(
        benchmark=benchmark,
        protocol={"fields": load_protocol(benchmark, name).fields},
        model={"patch_size": patch},
        data={"name": benchmark.partition("-")[0]},
    )
    assert patch_tokens(record) == (tokens, tokens)


def test_what_was_measured_counts(make_record: Callable) -> None:
    fields = {"fields": load_protocol("nyu", "dinov2-lin1").fields}
    assert tokens_text([make_record(benchmark="nyu", protocol=fields, data={"name": "nyu"})]) == ""
    seen = make_record(benchmark="nyu", protocol=fields, patch_tokens=(1200, 1610))
    assert tokens_text([seen, make_record(patch_tokens=(64, 64))]) == "1,200 to 1,610 and 64"


def test_a_record_that_says_nothing_of_it_has_no_tokens(make_record: Callable) -> None:
    assert tokens_text([make_record()]) == ""


def test_models_of_other_patches_show_both(
    add_record: Callable, counts: Callable, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    protocol = {"fields": load_protocol("ade20k", "dinov2-lin").fields}
    add_record(protocol=protocol, statistics=counts(0))
    other = {"name": "other", "patch_size": 16, "checkpoint_sha256": "b" * 64}
    add_record(protocol=protocol, statistics=counts(1), model=other)
    assert main(["compare", "vits14", "other", "--results", str(tmp_path)]) == 0
    assert "1,369 and" in capsys.readouterr().out
    assert main(["leaderboard", "--results", str(tmp_path)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "Patch tokens per image: dinov2: ade20k 1,024 and 1,369." in said
    assert main(["report", "--results", str(tmp_path)]) == 0
    page = (tmp_path / "report.html").read_text()
    assert "1,369 tokens per image" in page
    assert "1,024 tokens" in page


def test_published_figures_show_their_tokens(make_record: Callable) -> None:
    protocol = load_protocol("ade20k", "dinov2-lin")
    fields = {"fields": protocol.fields, "fingerprint": protocol.fingerprint}
    board = make_leaderboard([make_record(protocol=fields)])
    found = lay_beside(of_protocols(read_figures(), ["dinov2-lin"]), board.rows)
    by_model = {each.model: each.tokens for each in found.beside}
    assert by_model["DINOv2 ViT-L/14, LVD-142M"] == 1369
    assert set(by_model.values()) >= {1369, 1024}
    text = [
        entry.detail
        for section in leaderboard_grid(board, found.beside).sections
        for row in section.rows
        for entry in row
    ]
    assert "published, 1,369 tokens" in text


def test_a_benchmark_without_known_tokens_is_not_listed(make_record: Callable) -> None:
    whole = make_record(id="2", benchmark="nyu", primary={"name": "rmse", "value": 0.4, "higher_is_better": False})
    board = make_leaderboard([make_record(patch_tokens=(1024, 1024)), whole])
    assert "Patch tokens per image: dinov2: ade20k 1,024." in leaderboard_grid(board).notes
