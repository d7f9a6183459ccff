"""Where a run took place. Imports no torch; what only torch knows is passed in."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
from importlib import metadata
from pathlib import Path

from benchmark import __version__
from benchmark.records.schema import Environment

# Packages whose version can move a number.
_PACKAGES = ("torch", "numpy", "mmengine", "mmcv-lite", "mmsegmentation", "opencv-python", "pillow", "densebench")
_REPOSITORY = Path(__file__).resolve().parents[2]


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
        device=device,
        hardware=f"{device_name or _processor()}, {os.cpu_count()} CPU cores",
    )


def code_version() -> str:
    """Returns version and commit of DenseBench, and a hash of uncommitted changes to its files."""
    changes = _git("diff", "HEAD")
    dirty = f" with changes {hashlib.sha256(changes.encode()).hexdigest()[:12]}" if changes else ""
    return f"{__version__} {_git('rev-parse', 'HEAD') or 'of no checkout'}{dirty}"


def package_versions() -> dict[str, str]:
    """Returns the versions of Python and of the packages that can move a number."""
    versions = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return versions


def _git(*arguments: str) -> str | None:
    """Asks git about DenseBench's own checkout, never about the folder the user stands in."""
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
