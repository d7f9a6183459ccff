"""The command line, a file for each verb. Nothing heavy is imported before a verb runs: help must answer at once."""

from benchmark.cli.main import main

__all__ = ["main"]
