"""``densebench extract``: frozen features of a dataset's images in a folder that others can read.

    DIR/manifest.json          model, preprocessing, columns, image names in order, labels of classes, how to read it
    DIR/00000.safetensors ...  one tensor (images, ...) per column, or
    DIR/cls.11.npy ...         one array per column; they are put together from shards at the end, which takes twice
                               the room for as long as that lasts

It goes on where it was killed, as the feature store does, whose shards these are.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from benchmark.atomic import atomic_write
from benchmark.backbones import Backbone, Preprocessing, load_backbone
from benchmark.backbones.assumed import assumption_line, assumptions
from benchmark.data import DATASETS, ClassificationLayout, DepthLayout, SegmentationLayout
from benchmark.data.classification import ClassificationSplit
from benchmark.data.crops import FILTERS, centre_crop, resize_short
from benchmark.data.depth import DepthSplit
from benchmark.data.images import normalised, read_image
from benchmark.data.manifest import fingerprint
from benchmark.data.segmentation import SegmentationSplit
from benchmark.data.split import Split
from benchmark.devices import choose_device
from benchmark.errors import RecordError, UsageError, did_you_mean
from benchmark.probing.distributed import World, joined
from benchmark.probing.encode import KINDS, column_shapes, encode_columns
from benchmark.probing.feature_store.address import Address
from benchmark.probing.feature_store.feature_set import FeatureSet
from benchmark.probing.feature_store.filling import OnBadImage, fill, refuse_skipped, refuse_small_disk
from benchmark.probing.feature_store.lock import FileLock
from benchmark.probing.feature_store.manifest import NAME, Manifest, read_manifest, write_manifest
from benchmark.probing.feature_store.plan import Plan, Shard, read_shards
from benchmark.probing.features import FrozenBackbone
from benchmark.protocols import parse_backbone_options
from benchmark.records.environment import code_version

Format = Literal["safetensors", "npy"]

_SPLITS = {
    SegmentationLayout: SegmentationSplit,
    DepthLayout: DepthSplit,
    ClassificationLayout: ClassificationSplit,
}
_FILTER = "bicubic"
_LOCK = ".lock"


@dataclass(frozen=True)
class View:
    """How images of any size become squares of one size: resized and cut out, or squashed whole."""

    resize: int | None
    """Short side after the resize, pixels; None squashes the whole image."""

    crop: int
    """Side of the square, pixels."""

    def __call__(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Maps (H, W, 3) to (crop, crop, 3); the order of channels is kept."""
        picture = Image.fromarray(np.ascontiguousarray(image))
        if self.resize is None:
            return np.asarray(picture.resize((self.crop, self.crop), FILTERS[_FILTER]))
        return np.asarray(centre_crop(resize_short(picture, self.resize, _FILTER), self.crop))

    def as_json(self) -> dict[str, Any]:
        """Returns what the view is, in clear."""
        how = "squashed" if self.resize is None else "short side resized, centre cut out"
        return {"how": how, "resize": self.resize, "crop": self.crop, "filter": f"{_FILTER}, antialiased (Pillow)"}


@dataclass(frozen=True)
class ExtractOptions:
    """Everything about an extraction but checkpoint, dataset and output."""

    data_root: Path
    """Folder that holds all datasets."""

    split: str = "val"
    """Split of the dataset."""

    limit: int | None = None
    """First images only; of class folders, so many spread evenly over the classes."""

    overrides: tuple[str, ...] = ()
    """``backbone.key=value``: what the checkpoint's keys do not tell."""

    tokens: tuple[str, ...] = ("cls", "patches")
    """Kinds of tokens, of `KINDS`."""

    layers: tuple[int, ...] = (-1,)
    """Blocks, from 0, or from -1 backwards."""

    norm: bool = True
    """Whether the final LayerNorm is applied."""

    view: View = View(resize=256, crop=224)
    """How images become squares."""

    precision: str = "float32"
    """Arithmetic of the backbone: float32, bfloat16 or float16."""

    dtype: str = "float16"
    """Number format of the files: float32, float16 or bfloat16."""

    format: Format = "safetensors"
    """Kind of files."""

    on_bad_image: OnBadImage = "error"
    """What to do with an image that cannot be read."""

    device: str = "auto"
    """``auto``, ``cpu`` or ``cuda``."""

    batch_size: int = 32
    """Images per forward pass."""

    workers: int | None = None
    """Loader processes; None takes none beside a CPU backbone and up to eight beside a GPU."""


@dataclass(frozen=True)
class _Extraction:
    """An extraction that has been looked at and can begin."""

    output: Path
    backbone: Backbone
    split: Split
    names: list[str]
    columns: dict[str, tuple[int, ...]]
    layers: list[int]
    address: Address
    options: ExtractOptions

    @property
    def label(self) -> str:
        return f"{self.split.layout.name} {self.split.name}"

    @property
    def shards(self) -> Path:
        """Folder of the shards."""
        return self.output / "shards" if self.options.format == "npy" else self.output


def extract(checkpoint: str, dataset: str, output: Path, options: ExtractOptions) -> None:
    """Writes the features of a dataset's images to a folder, or goes on writing them.

    Args:
        checkpoint: What ``load_backbone`` takes.
        dataset: Name.
        output: Folder; a new or empty one, or one of the same extraction.
        options: How.

    Raises:
        UsageError: Options that do not go together, or a folder that holds something else.
        DataError: Files that are missing or cannot be read, or values the number format cannot hold.
        RecordError: The disk has not the room, or the folder cannot be written.
    """
    _refuse_options(options)
    device = choose_device(options.device)
    with joined(device) as world:
        work = world.together(lambda: _open(checkpoint, dataset, output, options, device))
        world.refuse_different_input(_said(work))
        with _alone(output, world):
            _extract(work, device, world)


def _said(work: _Extraction) -> dict[str, Any]:
    """Says what the processes must agree in, by the names that messages have for it."""
    return {
        "code version": code_version(),
        **work.address.as_json(),
        "columns": list(work.columns),
        "--format": work.options.format,
        "--on-bad-image": work.options.on_bad_image,
        "--output": str(work.output),
    }


def _open(checkpoint: str, dataset: str, output: Path, options: ExtractOptions, device: torch.device) -> _Extraction:
    split = _open_split(dataset, options)
    backbone = load_backbone(checkpoint, device=device, **asdict(parse_backbone_options(options.overrides)))
    return _prepare(backbone, split, output, options)


def _extract(work: _Extraction, device: torch.device, world: World) -> None:
    if world.leads:
        assumed = assumption_line(work.backbone)
        for note in (*work.split.notes, *([assumed] if assumed else [])):
            print(f"{work.label}: note: {note}")
    earlier, done = world.tell(world.together(lambda: _earlier(work) if world.leads else (None, False)))
    if not done:
        _make(work, FrozenBackbone(work.backbone, device, world), earlier, world)
    elif world.leads and work.options.format == "npy":
        shutil.rmtree(work.shards, ignore_errors=True)  # left behind if it was killed while it ended
    if world.leads:
        state = "done already" if done else "done"
        print(f"{work.output}: {state}, {', '.join(work.columns)} of {work.label}; {NAME} says how to read them")


def _refuse_options(options: ExtractOptions) -> None:
    view = options.view
    if view.resize is not None and view.crop > view.resize:
        raise UsageError(f"--crop {view.crop} does not fit into a short side of --resize {view.resize}")
    if options.format == "npy" and options.dtype == "bfloat16":
        raise UsageError("numpy has no bfloat16: use --dtype float32, --dtype float16 or --format safetensors")
    for kind in options.tokens:
        if kind not in KINDS:
            raise UsageError(f"no tokens {kind!r}{did_you_mean(kind, KINDS)}; kinds: {', '.join(KINDS)}")


def _open_split(dataset: str, options: ExtractOptions) -> Split:
    if dataset not in DATASETS:
        raise UsageError(f"unknown dataset {dataset!r}{did_you_mean(dataset, DATASETS)}; known: {', '.join(DATASETS)}")
    layout = DATASETS[dataset]
    return _SPLITS[type(layout)](layout, options.data_root, options.split, limit=options.limit)


def _prepare(backbone: Backbone, split: Split, output: Path, options: ExtractOptions) -> _Extraction:
    spec, names = backbone.spec, split.names
    layers = [_absolute(layer, spec.depth) for layer in dict.fromkeys(options.layers)]
    columns = [f"{kind}.{layer}" for kind in dict.fromkeys(options.tokens) for layer in dict.fromkeys(layers)]
    shapes = column_shapes(spec, columns, (options.view.crop, options.view.crop))
    address = Address(
        checkpoint_sha256=backbone.source.sha256,
        spec=asdict(spec),
        images=fingerprint([split.root / name for name in names], split.root),
        count=len(names),
        view=options.view.as_json(),
        norm=options.norm,
        precision=options.precision,
        dtype=options.dtype,
    )
    return _Extraction(output, backbone, split, names, shapes, layers, address, options)


def _absolute(layer: int, depth: int) -> int:
    if not -depth <= layer < depth:
        raise UsageError(f"--layers: {layer} is no block of a backbone that has {depth}")
    return layer % depth


@contextmanager
def _alone(output: Path, world: World) -> Iterator[None]:
    """Makes the folder and holds its lock."""
    lock = FileLock(output / _LOCK)

    def take() -> None:
        if output.exists() and not output.is_dir():
            raise UsageError(f"--output {output} is a file; name a folder")
        if not lock.take():
            raise UsageError(f"another process is writing to {output}; wait for it, or name another folder")

    world.together(take if world.leads else lambda: None)
    try:
        yield
    finally:
        lock.give_back(remove=True)


def _earlier(work: _Extraction) -> tuple[Manifest | None, bool]:
    """Returns the manifest of the same extraction, None for an empty folder, and whether nothing is left to do.

    Raises:
        UsageError: The folder holds something else.
        DataError: It is complete without images that cannot be read, and they are no longer to be left out.
    """
    if all(path.name.startswith(".") for path in work.output.iterdir()):  # the lock, temporary files
        return None, False
    found, options = read_manifest(work.output), work.options
    if found is None or (found.address, found.plan.columns, found.note.get("format")) != (
        work.address.as_json(),
        work.columns,
        options.format,
    ):
        raise UsageError(f"{work.output} holds something else than this extraction; name a new or empty folder")
    if options.format == "npy":
        there = all(_array_path(work, column).is_file() for column in work.columns)
    else:
        there = None not in read_shards(work.shards, found.plan)
    done = found.complete and there
    if done and options.on_bad_image == "error":
        refuse_skipped(found.skipped, work.label)
    return found, done


def _make(work: _Extraction, frozen: FrozenBackbone, earlier: Manifest | None, world: World) -> None:
    options, preprocessing = work.options, work.backbone.spec.preprocessing
    plan = earlier.plan if earlier else Plan.of(work.columns, options.dtype, len(work.names))
    manifest = Manifest(plan, work.address.as_json(), _note(work))
    if world.leads:
        with _telling(work.output):
            write_manifest(work.output, manifest)  # first: a folder without one is somebody else's
            work.shards.mkdir(exist_ok=True)
    world.barrier()
    world.together(lambda: _refuse_another_folder(work.output))
    encode = encode_columns(
        frozen,
        lambda index: _image(work, index, preprocessing),
        list(work.columns),
        norm=options.norm,
        precision=options.precision,
        batch_size=options.batch_size,
        workers=_workers(options.workers, frozen.device.type, world),
    )
    doubled = plan.count * plan.row_bytes if options.format == "npy" else 0
    shards = fill(
        work.shards,
        plan,
        encode,
        label=work.label,
        world=world,
        on_bad_image=options.on_bad_image,
        extra_bytes=doubled,
    )
    if world.leads:
        _finish(work, manifest.completed(shards), shards, doubled)
    world.barrier()


def _refuse_another_folder(output: Path) -> None:
    """Raises UsageError where a process does not see what the main process has just written."""
    if read_manifest(output) is None:
        raise UsageError(f"{output} is not shared by all processes of this run; name a folder that every machine sees")


def _finish(work: _Extraction, manifest: Manifest, shards: list[Shard], doubled: int) -> None:
    """Puts arrays together where they are wanted, and writes the manifest."""
    features = FeatureSet(work.shards, manifest)
    with _telling(work.output):
        if work.options.format == "npy":
            refuse_small_disk(work.output, doubled, work.label)
            for column in work.columns:
                _write_array(_array_path(work, column), features.shards(column), len(features))
        write_manifest(work.output, manifest, **_description(work, features.rows.tolist(), shards))
        if work.options.format == "npy":
            shutil.rmtree(work.shards)


def _image(work: _Extraction, index: int, preprocessing: Preprocessing) -> Tensor:
    return normalised(work.options.view(read_image(work.split.root / work.names[index])), preprocessing)


def _workers(given: int | None, device: str, world: World) -> int:
    if given is not None:
        return given
    return 0 if device == "cpu" else min(8, max(1, (os.cpu_count() or 1) // world.size))


def _array_path(work: _Extraction, column: str) -> Path:
    return work.output / f"{column}.npy"


def _write_array(path: Path, shards: Sequence[Tensor], rows: int) -> None:
    """Writes the shards of a column as one array, one after the other."""
    whole = {
        "descr": np.lib.format.dtype_to_descr(shards[0].numpy().dtype),
        "fortran_order": False,
        "shape": (rows, *shards[0].shape[1:]),
    }
    with atomic_write(path) as file:
        np.lib.format.write_array_header_1_0(file, whole)
        for shard in shards:
            file.write(shard.contiguous().numpy().data)


@contextmanager
def _telling(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RecordError(
            f"{error.filename or folder} cannot be written: {error.strerror}; give the same command again to go on"
        ) from error


def _note(work: _Extraction) -> dict[str, str]:
    source, split = work.backbone.source, work.split
    return {
        "model": Path(source.checkpoint).stem,
        "data": f"{split.layout.name} {split.name}",
        "format": work.options.format,
    }


def _description(work: _Extraction, rows: list[int], shards: list[Shard]) -> dict[str, Any]:
    """Returns what the manifest tells other readers besides what the store needs."""
    source, split = work.backbone.source, work.split
    told = {
        "model": {
            "checkpoint": source.checkpoint,
            "sha256": source.sha256,
            "layout": source.layout,
            "arch": work.backbone.spec.arch,
            "assumed": assumptions(work.backbone),
        },
        "layers": work.layers,
        "files": _files(work, len(rows), shards),
        "read": _READ[work.options.format],
        "meaning": _MEANING,
        "images": [work.names[row] for row in rows],
    }
    if isinstance(split, ClassificationSplit):
        told |= {"classes": list(split.classes), "labels": split.labels[rows].tolist()}
    return told


def _files(work: _Extraction, rows: int, shards: list[Shard]) -> list[dict[str, Any]]:
    if work.options.format == "npy":
        return [
            {"name": _array_path(work, column).name, "column": column, "shape": [rows, *shape]}
            for column, shape in work.columns.items()
        ]
    return [{"name": shard.path.name, "rows": shard.rows} for shard in shards]


_READ = {
    "safetensors": "torch.cat([safetensors.torch.load_file(file['name'])[column] for file in manifest['files']]); "
    "row i is of manifest['images'][i]",
    "npy": "numpy.load(column + '.npy', mmap_mode='r'); row i is of manifest['images'][i]",
}

_MEANING = {
    "cls.L": "(D,) the [CLS] token after block L, counted from 0",
    "registers.L": "(R, D) the register tokens",
    "mean.L": "(D,) the mean of the patch tokens",
    "patches.L": "(N, D) the patch tokens, row by row from the upper left; an image whose side is no multiple of the "
    "patch size is padded with the mean colour on all sides, an odd pixel right and below",
    "address.norm": "whether the backbone's final LayerNorm was applied to the tokens of every block",
    "address.spec.preprocessing": "images were (RGB in [0, 1] - mean) / std",
}
