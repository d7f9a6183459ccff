"""Progress with an estimate of the time left: one moving line on a terminal, plain lines in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

_TERMINAL_INTERVAL_S = 0.2
_LOG_INTERVAL_S = 30.0


class Progress:
    """Counts up to ``total`` and says on standard error how far it is.

    Args:
        total: Number of steps, or None where it is unknown.
        label: What is going on.
        done: Steps that were done before, by an earlier run.
        quiet: Say nothing; another process does, or it will not take long.
        count: Renders a number of steps; `size` where they are bytes.
    """

    def __init__(
        self,
        total: int | None,
        label: str,
        *,
        done: int = 0,
        quiet: bool = False,
        count: Callable[[int], str] = str,
    ) -> None:
        self.total, self.label, self.done, self.quiet, self._count = total, label, done, quiet, count
        self._begun_with, self._begun_at = done, time.monotonic()
        self._terminal = sys.stderr.isatty()
        self._shown_at = self._begun_at if not self._terminal else 0.0
        if done and not quiet:
            print(f"{label}: resumes at {self._so_far()}", file=sys.stderr, flush=True)

    def advance(self, detail: Callable[[], str] = str, *, by: int = 1) -> None:
        """Counts ``by`` steps; ``detail`` is called only when a line is shown."""
        self.done += by
        interval = _TERMINAL_INTERVAL_S if self._terminal else _LOG_INTERVAL_S
        if time.monotonic() - self._shown_at >= interval:
            self._show(detail())

    def close(self) -> None:
        """Shows the last line."""
        seconds = time.monotonic() - self._begun_at
        self._write(f"{self.label}: {self._so_far()} in {duration(seconds)}", last=True)

    def _so_far(self) -> str:
        done = self._count(self.done)
        return done if self.total is None else f"{done}/{self._count(self.total)}"

    def _show(self, detail: str) -> None:
        self._shown_at = time.monotonic()
        parts = [f"{self.label}: {self._so_far()}"]
        if self.total is not None:
            per_step = (self._shown_at - self._begun_at) / max(self.done - self._begun_with, 1)
            parts.append(f"{duration(per_step * max(self.total - self.done, 0))} left")
        self._write(", ".join([*parts, *([detail] if detail else [])]), last=False)

    def _write(self, line: str, *, last: bool) -> None:
        if self.quiet:
            return
        if self._terminal:
            sys.stderr.write(f"\r\x1b[2K{line}" + ("\n" if last else ""))
        else:
            sys.stderr.write(line + "\n")
        sys.stderr.flush()


def duration(seconds: float) -> str:
    """Returns ``1 h 02 min``, ``3 min 20 s`` or ``4.1 s``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def size(count: int) -> str:
    """Returns a number of bytes as ``850 B``, ``1.2 MB`` or ``147.9 GB`` (powers of 1000)."""
    if count < 1000:
        return f"{count} B"
    scaled = float(count)
    for unit in ("kB", "MB", "GB"):
        scaled /= 1000
        if scaled < 999.95:
            return f"{scaled:.1f} {unit}"
    return f"{scaled / 1000:.1f} TB"
