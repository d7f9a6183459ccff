"""The command line as a user meets it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmark.cli import main
from benchmark.records.store import RecordStore


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["list"],
        ["list", "--json"],
        ["run", "--help"],
        ["check", "--help"],
        ["analyze", "--help"],
        ["data", "--help"],
        ["data", "cache"],
        ["leaderboard", "--help"],
        ["compare", "--help"],
        ["ablation", "--help"],
        ["report", "--help"],
        ["analyze", "--help"],
        ["pretrain", "--help"],
        ["rerun", "--help"],
    ],
)
def test_help_and_list_import_no_torch(words: list[str]) -> None:
    heavy = ["torch", "pandas", "mmengine", *([] if words[0] == "list" else ["numpy"])]
    code = (
        "import sys; from benchmark.cli import main\n"
        f"try: main({words})\nexcept SystemExit: pass\n"
        f"print([name for name in {heavy} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


def test_python_m_benchmark_is_the_console_script() -> None:
    module = subprocess.run([sys.executable, "-m", "benchmark", "--help"], capture_output=True, text=True, check=True)
    script = shutil.which("densebench", path=str(Path(sys.executable).parent))
    if script is None:
        pytest.skip("densebench is not installed; run `make install`")
    assert subprocess.run([script, "--help"], capture_output=True, text=True, check=True).stdout == module.stdout


def test_list_json_tells_benchmarks_protocols_and_which_data_is_there(
    mini_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("ade20k", "nyu", "imagenet"):
        (tmp_path / name).symlink_to(mini_data / name)
    assert main(["list", "--json", "--data-root", str(tmp_path)]) == 0
    found = json.loads(capsys.readouterr().out)
    benchmarks = {benchmark["name"]: benchmark for benchmark in found["benchmarks"]}
    assert benchmarks["ade20k"]["protocols"] == [
        "cached",
        "dinov2-lin",
        "dinov3-lin",
        "dinov3-lin-sweep",
        "dvt-lin",
        "mini",
    ]
    assert found["groups"]["seg"] == ["ade20k", "voc2012", "cityscapes"]
    assert {dataset["name"]: dataset["present"] for dataset in found["datasets"]} == {
        "ade20k": True,
        "voc2012": False,
        "cityscapes": False,
        "nyu": True,
        "kitti": False,
        "sunrgbd": False,
        "imagenet": True,
    }
    assert "dinov2" in found["backbones"]


def test_list_names_the_layouts_that_are_read() -> None:
    from benchmark.backbones.layouts import LAYOUTS
    from benchmark.inventory import inventory

    others = ["hf:DIR", "timm:NAME", "my_file.py:build", "pixels"]
    assert inventory(Path("nowhere"))["backbones"] == [*sorted(layout.NAME for layout in LAYOUTS), *others]


def test_list_reads_well(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["list", "--data-root", str(tmp_path)])
    text = capsys.readouterr().out
    assert "dinov2-lin*" in text
    assert "cityscapes: missing" in text


@pytest.mark.parametrize("words", [["run"], ["run", "ade20k"], ["nope"], [], ["report", "train.iterations=3"]])
def test_wrong_words_exit_with_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(words)
    assert stopped.value.code == 2
    assert "usage: densebench" in capsys.readouterr().err


@pytest.mark.parametrize("option", [["--limit", "0"], ["--limit", "few"], ["--seed", "-1"], ["--gpus", "0"]])
def test_wrong_options_exit_with_2(option: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["run", "ade20k", "--checkpoint", "pixels", *option])
    assert stopped.value.code == 2
    assert option[0] in capsys.readouterr().err


def test_leaderboard_writes_the_tables_and_names_bad_records(
    tmp_path: Path, make_record: Callable, capsys: pytest.CaptureFixture[str]
) -> None:
    store = RecordStore(tmp_path)
    store.ensure_writable()
    store.add(make_record(), None)
    assert main(["leaderboard", "--results", str(tmp_path)]) == 0
    assert "vits14,ViT-S/14,14,0,no,none,22.06,,44.25" in (tmp_path / "leaderboard.csv").read_text()
    (tmp_path / "runs" / "bad.json").write_text("{")
    assert main(["leaderboard", "--results", str(tmp_path)]) == 1
    assert "left out: bad.json: not JSON" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [["leaderboard"], ["leaderboard", "--published", "dinov2-lin"], ["ablation", "blocks"], ["compare", "a", "b"]],
)
def test_verbs_that_read_records_import_no_torch(words: list[str], tmp_path: Path, make_record: Callable) -> None:
    store = RecordStore(tmp_path)
    store.ensure_writable()
    store.add(make_record(), None)
    command = [sys.executable, "-X", "importtime", "-m", "benchmark", *words, "--results", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}
    assert "pandas" in imported
    assert {"torch", "scipy.stats", "mmengine"} & imported == set()


def test_leaderboard_prints_every_format(
    tmp_path: Path, make_record: Callable, capsys: pytest.CaptureFixture[str]
) -> None:
    store = RecordStore(tmp_path)
    store.ensure_writable()
    store.add(make_record(), None)
    store.add(make_record(id="20260101T000000-ade20k-abd", limit=4), None)
    expected = {
        "csv": ("leaderboard.csv", "name,arch,"),
        "markdown": ("leaderboard.md", "| vits14 | ViT-S/14 |"),
        "latex": ("leaderboard.tex", "\\toprule"),
        "json": ("leaderboard.json", '"ade20k_miou"'),
    }
    for form, (name, text) in expected.items():
        assert main(["leaderboard", "--results", str(tmp_path), "--format", form]) == 0
        printed = capsys.readouterr()
        assert text in printed.out
        assert printed.out == (tmp_path / name).read_text()
        assert "left out: 1 run with --limit" in printed.err


def test_filters_narrow_what_is_printed_not_what_is_written(
    tmp_path: Path, make_record: Callable, capsys: pytest.CaptureFixture[str]
) -> None:
    store = RecordStore(tmp_path)
    store.ensure_writable()
    store.add(make_record(), None)
    assert main(["leaderboard", "--results", str(tmp_path), "--filter", "name=other"]) == 0
    assert "No row matches the filters." in capsys.readouterr().out
    assert "vits14" in (tmp_path / "leaderboard.csv").read_text()
    assert main(["leaderboard", "--results", str(tmp_path), "--sort", "ade20k"]) == 2
    assert "did you mean 'ade20k_miou'" in capsys.readouterr().err


def test_a_results_folder_that_is_not_there_is_not_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["leaderboard", "--results", str(tmp_path / "typo")]) == 2
    assert "there is no results folder" in capsys.readouterr().err
    assert not (tmp_path / "typo").exists()


def test_a_group_without_any_data_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "all", "--checkpoint", "pixels", "--data-root", str(tmp_path / "nowhere")]) == 2
    assert "no benchmark of all can run with the data under" in capsys.readouterr().err


def test_a_member_of_a_group_without_the_protocol_is_skipped(
    monkeypatch: pytest.MonkeyPatch, mini_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ran: list[str] = []
    monkeypatch.setattr(
        "benchmark.probing.run.run_cells", lambda names, *_rest: ran.extend(each.name for each in names) or 0
    )
    words = ["--checkpoint", "pixels", "--data-root", str(mini_data), "--results", str(tmp_path)]
    assert main(["run", "all", *words, "--protocol", "dinov2-lin"]) == 0
    assert ran == ["ade20k", "voc2012", "cityscapes"]
    assert "imagenet-knn: skipped, it has no protocol 'dinov2-lin'" in capsys.readouterr().out


def test_an_empty_leaderboard_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["leaderboard", "--results", str(tmp_path)]) == 0
    assert "empty" in capsys.readouterr().out


def test_interrupting_says_how_to_go_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_arguments: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("benchmark.probing.run.run_cells", interrupted)
    assert main(["run", "ade20k", "--checkpoint", "pixels", "--results", str(tmp_path)]) == 130
    assert "the same command resumes" in capsys.readouterr().err


def test_stored_features_are_listed_and_freed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from benchmark.features.manifest import FeatureManifest, write_manifest
    from benchmark.features.plan import Plan

    monkeypatch.setenv("DENSEBENCH_CACHE", str(tmp_path))
    folder = tmp_path / "features" / ("a" * 32) / ("b" * 32)
    folder.mkdir(parents=True)
    plan = Plan({"cls.11": (384,)}, "float16", 1000, 1000)
    write_manifest(
        folder, FeatureManifest(plan, {"dtype": "float16"}, {"model": "vits14", "data": "imagenet train"}, True)
    )
    line = "vits14 on imagenet train: cls.11; 1,000 images in float16, "
    assert main(["list"]) == 0
    assert line in capsys.readouterr().out
    assert main(["list", "--json"]) == 0
    [found] = json.loads(capsys.readouterr().out)["features"]["sets"]
    assert (found["complete"], found["images"], found["columns"]) == (True, 1000, ["cls.11"])
    assert main(["data", "cache"]) == 0
    assert line in capsys.readouterr().out
    assert main(["data", "cache", "--prune", "--older-than", "1"]) == 0
    assert capsys.readouterr().out == "freed 0 B of 0 sets of features\n"
    assert main(["data", "cache", "--prune"]) == 0
    assert "of 1 sets of features" in capsys.readouterr().out
    assert not folder.exists()


@pytest.mark.parametrize(
    "words", [["cache", "--older-than", "3"], ["cache", "--from", "x.tar"], ["voc2012", "--prune"]]
)
def test_options_of_the_cache_go_with_the_cache(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", *words]) == 2
    assert "cache" in capsys.readouterr().err


@pytest.mark.parametrize("words", [("run", "nyu", "--checkpoint", "pixels"), ("pretrain", "a.pth", "--recipe", "dino")])
@pytest.mark.parametrize("given", ["nan", "-1", "soon"])
def test_times_are_numbers_from_0_on(words: tuple[str, ...], given: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([*words, f"--save-every={given}"])
    assert "argument --save-every: " in capsys.readouterr().err


def test_a_seed_fits_into_64_bits(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["pretrain", "a.pth", "--recipe", "dino", "--seed", str(2**63)])
    assert "is too large" in capsys.readouterr().err
