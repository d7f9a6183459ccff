"""DenseBench: how good is a frozen vision transformer at dense and global tasks?"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmark.evaluation import evaluate
    from benchmark.results import Results, load_results

__version__ = "0.1.0"

__all__ = ["Results", "__version__", "evaluate", "load_results"]

# Imported when they are asked for: `import benchmark` stays light.
_HOMES = {"evaluate": "benchmark.evaluation", "load_results": "benchmark.results", "Results": "benchmark.results"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'benchmark' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
