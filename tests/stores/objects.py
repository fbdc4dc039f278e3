"""Puts and reads small objects of a bucket."""

from __future__ import annotations

import io

from dvt.core.ports.staging import Bucket


def put(bucket: Bucket, key: str, content: bytes = b"x") -> None:
    """Put an object."""
    bucket.put(key, io.BytesIO(content))


def read(bucket: Bucket, key: str) -> bytes:
    """Return what an object holds."""
    with bucket.get(key) as data:
        return data.read()
