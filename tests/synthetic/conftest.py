"""All rendered datasets as the demo has them."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmark.synthetic.datasets import write_mini


@pytest.fixture(scope="session")
def mini(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All datasets as `write_mini` writes them by default; tests must not write there."""
    root = tmp_path_factory.mktemp("mini")
    write_mini(root)
    return root
