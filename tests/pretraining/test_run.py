"""Runs: variants that start equal, resume, several processes, checkpoints that are read, errors."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmark.backbones import load_backbone
from benchmark.cli import main
from benchmark.data.classification import ClassificationSplit
from benchmark.data.datasets.imagenet import DATASET
from benchmark.distributed import World
from benchmark.errors import DivergedError, UsageError
from benchmark.pretraining.augment import dino_sample, supervised_sample
from benchmark.pretraining.dino import DinoLearner
from benchmark.pretraining.optimizer import make_optimizer, set_schedule
from benchmark.pretraining.options import PretrainOptions
from benchmark.pretraining.recipe import DinoRecipe, load_recipe
from benchmark.pretraining.run import _collate, build_variant, pretrain
from benchmark.pretraining.supervised import SupervisedLearner
from benchmark.probing.resume import ResumeFile
from benchmark.probing.train import seed_torch
from benchmark.samples.loader import training_batches
from benchmark.samples.sample_order import SampleOrder

_ROOT = Path(__file__).parents[2]
RECIPES = ("mini-supervised", "mini-dino")

Quick = Callable[..., PretrainOptions]


def _log(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.with_suffix(".jsonl").read_text().splitlines()]


def _weights(path: Path) -> dict[str, torch.Tensor]:
    return torch.load(path, weights_only=True)


@pytest.mark.parametrize("preset", ["norms", "norms+qkv", "norms+qkv+proj+mlp", "norms+lora"])
def test_variants_compute_the_same_at_step_0(quick: Quick, preset: str) -> None:
    recipe, images = load_recipe("mini-supervised"), torch.randn(2, 3, 80, 80)
    plain, split = (
        build_variant(recipe, quick("mini-supervised", specialization=name)).eval() for name in ("none", preset)
    )
    assert split.spec.specialization != "none"
    torch.testing.assert_close(split(images), plain(images))


def test_registers_and_attention_bias_leave_the_other_weights_alone(quick: Quick) -> None:
    recipe = load_recipe("mini-supervised")
    plain = build_variant(recipe, quick("mini-supervised")).state_dict()
    more = build_variant(recipe, quick("mini-supervised", num_registers=2, attention_bias=True)).state_dict()
    assert {key.rpartition(".")[2] for key in more.keys() - plain.keys()} == {"register_tokens", "k_bias", "v_bias"}
    assert all(torch.equal(more[key], value) for key, value in plain.items())


@pytest.mark.parametrize("name", RECIPES)
def test_a_run_is_the_plain_loop_over_its_parts(name: str, quick: Quick, tmp_path: Path) -> None:
    options = quick(name, "train.steps=3", "optimizer.clip_norm=0.01", "model.drop_path=0.5", specialization="norms")
    pretrain(tmp_path / "vit.pth", options)
    recipe, split = load_recipe(name, options.overrides), ClassificationSplit(DATASET, options.data_root, "train")
    vit = build_variant(recipe, options)
    if isinstance(recipe, DinoRecipe):
        learner, load = DinoLearner(vit, recipe, 0, World()).train(), dino_sample(split, recipe)
        student = learner.student
        apart = [[*vit.parameters(), learner.mask_token], student["cls"].parameters(), student["patch"].parameters()]
    else:
        learner = SupervisedLearner(vit, len(split.classes), recipe.mixing, 0, World()).train()
        load, apart = supervised_sample(split, recipe.augment), [learner.parameters()]
    apart = [list(parameters) for parameters in apart]
    optimizer = make_optimizer(learner.trained(), 4, recipe.optimizer)
    batches = training_batches(load, _collate, order=SampleOrder(len(split), 4, 0), steps=range(3))
    for step, batch in enumerate(batches):
        set_schedule(optimizer, step, 3, recipe.optimizer)
        seed_torch(0, step, 0)
        optimizer.zero_grad()
        learner(batch, step)["loss"].backward()
        for parameters in apart:
            torch.nn.utils.clip_grad_norm_(parameters, 0.01)
        optimizer.step()
        learner.update(step)
    for key, value in _weights(tmp_path / "vit.pth").items():
        torch.testing.assert_close(value, learner.backbone.state_dict()[key])


def test_bfloat16_trains_like_float32_but_for_its_rounding(quick: Quick, tmp_path: Path) -> None:
    for precision in ("float32", "bfloat16"):
        pretrain(tmp_path / f"{precision}.pth", quick("mini-dino", f"train.precision={precision}", "train.steps=2"))
    exact, rounded = (_log(tmp_path / f"{precision}.pth")[1] for precision in ("float32", "bfloat16"))
    assert rounded != exact
    assert rounded == pytest.approx(exact, rel=0.02)


def test_a_loss_that_is_no_number_ends_the_run_without_a_checkpoint(quick: Quick, tmp_path: Path) -> None:
    with pytest.raises(DivergedError, match=r"vit: the loss is nan at step \d; lower optimizer\.lr"):
        pretrain(tmp_path / "vit.pth", quick("mini-supervised", "optimizer.lr=1e30"))
    assert not list(tmp_path.glob("*.pth"))


def test_the_last_step_is_always_in_the_log(quick: Quick, tmp_path: Path) -> None:
    pretrain(tmp_path / "vit.pth", quick("mini-supervised", "train.log_every=4"))
    assert [line["step"] for line in _log(tmp_path / "vit.pth")[1:]] == [4, 6]


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_killed_run_ends_as_an_unbroken_one(
    recipe: str, quick: Quick, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = quick(recipe, "model.drop_path=0.2", specialization="norms+qkv", save_every_s=0.0)
    assert pretrain(tmp_path / "whole.pth", options)
    save = ResumeFile.save

    def killed(self: ResumeFile, state: dict[str, Any]) -> None:
        save(self, state)
        if state["step"] == 3:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ResumeFile, "due", lambda _self: True)
        patch.setattr(ResumeFile, "save", killed)
        with pytest.raises(KeyboardInterrupt):
            pretrain(tmp_path / "broken.pth", options)
    assert not (tmp_path / "broken.pth").exists()
    with (tmp_path / "broken.jsonl").open("a") as log:  # what a kill between two saves leaves
        log.write('{"step": 4, "loss": 9.0}\n{"step": 5, "lo')
    (tmp_path / ".broken.resume.pt.a1b2c3").write_bytes(b"what a kill leaves of a state that is being written")
    assert pretrain(tmp_path / "broken.pth", options)
    whole, broken = _weights(tmp_path / "whole.pth"), _weights(tmp_path / "broken.pth")
    assert all(torch.equal(broken[key], value) for key, value in whole.items())
    assert _log(tmp_path / "broken.pth") == _log(tmp_path / "whole.pth")
    assert not list(tmp_path.glob("*.resume.pt*"))


def test_a_state_of_other_settings_is_refused(quick: Quick, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = quick("mini-supervised", save_every_s=0.0)
    with monkeypatch.context() as patch:
        patch.setattr(ResumeFile, "due", lambda _self: True)
        patch.setattr("benchmark.pretraining.run.save_backbone", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            pretrain(tmp_path / "vit.pth", options)
    with pytest.raises(UsageError, match=r"vit\.jsonl is of a run with other settings"):
        pretrain(tmp_path / "vit.pth", dataclasses.replace(options, seed=1))
    (tmp_path / "vit.jsonl").unlink()
    with pytest.raises(UsageError, match=r"vit\.resume\.pt belongs to other settings"):
        pretrain(tmp_path / "vit.pth", dataclasses.replace(options, seed=1))


def _interrupt(*_arguments: object) -> None:
    raise KeyboardInterrupt


def test_a_run_that_is_done_is_left_alone_and_another_is_refused(quick: Quick, tmp_path: Path) -> None:
    out = tmp_path / "vit.pth"
    assert pretrain(out, quick("mini-supervised"))
    before = out.read_bytes()
    assert not pretrain(out, quick("mini-supervised"))
    assert out.read_bytes() == before
    renamed = shutil.copytree(quick("mini-supervised").data_root, tmp_path / "renamed")
    image = min(renamed.glob("imagenet/train/*/*"))
    image.rename(image.with_stem("another"))
    for changes in (
        {"specialization": "norms"},
        {"num_registers": 1},
        {"attention_bias": True},
        {"size": "Ti"},
        {"seed": 1},
        {"data_root": renamed},
        {"overrides": (*quick("mini-supervised").overrides, "optimizer.lr=0.1")},
    ):
        with pytest.raises(UsageError, match=r"vit\.jsonl is of a run with other settings"):
            pretrain(out, dataclasses.replace(quick("mini-supervised"), **changes))
    assert out.read_bytes() == before
    (tmp_path / "vit.jsonl").unlink()
    with pytest.raises(UsageError, match=r"vit\.pth exists without its log vit\.jsonl"):
        pretrain(out, quick("mini-supervised"))


def test_what_is_not_the_runs_own_is_not_replaced(quick: Quick, tmp_path: Path) -> None:
    options = quick("mini-supervised", "train.steps=1")
    (tmp_path / "folder.pth").mkdir()
    with pytest.raises(UsageError, match=r"folder\.pth is a folder"):
        pretrain(tmp_path / "folder.pth", options)
    for text in ("my notes\n", '{"mine": 1}\n', "[1]\n", "1\n"):
        (tmp_path / "vit.jsonl").write_text(text)
        with pytest.raises(UsageError, match=r"vit\.jsonl is not a log of a pre-training"):
            pretrain(tmp_path / "vit.pth", options)
        assert (tmp_path / "vit.jsonl").read_text() == text
    (tmp_path / "vit.jsonl").write_text("no line, no end")
    with pytest.raises(UsageError, match=r"vit\.jsonl is of a run with other settings"):
        pretrain(tmp_path / "vit.pth", options)


def test_a_checkpoint_of_a_step_replaces_no_other_run(quick: Quick, tmp_path: Path) -> None:
    pretrain(tmp_path / "vit@2.pth", quick("mini-supervised", "train.steps=1"))
    before = (tmp_path / "vit@2.pth").read_bytes()
    often = quick("mini-supervised", "train.steps=2", "train.checkpoint_every=1")
    with pytest.raises(UsageError, match=r"vit@2\.jsonl is of a run whose checkpoint has a name this run needs"):
        pretrain(tmp_path / "vit.pth", often)
    assert (tmp_path / "vit@2.pth").read_bytes() == before


def test_checkpoints_of_one_name_and_two_suffixes_do_not_share_a_log(quick: Quick, tmp_path: Path) -> None:
    options = quick("mini-supervised", "train.steps=1")
    pretrain(tmp_path / "vit.pth", options)
    with pytest.raises(UsageError, match=r"vit\.jsonl is of a run with other settings"):
        pretrain(tmp_path / "vit.safetensors", dataclasses.replace(options, seed=1))
    assert not pretrain(tmp_path / "vit.pth", options)


def test_bad_input_is_told_once_before_several_processes_start(
    folders: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    words = _words(folders, tmp_path / "vit.pth", "--gpus", "2")
    for more, message in (
        (["train.batch_size=1"], "cannot be shared by 2 processes"),
        (["train.batch_size=6", "mixing.mixup=0.8"], "train.batch_size=6 is not a multiple of 4: Mixup and CutMix"),
        (["--size", "x"], "size"),
    ):
        assert main([*words, *more]) == 2
        error = capfd.readouterr().err
        assert message in error
        assert error.count("\n") == 1


def test_a_place_that_cannot_be_written_is_told_before_the_training(quick: Quick, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="file cannot be written to"):
        pretrain(tmp_path / "file" / "vit.pth", quick("mini-supervised"))


@pytest.mark.parametrize("recipe", RECIPES)
def test_checkpoints_are_read_and_named_by_their_steps(
    recipe: str, quick: Quick, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "vit.pth"
    options = quick(
        recipe, "train.checkpoint_every=4", specialization="norms+qkv", num_registers=2, attention_bias=True
    )
    pretrain(out, options)
    assert sorted(path.name for path in tmp_path.glob("*.pth")) == ["vit.pth", "vit@4.pth", "vit@6.pth"]
    spec = load_backbone(str(out)).spec
    assert (spec.num_registers, spec.attention_bias) == (2, True)
    assert spec.specialization.startswith("norms+qkv[0")
    last, final = _weights(tmp_path / "vit@6.pth"), _weights(out)
    assert all(torch.equal(last[key], value) for key, value in final.items())
    if recipe == "mini-dino":  # one is enough of what takes seconds
        assert main(["check", "--checkpoint", str(out), "--device", "cpu"]) == 0
        assert "densebench" in capsys.readouterr().out


# Shares of 3 and 2 images show what is averaged without their sizes; mixing needs a partner in the same share.
@pytest.mark.parametrize(
    ("recipe", "overrides"),
    [
        ("mini-supervised", ["mixing.draws=3"]),
        ("mini-dino", ["train.batch_size=5", "optimizer.clip_norm=0.1"]),
        ("mini-dino", ["train.batch_size=5", "teacher.centering=sinkhorn"]),
    ],
)
def test_two_processes_learn_what_one_does(recipe: str, overrides: list[str], quick: Quick, tmp_path: Path) -> None:
    # KoLeo looks for neighbours within a process, as DINOv2's does, and drop path is drawn by process.
    if recipe == "mini-dino":
        overrides = [*overrides, "losses.koleo=0", "teacher.momentum=[0.5,0.5]"]
    options = quick(recipe, "train.steps=3", *overrides, specialization="norms")
    pretrain(tmp_path / "one.pth", options)
    words = ["pretrain", str(tmp_path / "two.pth"), "--recipe", recipe, "--specialization", "norms", "--gpus", "2"]
    words += ["--data-root", str(options.data_root), "--device", "cpu", *options.overrides]
    done = subprocess.run(
        [sys.executable, "-m", "benchmark", *words], cwd=_ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("two.pth: written") == 1
    one, two = _log(tmp_path / "one.pth"), _log(tmp_path / "two.pth")
    assert two[0] == one[0]
    for ours, theirs in zip(one[1:], two[1:], strict=True):
        shown = {key: value for key, value in ours.items() if key != "koleo"}
        assert {key: theirs[key] for key in shown} == pytest.approx(shown, rel=1e-4)


def _words(folders: Path, out: Path, *more: str) -> list[str]:
    return ["pretrain", str(out), "--recipe", "mini-supervised", "--data-root", str(folders), "--device", "cpu", *more]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["train.batch_size=17"], "train.batch_size=17 is more than the 16 images"),
        (["--specialization", "norms+qvk"], "did you mean 'norms+qkv'?"),
        (["--size", "tinny"], "did you mean 'tiny'?"),
        (["train.step=3"], "no recipe field 'train.step' (did you mean 'train.steps'?)"),
        (["train.steps=0"], "recipe 'mini-supervised': supervised.train.steps:"),
        (["augment.size=30"], "not whole patches"),
    ],
)
def test_bad_input_ends_with_exit_code_2(
    more: list[str], message: str, folders: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(_words(folders, tmp_path / "vit.pth", *more)) == 2
    assert message in capsys.readouterr().err


def test_an_unknown_recipe_and_a_folder_without_images_end_with_exit_code_2(
    folders: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = _words(folders, tmp_path / "vit.pth")
    words[3] = "mini-supervise"
    assert main(words) == 2
    assert "did you mean 'mini-supervised'?" in capsys.readouterr().err
    (tmp_path / "imagenet" / "train" / "cat").mkdir(parents=True)
    for root in (tmp_path, tmp_path / "nowhere"):
        assert main(_words(root, tmp_path / "vit.pth")) == 2
        assert "imagenet" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["supervised", "dino", "mini-supervised", "mini-dino", "small-supervised"])
def test_shipped_recipes_are_read(name: str) -> None:
    assert load_recipe(name).method in name
