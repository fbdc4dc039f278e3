"""A compute engine of another package: DuckDB once more, under another name and with settings of its own."""
