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

    Of the benchmarks that one description makes, those without the protocol are skipped if another has it.

    Args:
        names: What `benchmark.benchmarks.expand` takes.
        data_root: Folder that holds all datasets.
        protocol: Protocol name or config file; None takes each benchmark's default.

    Raises:
        UsageError: A name that does not exist, or nothing that can run.
        DataError: Something is wrong with a description.
    """
    expanded = expand(names)
    fitting = [benchmark for benchmark, _ in expanded if _has_protocol(benchmark, protocol)]
    kept = []
    for benchmark, named in expanded:
        missing = without_data(benchmark, data_root)
        described = benchmark.dataset.description is not None
        optional = not named or (described and any(other.dataset is benchmark.dataset for other in fitting))
        if missing is not None and not named:
            print(f"{benchmark.name}: skipped, no {missing}")
        elif benchmark not in fitting and optional:
            print(f"{benchmark.name}: skipped, it has no protocol {protocol!r}")
        else:
            kept.append(benchmark)
    if not kept:
        raise UsageError(f"no benchmark of {' '.join(map(str, names))} can run with the data under {data_root}")
    return kept


def _has_protocol(benchmark: Benchmark, protocol: str | None) -> bool:
    return protocol is None or protocol.endswith(".py") or protocol in protocol_names(benchmark)
