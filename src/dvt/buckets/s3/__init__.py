"""Amazon S3, and stores that speak its protocol: MinIO, R2, Ceph."""

from __future__ import annotations

from dvt.buckets.s3.bucket import S3Bucket
from dvt.buckets.s3.settings import S3Settings

__all__ = ["S3Bucket", "S3Settings"]
