"""``densebench extract``: frozen features of a dataset's images in a folder that others can read.

    DIR/manifest.json          model, preprocessing, columns, image names in order, labels of classes, how to read it
    DIR/00000.safetensors ...  one tensor (images, ...) per column, or
    DIR/cls.11.npy ...         one array per column; they are put together from shards at the end, which takes twice
                               the room for as long as that lasts

It resumes after a kill, as the feature store does, whose shards these are.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from benchmark.atomic import atomic_write
from benchmark.backbones import Backbone, Preprocessing, load_backbone
from benchmark.backbones.assumed import assumption_line, assumptions
from benchmark.data.dataset import Dataset
from benchmark.data.images import read_image
from benchmark.data.manifest import fingerprint
from benchmark.data.split import Split
from benchmark.devices import choose_device, loader_processes
from benchmark.distributed import World, process_group
from benchmark.errors import RecordError, UsageError, did_you_mean
from benchmark.extract_options import ExtractOptions
from benchmark.features.address import Address
from benchmark.features.encode import KINDS, column_shapes, encode_columns
from benchmark.features.feature_set import FeatureSet
from benchmark.features.filling import fill, refuse_skipped, refuse_small_disk
from benchmark.features.frozen import FrozenBackbone
from benchmark.features.lock import FileLock
from benchmark.features.manifest import NAME, FeatureManifest, read_manifest, write_manifest
from benchmark.features.plan import Plan, Shard, read_shards
from benchmark.protocols.read_settings import parse_backbone_options
from benchmark.records.environment import code_version
from benchmark.samples.crops import FILTERS, centre_crop, resize_short
from benchmark.samples.images import normalised

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


def view_of(options: ExtractOptions) -> View:
    """Returns how images become squares: resized to 256 and cut to 224 pixels unless told otherwise."""
    return View(options.resize or 256, options.crop or 224) if options.size is None else View(None, options.size)


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
        return f"{self.split.dataset.name} {self.split.name}"

    @property
    def shards(self) -> Path:
        """Folder of the shards."""
        return self.output / "shards" if self.options.format == "npy" else self.output


def extract(checkpoint: str, dataset: Dataset, output: Path, options: ExtractOptions) -> None:
    """Writes the features of a dataset's images to a folder, or resumes writing them.

    Args:
        checkpoint: What ``load_backbone`` takes.
        dataset: The dataset.
        output: Folder; a new or empty one, or one of the same extraction.
        options: How.

    Raises:
        UsageError: Options that do not go together, or a folder that holds something else.
        DataError: Files that are missing or cannot be read, or values the number format cannot hold.
        RecordError: The disk has not the room, or the folder cannot be written.
    """
    _refuse_options(options)
    device = choose_device(options.device)
    with process_group(device) as world:
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


def _open(
    checkpoint: str, dataset: Dataset, output: Path, options: ExtractOptions, device: torch.device
) -> _Extraction:
    split = dataset.open(options.data_root, options.split, limit=options.limit)
    backbone = load_backbone(checkpoint, device=device, **asdict(parse_backbone_options(options.overrides)))
    return _prepare(backbone, split, output, options)


def _extract(work: _Extraction, device: torch.device, world: World) -> None:
    if world.is_main:
        assumed = assumption_line(work.backbone)
        for note in (*work.split.notes, *([assumed] if assumed else [])):
            print(f"{work.label}: note: {note}")
    earlier, done = world.broadcast_object(world.together(lambda: _earlier(work) if world.is_main else (None, False)))
    if not done:
        _make(work, FrozenBackbone(work.backbone, device, world), earlier, world)
    elif world.is_main and work.options.format == "npy":
        shutil.rmtree(work.shards, ignore_errors=True)  # left behind if it was killed while it ended
    if world.is_main:
        state = "done already" if done else "done"
        print(f"{work.output}: {state}, {', '.join(work.columns)} of {work.label}; {NAME} says how to read them")


def _refuse_options(options: ExtractOptions) -> None:
    if options.size is not None and (options.resize is not None or options.crop is not None):
        raise UsageError("--size squashes the whole image: leave --resize and --crop out, or --size")
    view = view_of(options)
    if view.resize is not None and view.crop > view.resize:
        raise UsageError(f"--crop {view.crop} does not fit into a short side of --resize {view.resize}")
    if options.format == "npy" and options.dtype == "bfloat16":
        raise UsageError("numpy has no bfloat16: use --dtype float32, --dtype float16 or --format safetensors")
    for kind in options.tokens:
        if kind not in KINDS:
            raise UsageError(f"no tokens {kind!r}{did_you_mean(kind, KINDS)}; kinds: {', '.join(KINDS)}")


def _prepare(backbone: Backbone, split: Split, output: Path, options: ExtractOptions) -> _Extraction:
    spec, names = backbone.spec, split.names
    layers = [_absolute(layer, spec.depth) for layer in dict.fromkeys(options.layers)]
    columns = [f"{kind}.{layer}" for kind in dict.fromkeys(options.tokens) for layer in dict.fromkeys(layers)]
    shapes = column_shapes(spec, columns, (view_of(options).crop,) * 2)
    address = Address(
        checkpoint_sha256=backbone.source.sha256,
        spec=asdict(spec),
        images=fingerprint([split.root / name for name in names], split.root),
        count=len(names),
        view=view_of(options).as_json(),
        norm=options.norm,
        precision=options.precision,
        dtype=options.dtype,
    )
    return _Extraction(output, backbone, split, names, shapes, layers, address, options)


def _absolute(layer: int, depth: int) -> int:
    if not -depth <= layer < depth:
        raise UsageError(f"--layers: {layer} is not a block of a backbone that has {depth}")
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

    world.together(take if world.is_main else lambda: None)
    try:
        yield
    finally:
        lock.give_back(remove=True)


def _earlier(work: _Extraction) -> tuple[FeatureManifest | None, bool]:
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


def _make(work: _Extraction, frozen: FrozenBackbone, earlier: FeatureManifest | None, world: World) -> None:
    options, preprocessing = work.options, work.backbone.spec.preprocessing
    plan = earlier.plan if earlier else Plan.of(work.columns, options.dtype, len(work.names))
    manifest = FeatureManifest(plan, work.address.as_json(), _note(work))
    if world.is_main:
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
        workers=loader_processes(options.workers, frozen.device, world.size),
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
    if world.is_main:
        _finish(work, manifest.completed(shards), shards, doubled)
    world.barrier()


def _refuse_another_folder(output: Path) -> None:
    """Raises UsageError where a process does not see what the main process has just written."""
    if read_manifest(output) is None:
        raise UsageError(f"{output} is not shared by all processes of this run; name a folder that every machine sees")


def _finish(work: _Extraction, manifest: FeatureManifest, shards: list[Shard], doubled: int) -> None:
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
    return normalised(view_of(work.options)(read_image(work.split.root / work.names[index])), preprocessing)


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
        "data": f"{split.dataset.name} {split.name}",
        "format": work.options.format,
    }


def _description(work: _Extraction, rows: list[int], shards: list[Shard]) -> dict[str, Any]:
    """Returns what the manifest tells other readers besides what the store needs."""
    source, split = work.backbone.source, work.split
    return {
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
        **split.describe(rows),
    }


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
    "patches.L": "(N, D) the patch tokens, row by row from the upper left; an image whose side is not a multiple of "
    "the patch size is padded with the mean colour on all sides, an odd pixel right and below",
    "address.norm": "whether the backbone's final LayerNorm was applied to the tokens of every block",
    "address.spec.preprocessing": "images were (RGB in [0, 1] - mean) / std",
}
