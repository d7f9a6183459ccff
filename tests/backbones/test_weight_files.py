"""Files and folders: what is read, and everything that only looks like weights."""

from __future__ import annotations

import argparse
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from benchmark.backbones import load_backbone
from benchmark.backbones.weight_files import read_checkpoint, sha256_of
from benchmark.errors import (
    CheckpointFileError,
    StructureError,
    UnknownFormatError,
    UnsafeCheckpointError,
    UnsupportedArchitectureError,
)

_TENSORS = {"a": torch.arange(6.0).view(2, 3), "b": torch.ones(4)}


def test_safetensors_and_pickles_hold_the_same(tmp_path: Path) -> None:
    save_file(_TENSORS, tmp_path / "weights.safetensors")
    torch.save(_TENSORS, tmp_path / "weights.pt")
    for name in ("weights.safetensors", "weights.pt"):
        found = read_checkpoint(tmp_path / name).contents
        assert found.keys() == _TENSORS.keys()
        assert torch.equal(found["a"], _TENSORS["a"])


def test_the_old_pickle_format_is_read(tmp_path: Path) -> None:
    torch.save(_TENSORS, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    assert torch.equal(read_checkpoint(tmp_path / "old.pth").contents["a"], _TENSORS["a"])


def test_shards_are_put_together(tmp_path: Path) -> None:
    for number, key in enumerate(_TENSORS):
        save_file({key: _TENSORS[key]}, tmp_path / f"model-{number}.safetensors")
    index = {"weight_map": {"a": "model-0.safetensors", "b": "model-1.safetensors"}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    (tmp_path / "config.json").write_text('{"model_type": "dinov2"}')
    raw = read_checkpoint(tmp_path)
    assert raw.contents.keys() == _TENSORS.keys()
    assert raw.config["model_type"] == "dinov2"
    assert [path.name for path in raw.files] == ["config.json", "model-0.safetensors", "model-1.safetensors"]


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin"])
def test_a_weight_file_is_read_with_the_config_beside_it(tmp_path: Path, name: str) -> None:
    """Named alone it must not lose the heads and the epsilon that stand beside it."""
    save_file(_TENSORS, tmp_path / "model.safetensors")
    torch.save({"a": torch.ones(1)}, tmp_path / "pytorch_model.bin")
    assert read_checkpoint(tmp_path / name).config == {}
    (tmp_path / "config.json").write_text('{"num_attention_heads": 2}')
    raw = read_checkpoint(tmp_path / name)
    assert raw.config["num_attention_heads"] == 2
    assert [path.name for path in raw.files] == ["config.json", name]
    assert len(raw.contents) == (2 if name == "model.safetensors" else 1)


_OF_TRANSFORMERS = '{"model_type": "vit", "num_attention_heads": 2}'
_OF_TIMM = '{"architecture": "vit_x", "pretrained_cfg": {}}'


@pytest.mark.parametrize("name", ["mine.safetensors", "checkpoint.pth", "last.ckpt", "pytorch_model_ema.bin"])
@pytest.mark.parametrize("config", [_OF_TRANSFORMERS, _OF_TIMM])
def test_a_file_of_any_name_is_read_with_the_config_that_it_is_alone_with(
    tmp_path: Path, name: str, config: str
) -> None:
    _write(tmp_path / name)
    (tmp_path / "config.json").write_text(config)
    (tmp_path / "log.txt").write_text("epoch 3")
    raw = read_checkpoint(tmp_path / name)
    assert raw.config == json.loads(config)
    assert raw.notes == ()
    assert [path.name for path in raw.files] == ["config.json", name]


def test_a_processors_config_is_read_with_the_file_that_it_is_alone_with(tmp_path: Path) -> None:
    _write(tmp_path / "mine.pth")
    (tmp_path / "preprocessor_config.json").write_text('{"image_mean": 0.5}')
    assert read_checkpoint(tmp_path / "mine.pth").preprocessor == {"image_mean": 0.5}


@pytest.mark.parametrize("name", ["mine.safetensors", "checkpoint.pth"])
@pytest.mark.parametrize(
    "other", ["other.pth", "model.safetensors", "epoch-3.ckpt", "last.pth.tar", "pytorch_model.bin"]
)
def test_among_several_checkpoints_a_config_may_be_anothers_and_that_is_said(
    tmp_path: Path, name: str, other: str
) -> None:
    _write(tmp_path / name)
    _write(tmp_path / other)
    (tmp_path / "config.json").write_text(_OF_TRANSFORMERS)
    (tmp_path / "preprocessor_config.json").write_text("{}")
    raw = read_checkpoint(tmp_path / name)
    assert (raw.config, raw.preprocessor, raw.files) == ({}, {}, (tmp_path / name,))
    beside = "config.json and preprocessor_config.json beside it"
    assert raw.notes == (f"not read: {beside} (other weights lie there: {other})",)


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ('{"num_attention_heads": 2, "lr": 0.1}', "it is not of transformers or timm"),
        ('{"architecture": "vit_small", "epochs": 3}', "it is not of transformers or timm"),
        ("[1, 2]", "holds a list, not an object"),
        ("// settings", "cannot be read as JSON"),
    ],
)
def test_what_others_call_config_json_is_not_read_and_that_is_said(tmp_path: Path, config: str, reason: str) -> None:
    _write(tmp_path / "mine.pth")
    (tmp_path / "config.json").write_text(config)
    raw = read_checkpoint(tmp_path / "mine.pth")
    assert raw.config == {}
    assert raw.notes[0].startswith("not read: config.json beside it (")
    assert reason in raw.notes[0]


def _write(path: Path) -> None:
    if path.suffix == ".safetensors":
        save_file(_TENSORS, path)
    else:
        torch.save(_TENSORS, path)


@pytest.mark.parametrize("name", ["vit_finetuned.safetensors", "checkpoint.pth"])
def test_a_config_beside_a_file_of_any_name_tells_what_its_tensors_do_not(
    make_vit: Callable, tmp_path: Path, name: str
) -> None:
    vit = make_vit(norm_eps=1e-3)
    state = dict(vit.state_dict())
    save_file(state, tmp_path / name) if name.endswith("safetensors") else torch.save(state, tmp_path / name)
    told = {"model_type": "mine", "num_attention_heads": 4, "layer_norm_eps": 1e-3, "num_hidden_layers": 3}
    (tmp_path / "config.json").write_text(json.dumps(told))
    backbone = load_backbone(tmp_path / name)
    assert (backbone.spec.num_heads, backbone.spec.norm_eps) == (4, 1e-3)
    (tmp_path / "config.json").write_text(json.dumps({**told, "num_hidden_layers": 4}))
    with pytest.raises(
        StructureError, match=r"says 4 blocks, the checkpoint has 3; if it is another model's, take the"
    ):
        load_backbone(tmp_path / name)
    torch.save(_TENSORS, tmp_path / "other.pt")
    backbone = load_backbone(tmp_path / name, num_heads=4)
    assert backbone.source.notes[0].startswith("not read: config.json beside it")
    assert backbone.spec.norm_eps == 1e-6


def test_a_missing_shard_is_named(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors.index.json").write_text('{"weight_map": {"a": "model-0.safetensors"}}')
    with pytest.raises(CheckpointFileError, match=r"shard 'model-0\.safetensors', which is not beside it"):
        read_checkpoint(tmp_path)


def test_an_index_cannot_point_outside_its_folder(tmp_path: Path) -> None:
    save_file(_TENSORS, tmp_path / "secret.safetensors")
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "model.safetensors.index.json").write_text('{"weight_map": {"a": "../secret.safetensors"}}')
    with pytest.raises(CheckpointFileError, match="not beside it"):
        read_checkpoint(folder)


def test_a_damaged_config_is_named(tmp_path: Path) -> None:
    save_file(_TENSORS, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(CheckpointFileError, match=r"config\.json cannot be read as JSON"):
        read_checkpoint(tmp_path)


def test_a_folder_without_weights_says_what_it_should_hold(tmp_path: Path) -> None:
    with pytest.raises(CheckpointFileError, match=r"folder without weights.*config\.json and model\.safetensors"):
        read_checkpoint(tmp_path)


def test_a_distributed_checkpoint_is_refused_with_advice(tmp_path: Path) -> None:
    (tmp_path / "__0_0.distcp").touch()
    with pytest.raises(UnsupportedArchitectureError, match="dcp_to_torch_save"):
        read_checkpoint(tmp_path)


@pytest.mark.parametrize("contents", [b"<!DOCTYPE html>", b"", b"\xff" * 64, b"version https://git-lfs"])
def test_files_that_are_no_safetensors_are_refused(tmp_path: Path, contents: bytes) -> None:
    (tmp_path / "weights.safetensors").write_bytes(contents)
    with pytest.raises(CheckpointFileError, match="no safetensors file"):
        read_checkpoint(tmp_path / "weights.safetensors")


def test_a_truncated_safetensors_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    save_file(_TENSORS, path)
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(CheckpointFileError, match="truncated"):
        read_checkpoint(path)


def test_a_safetensors_file_that_claims_ten_gigabytes_is_refused(tmp_path: Path) -> None:
    size = 10 * 10**9
    header = json.dumps({"a": {"dtype": "F32", "shape": [size // 4], "data_offsets": [0, size]}}).encode()
    (tmp_path / "weights.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(16))
    with pytest.raises(CheckpointFileError, match="truncated"):
        read_checkpoint(tmp_path / "weights.safetensors")


def test_an_archive_that_inflates_is_refused_before_it_does(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(1_000_000)}, tmp_path / "stored.pth")
    bomb = tmp_path / "bomb.pth"
    with zipfile.ZipFile(tmp_path / "stored.pth") as stored, zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as packed:
        for entry in stored.infolist():
            packed.writestr(entry.filename, stored.read(entry))
    with pytest.raises(CheckpointFileError, match=r"claims .* GB of tensors"):
        read_checkpoint(bomb)


def test_a_tensor_larger_than_its_storage_is_refused(tmp_path: Path) -> None:
    """The pickle says ten gigabytes, the record beside it holds sixteen bytes."""
    torch.save({"a": torch.arange(4.0)}, tmp_path / "honest.pth")
    with zipfile.ZipFile(tmp_path / "honest.pth") as honest, zipfile.ZipFile(tmp_path / "false.pth", "w") as false:
        for entry in honest.infolist():
            data = honest.read(entry)
            if entry.filename.endswith("data.pkl"):
                four, large = b"K\x04", b"\x8a\x05" + (2_500_000_000).to_bytes(5, "little")
                assert four in data
                data = data.replace(four, large)
            false.writestr(entry.filename, data)
    with pytest.raises(CheckpointFileError, match="truncated or damaged"):
        read_checkpoint(tmp_path / "false.pth")


def test_arguments_of_a_training_script_do_no_harm(tmp_path: Path, make_vit: Callable) -> None:
    arguments = argparse.Namespace(lr=0.1, output_dir=Path("runs"))
    torch.save({"model": make_vit().state_dict(), "args": arguments, "epoch": 3}, tmp_path / "training.pth")
    assert load_backbone(tmp_path / "training.pth").spec.embed_dim == 48


def test_a_script_archive_is_refused(tmp_path: Path) -> None:
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), tmp_path / "script.pt")
    with pytest.raises((UnsafeCheckpointError, UnsupportedArchitectureError), match="TorchScript"):
        read_checkpoint(tmp_path / "script.pt")


def test_a_list_is_no_state_dict(tmp_path: Path) -> None:
    torch.save([torch.ones(1)], tmp_path / "list.pth")
    with pytest.raises(UnknownFormatError, match="holds a list"):
        read_checkpoint(tmp_path / "list.pth")


def test_weights_do_not_change_with_the_file_they_came_from(checkpoint: Path) -> None:
    backbone = load_backbone(checkpoint)
    before = backbone.cls_token.clone()
    with checkpoint.open("r+b") as file:
        file.write(bytes(checkpoint.stat().st_size))
    assert torch.equal(backbone.cls_token, before)


def test_the_hash_of_a_folder_changes_with_any_of_its_files(tmp_path: Path) -> None:
    save_file(_TENSORS, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text("{}")
    first = sha256_of(read_checkpoint(tmp_path).files)
    (tmp_path / "config.json").write_text('{"layer_norm_eps": 1e-5}')
    assert sha256_of(read_checkpoint(tmp_path).files) != first
