"""Models of other families through transformers."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    Aimv2VisionConfig,
    Aimv2VisionModel,
    AutoModel,
    BeitConfig,
    BeitForMaskedImageModeling,
    BeitForSemanticSegmentation,
    BeitModel,
    CLIPConfig,
    CLIPForImageClassification,
    CLIPVisionConfig,
    CLIPVisionModel,
    Data2VecVisionConfig,
    Data2VecVisionForSemanticSegmentation,
    DeiTConfig,
    DeiTForImageClassificationWithTeacher,
    DeiTForMaskedImageModeling,
    Dinov2WithRegistersConfig,
    Dinov2WithRegistersModel,
    ResNetConfig,
    ResNetModel,
    Siglip2VisionConfig,
    Siglip2VisionModel,
    SiglipConfig,
    SiglipForImageClassification,
    SiglipVisionConfig,
    SiglipVisionModel,
    TimesformerConfig,
    TimesformerModel,
    VideoMAEConfig,
    VideoMAEModel,
    ViTConfig,
    ViTForImageClassification,
    ViTForMaskedImageModeling,
    ViTMAEConfig,
    ViTMAEModel,
    ViTModel,
    VivitConfig,
    VivitModel,
    VJEPA2Config,
    VJEPA2Model,
    YolosConfig,
    YolosModel,
)

from benchmark.backbones import load_backbone
from benchmark.backbones.adapters import hf
from benchmark.errors import CheckpointError, InputSizeError

_FIELDS: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "image_size": 32,
    "patch_size": 8,
}


def _saved(model: Any, folder: Path) -> Path:
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    model.save_pretrained(folder)
    return folder


def test_a_model_with_registers_equals_our_own_reading_of_it(tmp_path: Path) -> None:
    config = Dinov2WithRegistersConfig(**_FIELDS, num_register_tokens=3)
    folder = _saved(Dinov2WithRegistersModel(config), tmp_path)
    ours, theirs = load_backbone(folder), load_backbone(f"hf:{folder}")
    assert theirs.spec.num_registers == 3
    images = torch.randn(1, 3, 40, 24)
    for norm in (True, False):
        for one, other in zip(
            ours.tokens(images, layers=(0, 1), norm=norm), theirs.tokens(images, layers=(0, 1), norm=norm), strict=True
        ):
            torch.testing.assert_close(one.cls, other.cls, atol=1e-5, rtol=1e-5)
            torch.testing.assert_close(one.registers, other.registers, atol=1e-5, rtol=1e-5)
            torch.testing.assert_close(one.patches, other.patches, atol=1e-5, rtol=1e-5)
            assert one.grid == other.grid


def test_a_model_without_a_class_token_gives_the_mean_of_its_patches(tmp_path: Path) -> None:
    folder = _saved(SiglipVisionModel(SiglipVisionConfig(**_FIELDS)), tmp_path)
    backbone = load_backbone(f"hf:{folder}")
    images = torch.randn(2, 3, 32, 32)
    [tokens] = backbone.tokens(images)
    with torch.no_grad():
        expected = AutoModel.from_pretrained(folder)(pixel_values=images).last_hidden_state
    torch.testing.assert_close(tokens.patches, expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(tokens.cls, expected.mean(1), atol=1e-5, rtol=1e-5)
    assert backbone.source.layout == "hf"


def test_a_folder_in_half_precision_runs_in_float32(tmp_path: Path) -> None:
    model = SiglipVisionModel(SiglipVisionConfig(**_FIELDS)).half()
    model.save_pretrained(tmp_path)
    backbone = load_backbone(f"hf:{tmp_path}")
    images = torch.randn(1, 3, 32, 32)
    [tokens] = backbone.tokens(images)
    with torch.no_grad():
        expected = model.float()(pixel_values=images).last_hidden_state
    assert tokens.patches.dtype == torch.float32
    torch.testing.assert_close(tokens.patches, expected, atol=1e-5, rtol=1e-5)


def test_a_model_without_a_norm_by_a_known_name_can_be_used_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hf, "_FINAL_NORMS", ())
    folder = _saved(SiglipVisionModel(SiglipVisionConfig(**_FIELDS)), tmp_path)
    backbone = load_backbone(f"hf:{folder}")
    images = torch.randn(1, 3, 32, 32)
    assert backbone.tokens(images, norm=False)[0].grid == (4, 4)
    with pytest.raises(CheckpointError, match=r"features\.norm=false"):
        backbone.tokens(images)


def test_a_norm_that_does_nothing_is_told(tmp_path: Path) -> None:
    folder = _saved(BeitModel(BeitConfig(**_FIELDS, use_absolute_position_embeddings=True)), tmp_path)
    assert "no norm after its last block" in load_backbone(f"hf:{folder}").source.notes[0]


def test_missing_tensors_are_an_error_not_a_warning(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = _saved(Dinov2WithRegistersModel(Dinov2WithRegistersConfig(**_FIELDS)), tmp_path)
    state = load_file(folder / "model.safetensors")
    del state["layernorm.weight"]
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(CheckpointError, match=r"lacks tensors.*layernorm\.weight"):
        load_backbone(f"hf:{folder}")


_TEXT = {"vocab_size": 100, **_FIELDS}
_CLASSIFIERS: dict[str, Callable[[], Any]] = {
    "ViT": lambda: ViTForImageClassification(ViTConfig(**_FIELDS)),
    "DeiT": lambda: DeiTForImageClassificationWithTeacher(DeiTConfig(**_FIELDS)),
    "CLIP": lambda: CLIPForImageClassification(CLIPConfig(vision_config=_FIELDS, text_config=_TEXT)),
    "SigLIP": lambda: SiglipForImageClassification(SiglipConfig(vision_config=_FIELDS, text_config=_TEXT)),
    "no pooler": lambda: ViTModel(ViTConfig(**_FIELDS), add_pooling_layer=False),
}


@pytest.mark.parametrize("make", _CLASSIFIERS.values(), ids=_CLASSIFIERS)
def test_a_classifier_gives_its_backbone_and_names_what_is_left_out(tmp_path: Path, make: Callable[[], Any]) -> None:
    """No token passes through a pooler, a classifier or the other tower of CLIP."""
    model = make().eval()
    folder = _saved(model, tmp_path)
    backbone = load_backbone(f"hf:{folder}")
    left_out = {key for key, _ in backbone.source.dropped}
    assert left_out == {key for key in model.state_dict() if "classifier" in key}
    images = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    vision = getattr(model, "vision_model", model.base_model)
    with torch.no_grad():
        expected = vision(images, output_hidden_states=True).hidden_states[-1]
    patches = backbone.tokens(images, norm=False)[0].patches
    torch.testing.assert_close(patches, expected[:, -16:], atol=1e-5, rtol=1e-5)


_FOUR = {**_FIELDS, "num_hidden_layers": 4, "out_indices": [1, 2, 3, 4], "use_absolute_position_embeddings": True}
_OF_BEIT = {**_FOUR, "use_mask_token": True}
_HEADS: dict[str, Callable[[], Any]] = {
    "BEiT, masked": lambda: BeitForMaskedImageModeling(BeitConfig(**_OF_BEIT)),
    "BEiT with a norm, masked": lambda: BeitForMaskedImageModeling(BeitConfig(**_OF_BEIT, use_mean_pooling=False)),
    "BEiT, segmentation": lambda: BeitForSemanticSegmentation(BeitConfig(**_FOUR)),
    "data2vec, segmentation": lambda: Data2VecVisionForSemanticSegmentation(Data2VecVisionConfig(**_FOUR)),
    "ViT, masked": lambda: ViTForMaskedImageModeling(ViTConfig(**_FIELDS)),
    "DeiT, masked": lambda: DeiTForMaskedImageModeling(DeiTConfig(**_FIELDS)),
}


@pytest.mark.parametrize("make", _HEADS.values(), ids=_HEADS)
def test_a_folder_of_pre_training_or_of_a_dense_task_gives_its_backbone(
    tmp_path: Path, make: Callable[[], Any]
) -> None:
    model = make().eval()
    backbone = load_backbone(f"hf:{_saved(model, tmp_path)}")
    inside = f"{model.base_model_prefix}."
    assert not any(key.startswith(inside) and not key.endswith("mask_token") for key, _ in backbone.source.dropped)
    images = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = model.base_model(images, output_hidden_states=True).hidden_states[-1]
    patches = backbone.tokens(images, norm=False)[0].patches
    torch.testing.assert_close(patches, expected[:, -16:], atol=1e-5, rtol=1e-5)
    if backbone.has_norm and not isinstance(model.base_model.layernorm, torch.nn.Identity):
        with torch.no_grad():
            normed = model.base_model.layernorm(expected)
        torch.testing.assert_close(backbone.tokens(images)[0].patches, normed[:, -16:], atol=1e-5, rtol=1e-5)


def test_a_final_norm_that_the_config_does_without_is_refused(tmp_path: Path) -> None:
    """Only beside a head of masked modelling it is the head's."""
    folder = _saved(BeitModel(BeitConfig(**_FIELDS, use_mean_pooling=False), add_pooling_layer=False), tmp_path)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "use_mean_pooling": True}))
    with pytest.raises(CheckpointError, match=r"does not read: layernorm\.bias, layernorm\.weight"):
        load_backbone(f"hf:{folder}")


def test_a_file_of_more_blocks_than_its_config_is_refused(tmp_path: Path) -> None:
    """A model loaded by transformers leaves them out with a warning."""
    folder = _saved(ViTModel(ViTConfig(**{**_FIELDS, "num_hidden_layers": 3})), tmp_path)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 2}))
    with pytest.raises(CheckpointError, match=r"16 tensors that the model of its config\.json does not read: .*\.2\."):
        load_backbone(f"hf:{folder}")


_VIDEO = {**_FIELDS, "num_frames": 4}
_NO_SIZE = {key: value for key, value in _FIELDS.items() if key != "image_size"}
_JEPA = {"crop_size": 32, "frames_per_clip": 4, "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
_PREDICTOR = {"pred_hidden_size": 16, "pred_num_attention_heads": 2, "pred_num_hidden_layers": 1}
_OTHER_KINDS: dict[str, tuple[Callable[[], Any], str]] = {
    "NaFlex": (lambda: Siglip2VisionModel(Siglip2VisionConfig(**_NO_SIZE, num_patches=16)), r"\(NaFlex\)"),
    "VideoMAE": (lambda: VideoMAEModel(VideoMAEConfig(**_VIDEO)), "is a video model"),
    "ViViT": (lambda: VivitModel(VivitConfig(**_VIDEO, tubelet_size=[2, 8, 8])), "is a video model"),
    "TimeSformer": (lambda: TimesformerModel(TimesformerConfig(**_VIDEO)), "is a video model"),
    "V-JEPA 2": (lambda: VJEPA2Model(VJEPA2Config(patch_size=8, **_JEPA, **_PREDICTOR)), "is a video model"),
    "ResNet": (
        lambda: ResNetModel(ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1])),
        "no patch_size and no image_size .* in its config",
    ),
    "patches that are not square": (
        lambda: ViTModel(ViTConfig(**{**_FIELDS, "patch_size": [8, 4]})),
        "patches of 8 x 4 are not square",
    ),
    "masking at random": (lambda: ViTMAEModel(ViTMAEConfig(**_FIELDS)), "not keep a token for every patch"),
    "shuffling": (lambda: ViTMAEModel(ViTMAEConfig(**_FIELDS, mask_ratio=0.0)), "not its patches, row by row"),
    "tokens behind the patches": (
        lambda: YolosModel(YolosConfig(**{**_FIELDS, "image_size": [32, 32]}, num_detection_tokens=5)),
        "last 16 tokens of Yolos are not its patches",
    ),
    "one size only": (
        lambda: Aimv2VisionModel(Aimv2VisionConfig(**_FIELDS)),
        "cannot be run on images of another size than its own: The size of tensor",
    ),
}


@pytest.mark.parametrize(("make", "match"), _OTHER_KINDS.values(), ids=_OTHER_KINDS)
def test_what_makes_no_grid_of_one_image_is_refused_on_one_line(
    tmp_path: Path, make: Callable[[], Any], match: str
) -> None:
    torch.manual_seed(0)  # of ViTMAE's shuffling
    folder = _saved(make(), tmp_path)
    with pytest.raises(CheckpointError, match=match) as refused:
        load_backbone(f"hf:{folder}")
    assert "\n" not in str(refused.value)


def test_another_size_than_that_of_positions_that_are_no_square_is_refused(tmp_path: Path) -> None:
    """Where asked to resize them, transformers takes 4 x 16 positions for 8 x 8."""
    folder = _saved(ViTModel(ViTConfig(**{**_FIELDS, "image_size": [32, 128]})), tmp_path)
    with pytest.raises(InputSizeError, match=r"images of 32x128 only, not 64x64.*without hf:"):
        load_backbone(f"hf:{folder}").tokens(torch.zeros(1, 3, 64, 64))


def test_a_second_token_before_the_patches_is_told(tmp_path: Path) -> None:
    folder = _saved(DeiTForImageClassificationWithTeacher(DeiTConfig(**_FIELDS)), tmp_path)
    backbone = load_backbone(f"hf:{folder}")
    assert backbone.spec.num_registers == 1
    assert "of 2 tokens before the patches" in backbone.source.notes[0]


def test_statistics_that_nothing_tells_are_the_familys_and_said_to_be_assumed(tmp_path: Path) -> None:
    folder = _saved(CLIPVisionModel(CLIPVisionConfig(**_FIELDS)), tmp_path)
    backbone = load_backbone(f"hf:{folder}")
    assert backbone.spec.preprocessing.mean == (0.48145466, 0.4578275, 0.40821073)
    assert backbone.source.assumed == ("mean", "std")
    assert load_backbone(f"hf:{folder}", mean=(0.5, 0.5, 0.5)).source.assumed == ("std",)


def test_a_processors_config_that_is_damaged_is_named(tmp_path: Path) -> None:
    folder = _saved(CLIPVisionModel(CLIPVisionConfig(**_FIELDS)), tmp_path)
    (folder / "preprocessor_config.json").write_text("{")
    with pytest.raises(CheckpointError, match=r"preprocessor_config\.json cannot be read as JSON"):
        load_backbone(f"hf:{folder}")
    (folder / "preprocessor_config.json").write_text('{"image_mean": [1, 2]}')
    with pytest.raises(CheckpointError, match="mean and std must be three numbers"):
        load_backbone(f"hf:{folder}")


def test_the_same_weights_with_another_config_are_another_checkpoint(tmp_path: Path) -> None:
    """No tensor holds the epsilon or the heads, and the features differ."""
    folder = _saved(CLIPVisionModel(CLIPVisionConfig(**_FIELDS)), tmp_path)
    first = load_backbone(f"hf:{folder}").source.sha256
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "num_attention_heads": 4}))
    assert load_backbone(f"hf:{folder}").source.sha256 != first


def test_a_name_of_the_hub_is_not_downloaded(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no such folder; models are read from disk"):
        load_backbone("hf:facebook/dinov2-small")
    with pytest.raises(CheckpointError, match="cannot be loaded"):
        load_backbone(f"hf:{tmp_path}")


def test_without_transformers_it_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(CheckpointError, match="transformers package"):
        load_backbone(f"hf:{tmp_path}")
