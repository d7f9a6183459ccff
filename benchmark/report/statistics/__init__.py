"""How sure a score or a difference is. Knows ratios of sums and records, neither tables nor pages."""
