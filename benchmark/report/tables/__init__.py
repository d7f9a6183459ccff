"""Tables of records and comparisons, and how they are written: CSV, Markdown, LaTeX, JSON, terminal. Knows no page."""
