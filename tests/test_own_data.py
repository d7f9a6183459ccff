"""Data of one's own is a benchmark like any other: every verb takes its description, and every table shows it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from own_data import BIRDS, COLOURS, ROOFS, YARD, describe, write_birds, write_roofs, write_yard
from PIL import Image

from benchmark.backbones import VisionTransformer
from benchmark.benchmarks import benchmark_of, expand
from benchmark.cli import main
from benchmark.data.own import read_dataset
from benchmark.records.store import RecordStore
from benchmark.requested import requested

_QUICK = ("--device", "cpu", "--protocol", "mini", "train.iterations=3", "train.batch_size=2")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All three kinds with their descriptions; tests must not write there."""
    root = tmp_path_factory.mktemp("own")
    for write in (write_roofs, write_yard, write_birds):
        write(root)
    return root


@pytest.fixture(scope="module")
def vit(tmp_path_factory: pytest.TempPathFactory, make_vit: Callable[..., VisionTransformer]) -> Path:
    path = tmp_path_factory.mktemp("vit") / "tiny.pth"
    torch.save(make_vit(embed_dim=64, depth=1, num_heads=1, ffn_dim=64).state_dict(), path)
    return path


@pytest.fixture(scope="module")
def results(data: Path, vit: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Records of two checkpoints on all benchmarks; tests must not write records there."""
    folder = tmp_path_factory.mktemp("results")
    words = [str(data / f"{name}.toml") for name in ("roofs", "yard", "birds")]
    for checkpoint in ("pixels", str(vit)):
        options = ("--checkpoint", checkpoint, "--data-root", str(data), "--results", str(folder))
        assert main(["run", *words, *options, *_QUICK]) == 0
    return folder


def _run(word: Path | str, root: Path, results: Path, *words: str) -> int:
    options = ("--checkpoint", "pixels", "--data-root", str(root), "--results", str(results))
    return main(["run", str(word), *options, *(words or (*_QUICK, "probes.lr=[1e-2]"))])


def _records(results: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted((results / "runs").glob("*.json"))]


def test_each_kind_makes_its_benchmarks_and_one_can_be_named_alone(data: Path) -> None:
    birds = str(data / "birds.toml")
    assert [each.name for each, _ in expand([birds])] == ["birds-knn", "birds-linear", "birds-logreg"]
    assert [each.name for each, named in expand([f"{birds}:knn", birds, f"{birds}:knn"]) if named] == [
        *("birds-knn", "birds-linear", "birds-logreg"),
    ]
    for benchmark, _ in expand([birds, str(data / "roofs.toml")]):
        assert [again.name for again, _ in expand([benchmark.word])] == [benchmark.name]
    assert main(["list", f"{birds}:kn"]) == 2


def test_a_name_of_the_tables_leads_to_its_file(
    data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(data)
    asked = {"roofs": "roofs.toml?", "birds-knn": "birds.toml:knn?"}
    for word, meant in asked.items():
        assert main(["list", word]) == 2
        assert f"(did you mean {meant})" in capsys.readouterr().err
    assert main(["check", "--data", "roofs", "--data-root", "."]) == 2
    assert "(did you mean roofs.toml?)" in capsys.readouterr().err


def test_two_files_of_one_name_cannot_run_together(data: Path, tmp_path: Path, capsys: Any) -> None:
    other = describe(tmp_path / "roofs.toml", ROOFS)
    assert main(["list", str(data / "roofs.toml"), str(other)]) == 2
    assert "have one name" in capsys.readouterr().err


def test_list_shows_protocols_and_what_is_missing(data: Path, tmp_path: Path, capsys: Any) -> None:
    assert main(["list", str(data / "roofs.toml"), "--data-root", str(data)]) == 0
    text = capsys.readouterr().out
    assert "dinov2-lin*" in text and f"{data}: there" in text
    assert "ade20k" not in text
    assert main(["list", str(data / "birds.toml"), "--data-root", str(tmp_path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [each["name"] for each in found["benchmarks"]] == ["birds-knn", "birds-linear", "birds-logreg"]
    assert found["datasets"][0]["missing"] == [str(tmp_path / "birds/train"), str(tmp_path / "birds/val")]


def test_check_names_the_classes_and_the_verdict(data: Path, capsys: Any) -> None:
    assert main(["check", "--data", str(data / "roofs.toml"), "--data-root", str(data)]) == 0
    text = capsys.readouterr().out
    assert all(word in text for word in ("ground", "roof", "tree", "data of your own, 6 train and 3 val", "fine"))
    assert main(["check", "--data", str(data / "yard.toml"), "--data-root", str(data), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["splits"][0]
    assert 1 <= found["depth"]["lowest"] < found["depth"]["highest"] <= 5.3


def test_check_prints_the_fingerprint_that_a_record_carries(data: Path, results: Path, capsys: Any) -> None:
    for name in ("roofs", "yard", "birds"):
        main(["check", "--data", str(data / f"{name}.toml"), "--data-root", str(data), "--json"])
        found = json.loads(capsys.readouterr().out)["fingerprint"]
        assert {each["data"]["fingerprint"] for each in _records(results) if each["data"]["name"] == name} == {found}


def test_check_estimates_the_cost_on_ones_own_data(data: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmark.doctor.checkpoint.BENCHMARKS", {})
    words = ["--checkpoint", "pixels", "--device", "cpu", "--data-root", str(data), "--json"]
    assert main(["check", *words, "--data", str(data / "birds.toml")]) == 0
    found = json.loads(capsys.readouterr().out)["checkpoint"]["sections"]["Time here"]
    assert "for 21 forwards of dinov2 (15 crops, 6 in the test)" in found["birds-knn"]
    assert main(["check", *words, "--data", str(data / "yard.toml")]) == 0
    found = json.loads(capsys.readouterr().out)["checkpoint"]["sections"]["Time here"]
    assert "120 x 128 px, float32" in found
    assert found["yard"].endswith("6 in the test)")  # three images and their mirror images


def test_a_record_says_what_its_data_was(results: Path) -> None:
    for record in RecordStore(results).read().records:
        assert record.status == "success"
        assert record.data.description is not None and record.data.description_hash is not None
        assert benchmark_of(record).name == record.benchmark
    roofs = next(each for each in RecordStore(results).read().records if each.benchmark == "roofs")
    assert benchmark_of(roofs).dataset.classes == ("ground", "roof", "tree")


def test_a_cell_that_is_done_is_skipped(data: Path, results: Path, capsys: Any) -> None:
    before = len(_records(results))
    options = ("--checkpoint", "pixels", "--data-root", str(data), "--results", str(results))
    assert main(["run", str(data / "birds.toml:knn"), *options, *_QUICK[:4]]) == 0
    assert "birds-knn: done already" in capsys.readouterr().out
    assert len(_records(results)) == before


def test_the_leaderboard_has_its_columns_in_every_form(results: Path, capsys: Any) -> None:
    columns = ("roofs_miou", "yard_rmse", "birds_knn_top1", "birds_linear_top1", "birds_logreg_top1")
    said = {"csv": columns, "json": columns, "markdown": ("roofs", "yard", "birds-knn"), "latex": ("roofs mIoU",)}
    for form, words in said.items():
        assert main(["leaderboard", "--results", str(results), "--format", form]) == 0
        text = capsys.readouterr().out
        assert all(word in text for word in words), form
    assert main(["leaderboard", "--results", str(results), "--format", "csv", "--sort", "roofs_miou",
                 "--filter", "roofs_miou>0", "birds_knn_top1>=0"]) == 0  # fmt: skip
    assert capsys.readouterr().out.count("\n") >= 3


def test_a_class_whose_value_is_ignored_is_named_before_the_training(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Masks of 0 and 255, of which 255 is ignored unless the description says otherwise."""
    root = Path(shutil.copytree(data, tmp_path / "data"))
    for mask in root.glob("roofs/labels/*/*.png"):
        with Image.open(mask) as file:
            pixels = np.asarray(file)
        Image.fromarray(np.where(pixels == 1, 255, 0).astype(np.uint8)).save(mask)
    text = (root / "roofs.toml").read_text()
    (root / "roofs.toml").write_text(text.replace("classes =", 'classes = ["ground", "roof"]  #', 1))
    assert _run(root / "roofs.toml", root, tmp_path / "results", *_QUICK) == 0
    assert "roofs: note: no pixel of split 'train' is roof; if there are some" in capsys.readouterr().out


def test_of_the_benchmarks_of_a_file_those_without_the_protocol_are_skipped(data: Path, capsys: Any) -> None:
    assert [each.name for each in requested([str(data / "birds.toml")], data_root=data, protocol="cached")] == [
        "birds-linear"
    ]
    assert "birds-knn: skipped, it has no protocol 'cached'" in capsys.readouterr().out
    alone = requested([str(data / "birds.toml:knn")], data_root=data, protocol="cached")
    assert [each.name for each in alone] == ["birds-knn"]  # and is refused, with those that it has


def test_the_page_has_class_names_and_pictures(results: Path) -> None:
    assert main(["report", "--results", str(results)]) == 0
    page = (results / "report.html").read_text()
    assert page.count(">roof<") + page.count("roof</") >= 1
    assert all(name in page for name in ("ground", "tree", "yard", "birds-logreg"))
    assert len(list((results / "runs").glob("*roofs*"))) == 2 * 3  # record, statistics, gallery
    assert "class 1" not in page
    assert "Not the official data" not in page  # there is no official release of one's own


def test_the_page_knows_its_title_and_no_official_release(data: Path, tmp_path: Path) -> None:
    own = describe(tmp_path / "roofs.toml", f'title = "Roofs of <Lyon>"\n{ROOFS}')
    assert _run(own, data, tmp_path / "results") == 0
    assert main(["report", "--results", str(tmp_path / "results")]) == 0
    page = (tmp_path / "results" / "report.html").read_text()
    assert "<small>Roofs of &lt;Lyon&gt;</small>" in page
    assert "<strong>Own data.</strong> roofs:" in page
    assert "official release (" not in page


def test_two_checkpoints_are_compared_class_by_class(results: Path, capsys: Any) -> None:
    assert main(["compare", "pixels", "tiny", "--results", str(results), "--json"]) == 0
    text = capsys.readouterr().out
    assert {each["benchmark"] for each in json.loads(text)["comparisons"]} == {
        *("roofs", "yard", "birds-knn", "birds-linear", "birds-logreg"),
    }
    assert all(f'"{name}"' in text for name in ("ground", "roof", "tree"))


def test_an_ablation_table_takes_its_column(results: Path, tmp_path: Path, capsys: Any) -> None:
    table = (
        "title = 'Own'\nbaseline = 'a'\ncolumns = [dict(name='roofs', mean=['roofs'])]\n"
        "groups = [dict(name='', rows=[dict(name='a', match=dict(name='tiny')), dict(name='b', "
        "match=dict(name='none'))])]\n"
    )
    config = tmp_path / "own.py"
    config.write_text(table)
    code = main(["ablation", str(config), "--results", str(results)])
    printed = capsys.readouterr()
    assert code == 0, printed.err
    assert "densebench run roofs.toml" in printed.out.replace("\n", " ")


def test_a_record_runs_again_without_its_file_and_tells_when_that_was_edited(
    data: Path, tmp_path: Path, capsys: Any
) -> None:
    own, results = describe(tmp_path / "roofs.toml", ROOFS), tmp_path / "results"
    assert _run(own, data, results) == 0
    [record] = _records(results)
    own.unlink()
    assert main(["rerun", record["id"], "--results", str(results), "--device", "cpu"]) == 0
    assert "agrees" in capsys.readouterr().out
    describe(own, ROOFS.replace('"tree"', '"bush"'))
    assert main(["rerun", record["id"], "--results", str(results), "--device", "cpu"]) == 0
    assert f"{own} has changed since; the record's own was used" in capsys.readouterr().out
    assert {each["data"]["fingerprint"] for each in _records(results)} == {record["data"]["fingerprint"]}


def test_each_process_of_several_gets_the_file(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    launched: list[list[str]] = []
    monkeypatch.setattr("benchmark.distributed.launch", lambda count, words: launched.append(words) or 0)
    assert _run(data / "birds.toml", data, tmp_path / "results", "--gpus", "2", *_QUICK[:4], "train.iterations=3") == 2
    tmp_path.joinpath("results").mkdir()
    launched.clear()
    assert _run(data / "birds.toml", data, tmp_path / "results", "--gpus", "2", *_QUICK[:4], "train.iterations=3") == 0
    assert [words[1] for words in launched] == [
        str(data / f"birds.toml:{name}") for name in ("knn", "linear", "logreg")
    ]
    assert ["train.iterations=3" in words for words in launched] == [False, True, False]


@pytest.mark.parametrize("words", [("--limit", "2"), ("--seed", "3"), ("data.val=train2",)])
def test_options_and_overrides_work(data: Path, tmp_path: Path, words: tuple[str, ...]) -> None:
    root = Path(shutil.copytree(data, tmp_path / "data"))
    shutil.copytree(root / "roofs/images/val", root / "roofs/images/train2")
    shutil.copytree(root / "roofs/labels/val", root / "roofs/labels/train2")
    extra = '[splits.train2]\nimages = "roofs/images/train2"\nlabels = "roofs/labels/train2"\n'
    own = describe(root / "roofs.toml", ROOFS + extra)
    assert _run(own, root, tmp_path / "results", *_QUICK, "probes.lr=[1e-2]", *words) == 0
    [record] = _records(tmp_path / "results")
    assert record["status"] == "success"
    assert (record["limit"], record["seed"]) == (2 if "--limit" in words else None, 3 if "--seed" in words else 0)


def _metrics(results: Path) -> list[Any]:
    return [each["metrics"] for each in _records(results)]


def test_colours_and_palettes_give_the_numbers_of_grey_labels(data: Path, tmp_path: Path) -> None:
    palette = f"palette = {[list(colour) for colour in COLOURS[:3]]}\nignore_palette = [[1, 2, 3]]\n"
    results = {}
    for form in ("grey", "rgb", "palette"):
        root = Path(shutil.copytree(data, tmp_path / form))
        for path in root.glob("roofs/labels/*/*.png"):
            labels = np.asarray(Image.open(path))
            table = np.zeros((256, 3), np.uint8)
            table[:3], table[255] = COLOURS[:3], (1, 2, 3)
            picture = Image.fromarray(table[labels] if form == "rgb" else labels)
            if form == "palette":
                picture = Image.fromarray(labels, mode="P")
                picture.putpalette(table.ravel().tolist())
            if form != "grey":
                picture.save(path)
        own = describe(root / "roofs.toml", ROOFS if form == "grey" else palette + ROOFS)
        assert _run(own, root, tmp_path / f"results-{form}") == 0
        [results[form]] = _metrics(tmp_path / f"results-{form}")
    assert results["rgb"] == results["grey"]
    assert results["palette"] == results["grey"]


def test_a_colour_that_is_no_class_is_named_with_its_file(data: Path, tmp_path: Path, capsys: Any) -> None:
    root = Path(shutil.copytree(data, tmp_path / "data"))
    for path in root.glob("roofs/labels/*/*.png"):
        Image.fromarray(np.array(COLOURS, np.uint8)[np.minimum(np.asarray(Image.open(path)), 3)]).save(path)
    palette = f"palette = {[list(colour) for colour in COLOURS[:3]]}\n"
    own = describe(root / "roofs.toml", palette + ROOFS)
    assert _run(own, root, tmp_path / "results") == 1
    [line] = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert ".png: colour [240, 240, 250] is neither a class nor ignored" in line


def test_what_labels_mean_is_part_of_a_cell_and_its_title_is_not(data: Path, tmp_path: Path, capsys: Any) -> None:
    root, results = data, tmp_path / "results"
    own = describe(tmp_path / "roofs.toml", ROOFS)
    assert _run(own, root, results) == 0
    describe(own, f'title = "The roofs"\n{ROOFS}'.replace("ignore = [255]\n", ""))
    assert _run(own, root, results) == 0
    assert "done already" in capsys.readouterr().out
    describe(own, ROOFS.replace('"tree"]', '"tree"]').replace("[255]", "[2, 255]").replace(', "tree"', ""))
    assert _run(own, root, results) == 0
    records = _records(results)
    assert sorted(len(each["metrics"]["per_class_iou"]) for each in records) == [2, 3]
    assert len({each["data"]["fingerprint"] for each in records}) == 2
    assert main(["leaderboard", "--results", str(results), "--format", "csv"]) == 0
    printed = capsys.readouterr()
    assert "left out: 1 run of roofs" in printed.err
    assert sum(f",{each['primary']['value']:.2f}," in printed.out for each in records) == 1


def test_stored_views_are_of_the_labels_as_they_are_described(data: Path, tmp_path: Path) -> None:
    small = ("train.iterations=3", "train.batch_size=2", "probes.lr=[1e-2]", "train.crop=56", "test.window=56",
             "test.stride=56", "train.resize.short=56", "test.resize.short=56")  # fmt: skip
    words = ("--device", "cpu", "--protocol", "cached", *small)
    own = describe(tmp_path / "roofs.toml", ROOFS)
    assert _run(own, data, tmp_path / "first", *words) == 0
    fewer = ROOFS.replace("[255]", "[2, 255]").replace(', "tree"', "")
    describe(own, fewer)
    assert _run(own, data, tmp_path / "second", *words) == 0  # stale targets would hold the label 2
    [_], [metrics] = _metrics(tmp_path / "first"), _metrics(tmp_path / "second")
    assert len(metrics["per_class_iou"]) == 2


def test_protocols_run_under_other_descriptions_are_flagged(data: Path, tmp_path: Path, capsys: Any) -> None:
    own, results = describe(tmp_path / "roofs.toml", ROOFS), tmp_path / "results"
    assert _run(own, data, results) == 0
    describe(own, ROOFS.replace('"tree"', '"bush"'))
    assert _run(own, data, results, *_QUICK, "probes.lr=[1e-3]") == 0
    capsys.readouterr()
    assert main(["leaderboard", "--results", str(results)]) == 0
    assert "description: roofs: 2 descriptions of the data in one column" in " ".join(capsys.readouterr().out.split())


def test_descriptions_of_one_name_and_two_kinds_share_no_column(data: Path, tmp_path: Path, capsys: Any) -> None:
    own, results = describe(tmp_path / "yard.toml", YARD), tmp_path / "results"
    assert _run(own, data, results) == 0
    describe(own, ROOFS)
    assert _run(own, data, results, *_QUICK, "probes.lr=[1e-3]") == 0
    capsys.readouterr()
    assert main(["leaderboard", "--results", str(results), "--format", "csv"]) == 0
    printed = capsys.readouterr()
    assert "left out: 1 run of yard: a description of another kind than the one shown as yard_" in printed.err
    assert ("yard_miou" in printed.out) != ("yard_rmse" in printed.out)
    assert main(["report", "--results", str(results)]) == 0


def test_its_name_is_no_folder_of_ours(data: Path, tmp_path: Path, capsys: Any) -> None:
    own = describe(tmp_path / "pretraining.toml", ROOFS)  # configs/pretraining/ holds recipes
    assert main(["list", str(own), "--data-root", str(data)]) == 0
    assert "dinov2-lin*" in capsys.readouterr().out


def test_labels_count_in_the_order_of_their_values(tmp_path: Path) -> None:
    own = describe(
        tmp_path / "roofs.toml",
        ROOFS.replace('["ground", "roof", "tree"]', '{10 = "tree", 0 = "ground", 3 = "roof"}'),
    )
    dataset = read_dataset(own)
    assert dataset.classes == ("ground", "roof", "tree")
    assert dataset.labels.values == (0, 3, 10)


def test_a_byte_order_mark_is_no_part_of_a_description(tmp_path: Path) -> None:
    (tmp_path / "roofs.toml").write_bytes(b"\xef\xbb\xbf" + ROOFS.encode())
    assert read_dataset(tmp_path / "roofs.toml").name == "roofs"


def test_folders_may_be_links_to_where_the_data_is(data: Path, tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "roofs").symlink_to(data / "roofs")
    assert main(["check", "--data", str(data / "roofs.toml"), "--data-root", str(tmp_path / "root")]) == 0


def test_depth_by_list_scores_what_folders_do_and_a_crop_less(data: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(data, tmp_path / "data"))
    text = YARD
    for split in ("train", "val"):
        names = sorted(path.name for path in (root / f"yard/images/{split}").iterdir())
        lines = [f"yard/images/{split}/{name} yard/depths/{split}/{name}\n" for name in names]
        (root / f"{split}.txt").write_text("".join(lines))
        folders = f'images = "yard/images/{split}"\ndepths = "yard/depths/{split}"\n'
        text = text.replace(folders, f'list = "{split}.txt"\n')
    for place, content in (("folders", YARD), ("list", text), ("crop", 'evaluation_crop = "eigen"\n' + YARD)):
        assert _run(describe(root / "yard.toml", content), root, tmp_path / place) == 0
    [folders], [listed], [cropped] = (_metrics(tmp_path / place) for place in ("folders", "list", "crop"))
    assert listed == folders
    [record] = _records(tmp_path / "crop")
    assert record["protocol"]["fields"]["test"]["evaluation_crop"] == "eigen"
    assert cropped["rmse"] != folders["rmse"]


def test_classes_by_list_are_those_of_folders(data: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(data, tmp_path / "data"))
    text = BIRDS
    for split in ("train", "val"):
        paths = sorted(path.relative_to(root) for path in root.glob(f"birds/{split}/*/*.png"))
        (root / f"{split}.csv").write_text("path,label\n" + "".join(f"{path},{path.parent.name}\n" for path in paths))
        text = text.replace(f'images = "birds/{split}"', f'list = "{split}.csv"')
    for place, content in (("folders", BIRDS), ("list", text)):
        own = describe(root / "birds.toml", content)
        assert _run(f"{own}:knn", root, tmp_path / place, *_QUICK[:4]) == 0
    assert _metrics(tmp_path / "list") == _metrics(tmp_path / "folders")


@pytest.mark.parametrize("train", [1, 2])
def test_classes_of_few_images_run_or_say_what_is_missing(train: int, tmp_path: Path, capsys: Any) -> None:
    own = write_birds(tmp_path, train=train, val=1)
    code = _run(own, tmp_path, tmp_path / "results", *_QUICK)
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    done = [each for each in _records(tmp_path / "results") if each["status"] == "success"]
    assert len(done) + len(errors) == 3
    assert code == (1 if errors else 0)
    assert "Traceback" not in "".join(errors)


def test_images_smaller_than_the_crop_are_one_line(tmp_path: Path, capsys: Any) -> None:
    own = write_yard(tmp_path, size=(60, 64))
    assert _run(own, tmp_path, tmp_path / "results") == 1
    [line] = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert "60 rows of 64 pixels are left, too few for the random crop of 112 x 112; set train.crop" in line


@pytest.mark.parametrize(("name", "images"), [("roofs", 3), ("yard", 3), ("birds", 6)])
def test_features_of_its_images_are_extracted(data: Path, tmp_path: Path, name: str, images: int) -> None:
    words = ["--checkpoint", "pixels", "--device", "cpu", "--size", "28", "--data-root", str(data)]
    assert main(["extract", "--dataset", str(data / f"{name}.toml"), *words, "--output", str(tmp_path / "out")]) == 0
    manifest = json.loads((tmp_path / "out/manifest.json").read_text())
    assert len(manifest["images"]) == images
    if name == "birds":
        assert manifest["classes"] == ["crow", "kite", "wren"]


def test_data_of_ones_own_is_not_prepared(data: Path, capsys: Any) -> None:
    assert main(["data", str(data / "roofs.toml")]) == 2
    assert f"'densebench check --data {data / 'roofs.toml'}'" in capsys.readouterr().err
