"""Published figures stand beside ours only where every protocol field agrees."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmark.errors import RecordError, UsageError
from benchmark.listing import CONFIGS
from benchmark.protocols import load_protocol
from benchmark.report.configs import read_config
from benchmark.report.leaderboard import make_leaderboard
from benchmark.report.leaderboard_grid import leaderboard_grid
from benchmark.report.markdown import to_markdown
from benchmark.report.published import differences, lay_beside, of_protocols, read_figures


@pytest.fixture
def official(make_record: Callable) -> Callable:
    """Makes a record of a shipped protocol on all official images."""

    def make(*overrides: str, name: str = "dinov2-lin", **changes: object) -> object:
        protocol = load_protocol("ade20k", name, overrides)
        fields = {
            "name": protocol.name,
            "family": protocol.settings.family,
            "overrides": list(overrides),
            "fields": protocol.fields,
            "fingerprint": protocol.fingerprint,
        }
        return make_record(protocol=fields, **changes)

    return make


def test_every_shipped_protocol_reads_as_mmengine_reads_it() -> None:
    from mmengine.config import Config

    for path in sorted(CONFIGS.glob("*/*.py")):
        if path.parent.name in {"backbones", "ablations", "mmseg"}:
            continue
        assert read_config(path) == Config.fromfile(path, import_custom_modules=False).to_dict()


def test_figures_of_the_same_protocol_stand_beside_ours(official: Callable) -> None:
    board = make_leaderboard([official()])
    found = lay_beside(of_protocols(read_figures(), ["dinov2-lin"]), board.rows)
    large = {each.model: each.value for each in found.beside}
    assert large["DINOv2 ViT-L/14, LVD-142M"] == 47.7  # arXiv 2304.07193, table 10
    assert {each.benchmark for each in found.beside} == {"ade20k"}
    text = to_markdown(leaderboard_grid(board, found.beside))
    assert "| DINOv2 ViT-L/14, LVD-142M |" in text
    assert "47.70 <sub>published</sub>" in text


def test_fields_that_differ_are_listed_instead(official: Callable) -> None:
    board = make_leaderboard([official("train.iterations=20", "head.dropout=0.1")])
    found = lay_beside(of_protocols(read_figures(), ["dinov2-lin"]), board.rows)
    assert found.beside == []
    [line] = [line for line in found.differing if "ade20k" in line]
    assert "head.dropout 0 ≠ 0.1; train.iterations 40000 ≠ 20" in line
    assert [line for line in found.differing if "cityscapes" in line] == [
        "published dinov2-lin, cityscapes (8 figures): no run of ours to stand beside"
    ]


def test_another_protocol_differs(official: Callable) -> None:
    assert differences("dinov2-lin", official()) == []
    assert any(line.startswith("head.dropout") for line in differences("dinov2-lin", official(name="dinov3-lin")))


def test_stored_views_differ_from_augmentation_at_every_step(official: Callable) -> None:
    found = differences("dinov2-lin", official(name="cached"))
    assert found == ["train.stored.views None ≠ 2", "train.stored.dtype None ≠ float16"]


def test_images_that_were_left_out_differ(official: Callable) -> None:
    record = official(metrics={"miou": 40.0, "images_left_out": {"train": 3, "val": 2}})
    assert differences("dinov2-lin", record) == ["2 images of val left out"]


def test_other_data_than_the_official_release_differs(official: Callable) -> None:
    record = official(data={"splits": {"train": 96, "val": 48}})
    assert differences("dinov2-lin", record) == ["val images 2,000 ≠ 48"]


def test_a_protocol_we_do_not_have_is_not_guessed(official: Callable) -> None:
    assert differences("dinov2-lin-ms", official()) == ["no protocol dinov2-lin-ms here to compare fields with"]


@pytest.mark.parametrize(
    ("published", "benchmark", "ours"),
    [
        ("dinov2-lin1", "nyu", "dinov2-lin1"),
        ("dinov2-knn", "imagenet-knn", "dinov2"),
        ("dinov2-linear", "imagenet-linear", "dinov2"),
        ("dinov3-linear", "imagenet-linear", "dinov3"),
    ],
)
def test_protocols_of_other_names_are_found(make_record: Callable, published: str, benchmark: str, ours: str) -> None:
    protocol = json.loads(json.dumps(read_config(CONFIGS / benchmark / f"{ours}.py")))
    record = make_record(benchmark=benchmark, protocol={"fields": protocol}, data={"name": "another"})
    assert differences(published, record) == []


def test_an_unknown_protocol_is_an_error() -> None:
    with pytest.raises(UsageError, match="did you mean 'dinov2-lin"):
        of_protocols(read_figures(), ["dinov2-lim"])


@pytest.mark.parametrize(
    ("text", "said"),
    [("a,b\n1,2\n", "columns are a, b"), ("{header}\nm,,L,14,0,,ade20k,miou,x,p,s,printed\n", "line 2")],
)
def test_a_damaged_file_is_an_error(tmp_path: Path, text: str, said: str) -> None:
    header = (CONFIGS / "published.csv").read_text().splitlines()[0]
    (tmp_path / "p.csv").write_text(text.replace("{header}", header))
    with pytest.raises(RecordError, match=said):
        read_figures(tmp_path / "p.csv")


def test_every_figure_has_a_source_and_a_known_trust() -> None:
    figures = read_figures()
    assert all(figure.source for figure in figures)
    assert {figure.trust for figure in figures} == {"printed", "read-off-figure", "second-hand", "inferred"}
