"""Ablation tables: rows found by what models are, differences to the baseline, missing cells with their command."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from benchmark.backbones.presets import build_vit
from benchmark.cli import main
from benchmark.configs import backbone_presets, protocol_files
from benchmark.data.registry import DATASETS
from benchmark.errors import ProtocolError, UsageError
from benchmark.load_protocol import load_protocol
from benchmark.report.collect import collect
from benchmark.report.published import read_figures
from benchmark.report.tables.ablation import Ablation, AblationEntry, AblationGroup, fits, make_ablation
from benchmark.report.tables.ablation_config import AblationConfig, ColumnSpec, Match, ablation_names, read_ablation
from benchmark.report.tables.ablation_grid import ablation_grid, ablation_table
from benchmark.report.tables.ablation_published import published_rows
from benchmark.report.tables.leaderboard import make_leaderboard
from benchmark.report.tables.markdown import to_markdown

_SEG = ("ade20k", "cityscapes", "voc2012")
_SPECIAL = {"name": "special", "checkpoint": "s.pth", "checkpoint_sha256": "b" * 64, "specialization": "norms+qkv[0-3]"}


@pytest.fixture
def table(tmp_path: Path) -> Callable[..., Ablation]:
    def make(name: str = "specialization", *, label: str | None = None, **changes: Any) -> Ablation:
        found = collect(tmp_path)
        rows = make_leaderboard(found.records, found.estimates).rows
        config = read_ablation(name)[1].model_copy(update=changes)
        return make_ablation(config, rows, found.estimates, label=label)

    return make


def _row(table: Ablation, name: str, group: int = 0) -> dict:
    [row] = [row for row in table.groups[group].rows if row.spec.name == name]
    return dict(zip([column.name for column in table.config.columns], row.entries, strict=True))


@pytest.mark.parametrize("name", ablation_names())
def test_every_shipped_table_is_read_and_can_be_empty(name: str, tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    assert main(["ablation", name, "--results", str(tmp_path)]) == 0
    for end in ("csv", "md", "tex"):
        assert (tmp_path / "ablations" / f"{name}.{end}").stat().st_size > 100


def test_the_tables_that_ship() -> None:
    assert ablation_names() == ["artifacts", "blocks", "deit3", "mini", "sizes", "small", "specialization"]


def test_averages_and_differences_are_paired(add_record: Callable, counts: Callable, table: Callable) -> None:
    values = {}
    for model, skill in (({}, 0.5), (_SPECIAL, 0.7)):
        for number, benchmark in enumerate(_SEG):
            record = add_record(benchmark=benchmark, statistics=counts(number, skill=skill), model=model)
            values.setdefault(record.model.name, []).append(record.primary.value)
    found = table()
    baseline, special = _row(found, "baseline")["avg seg"], _row(found, "norms+qkv")["avg seg"]
    assert baseline.value == pytest.approx(sum(values["vits14"]) / 3)
    assert baseline.delta is None
    assert special.delta.value == pytest.approx((sum(values["special"]) - sum(values["vits14"])) / 3)
    assert 0 < special.delta.interval.low < special.delta.value < special.delta.interval.high
    assert _row(found, "norms+qkv")["avg depth"].value is None


def test_a_missing_cell_comes_with_the_command_that_fills_it(add_record: Callable, table: Callable) -> None:
    add_record(model={"name": "my vit"})
    found = table()
    assert found.label == "dinov2"
    lines = {line.partition(":")[0]: line for line in found.missing}
    assert "voc2012" in lines["baseline"]
    assert "--checkpoint vits14.pth --name 'my vit'" in lines["baseline"]
    assert lines["norms+proj"].endswith("--checkpoint CKPT ; CKPT: specialization norms+proj[0-3]")
    assert "missing" in to_markdown(ablation_grid(found, read_figures()))


def test_an_average_over_fewer_benchmarks_than_it_names_is_no_average(add_record: Callable, table: Callable) -> None:
    add_record()
    assert _row(table(), "baseline")["avg seg"].value is None


def test_what_a_family_has_no_protocol_for_is_left_out_and_named(
    add_record: Callable, counts: Callable, table: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    without = "cityscapes"
    monkeypatch.setattr(
        "benchmark.report.tables.ablation.protocol_files",
        lambda folders: {} if without in folders else protocol_files(folders),
    )
    for benchmark in ("ade20k", "voc2012"):
        add_record(benchmark=benchmark, statistics=counts(1), protocol={"family": "mini", "name": "mini"})
    found = table()
    assert _row(found, "baseline")["avg seg"].value is not None
    assert "avg seg is the mean of ade20k, voc2012: family mini has no protocol for cityscapes" in found.notes


def test_several_checkpoints_for_one_row_are_named_not_chosen(
    add_record: Callable, counts: Callable, table: Callable, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for n, name in enumerate("ab"):
        for benchmark in _SEG:
            model = {"name": name, "checkpoint_sha256": name * 64}
            add_record(benchmark=benchmark, statistics=counts(n), model=model)
    found = table()
    assert _row(found, "baseline")["avg seg"].value is None
    assert any(line.startswith("baseline: 2 checkpoints fit, a (ViT-S/14, aaaaaaaa), b") for line in found.notes)
    main(["ablation", "specialization", "--filter", "name=a", "--results", str(tmp_path)])
    assert "2 checkpoints fit" not in capsys.readouterr().out
    written = pd.read_csv(tmp_path / "ablations" / "specialization.csv")
    assert written["model"][0] == "a"


def test_the_pixel_baseline_is_not_a_row(add_record: Callable, table: Callable) -> None:
    add_record(model={"checkpoint": "pixels", "name": "raw pixels"})
    assert table().label is None


def test_groups_have_baselines_of_their_own(add_record: Callable, counts: Callable, table: Callable) -> None:
    for registers in (0, 4):
        for special in (False, True):
            model = {"num_registers": registers, "checkpoint_sha256": f"{registers}{int(special)}" * 32}
            model |= {"specialization": "norms+qkv[0-3]" if special else "none", "name": f"{registers}{special}"}
            add_record(statistics=counts(registers + special), model=model)
    found = table("artifacts")
    deltas = [_row(found, "norms+qkv", group)["ADE20K"] for group in (0, 1)]
    for group, cell in enumerate(deltas):
        assert cell.delta.value == pytest.approx(cell.value - _row(found, "shared", group)["ADE20K"].value)


_OTHERS = [
    ({"embed_dim": 1024}, "embed_dim 384 ≠ 1024"),
    ({"depth": 24, "specialization": "norms+qkv[0-7]"}, "depth 12 ≠ 24"),
    ({"patch_size": 16}, "patch_size 14 ≠ 16"),
    ({"num_registers": 4}, "num_registers 0 ≠ 4"),
    ({"attention_bias": True}, "attention_bias False ≠ True"),
    ({"layout": "timm"}, "layout dinov2 ≠ timm"),
    ({"spec": {"num_heads": 6, "ffn": "swiglu"}}, "ffn None ≠ swiglu"),
    ({"spec": {"num_heads": 6, "norm_eps": 1e-5}}, "norm_eps None ≠ 1e-05"),
    ({"spec": {"num_heads": 12}}, "num_heads 6 ≠ 12"),
]


@pytest.mark.parametrize(("change", "said"), _OTHERS)
def test_models_that_differ_in_more_than_the_split_have_no_difference(
    add_record: Callable, counts: Callable, table: Callable, change: dict, said: str
) -> None:
    add_record(statistics=counts(0))
    add_record(statistics=counts(1), model={**_SPECIAL, **change})
    columns = (ColumnSpec(name="ADE20K", mean=("ade20k",)),)
    found = table(columns=columns)
    cell = _row(found, "norms+qkv")["ADE20K"]
    assert cell.value is not None
    assert cell.delta is None
    [note] = [note for note in found.notes if "no difference" in note]
    assert note == f"special: no difference to vits14, which differs in more than the split: {said}"
    [field] = [said.split(maxsplit=1)[0]]
    assert _row(table(columns=columns, may_differ=(field,)), "norms+qkv")["ADE20K"].delta is not None


def test_strategies_are_compared_although_registers_differ(
    add_record: Callable, counts: Callable, table: Callable
) -> None:
    for registers in (0, 4):
        model = {"num_registers": registers, "checkpoint_sha256": f"{registers}" * 64, "name": f"r{registers}"}
        add_record(statistics=counts(registers), model=model)
    cell = _row(table("artifacts"), "registers", 3)["ADE20K"]
    assert cell.delta.value == pytest.approx(cell.value - _row(table("artifacts"), "shared", 3)["ADE20K"].value)


def test_models_with_and_without_registers_as_they_are_built_are_compared_under_artifacts(
    add_record: Callable, counts: Callable, table: Callable
) -> None:
    """DINOv2's models with registers resize positions in another way, so more differs than their number."""
    for registers in (0, 4):
        spec = build_vit("S", num_registers=registers).spec
        model = {"num_registers": registers, "checkpoint_sha256": f"{registers}" * 64, "name": f"r{registers}"}
        add_record(statistics=counts(registers), model=model | {"spec": json.loads(json.dumps(asdict(spec)))})
    assert _row(table("artifacts"), "registers", 3)["ADE20K"].delta is not None


def test_one_checkpoint_fills_its_row_in_both_tables_of_the_paper(
    add_record: Callable, counts: Callable, table: Callable
) -> None:
    for number, norms in enumerate(("norms[0-7]", "norms")):
        split = f"{norms}+qkv[0-7]+proj[0-7]+mlp[0-7]"
        model = {"depth": 24, "specialization": split, "checkpoint_sha256": f"{number}" * 64, "name": split}
        for benchmark in _SEG:
            add_record(benchmark=benchmark, statistics=counts(number), model=model)
        assert _row(table("blocks"), "8")["avg seg"].value is not None
        assert _row(table("specialization"), "norms+qkv+proj+mlp")["avg seg"].value is not None
    in_all, in_first = table("specialization"), table("blocks")  # with both there, each table has its own form
    assert next(row.model for row in in_all.groups[0].rows if row.spec.name == "norms+qkv+proj+mlp") == split
    assert next(row.model for row in in_first.groups[0].rows if row.spec.name == "8").startswith("norms[0-7]+")


def _trained(add_record: Callable, counts: Callable, trainings: int) -> dict[str, list[float]]:
    """Adds the records of ``small`` on VOC2012 and returns its scores by row."""
    values: dict[str, list[float]] = {}
    for name, skill in (("none", 0.5), ("norms", 0.6), ("norms+qkv[0-3]", 0.7)):
        for seed in range(trainings):
            model = {"name": f"{name}, seed {seed}", "specialization": name, "layout": "densebench"}
            model |= {"checkpoint_sha256": f"{name[-5:].encode().hex()}{seed}".ljust(64, "0")}
            statistics = counts(seed, skill=skill + 0.05 * seed * (name != "none"))
            record = add_record(benchmark="voc2012", statistics=statistics, model=model)
            values.setdefault(name, []).append(record.primary.value)
    return values


def test_trainings_are_averaged_and_their_differences_have_intervals_over_trainings(
    add_record: Callable, counts: Callable, table: Callable
) -> None:
    values = _trained(add_record, counts, 3)
    found = table("small")
    baseline, _, special = (row.entries[-1] for row in found.trainings.rows)
    differences = np.subtract(values["norms+qkv[0-3]"], values["none"])
    assert baseline.value == pytest.approx(np.mean(values["none"]))
    assert baseline.delta is None
    assert special.value == pytest.approx(np.mean(values["norms+qkv[0-3]"]))
    assert special.delta.value == pytest.approx(differences.mean())
    expected = stats.t.interval(0.95, 2, loc=differences.mean(), scale=stats.sem(differences))
    assert (special.delta.interval.low, special.delta.interval.high) == pytest.approx(expected)
    assert special.delta.interval.method == "student"
    lines = ablation_table(found, [])
    assert set(lines[lines["group"] != "three seeds"]["ci95_over"]) == {"images"}
    [line] = [line for line in lines.to_dict("records") if line["ci95_over"] == "trainings"][2:]
    assert line["model"] == "mean of 3"
    assert (line["group"], line["row"], line["VOC delta"]) == ("three seeds", "norms+qkv", f"{differences.mean():+.2f}")
    text = to_markdown(ablation_grid(found, []))
    assert "three seeds" in text
    assert "over trainings" in text


def test_a_mean_over_fewer_trainings_than_there_are_groups_is_left_empty(
    add_record: Callable, counts: Callable, table: Callable
) -> None:
    _trained(add_record, counts, 2)
    rows = table("small").trainings.rows
    assert [row.entries[-1].value for row in rows] == [None] * 3
    assert [row.model for row in rows] == ["2 of 3"] * 3


def test_one_checkpoint_in_several_groups_is_no_mean_over_trainings(
    add_record: Callable, counts: Callable, table: Callable
) -> None:
    _trained(add_record, counts, 3)
    config = read_ablation("small")[1]
    first = config.groups[0]
    again = [first.model_copy(update={"name": name}) for name in ("a", "b")]
    found = table("small", groups=(*again, config.groups[1]))
    assert all(cell == AblationEntry() for row in found.trainings.rows for cell in row.entries)
    assert "three seeds, baseline: no mean, one checkpoint is in several groups" in found.notes


def test_trainings_of_other_models_have_no_mean(add_record: Callable, counts: Callable, table: Callable) -> None:
    _trained(add_record, counts, 2)
    model = {"name": "none, seed 2", "layout": "densebench", "checkpoint_sha256": "c" * 64, "embed_dim": 768}
    add_record(benchmark="voc2012", statistics=counts(1), model=model)
    found = table("small")
    assert found.trainings.rows[0].entries[-1] == AblationEntry()
    assert "three seeds, baseline: no mean, the models differ: embed_dim 384 ≠ 768" in found.notes


_LARGE = {"arch": "ViT-L/14", "embed_dim": 1024, "depth": 24}


def _published(table: Ablation) -> tuple[dict, list[str]]:
    return published_rows(table, table.groups[0], read_figures())


def _add_shipped(add_record: Callable, counts: Callable, name: str, model: dict, **changes: Any) -> None:
    """Adds records of the official releases under the protocols of a family."""
    for number, benchmark in enumerate(_SEG):
        protocol = load_protocol(benchmark, name)
        official = {split: DATASETS[benchmark].counts[split] for split in ("train", "val")}
        add_record(
            **{"data": {"name": benchmark, "splits": official}, **changes},
            benchmark=benchmark,
            statistics=counts(number),
            model=model,
            protocol={
                "name": name,
                "family": protocol.settings.family,
                "fields": protocol.fields,
                "fingerprint": protocol.fingerprint,
            },
        )


def test_published_rows_stand_below_models_and_protocols_they_belong_to(
    add_record: Callable, counts: Callable, table: Callable
) -> None:
    _add_shipped(add_record, counts, "dinov2-lin", _LARGE)
    rows, left_out = _published(table())
    assert rows["norms+qkv"]["avg seg"].value == 66.6  # arXiv 2602.08626, component-ablation table
    assert left_out == []


@pytest.mark.parametrize(
    ("name", "model", "changes", "said"),
    [
        ("dinov2-lin", {}, {}, "vits14 is a ViT-S/14, not a ViT-L"),
        ("dinov2-lin", _LARGE | {"num_registers": 4}, {}, "vits14 has 4 registers, not 0"),
        ("mini", _LARGE, {}, "ade20k: mini is another protocol"),
        (
            "dinov2-lin",
            _LARGE,
            {"data": {"name": "ade20k", "splits": {"train": 10, "val": 2000}}},
            "ade20k: train images 20,210 ≠ 10",
        ),
    ],
)
def test_published_rows_of_other_models_protocols_or_data_are_left_out_and_named(
    add_record: Callable, counts: Callable, table: Callable, name: str, model: dict, changes: dict, said: str
) -> None:
    _add_shipped(add_record, counts, name, model, **changes)
    found = table()
    rows, [note] = _published(found)
    assert all("avg seg" not in cells for cells in rows.values())
    assert said in note
    text = to_markdown(ablation_grid(found, read_figures()))
    assert said in text
    assert "66.60" not in text


def test_published_figures_stand_below_and_say_how_well_they_are_known() -> None:
    config = read_ablation("specialization")[1]
    found = Ablation(config, None, [AblationGroup(config.groups[0], [])])
    text = to_markdown(ablation_grid(found, read_figures()))
    who = "DINOv2 ViT-L, published (patch not stated)"
    assert f"| norms+qkv | {who} | 8.00 | 85.20 | 66.60 | 1.165 |" in text
    assert f"| baseline | {who} |  | ≈85.35 | ≈64.50 | ≈1.232 |" in text
    assert f"| qkv | {who} |  |  | (64.70) |  |" in text


@pytest.mark.parametrize("depth", [12, 24, 32])
def test_rows_fit_the_presets_of_specialize(make_record: Callable, depth: int) -> None:
    """The names in the tables are those a specialised checkpoint bears."""
    from benchmark.backbones.specialization import Specialization, parse_blocks

    presets = backbone_presets()["specializations"]
    rows = read_ablation("specialization")[1].groups[0].rows
    for row in rows:
        preset = dict(presets["none" if row.name == "baseline" else row.name])
        blocks = {key: parse_blocks(text, depth) for key, text in preset.items() if key != "lora_rank"}
        norms = blocks.pop("norms", ())
        split = Specialization(
            **dict.fromkeys(("norm1", "norm2", "ls1", "ls2"), norms), **blocks, lora_rank=preset.get("lora_rank", 0)
        )
        label = split.label(depth, layer_scale=True)
        fitting = [
            each.name
            for each in rows
            if fits(each.match, make_record(model={"depth": depth, "specialization": label}).model)
        ]
        assert fitting == [row.name]


def test_patterns_are_plain_but_for_star_and_question_mark(make_record: Callable) -> None:
    model = make_record(
        model={"name": "deit-b@300k", "arch": "ViT-B/16", "depth": 12, "specialization": "qkv[0-3]"}
    ).model
    assert fits(Match(name="*@300k", arch="ViT-?/16", specialization="qkv[{third}]"), model)
    assert not fits(Match(specialization="qkv[0-9]"), model)
    assert not fits(Match(attention_bias=True), model)


_CONFIG = {
    "title": "t",
    "columns": [{"name": "a", "mean": ["ade20k"]}],
    "baseline": "x",
    "groups": [{"rows": [{"name": "x", "match": {"arch": "*"}}]}],
}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"titel": "t"}, "titel: Extra inputs"),
        ({"may_differ": ["patchsize"]}, "did you mean 'patch_size'"),
        ({"baseline": "y"}, "needs one row 'y'"),
        ({"columns": [{"name": "a"}]}, "a field or a mean"),
        (
            {
                "trainings": "two seeds",
                "groups": [{"rows": [{"name": name, "match": {}} for name in names]} for names in ("xy", "x")],
            },
            "same rows in the same order: x, y in group '', x in ''",
        ),
        ({"trainings": "two seeds"}, "two groups or more"),
        ({"trainings": ""}, "a title that is not empty"),
        ({"groups": [{"rows": [{"name": "x", "match": {"size": "L"}}]}]}, r"rows.0.match.size: Extra inputs"),
    ],
)
def test_a_config_is_read_strictly(tmp_path: Path, change: dict, said: str) -> None:
    path = tmp_path / "mine.py"
    path.write_text("".join(f"{key} = {value!r}\n" for key, value in {**_CONFIG, **change}.items()))
    with pytest.raises(ProtocolError, match=said):
        read_ablation(str(path))


@pytest.mark.parametrize(
    ("names", "said"),
    [(["ade20"], "no benchmark 'ade20' \\(did you mean 'ade20k'\\?\\)"), (["ade20k", "nyu"], "have different metrics")],
)
def test_columns_are_of_benchmarks_that_somebody_knows(tmp_path: Path, names: list[str], said: str) -> None:
    config = AblationConfig.model_validate({**_CONFIG, "columns": [{"name": "a", "mean": names}]})
    with pytest.raises(UsageError, match=said):
        make_ablation(config, [], collect(tmp_path).estimates)


def test_a_config_of_ones_own_is_taken_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("".join(f"{key} = {value!r}\n" for key, value in _CONFIG.items()))
    name, config = read_ablation(str(path))
    assert name == "mine"
    assert isinstance(config, AblationConfig)


def test_an_unknown_table_is_an_error() -> None:
    with pytest.raises(UsageError, match="did you mean 'blocks'"):
        read_ablation("block")
