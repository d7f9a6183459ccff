"""One file per checkpoint layout, each made from a randomly weighted model of transformers, the reference."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers import (
    Dinov2Config,
    Dinov2ForImageClassification,
    Dinov2Model,
    Dinov2WithRegistersConfig,
    Dinov2WithRegistersModel,
    DINOv3ViTConfig,
    DINOv3ViTModel,
    PreTrainedModel,
    ViTConfig,
    ViTMAEConfig,
    ViTMAEForPreTraining,
    ViTModel,
)

State = dict[str, Tensor]

_WIDTH, _DEPTH, _HEADS, _HIDDEN, _GRID = 128, 3, 2, 256, 4


@dataclass(frozen=True)
class LayoutCase:
    """A checkpoint with the model it must equal."""

    path: Path
    """File or folder."""

    reference: nn.Module
    """The transformers model of the same weights."""

    layout: str
    """Layout it must be recognised as."""

    patch_size: int
    registers: int = 0
    options: dict[str, Any] = field(default_factory=dict)
    """What must be given by name: the reference's interpolation rule where the layout's own differs."""

    def reference_layers(self, images: Tensor) -> list[Tensor]:
        """Returns the sequence after each block, without the final norm."""
        found: list[Tensor] = []
        hooks = [
            block.register_forward_hook(lambda _block, _given, output: found.append(output)) for block in self._blocks()
        ]
        interpolate = {"interpolate_pos_encoding": True} if isinstance(self.reference, ViTModel) else {}
        with torch.no_grad():
            self.reference(images, **interpolate)
        for hook in hooks:
            hook.remove()
        return [output[0] if isinstance(output, tuple) else output for output in found]

    def reference_norm(self, sequence: Tensor) -> Tensor:
        """Applies the reference's final norm."""
        model = self.reference
        with torch.no_grad():
            return (model.norm if isinstance(model, DINOv3ViTModel) else model.layernorm)(sequence)

    def _blocks(self) -> nn.ModuleList:
        model = self.reference
        if isinstance(model, DINOv3ViTModel):
            return model.model.layer
        return model.layers if isinstance(model, ViTModel) else model.encoder.layer


def _fields(patch_size: int, **changes: Any) -> dict[str, Any]:
    return {
        "hidden_size": _WIDTH,
        "num_hidden_layers": _DEPTH,
        "num_attention_heads": _HEADS,
        "image_size": _GRID * patch_size,
        "patch_size": patch_size,
        "attn_implementation": "eager",
        **changes,
    }


def _filled(model: PreTrainedModel, seed: int = 0) -> Any:
    """Gives every weight a value that is neither zero nor one."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        scale = bool(re.search(r"(norm\w*\.weight|lambda1)$", name))
        nn.init.normal_(parameter, float(scale), 0.2 if scale or parameter.ndim == 1 else 0.08, generator=generator)
        if "embeddings" in name and parameter.ndim == 3:
            nn.init.normal_(parameter, 0.0, 0.5, generator=generator)
    return model.eval().requires_grad_(False)


def _dinov2(**changes: Any) -> Dinov2Model:
    return _filled(Dinov2Model(Dinov2Config(**_fields(14, mlp_ratio=2, **changes))))


def _swiglu() -> Dinov2Model:
    return _filled(Dinov2Model(Dinov2Config(**_fields(14, mlp_ratio=3, use_swiglu_ffn=True))))


def _registers() -> Dinov2WithRegistersModel:
    return _filled(
        Dinov2WithRegistersModel(Dinov2WithRegistersConfig(**_fields(14, mlp_ratio=2, num_register_tokens=4)))
    )


def _dinov3(**changes: Any) -> DINOv3ViTModel:
    given = {"intermediate_size": _HIDDEN, "num_register_tokens": 4, **changes}
    return _filled(DINOv3ViTModel(DINOv3ViTConfig(**_fields(16, **given))))


def _vit(eps: float = 1e-12) -> ViTModel:
    return _filled(ViTModel(ViTConfig(**_fields(16, intermediate_size=_HIDDEN, layer_norm_eps=eps))))


_OURS = (
    (r"^embeddings\.(cls_token|mask_token|register_tokens)$", r"\1"),
    (r"^embeddings\.position_embeddings$", "pos_embed"),
    (r"^embeddings\.patch_embeddings\.(projection\.)?", "patch_embed.proj."),
    (r"^(encoder\.layer|model\.layer|layers)\.", "blocks."),
    (r"^layernorm\.", "norm."),
    (r"\.layernorm_before\.", ".norm1."),
    (r"\.layernorm_after\.", ".norm2."),
    (r"\.attention\.o_proj\.", ".attn.proj."),
    (r"\.layer_scale(\d)\.lambda1$", r".ls\1.gamma"),
)


def canonical(model: nn.Module) -> State:
    """Translates a transformers model to canonical names, part by part; the way back from what the loader does."""
    found = {}
    for key, tensor in model.state_dict().items():
        name = key
        for pattern, replacement in _OURS:
            name = re.sub(pattern, replacement, name)
        found[name] = tensor.clone()
    for block in range(_DEPTH):
        attention, mlp = f"blocks.{block}.attention", f"blocks.{block}.mlp"
        for kind in ("weight", "bias"):
            parts = [found.pop(f"{attention}.{letter}_proj.{kind}", None) for letter in "qkv"]
            if any(part is not None for part in parts):
                like = next(part for part in parts if part is not None)
                joint = torch.cat([torch.zeros_like(like) if part is None else part for part in parts])
                found[f"blocks.{block}.attn.qkv.{kind}"] = joint
            if f"{mlp}.gate_proj.{kind}" in found:
                gate_and_value = [found.pop(f"{mlp}.{name}_proj.{kind}") for name in ("gate", "up")]
                found[f"{mlp}.w12.{kind}"] = torch.cat(gate_and_value)
                found[f"{mlp}.w3.{kind}"] = found.pop(f"{mlp}.down_proj.{kind}")
            elif f"{mlp}.up_proj.{kind}" in found:
                found[f"{mlp}.fc1.{kind}"] = found.pop(f"{mlp}.up_proj.{kind}")
                found[f"{mlp}.fc2.{kind}"] = found.pop(f"{mlp}.down_proj.{kind}")
    return {key: tensor for key, tensor in found.items() if not key.startswith("pooler")}


def _renamed(state: State, *pairs: tuple[str, str]) -> State:
    renamed = {}
    for key, tensor in state.items():
        name = key
        for pattern, replacement in pairs:
            name = re.sub(pattern, replacement, name)
        renamed[name] = tensor
    return renamed


def _saved(contents: Any, folder: Path) -> Path:
    torch.save(contents, folder / "checkpoint.pth")
    return folder / "checkpoint.pth"


def _folder(model: PreTrainedModel, folder: Path, **preprocessor: Any) -> Path:
    import json

    model.save_pretrained(folder)
    if preprocessor:
        (folder / "preprocessor_config.json").write_text(json.dumps(preprocessor))
    return folder


# --- DINOv2 -----------------------------------------------------------------------------------------------------------


def dinov2_hub(folder: Path) -> LayoutCase:
    model = _dinov2()
    return LayoutCase(_saved(canonical(model), folder), model, "dinov2", 14, options={"interpolate_offset": 0.0})


def dinov2_registers_hub(folder: Path) -> LayoutCase:
    model = _registers()
    return LayoutCase(_saved(canonical(model), folder), model, "dinov2", 14, registers=4)


def dinov2_swiglu_hub(folder: Path) -> LayoutCase:
    model = _swiglu()
    return LayoutCase(_saved(canonical(model), folder), model, "dinov2", 14, options={"interpolate_offset": 0.0})


def dinov2_training(folder: Path) -> LayoutCase:
    """Teacher of an FSDP training file: wrappers inside names, chunked blocks, heads and student beside it."""
    model = _registers()
    state = _renamed(canonical(model), (r"^blocks\.([01])\.", r"blocks.0.\1."), (r"^blocks\.2\.", "blocks.1.2."))
    teacher = {f"module.backbone.{key}": tensor for key, tensor in state.items()}
    teacher = _renamed(teacher, (r"(blocks\.0\.1\.)", r"\1_fsdp_wrapped_module."))
    teacher["module.dino_head.last_layer.weight"] = torch.zeros(2, 2)
    student = {f"module.backbone.{key}": torch.zeros_like(tensor) for key, tensor in state.items()}
    path = _saved({"teacher": teacher, "student": student, "iteration": 7}, folder)
    return LayoutCase(path, model, "dinov2", 14, registers=4)


# --- DINOv3 -----------------------------------------------------------------------------------------------------------


def _meta_dinov3(model: DINOv3ViTModel) -> State:
    state = _renamed(canonical(model), (r"^register_tokens$", "storage_tokens"))
    head_width = _WIDTH // _HEADS
    state["rope_embed.periods"] = 100 ** (torch.arange(head_width // 4) / (head_width // 4))
    for key in [key for key in state if key.endswith("attn.qkv.bias")]:
        mask = torch.ones(3, _WIDTH)
        mask[1] = 0
        state[f"{key}_mask"] = mask.flatten()
        state[key][_WIDTH : 2 * _WIDTH] = 7.0  # what is masked may hold anything
    for key in [key for key in state if ".mlp.w12." in key]:
        first, second = state.pop(key).chunk(2)
        state |= {key.replace("w12", "w1"): first, key.replace("w12", "w2"): second}
    return state


def dinov3_hub(folder: Path) -> LayoutCase:
    model = _dinov3()
    return LayoutCase(_saved(_meta_dinov3(model), folder), model, "dinov3", 16, registers=4)


def dinov3_swiglu_teacher(folder: Path) -> LayoutCase:
    model = _dinov3(use_gated_mlp=True, hidden_act="silu")
    state = _meta_dinov3(model) | {"local_cls_norm.weight": torch.ones(_WIDTH), "local_cls_norm.bias": torch.ones(1)}
    path = _saved({"teacher": {f"backbone.{key}": tensor for key, tensor in state.items()}}, folder)
    return LayoutCase(path, model, "dinov3", 16, registers=4)


# --- DeiT-III, MAE ----------------------------------------------------------------------------------------------------


def deit3(folder: Path) -> LayoutCase:
    model = _dinov2()
    model.embeddings.position_embeddings[:, 0] = 0  # it has no position for [CLS]
    state = _renamed(canonical(model), (r"\.ls(\d)\.gamma$", r".gamma_\1"))
    state |= {"pos_embed": state["pos_embed"][:, 1:], "head.weight": torch.ones(5, _WIDTH), "head.bias": torch.ones(5)}
    del state["mask_token"]
    return LayoutCase(_saved({"model": state}, folder), model, "deit3", 14)


def mae_pretraining(folder: Path) -> LayoutCase:
    model = _vit(eps=1e-6)
    decoder = {"decoder_pos_embed": torch.zeros(1, 17, 8), "decoder_blocks.0.norm1.weight": torch.ones(8)}
    state = {**canonical(model), **decoder, "mask_token": torch.zeros(1, 1, 8)}
    return LayoutCase(_saved({"model": state, "epoch": 1600}, folder), model, "mae", 16)


def mae_finetuned(folder: Path) -> LayoutCase:
    model = _vit(eps=1e-6)
    state = _renamed(canonical(model), (r"^norm\.", "fc_norm."))
    state |= {"head.weight": torch.ones(5, _WIDTH), "head.bias": torch.ones(5)}
    return LayoutCase(_saved({"model": state}, folder), model, "mae", 16)


# --- timm -------------------------------------------------------------------------------------------------------------


def timm_plain(folder: Path) -> LayoutCase:
    from safetensors.torch import save_file

    model = _vit(eps=1e-6)
    save_file({**canonical(model), "head.weight": torch.ones(5, _WIDTH)}, folder / "model.safetensors")
    path = folder / "model.safetensors"
    return LayoutCase(path, model, "timm", 16, options={"interpolate_antialias": False})


def _without_cls_row(state: State) -> State:
    """As timm keeps models with ``no_embed_class``: the position of [CLS] is added to ``cls_token``."""
    pos_embed = state["pos_embed"]
    return {**state, "cls_token": state["cls_token"] + pos_embed[:, :1], "pos_embed": pos_embed[:, 1:]}


def timm_registers(folder: Path) -> LayoutCase:
    model = _registers()
    state = _renamed(_without_cls_row(canonical(model)), (r"^register_tokens$", "reg_token"))
    del state["mask_token"]
    return LayoutCase(_saved(state, folder), model, "timm", 14, registers=4)


def timm_swiglu(folder: Path) -> LayoutCase:
    model = _swiglu()
    state = _renamed(canonical(model), (r"\.w12\.", ".fc1."), (r"\.w3\.", ".fc2."))
    del state["mask_token"]
    return LayoutCase(_saved(state, folder), model, "timm", 14, options={"interpolate_antialias": False})


def timm_deit3(folder: Path) -> LayoutCase:
    model = _dinov2()
    state = _without_cls_row(canonical(model))
    model.embeddings.cls_token += model.embeddings.position_embeddings[:, :1]
    model.embeddings.position_embeddings[:, 0] = 0
    del state["mask_token"]
    return LayoutCase(_saved(state, folder), model, "timm", 14, options={"interpolate_antialias": False})


def _timm_dinov3(model: DINOv3ViTModel) -> State:
    state = _renamed(canonical(model), (r"^register_tokens$", "reg_token"), (r"\.ls(\d)\.gamma$", r".gamma_\1"))
    del state["mask_token"]
    return state


def timm_dinov3(folder: Path) -> LayoutCase:
    model = _dinov3(query_bias=False, value_bias=False)
    return LayoutCase(_saved(_timm_dinov3(model), folder), model, "timm", 16, registers=4)


def timm_dinov3_qkvb_swiglu(folder: Path) -> LayoutCase:
    model = _dinov3(use_gated_mlp=True, hidden_act="silu")
    state = _timm_dinov3(model)
    for key in [key for key in state if key.endswith("attn.qkv.bias")]:
        queries, _, values = state.pop(key).chunk(3)
        state |= {key.replace("qkv.bias", "q_bias"): queries, key.replace("qkv.bias", "v_bias"): values}
    for key in [key for key in state if ".mlp.w12." in key]:
        gate, value = state.pop(key).chunk(2)
        state |= {key.replace("w12", "fc1_g"): gate, key.replace("w12", "fc1_x"): value}
    state = _renamed(state, (r"\.w3\.", ".fc2."))
    return LayoutCase(_saved(state, folder), model, "timm", 16, registers=4)


# --- Hugging Face -----------------------------------------------------------------------------------------------------


def hf_dinov2(folder: Path) -> LayoutCase:
    model = _dinov2(layer_norm_eps=1e-3)  # from the config, for no key tells
    return LayoutCase(_folder(model, folder), model, "huggingface", 14)


def hf_dinov2_swiglu(folder: Path) -> LayoutCase:
    model = _swiglu()
    return LayoutCase(_folder(model, folder), model, "huggingface", 14)


def hf_dinov2_classifier(folder: Path) -> LayoutCase:
    """A prefix and a classifier beside it, and heads that are not 64 wide."""
    config = Dinov2Config(**_fields(14, mlp_ratio=2, num_attention_heads=4))
    model = _filled(Dinov2ForImageClassification(config))
    return LayoutCase(_folder(model, folder), model.dinov2, "huggingface", 14)


def hf_registers(folder: Path) -> LayoutCase:
    model = _registers()
    return LayoutCase(_folder(model, folder), model, "huggingface", 14, registers=4)


def hf_dinov3(folder: Path) -> LayoutCase:
    model = _dinov3(rope_theta=50.0, num_attention_heads=4)
    return LayoutCase(_folder(model, folder), model, "huggingface", 16, registers=4)


def hf_dinov3_swiglu(folder: Path) -> LayoutCase:
    model = _dinov3(use_gated_mlp=True, hidden_act="silu")
    return LayoutCase(_folder(model, folder), model, "huggingface", 16, registers=4)


def hf_vit(folder: Path) -> LayoutCase:
    model = _vit()
    path = _folder(model, folder, image_mean=[0.4, 0.5, 0.6], image_std=[0.5, 0.5, 0.5])
    return LayoutCase(path, model, "huggingface", 16)


def hf_mae(folder: Path) -> LayoutCase:
    decoder = {f"decoder_{name}": 2 for name in ("num_attention_heads", "num_hidden_layers")}
    config = ViTMAEConfig(
        **_fields(16, intermediate_size=_HIDDEN), decoder_hidden_size=16, decoder_intermediate_size=16, **decoder
    )
    model = _filled(ViTMAEForPreTraining(config))
    reference = _vit()
    encoder = {key.removeprefix("vit."): value for key, value in model.state_dict().items() if key.startswith("vit.")}
    pooler = {key: value for key, value in reference.state_dict().items() if key.startswith("pooler")}
    reference.load_state_dict({**encoder, **pooler}, strict=True)
    return LayoutCase(_folder(model, folder), reference, "huggingface", 16)


def hf_names_of_transformers_5(folder: Path) -> LayoutCase:
    """``state_dict()`` has other names than the files that ``save_pretrained`` writes."""
    model = _dinov3()
    return LayoutCase(_saved(model.state_dict(), folder), model, "huggingface", 16, registers=4)


def hf_dinov2_names_of_transformers_5(folder: Path) -> LayoutCase:
    model = _swiglu()
    return LayoutCase(_saved(model.state_dict(), folder), model, "huggingface", 14)


MAKERS: tuple[Callable[[Path], LayoutCase], ...] = (
    dinov2_hub,
    dinov2_registers_hub,
    dinov2_swiglu_hub,
    dinov2_training,
    dinov3_hub,
    dinov3_swiglu_teacher,
    deit3,
    mae_pretraining,
    mae_finetuned,
    timm_plain,
    timm_registers,
    timm_swiglu,
    timm_deit3,
    timm_dinov3,
    timm_dinov3_qkvb_swiglu,
    hf_dinov2,
    hf_dinov2_swiglu,
    hf_dinov2_classifier,
    hf_registers,
    hf_dinov3,
    hf_dinov3_swiglu,
    hf_vit,
    hf_mae,
    hf_names_of_transformers_5,
    hf_dinov2_names_of_transformers_5,
)


@pytest.fixture(scope="session", params=MAKERS, ids=lambda make: make.__name__)
def layout_case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> LayoutCase:
    """Each layout in turn; tests must not change its files."""
    return request.param(tmp_path_factory.mktemp(request.param.__name__))
