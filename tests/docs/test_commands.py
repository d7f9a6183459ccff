"""Every command of README, CONTRIBUTING and ``docs/`` can be typed: verbs, options, names and fields exist."""

from __future__ import annotations

import argparse
import re
import shlex
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from documents import PAGES, ROOT, Block, Command, blocks, commands

from benchmark.backbones.presets import specialization_preset
from benchmark.benchmarks import BENCHMARKS, expand
from benchmark.cli.main import _parser
from benchmark.configs import protocol_files
from benchmark.data.description import read_description
from benchmark.data.registry import DATASETS
from benchmark.errors import DenseBenchError
from benchmark.inventory import backbone_presets
from benchmark.load_protocol import load_protocol, protocol_names, share_overrides
from benchmark.pretraining.recipe import load_recipe
from benchmark.protocols.read_settings import parse_backbone_options
from benchmark.report.published import of_protocols, read_figures
from benchmark.report.tables.ablation_config import read_ablation
from benchmark.report.tables.filters import filtered, ordered
from benchmark.report.tables.leaderboard import make_leaderboard

_COMMANDS = [command for page in PAGES for command in commands(page)]
_WHOLE = [command for command in _COMMANDS if ":" in command.where]
_TOMLS = [block for page in PAGES for block in blocks(page) if block.language == "toml"]

_TASKS = {"segmentation": ["segmentation"], "depth": ["depth"], "classification": ["knn", "linear", "logreg"]}
"""Kinds of benchmarks that a described dataset makes."""


def _cases() -> list[object]:
    given = [(command.where, command.arguments) for command in _WHOLE if command.arguments is not None]
    return [pytest.param(words, id=f"{where} {' '.join(words[:2])}") for where, words in given]


def _name(block: Block) -> str:
    return block.text.split("\n")[0].removeprefix("# ").strip()


@pytest.fixture(scope="session")
def described(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Kinds of the datasets that the pages describe, by file name."""
    folder = tmp_path_factory.mktemp("described")
    kinds = {}
    for block in _TOMLS:
        path = folder / _name(block)
        path.write_text(block.text, "utf-8")
        _, description = read_description(path)
        kinds[path.name] = description.kind
    return kinds


@pytest.mark.parametrize("block", _TOMLS, ids=_name)
def test_every_description_is_valid_and_gives_the_benchmarks_that_are_promised(block: Block, tmp_path: Path) -> None:
    path = tmp_path / _name(block)
    path.write_text(block.text, "utf-8")
    name, description = read_description(path)
    assert path.name == f"{name}.toml"
    assert name not in {*DATASETS, *BENCHMARKS}
    assert protocol_files(_TASKS[description.kind])


def test_every_kind_of_description_is_shown(described: Mapping[str, str]) -> None:
    assert set(described.values()) == set(_TASKS)


def test_the_pages_show_commands_of_every_verb() -> None:
    [verbs] = [each for each in _parser()._actions if isinstance(each, argparse._SubParsersAction)]
    assert {command.arguments[0] for command in _COMMANDS if command.arguments} >= set(verbs.choices) - {
        "demo",
        "ablation-mini",  # through make
    }


@pytest.mark.parametrize("words", _cases())
def test_every_command_is_understood(words: tuple[str, ...], described: Mapping[str, str]) -> None:
    _understand(words, described)


@pytest.mark.parametrize(
    "command", [each for each in _COMMANDS if each not in _WHOLE], ids=lambda each: " ".join(each.words[:4])
)
def test_verbs_options_and_targets_named_in_a_sentence_exist(command: Command) -> None:
    if command.words[0] == "make":
        _made(command.words)
        return
    [verbs] = [each for each in _parser()._actions if isinstance(each, argparse._SubParsersAction)]
    verb = command.words[1]
    assert verb in verbs.choices or verb == "--help"
    options = {word.partition("=")[0] for word in command.words[2:] if word.startswith("--")}
    assert options <= set(verbs.choices[verb]._option_string_actions if verb != "--help" else ())


@pytest.mark.parametrize(
    "words", [each.words for each in _WHOLE if each.words[0] == "make"], ids=lambda words: " ".join(words[:2])
)
def test_every_make_target_and_variable_exists(words: tuple[str, ...], described: Mapping[str, str]) -> None:
    for line in _made(words):
        if line.startswith(".venv/bin/densebench "):
            _understand(tuple(shlex.split(line)[1:]), described)


@pytest.mark.parametrize("command", _WHOLE, ids=lambda each: each.where)
def test_every_file_of_this_project_in_a_command_exists(command: Command) -> None:
    for word in command.words:
        if re.match(r"(configs|docs|tests)/", word):
            assert (ROOT / word).exists()


def test_the_pages_are_read_as_they_are_written() -> None:
    # A reader of documents that finds nothing would pass every test above.
    assert len(_WHOLE) > 60
    words = {command.words for command in _WHOLE}
    assert ("densebench", "compare", "my ViT", "another ViT") in words
    assert ("densebench", "leaderboard", "--format", "latex") in words
    assert ("make", "analyze", "CHECKPOINT=baseline.pth special.pth", "IMAGES=my_pictures", "LIMIT=1000") in words
    assert any("none, seed 0" in each and "--limit" not in each for each in words)


@pytest.mark.parametrize(
    "line",
    [
        "run nowhere --checkpoint a.pth",
        "run ade20k --checkpoint a.pth --protocol dinov9",
        "run ade20k --checkpoint a.pth train.steps=3",
        "run absent.toml --checkpoint a.pth",
        "run roofs.toml --checkpoint a.pth --protocol dvt",
        "run ade20k",
        "check --data nowhere",
        "pretrain a.pth --recipe none",
        "leaderboard --sort nothing",
    ],
)
def test_a_wrong_command_is_noticed(line: str, described: Mapping[str, str]) -> None:
    with pytest.raises((DenseBenchError, AssertionError, KeyError, SystemExit)):
        _understand(tuple(line.split()), described)


@pytest.mark.parametrize("line", ["make everything", "make ade20k CHEKPOINT=b.pth"])
def test_a_wrong_target_is_noticed(line: str) -> None:
    with pytest.raises(AssertionError):
        _made(tuple(line.split()))


def _made(words: tuple[str, ...]) -> list[str]:
    """Returns the lines that make would run."""
    known = re.search(r"Variables: ([A-Z_ ]+)", (ROOT / "Makefile").read_text("utf-8"))
    assert known is not None
    given = {word.partition("=")[0] for word in words[1:] if "=" in word}
    assert given <= set(known[1].split())
    done = subprocess.run(["make", "-n", *words[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return re.sub(r"\\\n\s*", " ", done.stdout).splitlines()


def _understand(words: tuple[str, ...], described: Mapping[str, str]) -> None:
    """Raises for a command that could not be carried out, whatever files lie around."""
    if words[0].startswith("benchmark.") or words == ("--help",):
        return
    options, fields = _parser().parse_known_args(words)
    assert all("=" in word and not word.startswith("-") for word in fields)
    assert options.takes_fields or not fields
    check = _CHECKS.get(words[0])
    if check is not None:
        check(options, fields, described)


def _run(options: argparse.Namespace, fields: list[str], described: Mapping[str, str]) -> None:
    fields = [*fields, *(word for word in options.benchmarks if "=" in word)]
    names = [word for word in options.benchmarks if "=" not in word]
    for name in [name for name in names if name.endswith(".toml")]:
        kinds = _TASKS[described[name]]
        assert all(options.protocol in (None, *protocol_files([kind])) for kind in kinds)
        names.remove(name)
    if not names:
        return
    chosen = [each for each, named in expand(names) if named or options.protocol in (None, *protocol_names(each))]
    protocols = {each.name: options.protocol or each.default_protocol for each in chosen}
    shared = share_overrides(chosen, protocols, fields)
    for each in chosen:
        load_protocol(each, protocols[each.name], shared[each.name])


def _check(options: argparse.Namespace, fields: list[str], described: Mapping[str, str]) -> None:
    assert options.checkpoint or options.data
    assert options.data in (None, *DATASETS, *described)
    parse_backbone_options(fields)


def _extract(options: argparse.Namespace, fields: list[str], described: Mapping[str, str]) -> None:
    assert options.dataset in {*DATASETS, *described}
    assert set(options.tokens) <= {"cls", "registers", "mean", "patches"}
    parse_backbone_options(fields)


def _data(options: argparse.Namespace, fields: list[str], described: Mapping[str, str]) -> None:
    assert options.dataset in {*DATASETS, "cache"}


def _pretrain(options: argparse.Namespace, fields: list[str], described: Mapping[str, str]) -> None:
    load_recipe(options.recipe, fields)
    assert options.size in backbone_presets()["sizes"]
    specialization_preset(options.specialization, depth=12)


def _specialize(options: argparse.Namespace, fields: list[str], described: Mapping[str, str]) -> None:
    assert options.preset or options.layers
    if options.preset:
        specialization_preset(options.preset, depth=12)
    known = {"norm1", "norm2", "ls1", "ls2", "qkv", "proj", "mlp", "norm"}
    assert set((options.layers or "norm").split(",")) <= known


def _leaderboard(options: argparse.Namespace, fields: list[str], described: Mapping[str, str]) -> None:
    board = filtered(make_leaderboard([]), options.filter)
    if options.sort:
        ordered(board, options.sort)
    of_protocols(read_figures(), options.published)


def _ablation(options: argparse.Namespace, fields: list[str], described: Mapping[str, str]) -> None:
    for name in options.tables:
        read_ablation(name)


_CHECKS: Mapping[str, Callable[[argparse.Namespace, list[str], Mapping[str, str]], None]] = {
    "run": _run,
    "check": _check,
    "analyze": lambda options, fields, described: parse_backbone_options(fields) and None,
    "extract": _extract,
    "data": _data,
    "pretrain": _pretrain,
    "specialize": _specialize,
    "leaderboard": _leaderboard,
    "ablation": _ablation,
}
"""What verbs are asked beyond their options: whether what is named exists."""
