"""Errors a user can mend. The command line prints their text on one line and exits with code 2.

Everything else that is raised is a defect of DenseBench and keeps its traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

from benchmark.utf8 import printable


class DenseBenchError(Exception):
    """What was expected, what came, where, and how to mend it, in one line; names that are not UTF-8 are escaped."""

    def __str__(self) -> str:
        return printable(super().__str__())


class SharedError(DenseBenchError):
    """What every process of a run raises together; the main process says it."""


class UsageError(DenseBenchError):
    """A command, name or option that does not exist."""


class ProtocolError(DenseBenchError):
    """A protocol file or an override that cannot be read as a protocol."""


class DataError(DenseBenchError):
    """A dataset, image or label that is missing, damaged or not what the benchmark needs."""


class DivergedError(DenseBenchError):
    """Training that ended in NaN or infinite weights."""


class PrecisionError(DenseBenchError):
    """NaN or infinite tokens of a backbone."""


class RecordError(DenseBenchError):
    """A result record, results folder or resume file that cannot be read or written."""


class CheckpointError(DenseBenchError):
    """A checkpoint that cannot be used; the subclasses say why."""


class CheckpointFileError(CheckpointError):
    """No file, a truncated one, or something that is not a weight file."""


class UnsafeCheckpointError(CheckpointError):
    """A pickle that needs more than tensors and plain containers to load."""


class UnknownFormatError(CheckpointError):
    """Keys that belong to no known layout."""


class UnsupportedArchitectureError(CheckpointError):
    """A known architecture that is not a plain vision transformer of a layout read here."""


class MissingKeysError(CheckpointError):
    """Tensors the architecture needs and the file lacks."""


class UnexpectedKeysError(CheckpointError):
    """Tensors in the file that no rule reads or drops."""


class ShapeMismatchError(CheckpointError):
    """A tensor whose shape does not fit the architecture inferred from the other tensors."""


class StructureError(CheckpointError):
    """Keys and shapes that describe no consistent architecture."""


class SpecialisationError(CheckpointError):
    """A split layer with one half only, or one that is split and shared at once."""


class NonFiniteWeightsError(CheckpointError):
    """NaN or infinity among the weights."""


class EvaluationError(DenseBenchError):
    """Cells that failed, after the others have run; ``__cause__`` is what the first of them raised."""

    results: Any
    """`benchmark.results.Results` with every record that was made, those of failures among them."""

    def __init__(self, message: str, results: Any) -> None:
        super().__init__(message)
        self.results = results


class InputSizeError(DenseBenchError):
    """Images whose sides are not multiples of the patch size."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Returns ``" (did you mean 'x'?)"`` for the nearest of ``known``, or an empty string."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""
