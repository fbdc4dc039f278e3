"""Where staged files are kept: one file per type of bucket. `BUCKETS` names them all."""

from __future__ import annotations

from dvt.core.registry import Registry

BUCKETS = Registry(
    "dvt.buckets",
    {
        "filesystem": "dvt.buckets.filesystem:FilesystemBucket",
        "gcs": "dvt.buckets.gcs:GCSBucket",
        "s3": "dvt.buckets.s3:S3Bucket",
    },
)
"""By the type of bucket; each is called with (name, settings, BucketContext)."""
