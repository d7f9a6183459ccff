"""Where a run took place. Imports no torch; what only torch knows is passed in."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path

from benchmark import __version__
from benchmark.records.schema import Environment

# Packages whose version can change a number.
_PACKAGES = ("torch", "numpy", "mmengine", "mmcv-lite", "mmsegmentation", "opencv-python", "pillow", "densebench")
_REPOSITORY = Path(__file__).resolve().parents[2]
# What can change a number; templates of reports are not included.
_CODE = ("benchmark", "heads", "configs")


def environment(*, device: str, device_name: str | None) -> Environment:
    """Describes packages, commit and hardware.

    Args:
        device: ``"cpu"`` or ``"cuda"``.
        device_name: Name of the accelerator, None on a CPU.
    """
    commit = _git("rev-parse", "HEAD")
    status = _git("status", "--porcelain")
    return Environment(
        git_commit=commit,
        git_dirty=None if status is None else bool(status),
        packages=package_versions(),
        code=code_hash(),
        device=device,
        hardware=f"{device_name or _processor()}, {os.cpu_count()} CPU cores",
    )


def code_version() -> str:
    """Returns the version of DenseBench and the hash of its files; see `code_hash`."""
    return f"{__version__} (files {code_hash()})"


@cache
def code_hash(root: Path = _REPOSITORY) -> str:
    """Hashes the Python files under ``benchmark/``, ``heads/`` and ``configs/``: names and contents, 16 digits.

    So copies without git can be distinguished, equal ones are equal wherever they are, and tests and documents do not
    count. Files are read once per process, which runs the code it has imported whatever becomes of them.

    Args:
        root: Folder that holds the three.
    """
    digest = hashlib.sha256()
    for path in sorted(path for folder in _CODE for path in (root / folder).rglob("*.py")):
        name = path.relative_to(root)
        if not any(part.startswith(".") for part in name.parts):  # copies that notebooks keep
            content = path.read_bytes()
            digest.update(f"{name.as_posix()}\t{len(content)}\n".encode())
            digest.update(content)
    return digest.hexdigest()[:16]


def package_versions() -> dict[str, str]:
    """Returns the versions of Python and of the packages that can change a number."""
    versions = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return versions


def _git(*arguments: str) -> str | None:
    """Asks git about DenseBench's own checkout, never about the current folder."""
    if not (_REPOSITORY / ".git").exists() or shutil.which("git") is None:
        return None
    answer = subprocess.run(["git", "-C", str(_REPOSITORY), *arguments], capture_output=True, text=True, check=False)
    return answer.stdout.strip() if answer.returncode == 0 else None


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
