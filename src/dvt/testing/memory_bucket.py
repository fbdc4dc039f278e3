"""A bucket in memory."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, BinaryIO, NoReturn

from dvt.core.ports.staging import BucketContext, StoredObject

_CHUNK = 2**20
"""Bytes read from a stream at once."""


class InMemoryBucket:
    """Implements Bucket in a dict, for as long as the object is there. No program can reach its objects."""

    consumers: frozenset[str] = frozenset()

    def __init__(
        self,
        name: str = "memory",
        settings: Mapping[str, Any] = MappingProxyType({}),  # noqa: ARG002  every bucket gets them
        context: BucketContext | None = None,  # noqa: ARG002
    ) -> None:
        self.address = f"memory:{name}"
        self._lock = threading.Lock()
        self._objects: dict[str, tuple[bytes, datetime]] = {}

    def put_once(self, key: str, data: bytes) -> None:
        """See Bucket."""
        _check(key)
        with self._lock:
            if key in self._objects:
                raise FileExistsError(key)
            self._objects[key] = (bytes(data), datetime.now(UTC))

    def put(self, key: str, data: BinaryIO) -> None:
        """See Bucket."""
        _check(key)
        content = b"".join(iter(lambda: data.read(_CHUNK), b""))
        with self._lock:
            self._objects[key] = (content, datetime.now(UTC))

    def get(self, key: str) -> BinaryIO:
        """See Bucket."""
        _check(key)
        with self._lock:
            if key not in self._objects:
                raise FileNotFoundError(key)
            return io.BytesIO(self._objects[key][0])

    def list(self, prefix: str) -> Iterator[tuple[str, int]]:
        """See Bucket."""
        return ((entry.key, entry.bytes) for entry in self.objects(prefix))

    def objects(self, prefix: str) -> Iterator[StoredObject]:
        """See Bucket. The list is of the moment when its first item is asked for."""
        folder = _folder(prefix) if prefix else ""
        with self._lock:
            stored = [(key, *value) for key, value in self._objects.items() if key.startswith(folder)]
        for key, content, modified in sorted(stored):
            yield StoredObject(key, len(content), modified)

    def delete(self, prefix: str) -> None:
        """See Bucket."""
        folder = _folder(prefix)
        with self._lock:
            for key in [key for key in self._objects if key.startswith(folder)]:
                del self._objects[key]

    def uri_for(self, consumer: str, key: str) -> str:  # noqa: ARG002
        """See Bucket: nobody is a consumer."""
        _refuse(consumer)

    def writing(self, consumer: str, key: str) -> AbstractContextManager[str]:  # noqa: ARG002
        """See Bucket: nobody is a consumer."""
        _refuse(consumer)


def _folder(prefix: str) -> str:
    _check(prefix)
    return f"{prefix}/"


def _check(key: str) -> None:
    if {"", ".", ".."} & set(key.split("/")):
        msg = f"{key!r} is not inside this bucket"
        raise ValueError(msg)


def _refuse(consumer: str) -> NoReturn:
    msg = f"{consumer!r} cannot reach objects in this process's memory"
    raise ValueError(msg)
