"""Backbones: images to tokens. They are frozen and know no task."""

from benchmark.backbones.base import Backbone
from benchmark.backbones.checkpoints import load_backbone
from benchmark.backbones.padding import center_pad
from benchmark.backbones.presets import build_vit
from benchmark.backbones.saving import save_backbone
from benchmark.backbones.spec import BackboneSpec, Preprocessing, Source, ViTSpec
from benchmark.backbones.specialize import specialize
from benchmark.backbones.tokens import Tokens
from benchmark.backbones.vit import VisionTransformer

__all__ = [
    "Backbone",
    "BackboneSpec",
    "Preprocessing",
    "Source",
    "Tokens",
    "ViTSpec",
    "VisionTransformer",
    "build_vit",
    "center_pad",
    "load_backbone",
    "save_backbone",
    "specialize",
]
