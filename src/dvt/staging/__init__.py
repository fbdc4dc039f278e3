"""Parquet datasets in buckets, which exist once their marker is written, and what keeps or deletes them."""
