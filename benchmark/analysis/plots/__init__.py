"""Figures, each a function from measurements to a matplotlib figure; nothing is written here."""
