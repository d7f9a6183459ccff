"""A backbone from a file of the user's own: ``my_file.py:build`` or ``my_file.py:build@weights.pth``."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from benchmark.errors import CheckpointError


def build(path: Path, call: str) -> Any:
    """Imports the file and calls a function of it, with the path after ``@`` if there is one.

    The file is the user's own and is run; its errors keep their traceback.

    Args:
        path: Python file.
        call: Function name, or ``name@weights``.

    Raises:
        CheckpointError: No such file or function.
    """
    function, at, weights = call.partition("@")
    if not path.is_file():
        raise CheckpointError(f"{path} does not exist; write path/to/file.py:build")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    builder = getattr(module, function, None)
    if not callable(builder):
        known = ", ".join(name for name, value in vars(module).items() if callable(value) and name[0] != "_")
        raise CheckpointError(f"{path} has no function {function!r}; it has: {known or 'none'}")
    return builder(Path(weights)) if at else builder()
