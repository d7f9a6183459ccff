"""Records to tables. Imports no torch."""
