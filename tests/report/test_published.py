"""Published figures are compared with scores only where every protocol field agrees."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmark.benchmarks import BENCHMARKS
from benchmark.configs import CONFIGS
from benchmark.errors import RecordError, UsageError
from benchmark.load_protocol import load_protocol, protocol_names
from benchmark.report.published import agreement, differences, lay_beside, of_protocols, read_figures
from benchmark.report.tables.leaderboard import make_leaderboard
from benchmark.report.tables.leaderboard_grid import leaderboard_grid
from benchmark.report.tables.markdown import to_markdown

_IMAGENET = {"name": "imagenet", "splits": {"train": 1_281_167, "val": 50_000}}


@pytest.fixture
def official(make_record: Callable) -> Callable:
    """Makes a record of a shipped protocol on all official images."""

    def make(*overrides: str, name: str = "dinov2-lin", benchmark: str = "ade20k", **changes: object) -> object:
        protocol = load_protocol(benchmark, name, overrides)
        fields = {
            "name": protocol.name,
            "family": protocol.settings.family,
            "overrides": list(overrides),
            "fields": protocol.fields,
            "fingerprint": protocol.fingerprint,
        }
        return make_record(benchmark=benchmark, protocol=fields, **changes)

    return make


def test_figures_of_the_same_protocol_stand_beside_ours(official: Callable) -> None:
    board = make_leaderboard([official()])
    found = lay_beside(of_protocols(read_figures(), ["dinov2-lin"]), board.rows)
    large = {each.model: each.value for each in found.beside}
    assert large["DINOv2 ViT-L/14, LVD-142M"] == 47.7  # arXiv 2304.07193, table 10
    assert {each.benchmark for each in found.beside} == {"ade20k"}
    text = to_markdown(leaderboard_grid(board, found.beside))
    assert "| DINOv2 ViT-L/14, LVD-142M |" in text
    assert "47.70 <sub>published, 1,369 tokens</sub>" in text


def test_fields_that_differ_are_listed_instead(official: Callable) -> None:
    board = make_leaderboard([official("train.iterations=20", "head.dropout=0.1")])
    found = lay_beside(of_protocols(read_figures(), ["dinov2-lin"]), board.rows)
    assert found.beside == []
    [line] = [line for line in found.differing if "ade20k" in line]
    assert "head.dropout 0 ≠ 0.1; train.iterations 40000 ≠ 20" in line
    assert [line for line in found.differing if "cityscapes" in line] == [
        "published dinov2-lin, cityscapes (8 figures): no run to compare with"
    ]


def test_another_protocol_differs(official: Callable) -> None:
    assert differences("dinov2-lin", official()) == []
    assert any(line.startswith("head.dropout") for line in differences("dinov2-lin", official(name="dinov3-lin")))


def test_stored_views_differ_from_augmentation_at_every_step(official: Callable) -> None:
    found = differences("dinov2-lin", official(name="cached"))
    assert found == ["train.stored.views None ≠ 2", "train.stored.dtype None ≠ float16"]


def test_records_older_than_a_field_have_what_was_done_then(official: Callable) -> None:
    record = official()
    fields = copy.deepcopy(record.protocol.fields)
    del fields["train"]["photometric"], fields["selection"]["refit"]
    older = record.model_copy(update={"protocol": record.protocol.model_copy(update={"fields": fields})})
    assert differences("dinov2-lin", older) == []


def test_images_that_were_left_out_differ(official: Callable) -> None:
    record = official(metrics={"miou": 40.0, "images_left_out": {"train": 3, "val": 2}})
    assert differences("dinov2-lin", record) == ["3 images of train left out", "2 images of val left out"]


def test_other_data_than_the_official_release_differs(official: Callable) -> None:
    record = official(data={"splits": {"train": 96, "val": 48}})
    assert differences("dinov2-lin", record) == ["train images 20,210 ≠ 96", "val images 2,000 ≠ 48"]


def test_a_value_the_source_has_otherwise_may_differ(official: Callable) -> None:
    half = official("features.precision=float16", name="dinov2", benchmark="imagenet-knn", data=_IMAGENET)
    assert differences("dinov2-knn", half) == []
    more = official("knn.temperature=0.1", name="dinov2", benchmark="imagenet-knn", data=_IMAGENET)
    assert differences("dinov2-knn", more) == ["knn.temperature 0.07 ≠ 0.1"]


def test_other_patches_than_the_sources_see_another_number_of_tokens(official: Callable, make_record: Callable) -> None:
    model = make_record().model
    sixteen = official(name="dinov3-lin", model=model.model_copy(update={"patch_size": 16}).model_dump())
    assert differences("dinov3-lin", sixteen) == []
    fourteen = official(name="dinov3-lin", model=model.model_copy(update={"patch_size": 14}).model_dump())
    assert differences("dinov3-lin", fourteen) == ["patches of 16 pixels ≠ 14"]


def test_one_model_that_may_not_stand_beside_the_figures_keeps_them_out_of_the_column(official: Callable) -> None:
    whole = official(name="dinov2-lin")
    part = official(
        name="dinov2-lin",
        id="b" * 32,
        model=whole.model.model_copy(update={"name": "other", "checkpoint_sha256": "b" * 64}).model_dump(),
        data={"splits": {"train": 10, "val": 2000}},
    )
    for order in ([whole, part], [part, whole]):
        found = lay_beside(of_protocols(read_figures(), ["dinov2-lin"]), make_leaderboard(order).rows)
        assert found.beside == []
        assert any("train images 20,210 ≠ 10" in line for line in found.differing)


def test_figures_of_images_seen_whole_have_no_one_number_of_tokens(official: Callable) -> None:
    nyu = official(name="dinov2-lin1", benchmark="nyu", data={"name": "nyu", "splits": {"train": 24231, "val": 654}})
    found = lay_beside(of_protocols(read_figures(), ["dinov2-lin1"]), make_leaderboard([nyu]).rows)
    assert found.beside
    assert {each.tokens for each in found.beside} == {None}


def test_ten_training_images_do_not_stand_beside_a_figure_of_all(official: Callable) -> None:
    """The head of a zero-shot benchmark is trained on another dataset: its images are counted there."""
    nyu = official(name="dinov2-lin1", benchmark="nyu", data={"name": "nyu", "splits": {"train": 10, "val": 654}})
    assert differences("dinov2-lin1", nyu) == ["train images 24,231 ≠ 10"]
    sun = {"name": "sunrgbd", "splits": {"train": 10, "val": 5050}}
    found = differences("dinov2-lin1", official(name="dinov2-lin1", benchmark="sunrgbd", data=sun), presumed=True)
    assert found == ["train images 24,231 ≠ 10"]


@pytest.mark.parametrize(
    ("published", "benchmark", "ours"),
    [("dinov2-lin", "cityscapes", "dinov2-lin"), ("dinov2-lin1", "sunrgbd", "dinov2-lin1")],
)
def test_a_recipe_of_this_projects_own_choice_stands_beside_nothing(
    official: Callable, published: str, benchmark: str, ours: str
) -> None:
    record = official(name=ours, benchmark=benchmark, data={"name": benchmark, "splits": {"train": 24231, "val": 5050}})
    [reason] = differences(published, record)
    assert reason.startswith(f"{ours} ")
    assert agreement(benchmark, published).why in reason


def test_one_protocol_of_a_benchmark_at_most_has_the_figures_of_a_source() -> None:
    for benchmark in BENCHMARKS:
        claims = [
            source
            for name in protocol_names(benchmark)
            for source, said in load_protocol(benchmark, name).settings.published.items()
            if said.agreement != "none"
        ]
        assert sorted(claims) == sorted(set(claims)), benchmark


def test_every_source_a_protocol_names_has_figures_of_that_benchmark() -> None:
    figures = {(figure.protocol, figure.benchmark) for figure in read_figures()}
    for benchmark in BENCHMARKS:
        for name in protocol_names(benchmark):
            for source in load_protocol(benchmark, name).settings.published:
                assert (source, benchmark) in figures, f"{benchmark}/{name}: {source}"


def test_whose_figures_they_are_is_no_part_of_a_protocols_fields(tmp_path: Path) -> None:
    protocol = load_protocol("ade20k", "dinov2-lin")
    assert protocol.settings.published
    assert "published" not in protocol.fields
    path = tmp_path / "mine.py"
    path.write_text(f"_base_ = {str(CONFIGS / 'ade20k' / 'dinov2-lin.py')!r}\npublished = dict(_delete_=True)\n")
    assert load_protocol("ade20k", str(path)).fingerprint == protocol.fingerprint
    with pytest.raises(UsageError, match="no protocol field"):
        load_protocol("ade20k", "dinov2-lin", ("published.dinov2-lin.agreement=none",))


def test_a_protocol_we_do_not_have_is_not_guessed(official: Callable) -> None:
    assert differences("dinov2-lin-ms", official()) == ["no protocol that corresponds to dinov2-lin-ms"]


@pytest.mark.parametrize(
    ("published", "benchmark", "ours"),
    [
        ("dinov2-lin1", "nyu", "dinov2-lin1"),
        ("dinov2-knn", "imagenet-knn", "dinov2"),
        ("dinov2-linear", "imagenet-linear", "dinov2"),
    ],
)
def test_protocols_of_other_names_are_found(make_record: Callable, published: str, benchmark: str, ours: str) -> None:
    fields = load_protocol(benchmark, ours).fields
    data = {"name": "another", "splits": {"train": 24_231, "val": 654}}
    record = make_record(benchmark=benchmark, protocol={"fields": fields}, data=data)
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
