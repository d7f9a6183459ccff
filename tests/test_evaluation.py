"""``evaluate``: the same numbers as the command line, and nothing left behind in the program that calls it."""

from __future__ import annotations

import functools
import gc
import json
import random
import subprocess
import sys
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from benchmark import Results, evaluate, load_results
from benchmark.backbones import BackboneSpec, Tokens, VisionTransformer, build_vit, save_backbone
from benchmark.benchmarks import BENCHMARKS
from benchmark.cli import main
from benchmark.errors import CheckpointError, EvaluationError, RecordError, UsageError
from benchmark.probing.undisturbed import undisturbed
from benchmark.records.cell import key_of
from benchmark.records.schema import Record
from benchmark.records.store import RecordStore, as_json
from benchmark.rerun import rerun

_OVERRIDES = ("train.iterations=3", "train.batch_size=2")
_OWN = {"checkpoint", "checkpoint_sha256", "layout"}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("DENSEBENCH_CACHE", str(folder))
    return folder


@pytest.fixture
def vit() -> VisionTransformer:
    """A small transformer that is being trained: in training mode, with gradients and stochastic depth."""
    return build_vit("Ti", num_registers=2, image_size=112, layer_scale=1.0, drop_path=0.3, seed=3).train()


@pytest.fixture
def quick(mini_data: Path) -> Callable[..., Results]:
    """Evaluates on the rendered data; one second with imagenet-knn."""

    def run(model: Any, benchmarks: Any = "imagenet-knn", **given: Any) -> Results:
        return evaluate(model, benchmarks, **{"data_root": mini_data, "protocol": "mini", "device": None, **given})

    return run


class Plain(nn.Module):
    """A network that is none of ours: dropout, batch norm, and tokens through a function."""

    def __init__(self, width: int = 24, patch: int = 14) -> None:
        super().__init__()
        self.embed = nn.Conv2d(3, width, patch, patch)
        self.norm = nn.BatchNorm2d(width)
        self.drop = nn.Dropout(0.5)
        self.head = nn.Linear(width, 5)

    def features(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Maps (B, 3, H, W) to a global vector (B, D) and a map (B, D, h, w)."""
        patches = self.drop(self.norm(self.embed(images)))
        return patches.mean((2, 3)), patches

    def forward(self, images: Tensor) -> Tensor:
        """Classifies images (B, 3, H, W)."""
        return self.head(self.features(images)[0])


def _json(record: Record) -> dict[str, Any]:
    return json.loads(as_json(record))


def test_a_module_in_memory_scores_what_the_command_line_gives_its_saved_file(
    vit: VisionTransformer, quick: Callable, mini_data: Path, tmp_path: Path
) -> None:
    file = tmp_path / "vit.safetensors"
    save_backbone(vit, file)
    names = ["ade20k", "nyu", "imagenet-knn"]
    found = quick(vit, names, overrides=_OVERRIDES, name="vit")
    words = ["run", *names, "--protocol", "mini", "--data-root", str(mini_data), "--checkpoint", str(file)]
    assert main([*words, "--results", str(tmp_path / "results"), "--device", "cpu", *_OVERRIDES]) == 0
    there = {record.benchmark: record for record in RecordStore(tmp_path / "results").read().records}
    assert [record.benchmark for record in found.records] == names
    for record in found.records:
        other = there[record.benchmark]
        for section in ("metrics", "primary", "selection", "protocol", "data", "patch_tokens"):
            assert _json(record)[section] == _json(other)[section]
        assert record.cost.backbone_forwards == other.cost.backbone_forwards
        ours, theirs = ({key: value for key, value in _json(each)["model"].items() if key not in _OWN}
                        for each in (record, other))  # fmt: skip
        assert ours == theirs
        assert (record.model.layout, record.model.checkpoint) == ("memory", "memory:VisionTransformer")
    frame, folder = found.to_frame(), load_results(tmp_path / "results").set_index("benchmark").loc[names]
    for column in ("value", "value_low", "value_high"):
        assert frame[column].tolist() == folder[column].tolist()


def test_a_rule_of_resizing_positions_is_that_of_the_command_line(
    vit: VisionTransformer, quick: Callable, mini_data: Path, tmp_path: Path
) -> None:
    file = tmp_path / "vit.pth"
    save_backbone(vit, file)
    rule = ["backbone.interpolate_offset=0.0", "backbone.interpolate_antialias=false", "backbone.mean=[0.5,0.5,0.5]"]
    before = vit.spec
    [record] = quick(vit, overrides=rule).records
    [other] = quick(file, overrides=rule).records
    assert record.metrics == other.metrics
    assert record.model.spec == other.model.spec
    assert record.model.spec["position_interpolation"] == {"offset": 0.0, "antialias": False}
    assert vit.spec is before


def test_a_model_of_transformers_scores_in_memory_what_its_folder_scores(quick: Callable, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    sizes = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "image_size": 112, "patch_size": 14}
    model = transformers.Dinov2Model(transformers.Dinov2Config(**sizes)).train()
    model.save_pretrained(tmp_path / "model")
    names = ["voc2012", "imagenet-knn"]
    folder = quick(f"hf:{tmp_path / 'model'}", names, overrides=_OVERRIDES, device="cpu")
    found = quick((model, lambda images: model(images).last_hidden_state), names, overrides=_OVERRIDES)
    assert [each.metrics for each in found.records] == [each.metrics for each in folder.records]
    assert [each.model.gflops for each in found.records] == [each.model.gflops for each in folder.records]


def test_a_checkpoint_is_the_same_cell_from_python_and_from_the_command_line(
    checkpoint: Path, quick: Callable, mini_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = tmp_path / "results"
    [record] = quick(checkpoint, results=results, device="cpu").records
    words = ["--protocol", "mini", "--data-root", str(mini_data), "--checkpoint", str(checkpoint), "--device", "cpu"]
    assert main(["run", "imagenet-knn", *words, "--results", str(results)]) == 0
    assert "done already" in capsys.readouterr().out
    [again] = quick(str(checkpoint), results=results, device="cpu").records
    assert _json(again) == _json(record)
    agreement = rerun(record.id, results, command="densebench rerun", device="cpu")
    assert agreement.agrees
    assert key_of(agreement.second) == key_of(record)


def test_what_is_done_is_known_by_the_weights_of_the_moment(
    vit: VisionTransformer, quick: Callable, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = tmp_path / "results"
    for _ in range(2):
        quick(vit, results=results, step=1)
    assert "done already" in capsys.readouterr().out
    with torch.no_grad():
        vit.norm.bias[0] += 1e-3
    quick(vit, results=results, step=20)
    table = load_results(results)
    assert table[["name", "run", "step"]].to_numpy().tolist() == [
        ["VisionTransformer@1", "VisionTransformer", 1],
        ["VisionTransformer@20", "VisionTransformer", 20],
    ]
    assert table["checkpoint_sha256"].nunique() == 2


def test_another_function_on_the_same_weights_is_another_model(quick: Callable, tmp_path: Path) -> None:
    model, results = Plain(), tmp_path / "results"

    def scaled(factor: float) -> Callable[[Tensor], Any]:
        return lambda images: [part * factor for part in model.features(images)]

    functions = [
        model.features,
        lambda images: model.features(images)[::-1],
        lambda images: {"cls": model.features(images)[0], "patches": model.features(images)[1]},
        scaled(2.0),
        scaled(3.0),
        functools.partial(model.features),
    ]
    for function in functions:
        quick((model, function), results=results)
    hashes = load_results(results)["checkpoint_sha256"]
    assert hashes.nunique() == len(functions)
    quick((model, scaled(3.0)), results=results)
    assert len(load_results(results)) == len(functions)


def test_lines_name_records_only_where_they_are_kept(
    vit: VisionTransformer, quick: Callable, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    quick(vit)
    assert ".json" not in capsys.readouterr().out
    [record] = quick(vit, results=tmp_path).records
    assert f"; {tmp_path}/runs/{record.id}.json" in capsys.readouterr().out


def test_features_of_a_module_are_gone_afterwards(vit: VisionTransformer, quick: Callable, cache: Path) -> None:
    quick(vit, ["nyu", "imagenet-knn"], overrides=_OVERRIDES)
    assert {path.name for path in cache.iterdir()} == {"manifests"}


def _training(evaluation: Callable[[nn.Module], object] | None) -> tuple[list[float], list[Any]]:
    """Trains a small network with dropout and numpy's random numbers, evaluates in the middle, and goes on."""
    torch.manual_seed(0)
    np.random.seed(0)
    random.seed(0)
    model = Plain()
    model.norm.eval()  # a user may keep parts of a model in another mode
    model.embed.bias.requires_grad_(False)
    adam = torch.optim.AdamW(model.parameters(), lr=1e-2)
    losses, seen = [], []
    for step in range(6):
        images = torch.randn(2, 3, 28, 28) * float(np.random.rand() + random.random())  # noqa: S311
        with torch.autocast("cpu", torch.bfloat16):
            if step == 3 and evaluation is not None:
                before = _state(model)
                evaluation(model)
                seen = [before, _state(model)]
            loss = nn.functional.cross_entropy(model(images), torch.tensor([1, 2]))
        loss.backward()  # gradients are kept over the evaluation
        if step % 2:
            adam.step()
            adam.zero_grad()
        losses.append(loss.item())
    return losses, seen


def _state(model: nn.Module) -> dict[str, Any]:
    """Everything an evaluation could disturb, as bytes and plain values."""
    backends = torch.backends
    return {
        "modes": {name: each.training for name, each in model.named_modules()},
        "attributes": {name: sorted(vars(each)) for name, each in model.named_modules()},
        "weights": {key: (str(value.dtype), str(value.device), _bytes(value)) for key, value in _tensors(model)},
        "places": {key: value.data_ptr() for key, value in _tensors(model)},
        "wants gradient": {key: value.requires_grad for key, value in model.named_parameters()},
        "gradients": {key: None if each.grad is None else _bytes(each.grad) for key, each in model.named_parameters()},
        "random": (random.getstate(), repr(np.random.get_state()), _bytes(torch.get_rng_state())),
        "cudnn": [getattr(backends.cudnn, name) for name in ("enabled", "benchmark", "deterministic", "allow_tf32")],
        "float32": [
            torch.get_float32_matmul_precision(),
            backends.cuda.matmul.allow_tf32,
            *(each.fp32_precision for each in (backends, backends.cudnn, backends.cudnn.conv, backends.cudnn.rnn)),
            *(each.fp32_precision for each in (backends.cuda.matmul, backends.mkldnn.matmul, backends.mkldnn.conv)),
        ],
        "gradient mode": (torch.is_grad_enabled(), torch.is_inference_mode_enabled()),
        "autocast": (
            torch.is_autocast_enabled("cpu"),
            torch.get_autocast_dtype("cpu"),
            torch.is_autocast_enabled("cuda"),
            torch.is_autocast_cache_enabled(),
        ),
        "defaults": (torch.get_default_dtype(), torch.get_default_device()),
        "deterministic": (
            torch.are_deterministic_algorithms_enabled(),
            torch.is_deterministic_algorithms_warn_only_enabled(),
        ),
        "threads": torch.get_num_threads(),
    }


def _tensors(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    yield from model.named_parameters()
    yield from model.named_buffers()


def _bytes(tensor: Tensor) -> bytes:
    return tensor.detach().contiguous().flatten().view(torch.uint8).numpy().tobytes()


def _twice(quick: Callable, **given: Any) -> Callable[[nn.Module], None]:
    def evaluation(model: nn.Module) -> None:
        for function in (model.features, lambda images: list(model.features(images))):
            quick((model, function), ["voc2012", "imagenet-knn"], overrides=_OVERRIDES, **given)

    return evaluation


def test_a_training_goes_on_bit_by_bit_as_if_nothing_had_been_evaluated(quick: Callable) -> None:
    alone, _ = _training(None)
    evaluated, (before, after) = _training(_twice(quick))
    assert evaluated == alone
    assert before == after


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_evaluation_that_is_cut_short_leaves_everything_as_it_was(
    quick: Callable, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    from benchmark.probing import dense

    def broken(*_given: Any, **_more: Any) -> None:
        np.random.seed(1)
        torch.manual_seed(1)
        raise error("in the middle")

    def evaluation(model: nn.Module) -> None:
        with monkeypatch.context() as patch, pytest.raises((EvaluationError, KeyboardInterrupt)):
            patch.setattr(dense, "measure_images", broken)
            _twice(quick)(model)

    alone, _ = _training(None)
    evaluated, (before, after) = _training(evaluation)
    assert evaluated == alone
    assert before == after


@pytest.fixture
def unusual() -> Iterator[None]:
    """Settings that a training may have made, and that a process does not begin with."""
    with undisturbed(torch.device("cpu")):
        torch.backends.cudnn.benchmark = True
        torch.set_float32_matmul_precision("medium")
        torch.set_default_dtype(torch.float64)
        torch.use_deterministic_algorithms(True, warn_only=True)
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16), torch.device("meta"):
            yield


def test_numbers_do_not_depend_on_what_a_training_has_set(
    vit: VisionTransformer, quick: Callable, request: pytest.FixtureRequest
) -> None:
    names = ["voc2012", "imagenet-knn"]
    usual = quick(vit, names, overrides=_OVERRIDES)
    request.getfixturevalue("unusual")
    before = _state(vit)
    found = quick(vit, names, overrides=_OVERRIDES)
    assert _state(vit) == before
    assert before["gradient mode"] == (False, True)
    assert [each.metrics for each in found.records] == [each.metrics for each in usual.records]


def test_newer_switches_of_float32_are_left_as_they_were() -> None:
    conv, all_of_it = torch.backends.cudnn.conv, torch.backends
    with undisturbed(torch.device("cpu")):
        all_of_it.fp32_precision = "tf32"
        conv.fp32_precision = "ieee"
        with undisturbed(torch.device("cpu")):
            torch.backends.cudnn.allow_tf32 = False
            precisions = {all_of_it.fp32_precision, conv.fp32_precision, torch.backends.cudnn.rnn.fp32_precision}
            assert precisions <= {"ieee", "none"}
        assert (all_of_it.fp32_precision, conv.fp32_precision) == ("tf32", "ieee")
    assert all_of_it.fp32_precision == "none"


@pytest.mark.parametrize("wrapped", [False, True])
def test_nothing_refers_to_the_model_afterwards(quick: Callable, wrapped: bool) -> None:
    model = Plain()
    gc.collect()
    gc.disable()
    try:
        found = quick((model, model.features) if not wrapped else (nn.Sequential(model), model.features))
        gone = weakref.ref(model)
        del model
        gc.collect()
        assert gone() is None
    finally:
        gc.enable()
    assert found.records


@pytest.mark.parametrize("fault", [lambda model: 1 / 0, lambda model: model.no_such_layer])
def test_the_cause_of_a_failure_keeps_no_model(quick: Callable, fault: Callable) -> None:
    model, kept = Plain(), []

    def fails_late(owner: nn.Module, calls: list[int]) -> Callable[[Tensor], Any]:
        def function(images: Tensor) -> Any:
            calls.append(1)
            return owner.features(images) if len(calls) <= 4 else fault(owner)

        return function

    try:
        quick((model, fails_late(model, [])))
    except EvaluationError as error:
        kept += [error.results, error.__cause__]
    gone = weakref.ref(model)
    del model
    gc.collect()
    assert gone() is None
    assert "return owner.features(images) if" in kept[1].__notes__[0]  # where it was is still known


def test_what_torch_compile_has_wrapped_is_the_same_model(vit: VisionTransformer, quick: Callable) -> None:
    [plain] = quick(vit).records
    compiled = torch.compile(vit, backend="eager")
    [record] = quick(compiled).records
    assert record.metrics == plain.metrics
    assert key_of(record) == key_of(plain)


def test_a_launcher_around_the_training_is_none_of_its_business(
    quick: Callable, monkeypatch: pytest.MonkeyPatch, vit: VisionTransformer
) -> None:
    for name, value in {"TORCHELASTIC_RUN_ID": "x", "WORLD_SIZE": "2", "RANK": "1", "LOCAL_RANK": "1"}.items():
        monkeypatch.setenv(name, value)
    assert quick(vit).scores
    assert not torch.distributed.is_initialized()


def test_what_fails_is_raised_after_the_others_have_run(
    vit: VisionTransformer, mini_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "data"
    root.mkdir()
    (root / "imagenet").symlink_to(mini_data / "imagenet")
    with pytest.raises(EvaluationError, match="1 of 2 benchmarks failed: ade20k: ") as caught:
        evaluate(vit, ["ade20k", "imagenet-knn"], data_root=root, protocol="mini")
    assert list(caught.value.results.scores) == ["imagenet_knn_top1"]
    assert str(caught.value.__cause__) in str(caught.value)


def test_a_model_that_fails_leaves_a_record_and_its_traceback(quick: Callable, tmp_path: Path) -> None:
    model, calls = Plain(), []

    def late(images: Tensor) -> Any:
        calls.append(1)
        if len(calls) > 4:
            raise ZeroDivisionError("a fault of the model")
        return model.features(images)

    with pytest.raises(EvaluationError, match="ZeroDivisionError: a fault of the model") as caught:
        quick((model, late), results=tmp_path)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    [record] = caught.value.results.records
    assert record.status == "error"
    assert "late" in record.error
    assert "failed" in repr(caught.value.results)
    assert load_results(tmp_path).empty


def test_the_members_of_a_group_without_their_data_are_skipped_as_on_the_command_line(
    vit: VisionTransformer, mini_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "ade20k").symlink_to(mini_data / "ade20k")
    quickly = ["train.iterations=1", "train.batch_size=1"]
    found = evaluate(vit, "seg", data_root=tmp_path, protocol="mini", overrides=quickly)
    assert list(found.scores) == ["ade20k_miou"]
    assert "voc2012: skipped, no" in capsys.readouterr().out


def test_a_benchmark_itself_may_be_given(vit: VisionTransformer, quick: Callable) -> None:
    assert list(quick(vit, [BENCHMARKS["imagenet-knn"]]).scores) == ["imagenet_knn_top1"]


class Contract(nn.Module):
    """A backbone of a user's own, as the contract asks for it."""

    spec = BackboneSpec(arch="own", embed_dim=3, depth=2, patch_size=14)

    def tokens(self, images: Tensor, *, layers: Any = (-1,), norm: bool = True) -> list[Tokens]:
        """Returns the mean colour of each patch, whatever the layer."""
        patches = nn.functional.avg_pool2d(images, 14)
        grid = patches.shape[2], patches.shape[3]
        patches = patches.flatten(2).transpose(1, 2)
        return [Tokens(patches.mean(1), patches[:, :0], patches, grid) for _ in layers]


def test_a_module_with_the_contract_of_a_backbone_is_one(quick: Callable) -> None:
    [record] = quick(Contract()).records
    assert (record.model.arch, record.model.depth, record.model.params) == ("own", 2, 0)


def test_what_nobody_told_of_a_module_is_said(quick: Callable, capsys: pytest.CaptureFixture[str]) -> None:
    model = Plain(patch=16)
    [record] = quick((model, model.features)).records
    assert record.model.assumed == ("mean", "std")
    assert "assumed: mean=[0.485,0.456,0.406]" in capsys.readouterr().out
    assert "patch size 16: that of its first convolution of images" in record.model.notes
    model.pretrained_cfg = {"mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5)}  # as timm's models have it
    [told] = quick((model, model.features)).records
    assert told.model.assumed == ()
    assert told.model.spec["preprocessing"]["mean"] == (0.5, 0.5, 0.5)


def test_a_model_of_one_image_size_is_evaluated_on_it_and_told_of_others(quick: Callable) -> None:
    weights = nn.Linear(3, 8)

    def tokens(images: Tensor) -> Tokens:
        assert images.shape[2:] == (224, 224), "the graph takes 224 x 224"
        patches = weights(nn.functional.avg_pool2d(images, 16).flatten(2).transpose(1, 2))
        return Tokens(patches.mean(1), patches[:, :0], patches, (14, 14))

    overrides = ["view.resize=256", "view.crop=224"]
    [record] = quick((weights, tokens), overrides=overrides).records
    assert record.model.patch_size == 16
    assert "patch size 16: its tokens of 224 pixels are 14 in a row" in record.model.notes
    with pytest.raises(EvaluationError, match="memory:Linear takes images of 224x224 only, not 112x112; timm's models"):
        quick((weights, tokens))


def test_weights_compute_in_their_own_dtype_and_the_record_says_so(quick: Callable) -> None:
    model = Plain().bfloat16()
    [record] = quick((model, model.features)).records
    assert "runs in torch.bfloat16, as its weights are" in record.model.notes
    assert model.embed.weight.dtype == torch.bfloat16


def _two_places() -> nn.Module:
    model = Plain()
    model.head.to("meta")
    return model


@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        (3, UsageError, "a model is a path, a torch.nn.Module or a pair .* received int"),
        ((Plain(), 3), UsageError, "received Plain, int"),
        ((1, 2, 3), UsageError, "received int, int, int"),
        (Plain(), CheckpointError, "Plain has no method tokens.* give .model, function."),
        ((nn.Linear(3, 3), lambda images: images), CheckpointError, "patch size of Linear is not to be found; set it"),
        ((nn.Linear(3, 3), lambda images: 1 / 0), CheckpointError, "is not to be found.* .ZeroDivisionError: "),
        ((Plain(), lambda images: None), CheckpointError, "returned a NoneType; wanted: Tokens"),
        (
            (Plain(), lambda images: images.no),
            CheckpointError,
            "cannot be run on images of 168x224 or 224x224: AttributeError",
        ),
        (_two_places(), CheckpointError, "Plain lies on cpu, meta; it must be on one device"),
        (Plain().to("meta"), CheckpointError, "lies on meta; benchmarks run on cpu and cuda"),
        ("no_such.pth", CheckpointError, "no_such.pth"),
    ],
)
def test_a_model_that_cannot_be_used_is_refused_in_one_line(
    quick: Callable, model: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message) as caught:
        quick(model)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"benchmarks": "ade20"}, "unknown benchmark 'ade20' .did you mean 'ade20k'"),
        ({"benchmarks": []}, "name a benchmark"),
        ({"benchmarks": [3]}, "not int"),
        ({"benchmarks": None}, "not NoneType"),
        ({"data_root": None}, "data_root is the path of the folder .* received None"),
        ({"name": 3}, "name must be a text, received 3"),
        ({"overrides": None}, "overrides is a list of 'key=value', received None"),
        ({"seed": -1}, "seed must be an integer of at least 0, received -1"),
        ({"seed": None}, "seed must be an integer"),
        ({"limit": 0}, "limit must be an integer of at least 1, received 0"),
        ({"step": 1.5}, "step must be an integer of at least 0, received 1.5"),
        ({"overrides": "train.iterations=3"}, "overrides is a list"),
        ({"device": "tpu"}, "device must be auto, cpu or cuda, received 'tpu'"),
        ({"device": "cuda:77"}, "lies on cpu and is not moved; .* to cuda:77"),
        ({"protocol": "nono"}, "has no protocol 'nono'"),
    ],
)
def test_an_argument_that_cannot_be_is_refused_before_anything_runs(
    vit: VisionTransformer, quick: Callable, given: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        quick(vit, **given)


def test_a_checkpoint_on_a_device_that_is_not_there_is_refused(quick: Callable) -> None:
    with pytest.raises(UsageError, match="benchmarks run on cpu and cuda, and PyTorch sees"):
        quick("pixels", device="cuda:77")


def test_a_record_of_a_module_in_memory_cannot_be_rerun(
    vit: VisionTransformer, quick: Callable, tmp_path: Path
) -> None:
    [record] = quick(vit, results=tmp_path).records
    with pytest.raises(RecordError, match="in memory, memory:VisionTransformer, and no file holds it"):
        rerun(record.id, tmp_path, command="densebench rerun")


def test_records_say_what_was_asked_for(vit: VisionTransformer, quick: Callable, tmp_path: Path) -> None:
    [record] = quick(vit, results=tmp_path, limit=4, seed=2, step=5, overrides=["features.precision=float32"]).records
    assert record.command.startswith("evaluate imagenet-knn --checkpoint memory:VisionTransformer --name Vis")
    assert record.command.endswith("--seed 2 --limit 4 features.precision=float32")
    assert json.loads((tmp_path / "runs" / f"{record.id}.json").read_text())["model"]["name"] == "VisionTransformer@5"


def test_importing_the_package_is_light_and_its_names_are_known() -> None:
    lines = [
        "import sys, benchmark",
        "assert 'pandas' not in sys.modules and 'torch' not in sys.modules",
        "assert {'evaluate', 'load_results', 'Results', '__version__'} <= set(dir(benchmark))",
        "from benchmark import load_results, Results",
        "assert 'torch' not in sys.modules",
        "from benchmark import evaluate",
        "import benchmark.evaluation",
        "assert callable(benchmark.evaluate)",
    ]
    subprocess.run([sys.executable, "-c", "\n".join(lines)], check=True)
    import benchmark

    with pytest.raises(AttributeError, match="no attribute 'evaluat'"):
        _ = benchmark.evaluat
