"""Objects in Azure Blob Storage, below a prefix of a container."""

from __future__ import annotations

import builtins
import hashlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from itertools import islice
from typing import Any, BinaryIO, ClassVar

from dvt.buckets.azure import hadoop
from dvt.buckets.azure.client import make_client
from dvt.buckets.azure.errors import Translator, code_of
from dvt.buckets.azure.settings import AzureSettings
from dvt.buckets.azure.uploads import Upload
from dvt.core.errors import DvtError
from dvt.core.ports.staging import HADOOP, BucketContext, HadoopAccess, StoredObject, UnfinishedUpload
from dvt.core.ports.transfers import BucketAccess
from dvt.drivers.objects.escapes import Escapes
from dvt.drivers.objects.names import ObjectNames, refuse_consumer, store_address
from dvt.drivers.objects.parallel import in_parallel
from dvt.drivers.objects.reader import ObjectSource, open_object, wait

_TRIES = 5
"""Times that a blob is deleted before its failure counts."""
_PAGE = 5_000
"""Blobs in one answer to a list: the store's limit."""
_DELETES_IN_REQUEST = 64
"""Blobs that one request deletes. The store would take 256, but Azurite would take minutes then."""
_DELETES_AT_ONCE = 2
"""Requests that delete blobs, at once."""
_FOLDER = "hdi_isfolder"
"""Name in the metadata of a blob that is not one, but a folder of a store that has folders (ADLS Gen2)."""
_ESCAPES = Escapes("\\\x7f" + "".join(map(chr, range(32))), final=".")
"""The store takes a backslash for a slash, has lists that cannot hold control characters, and may lose the
dot at the end of a name."""


class AzureBucket:
    """Implements Bucket by azure-storage-blob."""

    settings: ClassVar[type[AzureSettings]] = AzureSettings
    hadoop_jar: ClassVar[str] = hadoop.ARTIFACT
    consumers: frozenset[str] = frozenset({HADOOP, "snowflake"})

    def __init__(
        self,
        name: str,
        settings: Mapping[str, Any],
        context: BucketContext,  # noqa: ARG002  every bucket gets one
    ) -> None:
        self._settings = AzureSettings.model_validate(settings)
        self._names = ObjectNames(self._settings.prefix.strip("/"))
        self._name = name
        place = f"{self._settings.container}@{self._settings.storage_account}"
        self.address = store_address("abfss", place, self._names.prefix, self._settings.other_store)
        self._errors = Translator(name, self.address, self._settings.secrets)
        self._lock = threading.Lock()
        self._made: Any = None

    def put_once(self, key: str, data: bytes) -> None:
        """See Bucket."""
        upload = self._upload(key)
        with self._errors.translating(f"creating {key!r}"):
            if not upload.create(data):
                raise FileExistsError(key)

    def put(self, key: str, data: BinaryIO) -> None:
        """See Bucket. The blocks of a stream that failed are no object; the store drops them after a week."""
        doing = f"putting {key!r}"
        self._upload(key).stream(data, lambda: self._errors.translating(doing))

    def get(self, key: str) -> BinaryIO:
        """See Bucket. Who reads to the end gets an error if that is not what was put."""
        name, doing = self._blob(key), f"reading {key!r}"
        with self._errors.translating(doing):
            try:
                stream = self._client.download_blob(name)
                expected = stream.properties.content_settings.content_md5
                if not expected and stream.size:  # another program put it: its ranges are checked instead
                    stream = self._client.download_blob(name, validate_content="md5")
            except Exception as error:
                if code_of(error) == "BlobNotFound":
                    raise FileNotFoundError(key) from None
                raise
        return open_object(
            self._source(stream, name, bytes(expected or b""), doing), self._body(stream, doing)
        )

    def list(self, prefix: str) -> Iterator[tuple[str, int]]:
        """See Bucket."""
        return ((entry.key, entry.bytes) for entry in self.objects(prefix))

    def objects(self, prefix: str) -> Iterator[StoredObject]:
        """See Bucket. The whole list is held: the store's own order depends on the kind of account."""
        blobs = (blob for blob in self._blobs(prefix, "listing") if not _is_folder(blob))
        yield from sorted(
            StoredObject(self._names.key(_ESCAPES.undo(blob.name)), blob.size, blob.last_modified)
            for blob in blobs
        )

    def uploads(self, prefix: str) -> Iterator[UnfinishedUpload]:
        """See HasUploads: blobs of which there are blocks only. Each is asked for their sizes."""
        blobs = self._blobs(prefix, "listing", "uncommittedblobs")
        for blob in [blob for blob in blobs if not blob.size and not _is_folder(blob)]:
            with self._errors.translating(f"listing blocks of {blob.name!r}"):
                size = Upload(self._client.get_blob_client(blob.name)).bytes_begun()
            if size:
                key = self._names.key(_ESCAPES.undo(blob.name))
                yield UnfinishedUpload(key, blob.last_modified or datetime.now(UTC), size, blob.name)

    def abort(self, upload: UnfinishedUpload) -> None:
        """See HasUploads."""
        with self._errors.translating(f"deleting blocks of {upload.key!r}"):
            self._upload(upload.key).drop_blocks()

    def delete(self, prefix: str) -> None:
        """See Bucket. The store's own folders, where it has them, go after what is in them."""
        blobs = builtins.list(self._blobs(prefix, "deleting in", root=False))
        folders = sorted((blob.name for blob in blobs if _is_folder(blob)), reverse=True)
        doing = f"deleting in {self._names.of(prefix)!r}"
        batches = _batches(iter([blob.name for blob in blobs if not _is_folder(blob)]))
        tried = in_parallel(lambda names: self._delete(names, doing), batches, at_once=_DELETES_AT_ONCE)
        failures = [failure for failure in tried if failure]
        if failures:
            raise failures[0]
        for folder in folders:
            self._delete([folder], doing)  # somebody may have written there meanwhile

    def uri_for(self, consumer: str, key: str) -> str:
        """See Bucket: Hadoop's address, or Snowflake's."""
        if consumer not in self.consumers:
            refuse_consumer(consumer, "blobs in Azure")
        if consumer == HADOOP:
            return hadoop.address(self._settings, self._blob(key))
        account, container = self._settings.storage_account, self._settings.container
        return f"azure://{account}.blob.core.windows.net/{container}/{self._blob(key)}"

    @contextmanager
    def writing(self, consumer: str, key: str) -> Iterator[str]:
        """See Bucket."""
        yield self.uri_for(consumer, key)
        if hadoop.is_emulated(self._settings):
            self._drop_checksums(key)

    def access(self) -> BucketAccess:
        """See TransferBucket: the signature of the entry; an account's key cannot be passed on."""
        credential = self._settings.credential()
        return BucketAccess(sas_token=credential.lstrip("?") if isinstance(credential, str) else "")

    def _drop_checksums(self, key: str) -> None:
        """Drop the checksums of a folder's blobs: by an emulator's protocol, Hadoop gives wrong ones."""
        from azure.storage.blob import ContentSettings

        with self._errors.translating(f"dropping checksums in {key!r}"):
            for blob in self._blobs(key, "listing"):
                self._client.get_blob_client(blob.name).set_http_headers(ContentSettings())

    def hadoop(self) -> HadoopAccess:
        """See OnHadoop."""
        return hadoop.access(self._settings)

    @property
    def _client(self) -> Any:
        with self._lock:
            if self._made is None:
                self._made = make_client(self._name, self._settings, self._errors.patience)
            return self._made

    def _blob(self, key: str) -> str:
        return _ESCAPES.do(self._names.of(key))

    def _upload(self, key: str) -> Upload:
        name = self._blob(key)
        return Upload(self._client.get_blob_client(name))

    def _body(self, stream: Any, doing: str) -> _Body:
        return _Body(stream.chunks(), lambda: self._errors.translating(doing), lambda: self._replaced(doing))

    def _source(self, stream: Any, name: str, expected: bytes, doing: str) -> ObjectSource:
        def open_at(position: int) -> _Body:
            from azure.core import MatchConditions

            with self._errors.translating(doing):
                rest = self._client.download_blob(
                    name,
                    offset=position,
                    etag=stream.properties.etag,
                    match_condition=MatchConditions.IfNotModified,
                    validate_content=None if expected else "md5",
                )
            return self._body(rest, doing)

        return ObjectSource(
            size=stream.size,
            open_at=open_at,
            checksum=(lambda: hashlib.md5(usedforsecurity=False)) if expected else None,
            expected=expected,
            broken=(),  # the library itself asks again
            failure=lambda error: self._errors.failed(doing, str(error)),
            damage=lambda reason: self._errors.damaged(doing, reason),
        )

    def _replaced(self, doing: str) -> DvtError:
        return self._errors.failed(doing, "it was replaced meanwhile")

    def _blobs(self, prefix: str, doing: str, *more: str, root: bool = True) -> Iterator[Any]:
        below = _ESCAPES.do(self._names.below(prefix, root=root))
        client = self._client
        with self._errors.translating(f"{doing} {below!r}"):
            blobs = client.list_blobs(below or None, include=["metadata", *more], results_per_page=_PAGE)
            pages = blobs.by_page()
        while True:
            with self._errors.translating(f"{doing} {below!r}"):
                page = builtins.list(next(pages, ()))
            if not page:
                return
            yield from page

    def _delete(self, names: Sequence[str], doing: str) -> DvtError | None:
        """Delete blobs, and try again what is left; return the error of what stays."""
        left, failure = names, None
        for tries in range(1, _TRIES + 1):
            try:
                with self._errors.translating(doing):
                    answers = self._client.delete_blobs(
                        *left, delete_snapshots="include", raise_on_any_failure=False
                    )
                    stay = [
                        (name, answer)
                        for name, answer in zip(left, answers, strict=True)
                        if answer.status_code not in (HTTPStatus.ACCEPTED, HTTPStatus.NOT_FOUND)
                    ]
            except DvtError as error:
                return error
            if not stay:
                return None
            answer = stay[0][1]
            code = answer.headers.get("x-ms-error-code", "")
            failure = self._errors.answered(answer.status_code, code, str(answer.reason), doing)
            if not failure.transient or tries == _TRIES:
                break
            left = [name for name, _ in stay]
            wait(tries)
        return failure


class _Body:
    """What the library gives to read."""

    def __init__(self, chunks: Iterator[bytes], asking: Any, replaced: Any) -> None:
        self._chunks = chunks
        self._asking = asking
        self._replaced = replaced
        self._rest = memoryview(b"")

    def readinto(self, buffer: Any, /) -> int:
        if not self._rest:
            self._rest = memoryview(self._next())
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    def close(self) -> None:
        self._chunks = iter(())

    def _next(self) -> bytes:
        with self._asking():
            try:
                return next(self._chunks, b"")
            except Exception as error:
                if code_of(error) in ("ConditionNotMet", "BlobNotFound"):
                    raise self._replaced() from None
                raise


def _is_folder(blob: Any) -> bool:
    return bool((blob.metadata or {}).get(_FOLDER) == "true")


def _batches(names: Iterator[str]) -> Iterator[Sequence[str]]:
    while batch := tuple(islice(names, _DELETES_IN_REQUEST)):
        yield batch
