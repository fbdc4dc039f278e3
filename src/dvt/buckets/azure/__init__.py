"""Azure Blob Storage, and what speaks its protocol."""

from __future__ import annotations

from dvt.buckets.azure.bucket import AzureBucket
from dvt.buckets.azure.settings import AzureSettings

__all__ = ["AzureBucket", "AzureSettings"]
