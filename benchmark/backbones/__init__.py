"""Backbones: images to tokens. They are frozen and know no task."""

from benchmark.backbones.base import Backbone
from benchmark.backbones.checkpoints import load_backbone
from benchmark.backbones.padding import center_pad
from benchmark.backbones.spec import BackboneSpec, Preprocessing, Source, ViTSpec
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
    "center_pad",
    "load_backbone",
]
