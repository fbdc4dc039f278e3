"""A compute engine of another package: DuckDB under another name, with settings of its own."""
