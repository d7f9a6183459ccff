"""``python -m benchmark.openmmlab CONFIG`` trains and scores a config of ``configs/mmseg`` with a stock Runner."""

import argparse

from mmengine.config import Config, DictAction

from benchmark.openmmlab import build_runner


def main() -> None:
    """Reads the command line and trains."""
    parser = argparse.ArgumentParser(prog="python -m benchmark.openmmlab", description="Stock mmsegmentation training.")
    parser.add_argument("config", help="a file of configs/mmseg")
    parser.add_argument("--work-dir", default="results/mmseg", help="logs and checkpoints (default: results/mmseg)")
    parser.add_argument("options", nargs="*", action=DictAction, default={}, help="key=value replacements")
    arguments = parser.parse_intermixed_args()
    config = Config.fromfile(arguments.config)
    config.merge_from_dict(arguments.options)
    config.work_dir = arguments.work_dir
    build_runner(config).train()


if __name__ == "__main__":
    main()
