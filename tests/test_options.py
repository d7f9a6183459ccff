"""Options are written once: what the command line reads is what processes of their own are given again."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import pytest

from benchmark.cli.options import add_options, read_options, words_of
from benchmark.extract_options import ExtractOptions
from benchmark.pretraining.options import PretrainOptions
from benchmark.run_options import RunOptions


def _parsed(options: type[Any], words: list[str]) -> Any:
    parser = argparse.ArgumentParser()
    add_options(parser, options)
    return read_options(options, parser.parse_args(words))


@pytest.mark.parametrize(
    "options",
    [
        RunOptions(),
        RunOptions(Path("d"), Path("r"), name="-a b", protocol="mini", device="cpu", seed=3, limit=4, rerun=True),
        RunOptions(on_bad_image="skip", compile=True, workers=0, save_every_s=0.5),
        ExtractOptions(tokens=("mean",), layers=(-4, -1), norm=False, size=56, dtype="float32", format="npy"),
        ExtractOptions(limit=3, resize=64, crop=56, batch_size=2),
        PretrainOptions(recipe="dino", num_registers=4, attention_bias=True, specialization="norms", save_every_s=1.0),
    ],
    ids=lambda options: " ".join(words_of(options)) or "defaults",
)
def test_options_written_as_words_are_read_as_the_same_options(options: Any) -> None:
    assert _parsed(type(options), words_of(options)) == options


def test_what_is_not_given_is_the_default() -> None:
    assert _parsed(RunOptions, []) == RunOptions()


def test_an_option_without_default_must_be_given(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        _parsed(PretrainOptions, [])
    assert "--recipe" in capsys.readouterr().err
