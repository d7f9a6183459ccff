"""Records: what a run leaves behind, immutable. Imports no torch."""
