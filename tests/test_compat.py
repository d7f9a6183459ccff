"""One test per shim; a failing one says which shim a moved pin has made needless or wrong."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import torch

from benchmark import compat


def test_mmseg_imports_on_mmcv_lite_only_with_the_stub() -> None:
    without = subprocess.run([sys.executable, "-c", "import mmseg.models"], capture_output=True, text=True, check=False)
    assert "mmcv._ext" in without.stderr
    code = "from benchmark import compat; compat.install(); import mmseg.models"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_a_stubbed_operator_fails_when_it_is_called() -> None:
    compat.stub_mmcv_ops()
    from mmcv import _ext

    with pytest.raises(NotImplementedError, match="'nms' needs the compiled mmcv"):
        _ext.nms(torch.zeros(1, 4))


def test_stubbing_twice_keeps_the_first_stub() -> None:
    compat.stub_mmcv_ops()
    first = sys.modules["mmcv._ext"]
    compat.stub_mmcv_ops()
    assert sys.modules["mmcv._ext"] is first


def test_known_warnings_are_quiet_and_others_are_not() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        compat.quiet_known_warnings()
        warnings.warn("`torch.jit.script` is deprecated. Use something else.", DeprecationWarning, stacklevel=1)
        warnings.warn("something new", DeprecationWarning, stacklevel=1)
    assert [str(warning.message) for warning in caught] == ["something new"]


def test_a_runner_unpickles_its_own_folder_and_no_other(tmp_path: Path) -> None:
    compat.install()
    from mmengine.logging import HistoryBuffer
    from mmengine.runner import CheckpointLoader

    own, other = tmp_path / "own", tmp_path / "other"
    for folder in (own, other):
        folder.mkdir()
        torch.save({"message_hub": HistoryBuffer([1.0], [1])}, folder / "iter_1.pth")
    with pytest.raises(Exception, match="Weights only load failed"):
        CheckpointLoader.load_checkpoint(str(own / "iter_1.pth"))
    saved = CheckpointLoader._schemes.copy()
    try:
        compat.trust_only(own)
        assert "message_hub" in CheckpointLoader.load_checkpoint(str(own / "iter_1.pth"))
        with pytest.raises(Exception, match="Weights only load failed"):
            CheckpointLoader.load_checkpoint(str(other / "iter_1.pth"))
    finally:
        CheckpointLoader._schemes = saved


def test_importing_the_packages_loads_no_optional_or_stubbed_library() -> None:
    code = (
        "import sys, benchmark, heads, benchmark.backbones, benchmark.metrics, benchmark.records.store, "
        "benchmark.report.tables.leaderboard; "
        "print([name for name in ('torchvision', 'timm', 'mmcv', 'mmseg', 'transformers') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
