"""``densebench analyze``: from checkpoints and pictures to figures, a tidy table and a summary."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from benchmark.analysis.block_points import SUB_LAYERS
from benchmark.analysis.draw import MOST_CHECKPOINTS, draw_all
from benchmark.analysis.measure import TokenStatistics, measure
from benchmark.analysis.pictures import Picture, Pictures, from_folder, rendered
from benchmark.analysis.stored import FOLDER, SCHEMA_VERSION, STATISTICS, SUMMARY
from benchmark.analysis.tables import summary, tidy
from benchmark.atomic import atomic_write
from benchmark.backbone_options import BackboneOptions
from benchmark.backbones import VisionTransformer, load_backbone
from benchmark.backbones.assumed import assumptions
from benchmark.errors import InputSizeError, UsageError
from benchmark.progress import Progress
from benchmark.utf8 import printable

SIZE = 224
"""Side of the pictures, pixels, unless asked for."""

_BATCH = 16
_SHOWN = 4  # pictures of which maps are drawn
_MAX_NAME = 200  # bytes of a folder's name; file systems allow 255

_DEFINITIONS = {
    "cls_patch": "mean cosine of [CLS] with the patches of its image",
    "patch_patch": "mean cosine of pairs of different patches of one image",
    "mean, std": "over images (population); block 'mean' is the mean over blocks",
    "registers": "count neither as [CLS] nor as patches",
    "source": "arXiv 2602.08626, figures 2-4, 6, 7, 10, 11",
}


@dataclass(frozen=True)
class Analysis:
    """Results, and the folder they were written to."""

    folder: Path
    measured: dict[str, TokenStatistics]
    summary: dict[str, Any]


def analyze(
    checkpoints: Sequence[str],
    *,
    images: Path | None,
    results: Path,
    output: Path | None = None,
    size: int = SIZE,
    limit: int | None = None,
    options: BackboneOptions | None = None,
    device: torch.device,
) -> Analysis:
    """Analyses checkpoints on the same pictures, one after the other, and writes a folder.

    Args:
        checkpoints: What ``load_backbone`` reads into a ``VisionTransformer``.
        images: Folder of pictures; None renders rooms.
        results: Results folder.
        output: Folder to write; None for ``results/analysis/<names>``.
        size: Side of the pictures, pixels.
        limit: Pictures at most.
        options: Settings that cannot be inferred from the weights, for all checkpoints.
        device: Where models run.

    Raises:
        UsageError: Too many checkpoints, one that is no ``VisionTransformer``, or a folder that cannot be written.
        CheckpointError: One that cannot be loaded, or whose tokens are NaN.
        DataError: No pictures, or one that cannot be read.
        InputSizeError: A size that is not a multiple of a model's patch size.
    """
    if len(checkpoints) > MOST_CHECKPOINTS:
        raise UsageError(f"{len(checkpoints)} checkpoints do not fit into one figure; give {MOST_CHECKPOINTS} at most")
    pictures = rendered(size, limit) if images is None else from_folder(images, size, limit)
    names = checkpoint_names(checkpoints)
    folder = output or results / FOLDER / _slug(names)
    _refuse_unwritable(folder)
    options = options or BackboneOptions()
    for checkpoint in checkpoints[1:]:  # an error in a later one is reported before hours are spent on the first
        _load(checkpoint, options, size)
    for note in pictures.notes:
        print(f"note: {note}")
    measured, models = {}, {}
    for name, checkpoint in zip(names, checkpoints, strict=True):
        vit = _load(checkpoint, options, size).to(device)
        measured[name] = measure(vit, _with_progress(pictures, name), device=device, shown=_SHOWN)
        models[name] = _describe_model(vit)
    return _write(folder, measured, models, pictures)


def checkpoint_names(checkpoints: Sequence[str]) -> list[str]:
    """Names checkpoints by their files, and by the folders above where two files have the same name."""
    paths = [Path(checkpoint) for checkpoint in checkpoints]
    # ``.`` and ``..`` are not names; the folder they refer to may not be UTF-8
    paths = [path if path.stem.strip(".") else Path(printable(str(path.resolve()))) for path in paths]
    for parts in range(1, max(len(path.parts) for path in paths) + 1):
        names = ["/".join([*path.parts[-parts:-1], path.stem]) for path in paths]
        if len(set(names)) == len(names):
            return names
    return [f"{path.stem} ({number})" for number, path in enumerate(paths, 1)]


def _slug(names: Sequence[str]) -> str:
    slug = "_vs_".join(re.sub(r"[^\w.-]+", "-", name) for name in names)
    encoded = slug.encode()
    if len(encoded) <= _MAX_NAME:
        return slug
    return f"{encoded[:_MAX_NAME].decode(errors='ignore')}-{hashlib.sha256(encoded).hexdigest()[:8]}"


def _refuse_unwritable(folder: Path) -> None:
    """Refuses a folder that cannot be created, before hours are spent."""
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        raise UsageError(f"{folder} cannot be created: {existing} is not a writable folder; give another --output")


def _load(checkpoint: str, options: BackboneOptions, size: int) -> VisionTransformer:
    """Loads a model on the CPU and refuses one that cannot be analysed on pictures of this size."""
    backbone = load_backbone(checkpoint, **asdict(options))
    if not isinstance(backbone, VisionTransformer):
        raise UsageError(
            f"{checkpoint} exposes only the outputs of its blocks, and this analysis measures inside them. It needs "
            "weights of a layout that DenseBench reads itself (`densebench list`): give their file or folder, without "
            "hf:, timm: or a build function"
        )
    patch = backbone.spec.patch_size
    if size % patch or size < 2 * patch:
        low = max(size // patch, 2) * patch
        raise InputSizeError(
            f"{checkpoint} has patches of {patch} pixels, so the side of pictures must be a multiple of {patch} and at "
            f"least two of them, not {size}; give for example --size {low} or --size {low + patch}"
        )
    return backbone


def _with_progress(pictures: Pictures, name: str) -> Iterator[list[Picture]]:
    progress = Progress(len(pictures), f"{name}: pictures")
    for batch in pictures.batches(_BATCH):
        yield batch
        progress.advance(by=len(batch))
    progress.close()


def _describe_model(vit: VisionTransformer) -> dict[str, Any]:
    spec = vit.spec
    return {
        "checkpoint": vit.source.checkpoint,
        "checkpoint_sha256": vit.source.sha256,
        "layout": vit.source.layout,
        "assumed": assumptions(vit),
        "arch": spec.arch,
        "depth": spec.depth,
        "num_registers": spec.num_registers,
        "attention_bias": spec.attention_bias,
        "layer_scale": spec.layer_scale,
        "specialization": spec.specialization,
    }


def _write(folder: Path, measured: dict[str, TokenStatistics], models: dict[str, Any], pictures: Pictures) -> Analysis:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / SUMMARY).unlink(missing_ok=True)  # from here on a previous analysis is no longer complete
    shown = [pictures.load(index) for index in range(min(_SHOWN, len(pictures)))]
    captions = draw_all(measured, shown, folder)
    with atomic_write(folder / STATISTICS) as file:
        tidy(measured).to_csv(file, index=False, float_format="%.6g")
    written = {
        "schema_version": SCHEMA_VERSION,
        "pictures": {
            "source": pictures.source,
            "count": len(pictures),
            "size": pictures.size,
            "shown": list(pictures.names[: len(shown)]),
        },
        "checkpoints": {name: {**models[name], **summary(model)} for name, model in measured.items()},
        "definitions": _DEFINITIONS,
        "figures": captions,
    }
    with atomic_write(folder / SUMMARY) as file:  # last, so that a folder with a summary is complete
        file.write((json.dumps(written, indent=1) + "\n").encode())
    return Analysis(folder, measured, written)


def describe(analysis: Analysis) -> str:
    """Writes the main figures of an analysis as text."""
    pictures = analysis.summary["pictures"]
    count = pictures["count"]
    lines = [f"{count:,} picture{'s' if count > 1 else ''} of {pictures['size']} px from {pictures['source']}"]
    for name, model in analysis.summary["checkpoints"].items():
        lines += ["", f"{name}  ({model['arch']}, specialisation {model['specialization']})"]
        lines.append(f"  {'cosine, mean over blocks':26}{'[CLS]-patch':>18}{'patch-patch':>18}")
        for layer in SUB_LAYERS:
            if layer.name in model["cosines"]:
                cosines = model["cosines"][layer.name].values()
                columns = "".join(f"{cosine['before']:>+9.3f} >{cosine['after']:>+7.3f}" for cosine in cosines)
                lines.append(f"  {layer.title:26}{columns}")
        norms = model["norms"]
        lines.append(
            f"  norms after the last block: [CLS] {norms['cls_mean']:.3g}, patches {norms['patches_median']:.3g} "
            f"(median), {norms['patches_largest']:.3g} (largest); {norms['outlier_share']:.2%} high-norm outliers"
        )
    return "\n".join([*lines, "", f"Figures, table and summary: {analysis.folder}"])
