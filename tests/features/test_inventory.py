"""What is stored is listed and freed."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmark.errors import DataError
from benchmark.features.inventory import describe, entries, prune, stored
from benchmark.features.lock import lock_of


@pytest.fixture
def store(get: Callable, fake: Callable, address: Callable, tmp_path: Path) -> Path:
    """A store with complete features that were used last 100 days ago, and incomplete ones."""
    old = time.time() - 100 * 86_400
    os.utime(get().folder / "manifest.json", (old, old))
    with pytest.raises(DataError):
        get(fake(bad=[4]), address(norm=False))
    return tmp_path / "store"


def test_entries_tell_what_a_reader_wants_to_know(store: Path) -> None:
    incomplete, complete = entries(store)
    assert (complete.complete, incomplete.complete) == (True, False)
    found = complete.as_json()
    assert found["note"] == {"model": "vit", "data": "photos train"}
    assert found["columns"] == ["cls.1", "patches.1"]
    assert found["images"] == 10
    assert 600 < found["bytes"] < 5000
    text = describe(stored(store))
    assert "vit on photos train: cls.1, patches.1; 10 images in float32, incomplete, " in text
    assert f"last used {time.strftime('%Y-%m-%d', time.gmtime(complete.last_used))}" in text


def test_an_empty_store_says_so(tmp_path: Path) -> None:
    assert entries(tmp_path / "nowhere") == []
    assert describe(stored(tmp_path)) == f"  none under {tmp_path}"


def test_pruning_frees_everything_and_leaves_nothing(store: Path) -> None:
    total = sum(entry.bytes for entry in entries(store))
    assert prune(store) == f"freed {total / 1000:.1f} kB of 2 sets of features"
    assert list(store.iterdir()) == []


def test_what_was_used_lately_is_kept(store: Path) -> None:
    prune(store, older_than_days=30)
    [left] = entries(store)
    assert not left.complete


def test_only_what_is_incomplete_goes_if_that_is_asked_for(store: Path) -> None:
    prune(store, incomplete_only=True)
    [left] = entries(store)
    assert left.complete


def test_features_that_are_being_made_are_left_alone(store: Path) -> None:
    incomplete, _ = entries(store)
    lock = lock_of(incomplete.folder)
    assert lock.take()
    assert prune(store).endswith("of 1 sets of features; 1 being made now, left alone")
    lock.give_back()
    assert [entry.folder for entry in entries(store)] == [incomplete.folder]


def test_other_peoples_files_are_left_alone(store: Path) -> None:
    (store / "photos").mkdir()
    (store / "photos/holiday.jpg").write_text("x")
    prune(store)
    assert (store / "photos/holiday.jpg").exists()


@pytest.mark.parametrize("text", ["", "[]", '{"version": 99}', '{"version": 1, "columns": {}}'])
def test_a_damaged_manifest_is_listed_and_can_be_freed(store: Path, text: str) -> None:
    for manifest in store.rglob("manifest.json"):
        manifest.write_text(text)
    found = entries(store)
    assert describe(stored(store)).count("damaged, or of another version") == 2
    assert [entry.as_json()["images"] for entry in found] == [None, None]
    prune(store)
    assert entries(store) == []


def test_what_another_process_deletes_meanwhile_is_not_listed(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone, *_ = entries(store)
    listed = Path.iterdir

    def iterdir(folder: Path) -> Iterator[Path]:
        if folder == gone.folder:
            raise FileNotFoundError(folder)
        return listed(folder)

    monkeypatch.setattr(Path, "iterdir", iterdir)
    [left] = entries(store)
    assert left.folder != gone.folder
