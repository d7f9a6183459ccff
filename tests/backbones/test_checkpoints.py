"""Reading checkpoints strictly: every form of the DINOv2 layout, and every way to be no such thing."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmark import errors
from benchmark.backbones import load_backbone
from benchmark.backbones.spec import PositionInterpolation
from benchmark.backbones.specialization import Specialization

IMAGES = torch.randn(1, 3, 70, 84, generator=torch.Generator().manual_seed(0))


def _same(ours: Any, vit: Any) -> bool:
    return torch.equal(ours.tokens(IMAGES)[0].patches, vit.tokens(IMAGES)[0].patches)


@pytest.fixture
def save(tmp_path: Path) -> Callable[[Any], Path]:
    def _save(contents: Any) -> Path:
        torch.save(contents, tmp_path / "checkpoint.pth")
        return tmp_path / "checkpoint.pth"

    return _save


def test_a_hub_file_gives_the_same_tokens(make_vit: Callable, save: Callable) -> None:
    vit = make_vit()
    path = save({**vit.state_dict(), "mask_token": torch.zeros(1, 48)})
    backbone = load_backbone(path, num_heads=4)
    assert _same(backbone, vit)
    assert backbone.spec.num_heads == 4
    assert backbone.source.layout == "dinov2"
    assert backbone.source.dropped == (("mask_token", "used in pre-training only"),)


def test_architecture_is_read_from_the_tensors(make_vit: Callable, save: Callable) -> None:
    rule = PositionInterpolation(0.0, antialias=True)
    vit = make_vit(num_registers=4, ffn="swiglu", ffn_dim=64, patch_size=16, grid_size=3, position_interpolation=rule)
    spec = load_backbone(save(vit.state_dict()), num_heads=4).spec
    assert (spec.embed_dim, spec.depth, spec.patch_size, spec.grid_size) == (48, 3, 16, 3)
    assert (spec.num_registers, spec.ffn, spec.ffn_dim, spec.layer_scale) == (4, "swiglu", 64, True)
    assert spec.position_interpolation == rule
    assert spec.norm_eps == 1e-6


def test_a_file_without_layer_scale_is_read(make_vit: Callable, save: Callable) -> None:
    vit = make_vit(layer_scale=False)
    assert _same(load_backbone(save(vit.state_dict()), num_heads=4), vit)


def test_a_raw_training_file_gives_the_teacher(make_vit: Callable, save: Callable) -> None:
    teacher, student = make_vit(seed=1), make_vit(seed=2)
    path = save(
        {
            "teacher": {
                **{f"module.backbone.{key}": value for key, value in teacher.state_dict().items()},
                "module.backbone.mask_token": torch.zeros(1, 48),
                "module.dino_head.last_layer.weight": torch.zeros(2, 2),
                "module.ibot_head.mlp.0.weight": torch.zeros(2, 2),
            },
            "student": {f"backbone.{key}": value for key, value in student.state_dict().items()},
            "iteration": 7,
        }
    )
    backbone = load_backbone(path, num_heads=4)
    assert _same(backbone, teacher)
    assert any("'teacher'" in note for note in backbone.source.notes)
    assert dict(backbone.source.dropped) == {
        "module.dino_head.last_layer.weight": "head of pre-training",
        "module.ibot_head.mlp.0.weight": "head of pre-training",
        "mask_token": "used in pre-training only",
    }


def test_only_a_leading_prefix_is_stripped(make_vit: Callable, save: Callable) -> None:
    state = {f"backbone.{key}": value for key, value in make_vit().state_dict().items()}
    state["backbone.blocks.0.backbone.norm1.weight"] = state.pop("backbone.blocks.0.norm1.weight")
    with pytest.raises(errors.MissingKeysError, match=r"blocks\.0: norm1\.weight"):
        load_backbone(save(state), num_heads=4)


def test_chunked_blocks_keep_their_global_index(make_vit: Callable, save: Callable) -> None:
    vit = make_vit()
    chunked = {key.replace("blocks.2", "blocks.1.2"): value for key, value in vit.state_dict().items()}
    chunked = {
        key.replace("blocks.0.", "blocks.0.0.").replace("blocks.1.", "blocks.0.1.")
        if not key.startswith("blocks.1.2.")
        else key: value
        for key, value in chunked.items()
    }
    assert "blocks.0.1.norm1.weight" in chunked
    assert "blocks.1.2.norm1.weight" in chunked
    assert _same(load_backbone(save(chunked), num_heads=4), vit)


def test_a_block_in_two_chunks_is_refused(make_vit: Callable, save: Callable) -> None:
    state = dict(make_vit().state_dict())
    state |= {"blocks.0.1.norm1.weight": torch.ones(48), "blocks.1.1.norm1.weight": torch.ones(48)}
    with pytest.raises(errors.StructureError, match="twice"):
        load_backbone(save(state), num_heads=4)


def test_what_no_key_tells_can_be_given_by_name(make_vit: Callable, save: Callable) -> None:
    path = save(make_vit().state_dict())
    backbone = load_backbone(path, num_heads=2, norm_eps=1e-5, interpolate_offset=0.0, mean=(0.5, 0.5, 0.5))
    assert backbone.spec.num_heads == 2
    assert backbone.blocks[0].norm1.eps == 1e-5
    assert backbone.spec.position_interpolation == PositionInterpolation(0.0, antialias=False)
    assert backbone.spec.preprocessing.mean == (0.5, 0.5, 0.5)


def test_half_precision_weights_become_float32(make_vit: Callable, save: Callable) -> None:
    path = save({key: value.half() for key, value in make_vit().state_dict().items()})
    assert load_backbone(path, num_heads=4).cls_token.dtype == torch.float32


def test_heads_that_cannot_be_guessed_must_be_given(make_vit: Callable, save: Callable) -> None:
    path = save(dict(make_vit().state_dict()))
    with pytest.raises(errors.StructureError, match=r"backbone\.num_heads=N"):
        load_backbone(path)
    with pytest.raises(errors.StructureError, match="do not divide"):
        load_backbone(path, num_heads=5)


def test_missing_keys_are_named_by_block(make_vit: Callable, save: Callable) -> None:
    state = make_vit().state_dict()
    del state["blocks.1.attn.proj.bias"], state["norm.weight"]
    with pytest.raises(errors.MissingKeysError, match=r"2 tensors: blocks\.1: attn\.proj\.bias; norm\.weight"):
        load_backbone(save(state), num_heads=4)


def test_unexpected_keys_are_refused_with_a_suggestion(make_vit: Callable, save: Callable) -> None:
    state = {**make_vit().state_dict(), "norm.weigth": torch.ones(48)}
    with pytest.raises(errors.UnexpectedKeysError, match=r"norm\.weigth.*did you mean 'norm.weight'"):
        load_backbone(save(state), num_heads=4)


def test_a_mis_shaped_tensor_is_refused_with_both_shapes(make_vit: Callable, save: Callable) -> None:
    state = make_vit().state_dict()
    state["blocks.2.norm2.bias"] = torch.zeros(47)
    with pytest.raises(errors.ShapeMismatchError, match=r"blocks\.2\.norm2\.bias is \(47,\).*needs \(48,\)"):
        load_backbone(save(state), num_heads=4)


def test_a_patch_projection_that_is_not_rgb_is_refused(make_vit: Callable, save: Callable) -> None:
    state = make_vit().state_dict()
    state["patch_embed.proj.weight"] = torch.zeros(48, 1, 14, 14)
    with pytest.raises(errors.ShapeMismatchError, match=r"must be \(D, 3, p, p\)"):
        load_backbone(save(state), num_heads=4)


@pytest.mark.parametrize(
    ("key", "tensor"), [("blocks.0.mlp.fc2.weight", torch.zeros(48)), ("register_tokens", torch.zeros(48))]
)
def test_tensors_of_too_few_dimensions_are_refused(
    make_vit: Callable, save: Callable, key: str, tensor: torch.Tensor
) -> None:
    with pytest.raises(errors.ShapeMismatchError):
        load_backbone(save({**make_vit().state_dict(), key: tensor}), num_heads=4)


@pytest.mark.parametrize("dtype", [torch.int8, torch.complex64])
def test_quantised_and_complex_weights_are_refused(make_vit: Callable, save: Callable, dtype: torch.dtype) -> None:
    state = make_vit().state_dict()
    state["norm.weight"] = state["norm.weight"].to(dtype)
    with pytest.raises(errors.UnsupportedArchitectureError, match=r"norm\.weight is torch\."):
        load_backbone(save(state), num_heads=4)


def test_gaps_between_blocks_are_refused(make_vit: Callable, save: Callable) -> None:
    state = {key: value for key, value in make_vit().state_dict().items() if not key.startswith("blocks.1.")}
    with pytest.raises(errors.StructureError, match=r"without gaps; the checkpoint has \[0, 2\]"):
        load_backbone(save(state), num_heads=4)


def test_a_position_grid_that_is_no_square_is_refused(make_vit: Callable, save: Callable) -> None:
    state = {**make_vit().state_dict(), "pos_embed": torch.zeros(1, 13, 48)}
    with pytest.raises(errors.StructureError, match="square grid"):
        load_backbone(save(state), num_heads=4)


def test_nan_weights_are_refused(make_vit: Callable, save: Callable) -> None:
    state = {key: value.clone() for key, value in make_vit().state_dict().items()}
    state["blocks.0.mlp.fc1.weight"][0, 0] = float("nan")
    with pytest.raises(errors.NonFiniteWeightsError, match=r"blocks\.0\.mlp\.fc1\.weight"):
        load_backbone(save(state), num_heads=4)


class _RunsCode:
    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, ("echo ran > ran.txt",)


def test_a_pickle_that_would_run_code_is_refused_and_not_run(
    save: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(errors.UnsafeCheckpointError, match=r"posix\.system"):
        load_backbone(save({"weights": _RunsCode()}))
    assert not (tmp_path / "ran.txt").exists()


def test_a_pickled_module_is_refused(make_vit: Callable, save: Callable) -> None:
    with pytest.raises(errors.UnsafeCheckpointError, match="VisionTransformer"):
        load_backbone(save(make_vit()))


@pytest.mark.parametrize(
    ("contents", "match"),
    [
        (b"<!DOCTYPE html><html>", "not a PyTorch file.*DOCTYPE"),
        (b"version https://git-lfs.github.com/spec/v1", "not a PyTorch file.*git-lfs"),
        (b"", "not a PyTorch file"),
        (b"\x80\x02 junk", "damaged"),
    ],
)
def test_files_that_are_no_weights_are_refused(tmp_path: Path, contents: bytes, match: str) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(contents)
    with pytest.raises(errors.CheckpointFileError, match=match):
        load_backbone(path)


def test_a_truncated_file_is_refused(checkpoint: Path) -> None:
    checkpoint.write_bytes(checkpoint.read_bytes()[:-2000])
    with pytest.raises(errors.CheckpointFileError, match="truncated or damaged"):
        load_backbone(checkpoint)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(errors.CheckpointFileError, match="does not exist"):
        load_backbone(tmp_path / "none.pth")
    with pytest.raises(errors.CheckpointFileError, match="is a folder"):
        load_backbone(tmp_path)


@pytest.mark.parametrize(
    ("keys", "error", "match"),
    [
        (["decode_head.conv_seg.weight"], errors.UnsupportedArchitectureError, "dense head"),
        (["layers.0.blocks.0.attn.qkv.weight"], errors.UnsupportedArchitectureError, "Swin"),
        (["stages.0.0.dwconv.weight"], errors.UnsupportedArchitectureError, "ConvNeXt"),
        (["encoder.a.something.weight", *"abcd"], errors.UnknownFormatError, "something.weight"),
        (["linear.weight", "linear.bias"], errors.UnsupportedArchitectureError, "head-only checkpoint"),
        (["blocks_token_only.0.gamma_1"], errors.UnsupportedArchitectureError, "CaiT"),
        (["blocks.0.gamma_1_1"], errors.UnsupportedArchitectureError, "parallel blocks"),
        (["patch_embed.proj.0.weight"], errors.UnsupportedArchitectureError, "convolutional stem"),
        (["dist_token"], errors.UnsupportedArchitectureError, "distilled DeiT"),
        (["base.q_proj.lora_A.default.weight"], errors.UnsupportedArchitectureError, "LoRA adapter; merge it"),
        (["blocks.0.attn.qkv.weight_t"], errors.UnsupportedArchitectureError, "SplitNorm"),
        (["aux_norm.weight"], errors.UnsupportedArchitectureError, "SepNorm"),
        (["module.jumbo_ff.0.weight"], errors.UnsupportedArchitectureError, "JumboViT"),
        (["blocks.0.attn.qkv.weight.SCB"], errors.UnsupportedArchitectureError, "quantised"),
        (["visual.transformer.resblocks.0.ln_1.weight"], errors.UnsupportedArchitectureError, "CLIP.*hf:DIR"),
        ([], errors.UnknownFormatError, "no tensors at all"),
    ],
)
def test_other_architectures_are_named(save: Callable, keys: list[str], error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        load_backbone(save({key: torch.zeros(1) for key in keys}))


def test_things_that_are_no_tensors_are_refused(save: Callable) -> None:
    with pytest.raises(errors.UnknownFormatError, match="epoch"):
        load_backbone(save({"epoch": 3, "cls_token": torch.zeros(1)}))
    with pytest.raises(errors.UnknownFormatError, match="holds a list"):
        load_backbone(save([torch.zeros(1)]))


def test_an_unknown_option_is_an_error(checkpoint: Path) -> None:
    with pytest.raises(TypeError, match="heads"):
        load_backbone(checkpoint, heads=3)


def test_a_first_block_without_its_layer_scale_is_missing_keys(make_vit: Callable, save: Callable) -> None:
    state = make_vit(split=Specialization(ls1=(0, 1, 2), ls2=(0, 1, 2))).state_dict()
    for half in ("cls", "patch"):
        del state[f"blocks.0.ls1.{half}.gamma"]
    with pytest.raises(errors.MissingKeysError, match=r"lacks blocks\.0\.ls1\.gamma"):
        load_backbone(save(dict(state)), num_heads=4)


def test_the_hash_is_that_of_the_file(checkpoint: Path) -> None:
    import hashlib

    assert load_backbone(checkpoint).source.sha256 == hashlib.sha256(checkpoint.read_bytes()).hexdigest()


def _without(state: dict, *keys: str) -> dict:
    return {key: tensor for key, tensor in state.items() if key not in keys}


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        ({"blocks.0.attn.qkv.lora_a": torch.tensor(1.0)}, errors.ShapeMismatchError, r"lora_a must be \(rank, D\)"),
        ({"blocks.0.attn.qkv.lora_a": torch.ones(0, 48)}, errors.ShapeMismatchError, r"lora_a must be \(rank, D\)"),
        ({"pos_embed": torch.tensor(1.0), "reg_token": torch.zeros(1, 1, 48)}, errors.StructureError, "square grid"),
        ({"storage_tokens": torch.zeros(1, 1, 48), "blocks.0.attn.x.bias_mask": torch.ones(3)}, errors.StructureError,
         r"no 'blocks\.0\.attn\.x\.bias'"),
        ({"storage_tokens": torch.zeros(1, 1, 48), "blocks.0.attn.qkv.bias_mask": torch.full((144,), torch.nan)},
         errors.NonFiniteWeightsError, "before its mask was set"),
        ({"blocks.0.mlp.w1.weight": torch.ones(2, 2), "storage_tokens": torch.zeros(1, 1, 48)}, errors.StructureError,
         "belong together"),
    ],
)  # fmt: skip
def test_parts_that_do_not_belong_together_are_refused(
    make_vit: Callable, save: Callable, change: dict, error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match):
        load_backbone(save({**make_vit().state_dict(), **change}), num_heads=4)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"num_heads": "four"}, "num_heads"),
        ({"num_heads": 0}, "do not divide"),
        ({"norm_eps": "small"}, "norm_eps"),
        ({"norm_eps": -1.0}, "must be positive"),
        ({"rope_dtype": "int8"}, "rope_dtype"),
        ({"registers_follow": "both"}, "registers_follow"),
        ({"preprocessing": {"mean": [0.5], "std": [1, 1, 1]}}, "preprocessing"),
        ({"preprocessing": {"mean": [0.5, 0.5, 0.5], "std": [0, 0, 0]}}, "std positive"),
        ({"position_interpolation": {"offset": 0}}, "antialias"),
        ({"depth": 4}, "says 4 blocks, the checkpoint has 3"),
    ],
)
def test_a_spec_that_cannot_be_is_refused(make_vit: Callable, save: Callable, change: dict, match: str) -> None:
    state = make_vit().state_dict()
    state._metadata[""]["vit_spec"].update(change)
    with pytest.raises(errors.StructureError, match=match):
        load_backbone(save(state))
