"""HDFS, the file system of Hadoop."""

from __future__ import annotations

from dvt.buckets.hdfs.bucket import HDFSBucket
from dvt.buckets.hdfs.settings import HDFSSettings

__all__ = ["HDFSBucket", "HDFSSettings"]
