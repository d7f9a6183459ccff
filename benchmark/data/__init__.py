"""Datasets: where files lie, what they mean, and how they are read. Imports no torch."""
