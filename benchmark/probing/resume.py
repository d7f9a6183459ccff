"""Training state on disk, from which a killed run resumes."""

from __future__ import annotations

import glob
import time
from pathlib import Path
from typing import Any

import torch

from benchmark.atomic import atomic_write
from benchmark.errors import RecordError


class ResumeFile:
    """The state of one cell's training, replaced atomically every so often.

    It holds tensors and plain values only and is read with ``weights_only=True``.

    Args:
        path: File, named after the cell's key: another protocol, checkpoint, dataset or seed is another file.
        every_s: Seconds between two saves.
    """

    def __init__(self, path: Path, *, every_s: float) -> None:
        self.path = path
        self.every_s = every_s
        self.earlier_s = 0.0
        """Seconds that earlier, unfinished runs took up to their last save."""
        self._begun_at = self._saved_at = time.monotonic()
        self._save_took_s = 0.0

    def load(self) -> dict[str, Any] | None:
        """Returns the last state, or None if there is none.

        Raises:
            RecordError: The file is damaged.
        """
        if not self.path.exists():
            return None
        try:
            state = torch.load(self.path, map_location="cpu", weights_only=True)
        except Exception as error:  # a damaged file can fail in any way
            raise RecordError(f"resume file {self.path} cannot be read; delete it to start that cell anew") from error
        self.earlier_s = state.pop("elapsed_s")
        return state

    def due(self) -> bool:
        """Tells whether it is time to save again; saving takes at most a tenth of the time."""
        return time.monotonic() - self._saved_at >= max(self.every_s, 10 * self._save_took_s)

    def save(self, state: dict[str, Any]) -> None:
        """Replaces the file by ``state``."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._saved_at = time.monotonic()
        with atomic_write(self.path) as file:
            torch.save({**state, "elapsed_s": self.earlier_s + self._saved_at - self._begun_at}, file)
        self._save_took_s = time.monotonic() - self._saved_at

    def remove(self) -> None:
        """Deletes the file, and what kills left of others that were being written; the cell is done."""
        self.path.unlink(missing_ok=True)
        for left in self.path.parent.glob(f".{glob.escape(self.path.name)}.*"):
            left.unlink(missing_ok=True)  # another run of the cell may be at it
