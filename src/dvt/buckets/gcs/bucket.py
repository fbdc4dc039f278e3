"""Objects in Google Cloud Storage, below a prefix of a bucket."""

from __future__ import annotations

import base64
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO, ClassVar

from dvt.buckets.gcs import hadoop
from dvt.buckets.gcs.client import Access, make_access
from dvt.buckets.gcs.errors import Translator, is_about_bucket
from dvt.buckets.gcs.settings import GCSSettings
from dvt.core.errors import DvtError
from dvt.core.ports.staging import HADOOP, BucketContext, HadoopAccess, StoredObject
from dvt.drivers.objects.escapes import Escapes
from dvt.drivers.objects.names import ObjectNames, refuse_consumer, store_address
from dvt.drivers.objects.parallel import in_parallel
from dvt.drivers.objects.pieces import read_piece
from dvt.drivers.objects.reader import ObjectSource, open_object

PIECE = 8 * 2**20
"""Bytes that are in memory and in one request."""
_PAGE = 1000
"""Objects of one page of a list."""
_DELETES_AT_ONCE = 10
"""Requests that delete an object each, at once: as many as the library keeps connections."""
_WRITER = "dvt-writer"
"""Name in an object's metadata, of a random value that tells who has put it."""
_CREATE = "storage.objects.create"
_REPLACE = "storage.objects.create, and storage.objects.delete to replace objects,"
_ESCAPES = Escapes("\n\r")
"""The store has no names with line breaks."""


class GCSBucket:
    """Implements Bucket by Google's library."""

    settings: ClassVar[type[GCSSettings]] = GCSSettings
    hadoop_jar: ClassVar[str] = hadoop.ARTIFACT
    consumers: frozenset[str] = frozenset({HADOOP, "bigquery", "snowflake"})

    def __init__(
        self,
        name: str,
        settings: Mapping[str, Any],
        context: BucketContext,  # noqa: ARG002  every bucket gets one
    ) -> None:
        self._settings = GCSSettings.model_validate(settings)
        self._names = ObjectNames(self._settings.prefix.strip("/"))
        self._name = name
        at = (self._settings.bucket, self._names.prefix, self._settings.endpoint)
        self.address = store_address("gs", *at)
        self._errors = Translator(name, self.address, self._settings.secrets)
        self._lock = threading.Lock()
        self._made: Access | None = None

    def put_once(self, key: str, data: bytes) -> None:
        """See Bucket."""
        blob, writer = self._blob(key), os.urandom(16).hex()
        blob.metadata = {_WRITER: writer}
        with self._errors.translating(f"creating {key!r}", _CREATE):
            is_ours = self._create(blob, data) or self._is_by(key, writer)
        if not is_ours:
            raise FileExistsError(key)

    def put(self, key: str, data: BinaryIO) -> None:
        """See Bucket."""
        blob, stream = self._blob(key), _Counted(data)
        options = {"checksum": "crc32c", **self._access.options}
        first = stream.read(PIECE)
        try:
            with self._errors.translating(f"putting {key!r}", _REPLACE):
                if len(first) < PIECE:
                    blob.upload_from_string(first, **options)
                else:
                    stream.unread(first)
                    blob.upload_from_file(stream, **options)
        except DvtError as error:
            raise stream.error or error from error.__cause__

    def get(self, key: str) -> BinaryIO:
        """See Bucket. Who reads to the end gets an error if that is not what was put."""
        blob, doing = self._blob(key), f"reading {key!r}"
        with self._errors.translating(doing, "storage.objects.get"):
            is_there = self._is_there(blob)
        if not is_there:
            raise FileNotFoundError(key)
        return open_object(self._source(blob, doing))

    def list(self, prefix: str) -> Iterator[tuple[str, int]]:
        """See Bucket."""
        return ((entry.key, entry.bytes) for entry in self.objects(prefix))

    def objects(self, prefix: str) -> Iterator[StoredObject]:
        """See Bucket. Keys with line breaks may be in another order.

        What programs put to show an empty folder is not listed.
        """
        for page in self._pages(prefix, "listing"):
            for blob in page:
                if not blob.name.endswith("/"):
                    yield StoredObject(
                        self._names.key(_ESCAPES.undo(blob.name)), int(blob.size), blob.updated
                    )

    def delete(self, prefix: str) -> None:
        """See Bucket."""
        doing = f"deleting in {self._names.of(prefix)!r}"
        listed = (blob.name for page in self._pages(prefix, "deleting in", root=False) for blob in page)
        tried = in_parallel(lambda name: self._delete(name, doing), listed, at_once=_DELETES_AT_ONCE)
        failures = [failure for failure in tried if failure]
        if failures:
            raise failures[0]

    def uri_for(self, consumer: str, key: str) -> str:
        """See Bucket: the address of Hadoop and of warehouses."""
        if consumer not in self.consumers:
            refuse_consumer(consumer, "objects in Google Cloud Storage")
        scheme = "gcs" if consumer == "snowflake" else "gs"
        return f"{scheme}://{self._settings.bucket}/{_ESCAPES.do(self._names.of(key))}"

    @contextmanager
    def writing(self, consumer: str, key: str) -> Iterator[str]:
        """See Bucket."""
        yield self.uri_for(consumer, key)

    def hadoop(self) -> HadoopAccess:
        """See OnHadoop."""
        return hadoop.access(self._settings)

    @property
    def _access(self) -> Access:
        with self._lock:
            if self._made is None:
                with self._errors.translating("logging in", "storage.objects.get"):
                    self._made = make_access(self._name, self._settings)
            return self._made

    def _blob(self, key: str) -> Any:
        name = _ESCAPES.do(self._names.of(key))
        bucket = self._access.client.bucket(self._settings.bucket)
        return bucket.blob(name, chunk_size=PIECE)

    def _create(self, blob: Any, data: bytes) -> bool:
        """Put an object unless there is one; return whether it was put."""
        from google.api_core.exceptions import PreconditionFailed

        try:
            blob.upload_from_string(data, if_generation_match=0, checksum="crc32c", **self._access.options)
        except PreconditionFailed:
            return False
        return True

    def _is_there(self, blob: Any) -> bool:
        """Return whether an object is there, after asking the store for what it knows of it."""
        from google.api_core.exceptions import NotFound

        try:
            blob.reload(**self._access.options)
        except NotFound as error:
            if is_about_bucket(error):
                raise
            return False
        return True

    def _is_by(self, key: str, writer: str) -> bool:
        """Return whether an object is there since an answer was lost, and the library has tried again."""
        blob = self._blob(key)
        return self._is_there(blob) and (blob.metadata or {}).get(_WRITER) == writer

    def _source(self, blob: Any, doing: str) -> ObjectSource:
        expected = base64.b64decode(blob.crc32c or "")
        return ObjectSource(
            size=int(blob.size),
            open_at=lambda position: _Pieces(self, blob, position, doing),
            checksum=_Crc32c if expected else None,
            expected=expected,
            broken=(),
            failure=lambda error: error,
            damage=lambda reason: self._errors.damaged(doing, reason),
        )

    def read_piece(self, blob: Any, start: int, doing: str) -> bytes:
        """Read a piece of an object, of the version that `blob` is."""
        from google.api_core.exceptions import NotFound, PreconditionFailed

        piece = {"start": start, "end": min(start + PIECE, int(blob.size)) - 1}
        # One that has not been asked about: else it is read from Google's address, whatever the endpoint is.
        same = blob.bucket.blob(blob.name, generation=blob.generation)
        with self._errors.translating(doing, "storage.objects.get"):
            try:
                # The checksum of the whole is checked.
                data: bytes = same.download_as_bytes(**piece, checksum=None, **self._access.options)
            except (NotFound, PreconditionFailed) as error:
                raise self._errors.failed(doing, "it was replaced meanwhile") from error
        return data

    def _pages(self, prefix: str, doing: str, *, root: bool = True) -> Iterator[Sequence[Any]]:
        below = self._names.below(prefix, root=root)
        doing = f"{doing} {below!r}"
        with self._errors.translating(doing, "storage.objects.list"):
            pages = self._access.client.list_blobs(
                self._settings.bucket,
                prefix=_ESCAPES.do(below),
                page_size=_PAGE,
                fields="items(name,size,updated),nextPageToken",
                **self._access.options,
            ).pages
        while True:
            with self._errors.translating(doing, "storage.objects.list"):
                page = next(pages, None)
            if page is None:
                return
            yield list(page)

    def _delete(self, name: str, doing: str) -> DvtError | None:
        """Delete an object; return the error, if it stays."""
        from google.api_core.exceptions import NotFound

        blob = self._access.client.bucket(self._settings.bucket).blob(name)
        try:
            with self._errors.translating(doing, "storage.objects.delete"), suppress(NotFound):
                blob.delete(**self._access.options)
        except DvtError as error:
            return error
        return None


class _Pieces:
    """An object from a byte on, in pieces, each of which the library asks for as often as it takes."""

    def __init__(self, bucket: GCSBucket, blob: Any, position: int, doing: str) -> None:
        self._bucket, self._blob, self._doing = bucket, blob, doing
        self._position = position
        self._piece = memoryview(b"")

    def readinto(self, buffer: Any, /) -> int:
        if not self._piece:
            self._piece = memoryview(self._bucket.read_piece(self._blob, self._position, self._doing))
        count = min(len(buffer), len(self._piece))
        buffer[:count] = self._piece[:count]
        self._piece = self._piece[count:]
        self._position += count
        return count

    def close(self) -> None:
        pass


class _Crc32c:
    """The checksum that the store keeps."""

    def __init__(self) -> None:
        from google_crc32c import Checksum

        self._checksum = Checksum()

    def update(self, data: Any, /) -> None:
        self._checksum.update(bytes(data))  # the library takes no view of bytes

    def digest(self) -> bytes:
        return bytes(self._checksum.digest())


class _Counted:
    """A stream that knows its position, and its own error, which is none of the store's."""

    def __init__(self, stream: BinaryIO) -> None:
        self.error: Exception | None = None
        self._stream = stream
        self._position = 0
        self._unread = b""

    def read(self, size: int) -> bytes:
        piece, self._unread = self._unread, b""
        try:
            piece = piece or read_piece(self._stream, size)
        except Exception as error:
            self.error = error
            raise
        self._position += len(piece)
        return piece

    def unread(self, piece: bytes) -> None:
        """Have the first piece read again."""
        self._unread, self._position = piece, 0

    def tell(self) -> int:
        return self._position
