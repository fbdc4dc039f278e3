"""DuckDB files as outputs of type `nest`, which models can be built on: connector, adapter and row."""
