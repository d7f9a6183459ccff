"""Configs: mmengine's, read without it, and without torch by all that only looks at them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import benchmark
from benchmark.configs import CONFIGS, backbone_presets, merged, read_config
from benchmark.errors import ProtocolError

# configs/mmseg is run by mmengine itself and is never read here.
_READ = [path for path in sorted(CONFIGS.rglob("*.py")) if path.parent.name != "mmseg"]


@pytest.mark.parametrize("path", _READ, ids=[str(path.relative_to(CONFIGS)) for path in _READ])
def test_every_config_reads_as_mmengine_reads_it(path: Path) -> None:
    assert read_config(path) == _by_mmengine(path)


def _by_mmengine(path: Path) -> dict[str, Any]:
    """Reads a config with mmengine; names that begin with an underscore are the file's own."""
    from mmengine.config import Config

    fields = Config.fromfile(path, import_custom_modules=False).to_dict()
    return {key: value for key, value in fields.items() if not key.startswith("_")}


def test_a_base_is_read_from_the_folder_of_its_file_and_merged(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "first.py").write_text("train = dict(steps=3, lr=1e-3)\nprobes = dict(seeds=2)\n")
    (tmp_path / "second.py").write_text("_base_ = ['base/first.py']\nprobes = dict(_delete_=True, lr=[1])\n")
    path = tmp_path / "third.py"
    path.write_text("_base_ = 'second.py'\n_half = 0.5\ntrain = dict(lr=_half)\n")
    assert read_config(path) == {"train": {"steps": 3, "lr": 0.5}, "probes": {"lr": [1]}}
    assert _by_mmengine(path) == read_config(path)


def test_a_merge_leaves_what_it_merges_alone() -> None:
    base = {"train": {"steps": 3}}
    assert merged(base, {"train": {"lr": 1}}) == {"train": {"steps": 3, "lr": 1}}
    assert base == {"train": {"steps": 3}}


def test_a_file_that_cannot_be_run_is_named_with_its_error(tmp_path: Path) -> None:
    path = tmp_path / "broken.py"
    path.write_text("steps = 1 / 0\n")
    with pytest.raises(ProtocolError, match=r"broken\.py cannot be read as a config: ZeroDivisionError"):
        read_config(path)


def test_sizes_and_specialisations_are_those_of_their_files() -> None:
    presets = backbone_presets()
    assert presets["sizes"]["S"] == {"embed_dim": 384, "depth": 12, "num_heads": 6, "ffn": "mlp", "ffn_dim": 1536}
    assert presets["specializations"]["none"] == {}


_LOAD_ALL = """
import sys
from benchmark.benchmarks import BENCHMARKS
from benchmark.configs import CONFIGS, backbone_presets
from benchmark.load_protocol import load_protocol, protocol_names
from benchmark.pretraining.recipe import load_recipe
from benchmark.report.tables.ablation_config import ablation_names, read_ablation

protocols = [load_protocol(name, each) for name in BENCHMARKS for each in protocol_names(name)]
recipes = [load_recipe(path.stem) for path in (CONFIGS / "pretraining").glob("*.py")]
tables = [read_ablation(name) for name in ablation_names()]
assert protocols and recipes and tables and backbone_presets()
print([name for name in ("torch", "mmengine") if name in sys.modules])
"""


def test_configs_of_every_kind_are_loaded_without_torch() -> None:
    assert _printed(_LOAD_ALL) == "[]"


def test_protocols_records_and_everything_that_reports_import_no_torch() -> None:
    code = Path(benchmark.__file__).parent
    rooms = [path for room in ("protocols", "records", "report", "tasks") for path in (code / room).rglob("*.py")]
    paths = [path.relative_to(code.parent).with_suffix("") for path in rooms]
    modules = [".".join(path.parts).removesuffix(".__init__") for path in paths]
    modules += ["benchmark.benchmarks", "benchmark.configs", "benchmark.inventory", "benchmark.load_protocol"]
    modules += ["benchmark.backbone_options", "benchmark.metric", "benchmark.pretraining.recipe"]
    assert _printed(f"import sys, {', '.join(modules)}; print('torch' in sys.modules)") == "False"


def _printed(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
    return done.stdout.strip()
