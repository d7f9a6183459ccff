"""Files and folders of weights, read without running their code and without believing what they claim."""

from __future__ import annotations

import argparse
import hashlib
import json
import pathlib
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from benchmark.backbones.spec import SPEC_KEY
from benchmark.errors import (
    CheckpointFileError,
    UnknownFormatError,
    UnsafeCheckpointError,
    UnsupportedArchitectureError,
)

_ZIP = b"PK\x03\x04"  # torch >= 1.6
_PICKLE = b"\x80"
# How PyTorch's restricted unpickler words that a file wants code.
_REFUSED = re.compile(r"(?:Unsupported (?:global|class)|GLOBAL|Trying to (?:load|call|set)) [^\n]{0,160}")
# Weight files of a Hugging Face folder, in the order they are looked for.
_FOLDER_WEIGHTS = (
    "model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json"
)  # fmt: skip
_CONFIGS = ("config.json", "processor_config.json", "preprocessor_config.json")
# What timm writes beside the ``architecture`` (models/_hub.py, save_config_for_hf).
_OF_TIMM = ("pretrained_cfg", "num_features")
# How names of weight files end, to find out whether one is alone in its folder.
_SUFFIXES = (".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".tar")


@dataclass(frozen=True)
class RawCheckpoint:
    """What stands in a file or folder, wrappers and all."""

    contents: Mapping[str, Any]
    """Tensors, or dicts of tensors among other things."""

    files: tuple[Path, ...]
    """Every file that was read."""

    config: Mapping[str, Any] = field(default_factory=dict)
    """``config.json`` of a folder."""

    preprocessor: Mapping[str, Any] = field(default_factory=dict)
    """Config of the image processor in a folder."""

    spec: Mapping[str, Any] | None = None
    """The spec of a safetensors file of ours."""

    notes: tuple[str, ...] = ()
    """What lies beside a file and was not read."""


@dataclass(frozen=True)
class Configs:
    """The configs in a folder of weights."""

    config: Mapping[str, Any]
    """``config.json``; empty without one."""

    preprocessor: Mapping[str, Any]
    """``image_processor`` of ``processor_config.json``, else ``preprocessor_config.json``; empty without both."""

    files: tuple[Path, ...]
    """Those that were read."""


def read_configs(folder: Path) -> Configs:
    """Reads the configs of a folder.

    Source: ``ImageProcessingMixin.get_image_processor_dict`` of transformers 5.23: an image processor inside a
    processor's config comes before a file of its own.

    Raises:
        CheckpointFileError: One that is not a JSON object.
    """
    whole, nested, separate = (folder / name for name in _CONFIGS)
    config = _read_json(whole) if whole.is_file() else {}
    inside = _read_json(nested).get("image_processor") if nested.is_file() else None
    source = nested if isinstance(inside, dict) else separate
    preprocessor = inside if source is nested else _read_json(separate) if separate.is_file() else {}
    return Configs(config, preprocessor, tuple(path for path in (whole, source) if path.is_file()))


def read_checkpoint(path: Path) -> RawCheckpoint:
    """Reads a ``.pth``, ``.pt``, ``.bin`` or ``.safetensors`` file, or a Hugging Face folder, on the CPU.

    The weight file of a folder stands for the folder: ``model.safetensors`` is read with the configs beside it. So is a
    file of another name that is alone with them, if they are those of transformers or timm: among several checkpoints
    they may be another's, and many programs call a file of theirs ``config.json``.

    Raises:
        CheckpointFileError: Missing, truncated, larger in its own words than on disk, or no weight file.
        UnsafeCheckpointError: The pickle names code to run.
        UnsupportedArchitectureError: A TorchScript archive or a distributed checkpoint.
        UnknownFormatError: The file holds something else than a dict.
    """
    if path.is_dir():
        return _read_folder(path)
    beside = [name for name in _CONFIGS if path.is_file() and (path.parent / name).is_file()]
    doubt = None if path.name in _FOLDER_WEIGHTS or not beside else _doubt_about_configs(path)
    if beside and doubt is None:
        return _read_folder(path.parent, path)
    contents, spec = _read_file(path)
    notes = () if doubt is None else (f"not read: {' and '.join(beside)} beside it ({doubt})",)
    return RawCheckpoint(contents, (path,), spec=spec, notes=notes)


def sha256_of(files: tuple[Path, ...]) -> str:
    """Returns the SHA-256 of a file's bytes, hexadecimal; of several files, that of their names and hashes."""
    hashes = []
    for path in files:
        with path.open("rb") as file:
            hashes.append(hashlib.file_digest(file, "sha256").hexdigest())
    if len(hashes) == 1:
        return hashes[0]
    lines = [f"{path.name} {digest}\n" for path, digest in zip(files, hashes, strict=True)]
    return hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()


def _doubt_about_configs(weights: Path) -> str | None:
    """Says why the configs beside a file of weights may be of something else; None if they are its own."""
    config = weights.parent / _CONFIGS[0]
    try:
        files = sorted(path.name for path in weights.parent.iterdir() if path.suffix in _SUFFIXES and path.is_file())
        config_json = _read_json(config) if config.is_file() else None
    except (CheckpointFileError, OSError) as error:
        return first_line(error)
    if others := [name for name in files if name != weights.name]:
        return f"other weights lie there: {', '.join(others[:3])}{', ...' if len(others) > 3 else ''}"
    of_timm = config_json is not None and "architecture" in config_json and not config_json.keys().isdisjoint(_OF_TIMM)
    return (
        None if config_json is None or of_timm or "model_type" in config_json else "it is not of transformers or timm"
    )


def _read_folder(folder: Path, weights: Path | None = None) -> RawCheckpoint:
    """Reads the weights of a folder, by default the first kind there is, with the configs beside them."""
    if weights is None and any(folder.glob("*.distcp")):
        raise UnsupportedArchitectureError(
            f"{folder} is a distributed checkpoint; export it to one file first, for instance with "
            "torch.distributed.checkpoint.format_utils.dcp_to_torch_save"
        )
    weights = weights or next((folder / name for name in _FOLDER_WEIGHTS if (folder / name).is_file()), None)
    if weights is None:
        raise CheckpointFileError(
            f"checkpoint {folder} is a folder without weights; a Hugging Face folder holds config.json and "
            f"{_FOLDER_WEIGHTS[0]}"
        )
    beside = read_configs(folder)
    shards = _shards(weights) if weights.suffix == ".json" else [weights]
    contents: dict[str, Any] = {}
    spec = None
    for shard in shards:
        tensors, spec = _read_file(shard)
        contents |= tensors
    spec = spec if len(shards) == 1 else None
    return RawCheckpoint(contents, (*beside.files, *shards), beside.config, beside.preprocessor, spec)


def _shards(index: Path) -> list[Path]:
    """Returns the files an index names; all must stand beside it."""
    names = _read_json(index).get("weight_map")
    if not isinstance(names, dict) or not names:
        raise CheckpointFileError(f"{index} names no shards; download the folder again")
    shards = [index.parent / str(name) for name in sorted({*names.values()})]
    for shard in shards:
        if shard.parent != index.parent or not shard.is_file():
            raise CheckpointFileError(f"{index} names the shard {shard.name!r}, which is not beside it")
    return shards


def _read_json(path: Path) -> dict[str, Any]:
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointFileError(f"{path} cannot be read as JSON: {error}") from error
    if not isinstance(fields, dict):
        raise CheckpointFileError(f"{path} holds a {type(fields).__name__}, not an object")
    return fields


def _read_file(path: Path) -> tuple[Mapping[str, Any], Mapping[str, Any] | None]:
    """Returns what a file holds, and the spec of a safetensors file of ours."""
    if not path.is_file():
        raise CheckpointFileError(
            f"checkpoint {path} does not exist; give a .pth, .pt or .safetensors file, a Hugging Face folder, "
            "hf:DIR, timm:NAME, my_file.py:build, or 'pixels' for the raw-colour baseline"
        )
    with path.open("rb") as file:
        head = file.read(64)
    if path.suffix == ".safetensors":
        return _read_safetensors(path, head)
    if not head.startswith((_ZIP, _PICKLE)):
        raise CheckpointFileError(f"checkpoint {path} is not a PyTorch file; it begins with {head[:40]!r}")
    return _read_pickle(path, zipped=head.startswith(_ZIP)), None


def _read_safetensors(path: Path, head: bytes) -> tuple[dict[str, Tensor], Mapping[str, Any] | None]:
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            metadata = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (no mapping)
        spec = json.loads(metadata[SPEC_KEY]) if SPEC_KEY in metadata else None
    except (SafetensorError, ValueError) as error:
        raise CheckpointFileError(
            f"checkpoint {path} is truncated, damaged or no safetensors file ({first_line(error)}); it begins with "
            f"{head[:40]!r}"
        ) from error
    return tensors, spec


def _read_pickle(path: Path, *, zipped: bool) -> Mapping[str, Any]:
    if zipped:
        _refuse_false_sizes(path)
    try:
        # Mapped storages cannot reach beyond the file, whatever the pickle claims. Training files of DeiT and MAE hold
        # their arguments: a plain container with paths.
        with torch.serialization.safe_globals([argparse.Namespace, pathlib.PosixPath]):
            raw = torch.load(path, map_location="cpu", weights_only=True, mmap=zipped)
    except Exception as error:  # a damaged pickle can fail in any way
        refused = _REFUSED.search(str(error))
        if refused:
            raise UnsafeCheckpointError(
                f"checkpoint {path} needs more than tensors to load and is refused ({refused[0]}); where you trust it, "
                "save its state dict alone, or as safetensors"
            ) from error
        if "TorchScript" in str(error):
            raise UnsupportedArchitectureError(
                f"checkpoint {path} is a TorchScript archive, which holds code; save its state dict instead"
            ) from error
        raise CheckpointFileError(f"checkpoint {path} is truncated or damaged: {first_line(error)}") from error
    if not isinstance(raw, Mapping):
        raise UnknownFormatError(f"checkpoint {path} holds a {type(raw).__name__}, not a state dict")
    return raw


def _refuse_false_sizes(path: Path) -> None:
    """Raises CheckpointFileError if a zip archive is compressed or claims more bytes than the file has."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError) as error:
        raise CheckpointFileError(f"checkpoint {path} is truncated or damaged: {error}") from error
    size, claimed = path.stat().st_size, sum(entry.file_size for entry in entries)
    if claimed > size:
        raise CheckpointFileError(
            f"checkpoint {path} claims {claimed / 1e9:.2f} GB of tensors and has {size / 1e9:.2f} GB; it is damaged, "
            "or compressed, which torch.save never does"
        )


def first_line(error: Exception) -> str:
    """Returns the first line of an error's text, or its name."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def one_line(error: Exception) -> str:
    """Returns an error's text without line breaks, cut after 400 characters, or its name."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 400 else f"{text[:400]}..."
