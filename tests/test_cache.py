"""Where the cache lies."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmark.cache import cache_folder, features_folder
from benchmark.data.manifest import fingerprint
from benchmark.errors import RecordError


def test_the_variable_comes_before_xdg_and_xdg_before_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", "relative/is/ignored")
    assert cache_folder() == tmp_path / "home/.cache/densebench"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg/densebench"
    monkeypatch.setenv("DENSEBENCH_CACHE", str(tmp_path / "own"))
    assert features_folder() == tmp_path / "own/features"


def test_manifests_of_datasets_lie_there_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DENSEBENCH_CACHE", str(tmp_path / "own"))
    (tmp_path / "image").write_text("x")
    long_ago = 10**18
    import os

    os.utime(tmp_path / "image", ns=(long_ago, long_ago))
    fingerprint([tmp_path / "image"], tmp_path)
    assert len(list((tmp_path / "own/manifests").iterdir())) == 1


def test_without_a_home_the_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmark.cache.cache_folder", lambda: None)
    with pytest.raises(RecordError, match="set DENSEBENCH_CACHE"):
        features_folder()
