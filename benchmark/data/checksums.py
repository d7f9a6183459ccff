"""Checksums of official archives, where a public source prints one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmark.data.manifest import hash_file
from benchmark.errors import DataError
from benchmark.progress import Progress, size

_QUIET_BELOW = 256 << 20  # bytes that are read before anybody wonders what is going on


@dataclass(frozen=True)
class Checksum:
    """The hash of an archive, and who says so."""

    algorithm: str
    digest: str
    source: str


CHECKSUMS: dict[tuple[str, str], Checksum] = {
    ("ade20k", "ADEChallengeData2016.zip"): Checksum(
        "sha1", "219e1696abb36c8ba3a3afe7fb2f4b4606a897c7", "gluon-cv, scripts/datasets/ade20k.py"
    ),
    ("voc2012", "VOCtrainval_11-May-2012.tar"): Checksum(
        "md5", "6cd6e144f989b92b3379bac3b3de84fd", "torchvision, datasets/voc.py"
    ),
    ("voc2012", "benchmark.tgz"): Checksum("md5", "82b4d87ceb2ed10f6038a1cba92111cb", "torchvision, datasets/sbd.py"),
    ("imagenet", "ILSVRC2012_img_train.tar"): Checksum(
        "md5", "1d675b47d978889d74fa0da5fadfb00e", "torchvision, datasets/imagenet.py"
    ),
    ("imagenet", "ILSVRC2012_img_val.tar"): Checksum(
        "md5", "29b22e2961454d5413ddabcf34fc5622", "torchvision, datasets/imagenet.py"
    ),
    ("imagenet", "ILSVRC2012_devkit_t12.tar.gz"): Checksum(
        "md5", "fa75699e90414af021442c21a62c3abf", "torchvision, datasets/imagenet.py"
    ),
}
"""By dataset and file name. They find damage, not malice: MD5 and SHA-1 can be forged."""


def check_archive(dataset: str, path: Path, *, ignore: bool = False) -> str:
    """Compares an archive with its known checksum and returns a line that says how it went.

    Args:
        dataset: Name of the dataset.
        path: The archive; known ones are recognised by their file name.
        ignore: Accept another checksum than the known one.

    Raises:
        DataError: Another checksum than the known one.
        OSError: The file cannot be read.
    """
    known = CHECKSUMS.get((dataset, path.name))
    algorithm = known.algorithm if known else "sha256"
    progress = Progress(
        path.stat().st_size, f"checksum of {path.name}", count=size, quiet=path.stat().st_size < 1 << 28
    )
    digest = hash_file(path, algorithm, lambda count: progress.advance(by=count))
    progress.close()
    if known is None:
        return f"{path.name}: sha256 {digest} (no official checksum is known)"
    if digest == known.digest:
        return f"{path.name}: {algorithm} {digest}, as {known.source} says"
    if ignore:
        return f"{path.name}: {algorithm} {digest}, not the official {known.digest}; used all the same"
    raise DataError(
        f"{path}: {algorithm} is {digest}, expected {known.digest} ({known.source}): damaged or another version; "
        "delete it and download it again, or pass --skip-checksum to use it all the same"
    )
