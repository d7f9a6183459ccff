"""Kept heads are listed and freed."""

from __future__ import annotations

import os
import time
from pathlib import Path

from benchmark.probing.kept_heads import describe, kept_heads, prune


def test_kept_heads_are_listed_and_freed_by_age(tmp_path: Path) -> None:
    for name, days in (("old", 40), ("new", 1)):
        path = tmp_path / f"{name}.pt"
        path.write_bytes(bytes(500))
        made = time.time() - days * 86_400
        os.utime(path, (made, made))
    assert describe(tmp_path) == f"  {tmp_path}: 2 trainings, 1.0 kB"
    assert prune(tmp_path, older_than_days=30) == "freed 500 B of 1 trained heads"
    assert [path.name for path, _, _ in kept_heads(tmp_path)] == ["new.pt"]
    assert prune(tmp_path) == "freed 500 B of 1 trained heads"
    assert describe(tmp_path) == f"  none under {tmp_path}"


def test_nobody_without_a_home_keeps_any() -> None:
    assert kept_heads(None) == []
    assert prune(None) == "freed 0 B of 0 trained heads"
