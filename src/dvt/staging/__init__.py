"""Parquet datasets of one run, which exist once their marker is written."""
