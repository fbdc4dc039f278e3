"""Parquet datasets that exist once their marker is written, and the record of runs."""
