"""Protocols: every shipped one reads, nothing unknown passes, and each field moves the fingerprint."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmark.benchmarks import BENCHMARKS
from benchmark.errors import ProtocolError, UsageError
from benchmark.listing import protocol_names
from benchmark.protocols import _leaves, load_protocol

_SHIPPED = [(benchmark, name) for benchmark in BENCHMARKS for name in protocol_names(benchmark)]
_OTHER_VALUES = {
    "features.layers": "[-2]",
    "features.precision": "bfloat16",
    "train.resize.filter": "pillow",
    "test.resize.filter": "pillow",
    "loss.average": "labelled",
    "schedule.decay": "cosine",
    "data.train": "val",
    "data.val": "train",
    "backbone.mean": "[0.5,0.5,0.5]",
    "backbone.std": "[0.5,0.5,0.5]",
    "backbone.interpolate_antialias": "true",
    "optimizer.clip_norm": "1.0",
    "family": "mine",
}


@pytest.mark.parametrize(("benchmark", "name"), _SHIPPED)
def test_every_shipped_protocol_reads(benchmark: str, name: str) -> None:
    protocol = load_protocol(benchmark, name)
    assert protocol.name == name
    assert protocol.settings.version >= 1


def test_every_benchmark_ships_its_default_protocol() -> None:
    for benchmark in BENCHMARKS.values():
        assert benchmark.default_protocol in protocol_names(benchmark.name)


def test_no_two_shipped_protocols_share_a_fingerprint() -> None:
    assert len({load_protocol(*which).fingerprint for which in _SHIPPED}) == len(_SHIPPED)


@pytest.mark.parametrize("key", _leaves(load_protocol("ade20k", "dinov2-lin").fields))
def test_every_field_can_be_overridden_and_moves_the_fingerprint(key: str) -> None:
    base = load_protocol("ade20k", "dinov2-lin")
    value = base.fields
    for part in key.split("."):
        value = value[part]
    if key in _OTHER_VALUES:
        other = _OTHER_VALUES[key]
    elif isinstance(value, bool):
        other = str(not value).lower()
    elif isinstance(value, list):
        other = str([item / 2 for item in value])
    else:
        other = str(1 if value is None else value / 2 if isinstance(value, float) and value else value + 1)
    changed = load_protocol("ade20k", "dinov2-lin", [f"{key}={other}"])
    assert changed.fingerprint != base.fingerprint
    assert changed.overrides == (f"{key}={other}",)


def test_dinov2_lin_has_the_constants_of_its_source() -> None:
    fields = load_protocol("ade20k", "dinov2-lin").fields
    assert fields["probes"] == {"lr": [1e-3], "weight_decay": [1e-4], "seeds": 1}
    assert (fields["train"]["iterations"], fields["train"]["batch_size"]) == (40_000, 16)
    assert round(fields["schedule"]["warmup"] * 40_000) == 1500
    assert (fields["test"]["window"], fields["test"]["stride"]) == (512, 341)
    assert fields["loss"]["average"] == "all"


def test_an_unknown_override_suggests_the_nearest_field() -> None:
    with pytest.raises(UsageError, match=r"no protocol field 'train.iteration' \(did you mean 'train.iterations'"):
        load_protocol("ade20k", "mini", ["train.iteration=5"])


@pytest.mark.parametrize(
    ("override", "error", "match"),
    [
        ("train.iterations=many", ProtocolError, "train.iterations: Input should be a valid integer"),
        ("train.iterations=0", ProtocolError, "greater than 0"),
        ("head.dropout=2", ProtocolError, "head.dropout: .*less than or equal to 1"),
        ("backbone.num_heads=[1]", ProtocolError, "backbone.num_heads"),
        ("train=3", ProtocolError, "train: "),
        ("test.stride=600", ProtocolError, "would leave gaps"),
        ("train.scale=[2.0,0.5]", ProtocolError, "the lower end comes first"),
        ("train.hue=0", ProtocolError, "train.hue"),
        ("probes.weight_decay=[-1]", ProtocolError, "probes.weight_decay"),
        ("optimizer.betas=[0.9,1.0]", ProtocolError, "optimizer.betas"),
        ("train.iterations", UsageError, "is no override"),
        ("train.crop.size=3", UsageError, "no protocol field"),
    ],
)
def test_bad_overrides_are_refused(override: str, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        load_protocol("ade20k", "mini", [override])


def test_an_override_given_twice_is_refused() -> None:
    with pytest.raises(UsageError, match=r"train\.iterations is given twice"):
        load_protocol("ade20k", "mini", ["train.iterations=3", "train.iterations=4"])


def test_an_unknown_protocol_lists_the_known() -> None:
    with pytest.raises(UsageError, match=r"no protocol 'dinov4'.*known: dinov2-lin, dinov3-lin, mini"):
        load_protocol("ade20k", "dinov4")


def test_a_config_file_of_ones_own_is_a_protocol(tmp_path: Path) -> None:
    shipped = Path(__file__).parents[1] / "configs" / "ade20k" / "mini.py"
    own = tmp_path / "mine.py"
    own.write_text(f"_base_ = {str(shipped)!r}\nfamily = 'mine'\ntrain = dict(iterations=7)\n")
    protocol = load_protocol("ade20k", str(own))
    assert (protocol.name, protocol.settings.family, protocol.settings.train.iterations) == ("mine", "mine", 7)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("train = dict(iteratoins=7)", "train.iteratoins: Extra inputs are not permitted"),
        ("backbone = dict(heads=7)", "backbone.heads"),
        ("nobody_reads_me = 1", "nobody_reads_me"),
        ("raise ValueError('oops')", "cannot be read as a config: ValueError: oops"),
    ],
)
def test_a_key_nobody_reads_is_an_error(tmp_path: Path, text: str, match: str) -> None:
    shipped = Path(__file__).parents[1] / "configs" / "ade20k" / "mini.py"
    own = tmp_path / "mine.py"
    own.write_text(f"_base_ = {str(shipped)!r}\n{text}\n")
    with pytest.raises(ProtocolError, match=match):
        load_protocol("ade20k", str(own))


@pytest.mark.parametrize(
    ("benchmark", "name", "fingerprint"),
    [
        ("ade20k", "dinov2-lin", "4bc060e4748bca7f"),
        ("ade20k", "dinov3-lin", "40be520785774a74"),
        ("voc2012", "dinov2-lin", "6c51bc1a99be35c3"),
        ("cityscapes", "dinov3-lin", "80403fa8f3d25a95"),
    ],
)
def test_results_of_earlier_versions_stay_comparable(benchmark: str, name: str, fingerprint: str) -> None:
    # whoever moves one on purpose raises the protocol's version
    assert load_protocol(benchmark, name).fingerprint == fingerprint
