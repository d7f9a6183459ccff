"""Which benchmarks a user asks for. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmark.benchmarks import Benchmark, expand
from benchmark.errors import UsageError
from benchmark.inventory import without_data
from benchmark.load_protocol import protocol_names


def requested(names: Sequence[str | Benchmark], *, data_root: Path, protocol: str | None) -> list[Benchmark]:
    """Expands groups; a member without its data or the protocol is skipped, a benchmark named by itself is not.

    Args:
        names: What `benchmark.benchmarks.expand` takes.
        data_root: Folder that holds all datasets.
        protocol: Protocol name or config file; None takes each benchmark's default.

    Raises:
        UsageError: A name that does not exist, or nothing that can run.
        DataError: Something is wrong with a description.
    """
    kept = []
    for benchmark, named in expand(names):
        missing = without_data(benchmark, data_root)
        if named:
            kept.append(benchmark)
        elif missing is not None:
            print(f"{benchmark.name}: skipped, no {missing}")
        elif protocol not in (None, *protocol_names(benchmark)) and not protocol.endswith(".py"):
            print(f"{benchmark.name}: skipped, it has no protocol {protocol!r}")
        else:
            kept.append(benchmark)
    if not kept:
        raise UsageError(f"no benchmark of {' '.join(map(str, names))} can run with the data under {data_root}")
    return kept
