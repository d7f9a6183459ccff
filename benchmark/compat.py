"""Everything DenseBench does to run mmsegmentation 1.2.2 on today's packages, in one place.

Import this before anything of ``mmcv`` or ``mmseg``. Each shim serves the pinned versions of ``requirements.txt`` and
has a test of its own in ``tests/test_compat.py``; when a pin moves, a failing test says which shim to look at.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import sys
import types
import warnings
from pathlib import Path
from typing import Any, NoReturn


class _NoOps(types.ModuleType):
    """Stands for mmcv's compiled operators: looking one up succeeds, calling it says what is missing."""

    def __getattr__(self, op: str) -> Any:
        if op.startswith("__"):
            raise AttributeError(op)

        def refuse(*args: Any, **kwargs: Any) -> NoReturn:
            raise NotImplementedError(f"mmcv operator {op!r} needs the compiled mmcv package; mmcv-lite is installed")

        return refuse


def stub_mmcv_ops() -> None:
    """Lets mmsegmentation be imported on mmcv-lite.

    ``mmseg/utils/mask_classification.py`` imports ``mmcv.ops`` unconditionally, though a linear probe calls no
    compiled operator. Does nothing where compiled mmcv is installed.
    """
    import mmcv

    if "mmcv._ext" in sys.modules or importlib.util.find_spec("mmcv._ext"):
        return
    ext = _NoOps("mmcv._ext")
    ext.__spec__ = importlib.machinery.ModuleSpec("mmcv._ext", loader=None)
    sys.modules["mmcv._ext"] = mmcv._ext = ext


def quiet_known_warnings() -> None:
    """Hides three warnings of the pinned packages that a user can do nothing about."""
    warnings.filterwarnings("ignore", r".*torch\.jit\..* is deprecated", DeprecationWarning)  # mmengine 0.10.7
    warnings.filterwarnings("ignore", ".*Fail to import ``MultiScaleDeformableAttention``", UserWarning)  # mmseg 1.2.2
    warnings.filterwarnings("ignore", ".*pkg_resources is deprecated", UserWarning)  # mmengine 0.10.7


def trust_only(run_dir: Path) -> None:
    """Lets an mmengine Runner resume from its own folder, and from nowhere else, by unpickling.

    mmengine stores ``HistoryBuffer`` objects in its checkpoints, which ``torch.load(weights_only=True)``, the default
    since torch 2.6, refuses. Checkpoints outside ``run_dir`` are loaded with ``weights_only=True``.
    """
    import torch
    from mmengine.runner import CheckpointLoader

    trusted_folder = run_dir.resolve()

    @CheckpointLoader.register_scheme(prefixes="", force=True)
    def load_from_local(filename: str, map_location: Any) -> Any:  # mmengine derives its log line from this name
        trusted = Path(filename).resolve().is_relative_to(trusted_folder)
        return torch.load(filename, map_location=map_location, weights_only=not trusted)


def install() -> None:
    """Applies the shims that importing mmsegmentation needs; calling it again changes nothing."""
    quiet_known_warnings()
    stub_mmcv_ops()
