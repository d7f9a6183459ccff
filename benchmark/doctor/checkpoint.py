"""The checkpoint doctor: what a file holds, how it will be run, and whether its features make sense.

densebench check --checkpoint my_vit.pth
"""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmark.backbone_options import BackboneOptions
from benchmark.backbones import Backbone, ViTSpec, load_backbone
from benchmark.backbones.assumed import assumptions
from benchmark.backbones.cost import added_params, count_gflops, count_params, overhead_percent
from benchmark.benchmarks import BENCHMARKS, Benchmark
from benchmark.doctor import examine as look
from benchmark.load_protocol import Protocol, load_protocol
from benchmark.synthetic.rooms import render_room
from benchmark.tasks import DataSize, Forwards

_IMAGES = 4
_GRID = (12, 16)  # patches of the images that are looked at; not square, so that swapped axes show
# Below these a backbone gets a warning. Random weights give a contrast of about 0.1 on rendered rooms, and bfloat16
# keeps 8 bits, so that cosines of a healthy model stay above 0.999.
_LEAST_CONTRAST = 1e-3
_MOST_BATCH_DEPENDENCE = 1e-3
_LEAST_COSINE = 0.99
_MOST_OUTLIERS = 0.005


@dataclass(frozen=True)
class Examination:
    """What was found; the sections are shown in this order."""

    checkpoint: str
    sections: dict[str, dict[str, str]]
    """Lines by title, then label."""

    warnings: list[str] = field(default_factory=list)
    """What a reader should think about."""

    problems: list[str] = field(default_factory=list)
    """What makes results worthless."""

    @property
    def verdict(self) -> str:
        """One line."""
        if self.problems:
            return f"NOT USABLE: {'; '.join(self.problems)}"
        return f"usable, with {len(self.warnings)} warning(s)" if self.warnings else "good"

    def as_json(self) -> dict[str, Any]:
        """Returns everything as plain values."""
        return {**asdict(self), "verdict": self.verdict}


def check_checkpoint(
    checkpoint: str,
    options: BackboneOptions,
    device: torch.device,
    own: Sequence[tuple[Benchmark, DataSize]] = (),
) -> Examination:
    """Loads a checkpoint and looks at it.

    Args:
        checkpoint: What ``load_backbone`` takes.
        options: Settings that cannot be inferred from its weights.
        device: Where it runs.
        own: Benchmarks on data of one's own, with its size, whose cost is estimated too.

    Raises:
        CheckpointError: It cannot be loaded.
    """
    backbone = load_backbone(checkpoint, device=device, **asdict(options))
    images = _rendered(backbone).to(device)
    warnings: list[str] = []
    problems: list[str] = []
    sections = {
        "File": _file(backbone),
        "Architecture": _architecture(backbone),
        "Preprocessing": _preprocessing(backbone),
        "Assumed": assumptions(backbone) or {"nothing": "everything is stated in the file or beside it"},
        "Cost": _cost(backbone),
    }
    sane = look.is_finite(backbone, images)
    if sane:
        sections["Features"] = _features(backbone, images, warnings, problems)
    else:
        problems.append("features are NaN or infinite")
    sections["Time here"] = _times(backbone, device, own)
    return Examination(checkpoint, sections, warnings, problems)


def _rendered(backbone: Backbone) -> Tensor:
    """Renders rooms as normalised images (B, 3, H, W) of whole patches."""
    patch, spec = backbone.spec.patch_size, backbone.spec.preprocessing
    size = (_GRID[0] * patch, _GRID[1] * patch)
    rooms = [torch.from_numpy(render_room(seed, size).image) for seed in range(_IMAGES)]
    images = torch.stack(rooms).permute(0, 3, 1, 2).float() / 255
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (spec.mean, spec.std))
    return (images - mean) / std


def _file(backbone: Backbone) -> dict[str, str]:
    source = backbone.source
    path = Path(source.checkpoint)
    lines = {"layout": source.layout, "sha256": source.sha256}
    if path.is_file():
        lines["size"] = f"{path.stat().st_size / 1e6:,.1f} MB"
    state = backbone.state_dict()
    lines["tensors"] = f"{len(state)} used, {len(source.dropped)} left out"
    for reason, count in Counter(reason for _, reason in source.dropped).items():
        keys = [key for key, why in source.dropped if why == reason]
        label, shown = f"left out ({count})", f"{reason}: {', '.join(keys[:3])}{', ...' if count > 3 else ''}"
        lines[label] = f"{lines[label]}; {shown}" if label in lines else shown
    for number, note in enumerate(source.notes, 1):
        lines[f"note {number}"] = note
    return lines


def _architecture(backbone: Backbone) -> dict[str, str]:
    spec = backbone.spec
    lines = {"name": spec.arch, "width x depth": f"{spec.embed_dim} x {spec.depth}"}
    tokens = ["[CLS]", f"{spec.num_registers} registers" if spec.num_registers else "no registers", "patches"]
    lines["tokens"] = ", ".join(tokens) + (", attention bias (a key and a value per head)" * spec.attention_bias)
    lines["patch size"] = f"{spec.patch_size} px"
    if not isinstance(spec, ViTSpec):
        return lines
    lines["heads"] = f"{spec.num_heads} of {spec.head_width}"
    lines["feed-forward"] = f"{spec.ffn}, {spec.ffn_dim} wide"
    lines["LayerScale"] = "yes" if spec.layer_scale else "no"
    lines["qkv bias"] = "yes" if spec.qkv_bias else "no"
    lines["norm epsilon"] = f"{spec.norm_eps:g}"
    lines["positions"] = _positions(spec)
    lines["specialisation"] = spec.specialization
    if spec.split:
        lines["registers go with"] = f"[{spec.registers_follow.upper()}]" if spec.num_registers else "(none)"
    return lines


def _positions(spec: ViTSpec) -> str:
    if spec.grid is None:
        return f"rotary, on patches only, any size, in {spec.rope_dtype}"
    (rows, columns), rule = spec.grid, spec.position_interpolation
    pixels = " x ".join(str(side * spec.patch_size) for side in dict.fromkeys(spec.grid))
    way = f"offset {rule.offset:g}, {'with' if rule.antialias else 'without'} antialiasing"
    return f"learned, {rows} x {columns} ({pixels} px); other sizes bicubic, {way}"


def _preprocessing(backbone: Backbone) -> dict[str, str]:
    given = backbone.spec.preprocessing
    return {
        "mean": str(tuple(given.mean)),
        "std": str(tuple(given.std)),
        "image": "RGB in [0, 1], (image - mean) / std",
    }


def _cost(backbone: Backbone) -> dict[str, str]:
    params = count_params(backbone)
    lines = {"parameters": f"{params:,}"}
    if isinstance(backbone.spec, ViTSpec) and backbone.spec.split:
        added = added_params(backbone.spec)
        lines["of these split"] = f"{added:,} more than shared, +{overhead_percent(backbone):.2f} %"
    lines["operations"] = f"{count_gflops(backbone):.2f} GFLOPs at 224 px (a multiply-add is two)"
    return lines


def _features(backbone: Backbone, images: Tensor, warnings: list[str], problems: list[str]) -> dict[str, str]:
    norms = look.norm_statistics(backbone, images)
    drifts = {precision: look.precision_drift(backbone, images, precision) for precision in ("bfloat16", "float16")}
    cls_contrast, patch_contrast = look.contrast(backbone, images)
    right, tried = look.patches_in_order(backbone, images[0])
    dependence = look.batch_dependence(backbone, images)
    deterministic = look.is_deterministic(backbone, images)
    if not deterministic:
        problems.append("the same images give different features twice")
    if right < tried:
        problems.append(f"only {right} of {tried} patches move their own token: their order or [CLS] is mixed up")
    if min(cls_contrast, patch_contrast) < _LEAST_CONTRAST:
        problems.append("features hardly depend on the image")
    if dependence > _MOST_BATCH_DEPENDENCE:
        problems.append("an image's features depend on the images beside it")
    overflowing = [name for name, each in drifts.items() if each.overflows]
    far = [name for name, each in drifts.items() if min(each.patch_cosine, each.cls_cosine) < _LEAST_COSINE]
    if overflowing:  # float16 ends at 65504
        warnings.append(f"features overflow in {' and '.join(overflowing)}; keep features.precision=float32")
    if far:
        changes = "changes" if len(far) == 1 else "change"
        warnings.append(f"{' and '.join(far)} {changes} the features; keep features.precision=float32")
    if norms.outliers > _MOST_OUTLIERS:
        warnings.append(
            f"{norms.outliers:.1%} of the patches have more than {look.OUTLIER_FACTOR:g} times the median norm "
            "(high-norm artifacts)"
        )
    registers = "" if norms.registers is None else f", registers {norms.registers:.2f}"
    return {
        "norms": f"[CLS] {norms.cls:.2f}{registers}, patches {norms.patches:.2f} (median), {norms.largest_patch:.2f} "
        "(largest); last layer before the final norm",
        "high-norm patches": f"{norms.outliers:.2%} above {look.OUTLIER_FACTOR:g} medians",
        "between images": f"[CLS] differ by {cls_contrast:.3f}, mean patches by {patch_contrast:.3f} of their norm",
        "order": f"{right} of {tried} patches move their own token most",
        "batch": f"an image's features change by {dependence:.1e} with those beside it",
        "repeated": "identical" if deterministic else "DIFFERENT",
        **{
            precision: "overflows: tokens are NaN or infinite"
            if drift.overflows
            else f"cosine to float32: [CLS] {drift.cls_cosine:.5f}, patches {drift.patch_cosine:.5f} (worst "
            f"{drift.worst_patch_cosine:.5f})"
            for precision, drift in drifts.items()
        },
        "images": f"{_IMAGES} rendered rooms of {images.shape[2]} x {images.shape[3]} px",
    }


def _times(backbone: Backbone, device: torch.device, own: Sequence[tuple[Benchmark, DataSize]]) -> dict[str, str]:
    """Times one image of each size that a benchmark shows, and multiplies."""
    sizes = [*((benchmark, None) for benchmark in BENCHMARKS.values()), *own]
    protocols = [(load_protocol(benchmark, benchmark.default_protocol), size) for benchmark, size in sizes]
    counts = [(protocol, protocol.forwards(backbone.spec.patch_size, size)) for protocol, size in protocols]
    shown = {
        (size, protocol.settings.features.precision)
        for protocol, count in counts
        for size in (count.train_size, count.val_size)
    }
    seconds = {
        (size, precision): look.seconds_per_image(backbone, size, precision=precision)
        for size, precision in sorted(shown)
    }
    lines = {
        f"{height} x {width} px, {precision}": f"{1000 * taken:,.0f} ms per image on {device.type}, one at a time"
        for ((height, width), precision), taken in seconds.items()
    }
    return lines | {protocol.benchmark.name: _estimate(protocol, count, seconds) for protocol, count in counts}


def _estimate(protocol: Protocol, count: Forwards, seconds: Mapping[tuple[tuple[int, int], str], float]) -> str:
    precision = protocol.settings.features.precision
    train, val = (seconds[size, precision] for size in (count.train_size, count.val_size))
    hours = (count.train * train + count.val * val) / 3600
    spoken = f"{hours:,.1f} h" if hours < 100 else f"{hours / 24:,.0f} days"
    return (
        f"about {spoken} for {count.total:,} forwards of {protocol.name} ({count.train:,} crops, {count.val:,} in the "
        "test)"
    )


def render(found: Examination, columns: int) -> str:
    """Writes an examination as text of at most ``columns`` columns."""
    indent = 4 + max(len(label) for lines in found.sections.values() for label in lines)
    text = [found.checkpoint]
    for title, lines in found.sections.items():
        text += ["", title]
        for label, value in lines.items():
            begin = f"  {label}".ljust(indent)
            text.append(textwrap.fill(value, columns, initial_indent=begin, subsequent_indent=" " * indent))
    last = [f"warning: {warning}" for warning in found.warnings]
    last += [f"problem: {problem}" for problem in found.problems]
    last += [f"verdict: {found.verdict}"]
    return "\n".join([*text, "", *(textwrap.fill(line, columns, subsequent_indent="  ") for line in last)])
