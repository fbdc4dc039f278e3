"""How expressions of other dialects fare in DuckDB: a module per dialect of a source."""
