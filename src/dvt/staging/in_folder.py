"""Makes a folder of a bucket a bucket of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import BinaryIO

from dvt.core.ports.staging import (
    Bucket,
    HadoopAccess,
    HasUploads,
    OnHadoop,
    StoredObject,
    UnfinishedUpload,
)

_OUTSIDE = frozenset({"", ".", ".."})
"""Parts of a key that lead out of a folder, or nowhere."""


class InFolder:
    """Implements Bucket in a folder of another one: no key leads out of the folder."""

    def __init__(self, bucket: Bucket, folder: str) -> None:
        """`folder` is a name, or several with `/` between them."""
        self._bucket = bucket
        self._folder = folder
        self.address = f"{bucket.address.rstrip('/')}/{folder}"
        self.consumers = bucket.consumers

    def put_once(self, key: str, data: bytes) -> None:
        """See Bucket."""
        self._bucket.put_once(self._key(key), data)

    def put(self, key: str, data: BinaryIO) -> None:
        """See Bucket."""
        self._bucket.put(self._key(key), data)

    def get(self, key: str) -> BinaryIO:
        """See Bucket."""
        return self._bucket.get(self._key(key))

    def list(self, prefix: str) -> Iterator[tuple[str, int]]:
        """See Bucket."""
        return ((entry.key, entry.bytes) for entry in self.objects(prefix))

    def objects(self, prefix: str) -> Iterator[StoredObject]:
        """See Bucket."""
        begin = len(self._folder) + 1
        for entry in self._bucket.objects(self._key(prefix) if prefix else self._folder):
            yield entry._replace(key=entry.key[begin:])

    def delete(self, prefix: str) -> None:
        """See Bucket."""
        self._bucket.delete(self._key(prefix))

    def uri_for(self, consumer: str, key: str) -> str:
        """See Bucket."""
        return self._bucket.uri_for(consumer, self._key(key))

    def writing(self, consumer: str, key: str) -> AbstractContextManager[str]:
        """See Bucket."""
        return self._bucket.writing(consumer, self._key(key))

    def hadoop(self) -> HadoopAccess:
        """See OnHadoop."""
        inner = self._bucket
        return inner.hadoop() if isinstance(inner, OnHadoop) else HadoopAccess()

    def uploads(self, prefix: str) -> Iterator[UnfinishedUpload] | None:
        """See HasUploads."""
        inner = self._bucket
        below = self._key(prefix) if prefix else self._folder
        uploads = inner.uploads(below) if isinstance(inner, HasUploads) else None
        begin = len(self._folder) + 1
        return None if uploads is None else (upload._replace(key=upload.key[begin:]) for upload in uploads)

    def abort(self, upload: UnfinishedUpload) -> None:
        """See HasUploads."""
        if isinstance(self._bucket, HasUploads):
            self._bucket.abort(upload._replace(key=f"{self._folder}/{upload.key}"))

    def _key(self, key: str) -> str:
        if _OUTSIDE & set(key.split("/")):
            msg = f"{key!r} is not inside this bucket"
            raise ValueError(msg)
        return f"{self._folder}/{key}"
