"""kNN at the size of ImageNet: its memory and speed, beside one matrix product and beside scikit-learn.

    python tests/speed/knn.py            # 1.28 M rows of 1024 in float16: a file of 2.6 GB, minutes on two cores
    python tests/speed/knn.py --quick    # a fortieth of it

Says what it expects before it measures. The search is the product of queries and train, whose time is predicted from a
product of the same width, and on top the choice of the best, about a seventh of that. Its memory is what it was given,
and the pages of the file, which the system takes back when it needs them and may or may not count to the reader: the
limit is held with all of them.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from race import race
from sklearn.neighbors import NearestNeighbors

from heads import KNNClassifier
from heads.knn import DEFAULT_MEMORY

WIDTH, CLASSES, LIMIT = 1024, 1000, 8 << 30


def main() -> None:
    """Searches the large store, then races on a small one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a fortieth of the rows and a quarter of the queries")
    quick = parser.parse_args().quick
    large_store(rows=1_281_167 // (40 if quick else 1), queries=500 if quick else 2000)
    races(rows=8_000 if quick else 40_000, queries=1000)


def large_store(rows: int, queries: int) -> None:
    """Prints predicted and measured memory and time of one search."""
    with tempfile.TemporaryDirectory() as folder:
        train = _store(Path(folder) / "features", rows)
        labels = torch.arange(rows) * CLASSES // rows  # by class, as ImageNet's folders are
        asked = train[:: rows // queries][:queries].clone()
        size = train.numel() * train.element_size()
        expected = queries * rows * WIDTH * 2 / _product_rate()
        print(f"{rows:,} x {WIDTH} in float16 ({size / 1e9:.2f} GB), {queries:,} queries")
        print(
            f"  predicted: products {expected:.1f} s ({1000 * expected / queries:.1f} s for 1,000 queries), search "
            f"{expected * 8 / 7:.1f} s; memory {DEFAULT_MEMORY / 2**30:.2f} GiB beside the file"
        )
        with _peak_memory() as grown:
            begun = time.perf_counter()
            knn = KNNClassifier().fit(train, labels)
            fitted = time.perf_counter()
            predictions = knn.predict(asked)
            searched = time.perf_counter()
        print(
            f"  measured: fit {fitted - begun:.1f} s, search {searched - fitted:.1f} s "
            f"({1000 * (searched - fitted) / queries:.1f} s for 1,000 queries); resident memory grew by "
            f"{grown['VmRSS'] / 2**30:.2f} GiB, {grown['RssAnon'] / 2**30:.2f} GiB of it beside the file; "
            f"with the whole file {(grown['RssAnon'] + size) / 2**30:.2f} GiB"
        )
        own = labels[:: rows // queries][:queries]
        if not torch.equal(predictions[10], own):  # each query is a training row, and rows of noise are far apart
            raise SystemExit("a training row was not the nearest of itself")
        if max(grown["VmRSS"], grown["RssAnon"] + size) > LIMIT:
            raise SystemExit(f"memory grew beyond {LIMIT / 2**30:.0f} GiB")


def races(rows: int, queries: int) -> None:
    """Races the search against the ways that hold all similarities, or all features in float32."""
    train = torch.randn(rows, WIDTH).half()
    asked = torch.randn(queries, WIDTH).half()
    knn = KNNClassifier().fit(train, torch.arange(rows) % CLASSES)

    def at_once() -> torch.Tensor:
        unit_queries, unit_train = (torch.nn.functional.normalize(x.float()) for x in (asked, train))
        return (unit_queries @ unit_train.T).topk(200).indices

    def scikit_learn() -> torch.Tensor:
        reference = NearestNeighbors(n_neighbors=200, algorithm="brute", metric="cosine").fit(train.float().numpy())
        return torch.from_numpy(reference.kneighbors(asked.float().numpy(), return_distance=False))

    name = f"{queries:,} queries, {rows:,} rows"
    race(f"{name}, one product and topk", at_once, lambda: knn.neighbours(asked), 3)
    race(f"{name}, scikit-learn, brute force", scikit_learn, lambda: knn.neighbours(asked), 2)


def _store(path: Path, rows: int) -> torch.Tensor:
    """Writes noise block by block and returns it memory-mapped, with no page in memory yet."""
    generator = torch.Generator().manual_seed(0)
    with path.open("wb") as file:
        for start in range(0, rows, 8192):
            block = torch.rand(min(8192, rows - start), WIDTH, generator=generator) - 0.5
            block.half().numpy().tofile(file)
    return torch.from_file(str(path), size=rows * WIDTH, dtype=torch.float16).view(rows, WIDTH)


def _product_rate() -> float:
    """Returns floating-point operations per second of products with 32,768 training rows."""
    queries, train = torch.rand(1024, WIDTH), torch.rand(32_768, WIDTH)
    out = queries @ train.T
    begun = time.perf_counter()
    for _ in range(3):
        torch.mm(queries, train.T, out=out)
    return 3 * 2 * out.numel() * WIDTH / (time.perf_counter() - begun)


@contextmanager
def _peak_memory() -> Iterator[dict[str, int]]:
    """Yields a dict that holds, at the end, the growth of resident memory in bytes, in all and without files."""
    before, peak, done = _resident(), {"VmRSS": 0, "RssAnon": 0}, threading.Event()

    def watch() -> None:
        while not done.wait(0.02):
            for name, value in _resident().items():
                peak[name] = max(peak[name], value - before[name])

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield peak
    finally:
        done.set()
        watcher.join()


def _resident() -> dict[str, int]:
    lines = Path("/proc/self/status").read_text().splitlines()
    fields = dict(line.split(":", 1) for line in lines)
    return {name: int(fields[name].split()[0]) * 1024 for name in ("VmRSS", "RssAnon")}


if __name__ == "__main__":
    main()
