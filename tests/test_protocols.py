"""Protocols: every shipped one reads, nothing unknown passes, and each field moves the fingerprint."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from benchmark.benchmarks import BENCHMARKS, groups
from benchmark.configs import CONFIGS
from benchmark.data.registry import DATASETS
from benchmark.errors import ProtocolError, UsageError
from benchmark.load_protocol import load_protocol, protocol_names, share_overrides
from benchmark.metrics.evaluation_crop import EVALUATION_CROPS
from benchmark.protocols.depth import DepthTest, FixedCrop
from benchmark.protocols.read_settings import flat, parse_backbone_options

_SHIPPED = [(benchmark, name) for benchmark in BENCHMARKS for name in protocol_names(benchmark)]
# The first that a protocol does not have already is taken.
_OTHER_VALUES = {
    "features.layers": ["[-2]"],
    "features.precision": ["bfloat16"],
    "head.init": ["pytorch", "normal"],
    "train.batch_size": ["32"],
    "train.stored": ['{"views":2,"dtype":"float16"}'],
    "train.stored.dtype": ["float32"],
    "train.source": ["stored"],
    "train.filter": ["bilinear"],
    "view.filter": ["bilinear"],
    "features.dtype": ["float32"],
    "probes.inputs": ['["cls"]'],
    "probes.blocks": ["[2]"],
    "probes.weight_decay": ["[1e-3]"],
    "knn.k": ["[5]"],
    "view.crop": ["64"],
    "regression.c_exponents": ["[-1,1]"],
    "data.tries": ["2"],
    "train.fixed_crop.top": ["0"],
    "train.fixed_crop.left": ["0"],
    "train.resize.filter": ["pillow"],
    "test.resize.filter": ["pillow"],
    "test.fixed_crop": ['{"top":0,"left":0,"height":300,"width":400}'],
    "test.fixed_crop.top": ["0"],
    "test.fixed_crop.left": ["0"],
    "test.evaluation_crop": ["none"],
    "test.flip": ["none"],
    "test.clamp": ["before_resize", "after_resize"],
    "loss.average": ["labelled"],
    "train.photometric": ["torchvision"],
    "loss.group": ["4"],
    "schedule.decay": ["cosine", "one_cycle"],
    "data.train": ["val"],
    "data.val": ["train"],
    "data.trained_on": ["sunrgbd"],
    "backbone.mean": ["[0.5,0.5,0.5]"],
    "backbone.std": ["[0.5,0.5,0.5]"],
    "backbone.interpolate_offset": ["0.1"],
    "backbone.interpolate_antialias": ["true"],
    "optimizer.clip_norm": ["1.0"],
    "optimizer.beta1.schedule": ["constant"],
    "family": ["mine"],
    "backbone.registers_follow": ["cls"],
    "backbone.rope_dtype": ["bfloat16"],
    "backbone.weights": ["student"],
}

# What another value needs beside it.
_BESIDE = {
    "head.batch_norm": ["features.with_cls=false"],
    "features.with_cls": ["head.batch_norm=false"],
    "data.tries": ["data.n_per_class=5"],
    "selection.refit": ["probes.weight_decay=[0.0,0.1]"],  # it is read where there is something to choose
}

# What stands in the records and leaderboards there are; a deliberate change raises the protocol's version instead.
_FINGERPRINTS = {
    ("ade20k", "cached"): "e42d8bfecab4f051",
    ("ade20k", "dinov2-lin"): "7641aec534dddf0a",
    ("ade20k", "dinov3-lin"): "2f68580163be248d",
    ("ade20k", "dinov3-lin-sweep"): "60cfb1e7eb467522",
    ("ade20k", "dvt-lin"): "5b900f8dbaa0261f",
    ("ade20k", "mini"): "5eb05906fe51ea13",
    ("voc2012", "cached"): "82ef1422e610d089",
    ("voc2012", "dinov2-lin"): "3e9ea4f3b31abce3",
    ("voc2012", "dinov3-lin"): "3c35621d182ea489",
    ("voc2012", "dinov3-lin-sweep"): "11c3320090824ef0",
    ("voc2012", "dvt-lin"): "c99bfb20219ffc37",
    ("voc2012", "mini"): "01037267f5c80cfa",
    ("cityscapes", "cached"): "e286c681f1b6a455",
    ("cityscapes", "dinov2-lin"): "2c71b6eda9f54c30",
    ("cityscapes", "dinov3-lin"): "06b8c0378592098b",
    ("cityscapes", "dinov3-lin-sweep"): "6870bb0d9ab485a4",
    ("cityscapes", "mini"): "87c2f4d720ffb933",
    ("cityscapes", "dvt-lin"): "a276f8b80c2a59f4",
    ("nyu", "cached"): "ef447dfeb630e52d",
    ("nyu", "dinov2-lin1"): "d1e6c50b9c7afac2",
    ("nyu", "dinov2-lin4"): "42c20a0a5a4fb9a9",
    ("nyu", "dinov3-lin"): "ff93130efaecc37b",
    ("nyu", "dinov3-lin-sweep"): "bfd28db49776246e",
    ("nyu", "dvt-lin"): "ec2c66b3deedf5be",
    ("nyu", "mini"): "ebd87d5cd89bd6f3",
    ("kitti", "cached"): "4294f40a3bb4b803",
    ("kitti", "dinov2-lin1"): "e9f6792d64715bdf",
    ("kitti", "dinov2-lin4"): "1f047aacc1d284b8",
    ("kitti", "dinov3-lin"): "0202d52937a329f1",
    ("kitti", "dinov3-lin-sweep"): "d7b84d7fe92311eb",
    ("kitti", "mini"): "391b66f95c7f969d",
    ("sunrgbd", "cached"): "f1622ab752ac6117",
    ("sunrgbd", "dinov2-lin1"): "ee64e9cdc950d2c9",
    ("sunrgbd", "dinov2-lin4"): "cbf93edb501e308b",
    ("sunrgbd", "dinov3-lin"): "f1f9fba3b57d5443",
    ("sunrgbd", "dinov3-lin-sweep"): "6ec818fc71c9e8f2",
    ("sunrgbd", "mini"): "89a378ba26854be5",
    ("imagenet-knn", "dinov2"): "49ebb39a5849f130",
    ("imagenet-knn", "mini"): "9a7120b3ee730014",
    ("imagenet-linear", "cached"): "9f2faafa808fd6c3",
    ("imagenet-linear", "dinov2"): "1350869385a41425",
    ("imagenet-linear", "dinov3"): "20fd45840b9b13be",
    ("imagenet-linear", "dinov3-paper"): "50998d3a1b5c6fe6",
    ("imagenet-linear", "mini"): "f7329417fb4066cd",
    ("imagenet-logreg", "dinov2"): "9740f5fbfd2968e8",
    ("imagenet-logreg", "mini"): "8fe2183850ad089b",
}


@pytest.mark.parametrize(("benchmark", "name"), _SHIPPED)
def test_fingerprints_do_not_move(benchmark: str, name: str) -> None:
    assert load_protocol(benchmark, name).fingerprint == _FINGERPRINTS[benchmark, name]


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


_EVERY_FIELD = [
    (benchmark, name, key)
    for benchmark, name in (
        *(("ade20k", "dinov2-lin"), ("nyu", "dinov2-lin1"), ("kitti", "dinov3-lin"), ("ade20k", "cached")),
        *(("imagenet-knn", "dinov2"), ("imagenet-linear", "dinov2"), ("imagenet-logreg", "dinov2")),
    )
    for key in flat(load_protocol(benchmark, name).fields)
]


@pytest.mark.parametrize(("benchmark", "name", "key"), _EVERY_FIELD)
def test_every_field_can_be_overridden_and_moves_the_fingerprint(benchmark: str, name: str, key: str) -> None:
    beside = _BESIDE.get(key, [])
    base = load_protocol(benchmark, name, beside)
    value = base.fields
    for part in key.split("."):
        value = value[part]
    if key in _OTHER_VALUES:
        other = next(other for other in _OTHER_VALUES[key] if other != value)
    elif isinstance(value, bool):
        other = str(not value).lower()
    elif isinstance(value, list):
        other = str([item / 2 for item in value])
    else:
        other = str(1 if value is None else value / 2 if isinstance(value, float) and value else value + 1)
    changed = load_protocol(benchmark, name, [*beside, f"{key}={other}"])
    assert changed.fingerprint != base.fingerprint
    assert changed.overrides == tuple(sorted([*beside, f"{key}={other}"]))


def test_dinov2_lin_has_the_constants_of_its_source() -> None:
    fields = load_protocol("ade20k", "dinov2-lin").fields
    assert fields["probes"] == {"lr": [1e-3], "weight_decay": [1e-4], "seeds": 1}
    assert (fields["train"]["iterations"], fields["train"]["batch_size"]) == (40_000, 16)
    assert round(fields["schedule"]["warmup"] * 40_000) == 1500
    assert (fields["test"]["window"], fields["test"]["stride"]) == (512, 341)
    assert fields["loss"]["average"] == "all"


@pytest.mark.parametrize(("patch", "side", "stride"), [(14, 448, 298), (16, 512, 341)])
def test_dinov3s_sweep_has_1024_tokens_with_every_patch(patch: int, side: int, stride: int) -> None:
    """Arxiv 2508.10104, table 3 and D.1; the stride is the released configuration's share of the window."""
    for benchmark in ("ade20k", "voc2012", "cityscapes"):
        protocol = load_protocol(benchmark, "dinov3-lin-sweep")
        settings = protocol.in_pixels(patch)
        assert settings.probes.lr == (1e-4, 3e-4, 1e-3)
        assert settings.probes.weight_decay == (1e-4, 1e-3)
        assert (settings.train.crop, settings.train.resize.short) == (side, side)
        assert (settings.test.window, settings.test.resize.short, settings.test.stride) == (side, side, stride)
        assert protocol.fields["train"]["crop"] == {"patches": 32}


@pytest.mark.parametrize(
    ("name", "rates", "scaled_by", "decays", "inputs", "sides"),
    [
        # facebookresearch/dinov3 6876159, dinov3/eval/linear.py lines 81, 93, 208-216
        ("dinov3", (1e-5, 0.1, 13), 256, (0.0,), ("cls+mean",), (256, 224, 224)),
        # arXiv 2508.10104, D.7
        ("dinov3-paper", (1e-4, 5.0, 15), 1024, (0.0, 1e-5), ("cls",), (448, 448, 448)),
    ],
)
def test_dinov3s_linear_probes_are_the_codes_and_the_papers(
    name: str, rates: tuple, scaled_by: int, decays: tuple, inputs: tuple, sides: tuple
) -> None:
    settings = load_protocol("imagenet-linear", name).in_pixels(14)
    grid = settings.probes.lr
    assert (min(grid), max(grid), len(grid)) == rates
    assert sorted(grid) == list(grid)
    assert (settings.probes.lr_batch, settings.probes.weight_decay, settings.probes.inputs) == (
        scaled_by, decays, inputs,
    )  # fmt: skip
    assert settings.probes.blocks == (1,)
    assert (settings.view.resize, settings.view.crop, settings.train.crop) == sides


def test_denoising_vits_baselines_have_the_constants_of_their_source() -> None:
    """Jiawei-Yang/Denoising-ViT 82704df, evaluation/configs and eval_utils/misc.py lines 72-77."""
    ours, theirs = load_protocol("voc2012", "dinov2-lin").fields, load_protocol("voc2012", "dvt-lin").fields
    assert theirs["features"] == ours["features"] | {"norm": False}
    assert {key: theirs[key] for key in ("head", "probes", "train", "loss", "optimizer", "schedule", "test")} == {
        key: ours[key] for key in ("head", "probes", "train", "loss", "optimizer", "schedule", "test")
    }
    depth = load_protocol("nyu", "dvt-lin").fields
    assert (depth["features"]["norm"], depth["probes"]["lr"]) == (True, [5e-3])
    assert theirs["backbone"]["mean"] == depth["backbone"]["mean"] == [0.485, 0.456, 0.406]


def test_lengths_that_do_not_fit_a_patch_size_are_one_line() -> None:
    protocol = load_protocol("imagenet-knn", "dinov2", ['view.crop={"patches":17}'])
    assert protocol.in_pixels(14).view.crop == 238
    with pytest.raises(ProtocolError, match=r"'dinov2' of imagenet-knn, with patches of 16 pixels: .*272 does not fit"):
        protocol.in_pixels(16)
    protocol = load_protocol("ade20k", "dinov2-lin", ['test.window={"patches":20}'])
    with pytest.raises(ProtocolError, match="windows of 280 pixels every 341 would leave gaps"):
        protocol.in_pixels(14)


def test_dinov2_lin1_has_the_constants_of_its_source() -> None:
    fields = load_protocol("nyu", "dinov2-lin1").fields
    assert fields["probes"] == {"lr": [1e-4], "weight_decay": [0.01], "seeds": 1}
    assert (fields["train"]["iterations"], fields["train"]["batch_size"], fields["loss"]["group"]) == (38_400, 16, 2)
    assert (fields["head"]["bins"], fields["head"]["upsample"], fields["head"]["batch_norm"]) == (256, 4, False)
    assert fields["features"] == {"layers": [-1], "norm": False, "with_cls": True, "precision": "float32"}
    assert fields["head"]["init"] == "pytorch"
    one_cycle = {"schedule": "one_cycle", "low": 0.85, "high": 0.95, "turn": 0.3}
    assert fields["optimizer"] == {"beta1": one_cycle, "beta2": 0.999, "clip_norm": 35.0}
    assert fields["schedule"] == {"decay": "cosine", "warmup": 12_800 / 38_400, "warmup_ratio": 1e-3, "floor": 1e-8}
    assert fields["test"]["clamp"] == "before_resize"


def test_dinov3_lin_depth_has_the_constants_of_its_source() -> None:
    fields = load_protocol("nyu", "dinov3-lin").fields
    assert fields["probes"] == {"lr": [3e-4], "weight_decay": [1e-4], "seeds": 1}
    assert (fields["head"]["batch_norm"], fields["head"]["upsample"], fields["head"]["init"]) == (True, 1, "normal")
    assert (fields["features"]["norm"], fields["features"]["with_cls"]) == (True, False)
    assert fields["features"]["layers"] == [-1]
    after_warmup = {"schedule": "after_warmup", "low": 0.85, "high": 0.95, "turn": 0.3}
    assert fields["optimizer"] == {"beta1": after_warmup, "beta2": 0.99, "clip_norm": 35.0}
    schedule = {"decay": "one_cycle", "warmup": 12_800 / 38_400, "warmup_ratio": 1e-3, "floor": 1 / 25_000}
    assert fields["schedule"] == schedule
    assert fields["test"]["clamp"] == "after_resize"


@pytest.mark.parametrize("name", ["dinov2-lin1", "dinov2-lin4", "dinov3-lin"])
def test_depth_protocols_share_their_loss_and_differ_by_dataset_in_crops_only(name: str) -> None:
    nyu, kitti = (load_protocol(benchmark, name).fields for benchmark in ("nyu", "kitti"))
    loss = {"group": 2, "mean_weight": 0.15, "epsilon": 0.001, "warmup_iterations": 100, "gradient_weight": 0.0}
    assert nyu["loss"] == loss
    assert {key for key in nyu if nyu[key] != kitti[key]} == {"data", "train", "test"}
    assert {key for key in nyu["test"] if nyu["test"][key] != kitti["test"][key]} == {"fixed_crop", "evaluation_crop"}
    assert (nyu["test"]["fixed_crop"], nyu["test"]["crop_padding"], nyu["test"]["cap"]) == (None, False, None)
    assert kitti["test"]["fixed_crop"] == kitti["train"]["fixed_crop"]


@pytest.mark.parametrize("name", ["dinov2-lin1", "dinov2-lin4", "dinov3-lin"])
def test_the_protocols_of_a_dataset_share_its_augmentation(name: str) -> None:
    nyu, kitti = (load_protocol(benchmark, name).settings for benchmark in ("nyu", "kitti"))
    assert nyu.train.fixed_crop == FixedCrop(top=45, left=43, height=427, width=565)
    assert kitti.train.fixed_crop == FixedCrop(top="bottom", left="centre", height=352, width=1216)
    assert (nyu.train.crop, kitti.train.crop) == ((416, 544), (352, 704))
    assert (nyu.train.brightness, kitti.train.brightness) == ((0.75, 1.25), (0.9, 1.1))
    for train in (nyu.train, kitti.train):
        assert (train.rotate, train.rotate_share, train.flip, train.color_share) == (2.5, 0.5, 0.5, 0.5)
        assert train.gamma == train.channel == (0.9, 1.1)


def test_bins_span_the_range_of_the_dataset() -> None:  # trap 14
    for benchmark, name in _SHIPPED:
        if BENCHMARKS[benchmark].group == "depth":
            data = load_protocol(benchmark, name).settings.data
            assert data.depth_range == DATASETS[benchmark].depth_range == DATASETS[data.trained_on].depth_range


def test_protocols_know_the_evaluation_crops_of_the_metrics() -> None:
    assert set(get_args(DepthTest.model_fields["evaluation_crop"].annotation)) == set(EVALUATION_CROPS)


def test_the_scored_crop_stands_in_the_fingerprint() -> None:  # trap 17
    crops = {name: load_protocol(name, "dinov2-lin1").settings.test.evaluation_crop for name in groups()["depth"]}
    assert crops == {"nyu": "eigen", "kitti": "garg", "sunrgbd": "eigen"}
    everywhere = load_protocol("nyu", "dinov2-lin1", ["test.evaluation_crop=none"])
    assert everywhere.fingerprint != load_protocol("nyu", "dinov2-lin1").fingerprint


@pytest.mark.parametrize("name", ["dinov2-lin1", "dinov2-lin4", "dinov3-lin"])
def test_sunrgbd_is_the_nyu_protocol_with_a_cap(name: str) -> None:
    sun, nyu = (load_protocol(benchmark, name).fields for benchmark in ("sunrgbd", "nyu"))
    assert (sun["data"]["trained_on"], sun["test"].pop("cap"), nyu["test"].pop("cap")) == ("nyu", 8.0, None)
    assert sun == nyu


@pytest.mark.parametrize(
    ("depth", "dinov2", "even"),
    [
        (12, (2, 5, 8, 11), (2, 5, 8, 11)),
        (24, (4, 11, 17, 23), (5, 11, 17, 23)),
        (40, (9, 19, 29, 39), (9, 19, 29, 39)),
        (4, (0, 1, 2, 3), (0, 1, 2, 3)),
    ],
)
def test_four_blocks_follow_the_depth_with_dinov2s_large_as_published(
    depth: int, dinov2: tuple[int, ...], even: tuple[int, ...]
) -> None:  # trap 19
    features = load_protocol("nyu", "dinov2-lin4").settings.features
    assert features.layers == "dinov2-four"
    assert features.resolved(depth).layers == dinov2
    chosen = load_protocol("nyu", "dinov2-lin4", ["features.layers=even-four"]).settings.features
    assert chosen.resolved(depth).layers == even
    numbered = load_protocol("nyu", "dinov2-lin4", ["features.layers=[0,-1]"]).settings.features
    assert numbered.resolved(depth).layers == (0, -1)


def test_four_blocks_of_three_are_refused() -> None:
    with pytest.raises(ProtocolError, match=r"features\.layers=dinov2-four needs four blocks, the backbone has 3"):
        load_protocol("nyu", "dinov2-lin4").settings.features.resolved(3)


def test_the_final_norm_is_off_for_dinov2_depth_only() -> None:  # trap 20
    def norm(benchmark: str, name: str) -> bool:
        return load_protocol(benchmark, name).settings.features.norm

    assert [norm("nyu", name) for name in ("dinov2-lin1", "dinov2-lin4", "dinov3-lin")] == [False, False, True]
    assert norm("ade20k", "dinov2-lin")


@pytest.mark.parametrize(("name", "flip"), [("dinov2-lin1", "after_resize"), ("dinov3-lin", "before_resize")])
def test_flip_averaging_stands_in_the_fingerprint(name: str, flip: str) -> None:  # trap 34
    protocol = load_protocol("nyu", name)
    assert protocol.fields["test"]["flip"] == flip
    assert load_protocol("nyu", name, ["test.flip=none"]).fingerprint != protocol.fingerprint


@pytest.mark.parametrize(
    ("override", "match"),
    [
        ("train.batch_size=15", "train.batch_size=15 is not a multiple of loss.group=2"),
        ("train.crop=[500,500]", r"crop \(500, 500\) does not fit into the fixed crop of 427 x 565"),
        ("train.fixed_crop.top=middle", "train.fixed_crop.top"),
        ("train.rotate=-1", "train.rotate"),
        ("data.depth_range=[10,0.001]", "the nearest depth comes first"),
        ("data.depth_range=[0,10]", "data.depth_range"),
        ("data.trained_on=nyuv2", r"no depth dataset 'nyuv2' \(did you mean 'nyu'\?\); known: nyu, kitti, sunrgbd"),
        ("data.trained_on=ade20k", "no depth dataset 'ade20k'"),
        ("features.layers=four", "features.layers"),
        ("features.layers=[]", "features.layers"),
        ("head.bins=1", "head.bins"),
        ("head.batch_norm=true", "head.batch_norm is for patch tokens alone; set features.with_cls=false"),
        ("test.evaluation_crop=kb", "test.evaluation_crop: Input should be 'eigen', 'garg' or 'none'"),
        ("optimizer.beta1.high=1", "optimizer.beta1.high"),
    ],
)
def test_bad_depth_overrides_are_refused(override: str, match: str) -> None:
    with pytest.raises(ProtocolError, match=match):
        load_protocol("nyu", "dinov2-lin1", [override])


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
        ("train.iterations", UsageError, "is not an override"),
        ("train.crop.size=3", UsageError, "no protocol field"),
    ],
)
def test_bad_overrides_are_refused(override: str, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        load_protocol("ade20k", "mini", [override])


def test_an_override_goes_to_the_benchmarks_that_have_its_field() -> None:
    names = {"ade20k": "dinov2-lin", "imagenet-knn": "dinov2"}
    shared = share_overrides(
        [BENCHMARKS[name] for name in names], names, ["train.iterations=20", "data.val=train", "knn.k=[5]"]
    )
    assert shared == {
        "ade20k": ("train.iterations=20", "data.val=train"),
        "imagenet-knn": ("data.val=train", "knn.k=[5]"),
    }


def test_an_override_that_no_benchmark_has_stays_for_the_error() -> None:
    names = {"ade20k": "dinov2-lin", "imagenet-knn": "dinov2"}
    shared = share_overrides([BENCHMARKS[name] for name in names], names, ["train.iteration=20"])
    assert set(shared.values()) == {("train.iteration=20",)}


def test_an_override_given_twice_is_refused() -> None:
    with pytest.raises(UsageError, match=r"train\.iterations is given twice"):
        load_protocol("ade20k", "mini", ["train.iterations=3", "train.iterations=4"])


def test_an_unknown_protocol_lists_the_known() -> None:
    with pytest.raises(UsageError, match=r"no protocol 'dinov4'.*known: cached, dinov2-lin, dinov3-lin"):
        load_protocol("ade20k", "dinov4")


def test_a_config_file_of_ones_own_is_a_protocol(tmp_path: Path) -> None:
    shipped = Path(__file__).parents[1] / "configs" / "segmentation" / "mini.py"
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
    shipped = Path(__file__).parents[1] / "configs" / "segmentation" / "mini.py"
    own = tmp_path / "mine.py"
    own.write_text(f"_base_ = {str(shipped)!r}\n{text}\n")
    with pytest.raises(ProtocolError, match=match):
        load_protocol("ade20k", str(own))


def test_a_backbone_option_that_is_not_given_counts_for_nothing(tmp_path: Path) -> None:
    """A config written before an option came has the fingerprint of one that lists it as None."""
    base = load_protocol("ade20k", "dinov2-lin")
    older = tmp_path / "dinov2-lin.py"
    text = f"_base_ = {str(CONFIGS / 'ade20k' / 'dinov2-lin.py')!r}\nbackbone = dict(_delete_=True, num_heads=None)\n"
    older.write_text(text)
    assert load_protocol("ade20k", str(older)).fingerprint == base.fingerprint
    older.write_text(text.replace("None", "6"))
    assert load_protocol("ade20k", str(older)).fingerprint != base.fingerprint


def test_backbone_options_are_read_strictly_without_a_protocol() -> None:
    given = ["backbone.num_heads=6", "backbone.mean=[0.5,0.5,0.5]", "backbone.weights=student"]
    options = parse_backbone_options(given)
    assert (options.num_heads, options.mean, options.weights) == (6, (0.5, 0.5, 0.5), "student")
    with pytest.raises(UsageError, match=r"did you mean 'backbone\.num_heads'"):
        parse_backbone_options(["backbone.num_head=6"])
    with pytest.raises(ProtocolError, match=r"backbone\.num_heads: .*integer"):
        parse_backbone_options(["backbone.num_heads=six"])


@pytest.mark.parametrize(
    "option",
    ["image_size=-56", "image_size=[-28,-112]", "image_size=0", "interpolate_offset=NaN", "interpolate_offset=-0.1",
     "interpolate_offset=1", "num_heads=0", "norm_eps=0", "norm_eps=NaN", "patch_size=-14", "mean=[NaN,0,0]",
     "std=[1,0,1]", "std=[Infinity,1,1]", "weights="],
)  # fmt: skip
def test_a_backbone_option_that_cannot_be_is_refused_before_a_checkpoint_is_read(option: str) -> None:
    name = option.partition("=")[0]
    with pytest.raises(ProtocolError, match=f"^backbone: .*{name} must be .*, received"):
        parse_backbone_options([f"backbone.{option}"])
    with pytest.raises(ProtocolError, match=f"backbone: .*{name} must be .*, received"):
        load_protocol("ade20k", "mini", [f"backbone.{option}"])
