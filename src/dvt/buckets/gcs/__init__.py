"""Google Cloud Storage."""

from __future__ import annotations

from dvt.buckets.gcs.bucket import GCSBucket
from dvt.buckets.gcs.settings import GCSSettings

__all__ = ["GCSBucket", "GCSSettings"]
