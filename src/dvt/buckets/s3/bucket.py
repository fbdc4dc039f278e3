"""Objects in S3, below a prefix of a bucket."""

from __future__ import annotations

import base64
import os
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO, ClassVar

from dvt.buckets.s3 import hadoop
from dvt.buckets.s3.client import find_credentials, make_client
from dvt.buckets.s3.errors import Translator, broken_connections, is_answer
from dvt.buckets.s3.settings import S3Settings
from dvt.buckets.s3.unfinished import UnfinishedUploads
from dvt.buckets.s3.uploads import CHECKSUM, Upload
from dvt.core.errors import DvtError
from dvt.core.ports.staging import HADOOP, BucketContext, HadoopAccess, StoredObject, UnfinishedUpload
from dvt.core.ports.transfers import BucketAccess
from dvt.drivers.objects.checksums import Crc32
from dvt.drivers.objects.names import ObjectNames, refuse_consumer, store_address
from dvt.drivers.objects.parallel import in_parallel
from dvt.drivers.objects.reader import ObjectSource, open_object, wait

_TRIES = 5
"""Times that is tried what the store was asked to try again, or did for some objects only."""
_DELETES_AT_ONCE = 4
"""Requests that delete a thousand objects each, at once."""
_UNSPEAKABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
"""Matches names that XML, in which the names of a request are, has no way to write."""

Page = Sequence[Mapping[str, Any]]
"""Some objects of a list, as boto3 describes them."""


class S3Bucket:
    """Implements Bucket by boto3."""

    settings: ClassVar[type[S3Settings]] = S3Settings
    hadoop_jar: ClassVar[str] = hadoop.ARTIFACT
    consumers: frozenset[str] = frozenset({HADOOP, "redshift", "snowflake"})

    def __init__(
        self,
        name: str,
        settings: Mapping[str, Any],
        context: BucketContext,  # noqa: ARG002  every bucket gets one
    ) -> None:
        self._settings = S3Settings.model_validate(settings)
        self._names = ObjectNames(self._settings.prefix.strip("/"))
        self._name = name
        at = (self._settings.bucket, self._names.prefix, self._settings.endpoint)
        self.address = store_address("s3", *at)
        self._errors = Translator(name, self.address, self._settings.secrets)
        self._lock = threading.Lock()
        self._made: Any = None
        self._honours_conditions = False

    def put_once(self, key: str, data: bytes) -> None:
        """See Bucket."""
        upload = self._upload(key)
        with self._errors.translating(f"creating {key!r}"):
            created = self._create(upload, data)
            if not created:
                raise FileExistsError(key)
            self._check_conditions(upload, data, key)

    def put(self, key: str, data: BinaryIO) -> None:
        """See Bucket."""
        upload = self._upload(key)
        with self._errors.translating(f"putting {key!r}"):
            upload.stream(data)

    def get(self, key: str) -> BinaryIO:
        """See Bucket. Who reads to the end gets an error if that is not what was put."""
        at, doing = self._at(key), f"reading {key!r}"
        with self._errors.translating(doing):
            try:
                answer = self._client.get_object(**at, ChecksumMode="ENABLED")
            except Exception as error:
                if is_answer(error, "NoSuchKey", "404"):
                    raise FileNotFoundError(key) from error
                raise
        return open_object(self._source(answer, at, doing), _Body(answer["Body"]))

    def list(self, prefix: str) -> Iterator[tuple[str, int]]:
        """See Bucket."""
        return ((entry.key, entry.bytes) for entry in self.objects(prefix))

    def objects(self, prefix: str) -> Iterator[StoredObject]:
        """See Bucket. What programs put to show an empty folder is not listed."""
        for page in self._pages(prefix, "listing"):
            for listed in page:
                if not listed["Key"].endswith("/"):
                    key = self._names.key(listed["Key"])
                    yield StoredObject(key, listed["Size"], listed["LastModified"])

    def delete(self, prefix: str) -> None:
        """See Bucket."""
        doing = f"deleting in {self._names.of(prefix)!r}"
        pages = (page for page in self._pages(prefix, "deleting in", root=False) if page)
        tried = in_parallel(lambda page: self._delete(page, doing), pages, at_once=_DELETES_AT_ONCE)
        failures = [failure for failure in tried if failure]
        if failures:
            raise failures[0]

    def uri_for(self, consumer: str, key: str) -> str:
        """See Bucket: Hadoop's address, or that of warehouses."""
        if consumer not in self.consumers:
            refuse_consumer(consumer, "objects in S3")
        scheme = "s3a" if consumer == HADOOP else "s3"
        return f"{scheme}://{self._settings.bucket}/{self._names.of(key)}"

    @contextmanager
    def writing(self, consumer: str, key: str) -> Iterator[str]:
        """See Bucket."""
        yield self.uri_for(consumer, key)

    def hadoop(self) -> HadoopAccess:
        """See OnHadoop."""
        with self._errors.translating("looking for credentials"):
            return hadoop.access(self._settings, find_credentials(self._name, self._settings))

    def access(self) -> BucketAccess:
        """See TransferBucket: the entry's credentials, or those that boto3 finds on this machine."""
        with self._errors.translating("looking for credentials"):
            found = find_credentials(self._name, self._settings)
            keys = found.get_frozen_credentials() if found is not None else None
        region = self._settings.region or ""
        if keys is None:
            return BucketAccess(region=region)
        return BucketAccess(
            access_key_id=keys.access_key,
            secret_access_key=keys.secret_key,
            session_token=keys.token or "",
            region=region,
        )

    def uploads(self, prefix: str) -> Iterator[UnfinishedUpload]:
        """See HasUploads: uploads in parts. Each is asked for its size."""
        below = self._names.below(prefix, root=True)
        # MinIO lists the uploads of one key, or of the whole bucket, and for a folder none.
        asked = "" if self._settings.endpoint else below
        with self._errors.translating(f"listing unfinished uploads below {below!r}"):
            begun = UnfinishedUploads(self._client, self._settings.bucket)
            own = [upload for upload in begun.below(asked) if upload["Key"].startswith(below)]
            uploads = [
                UnfinishedUpload(
                    self._names.key(upload["Key"]),
                    upload["Initiated"],
                    begun.bytes(upload["Key"], upload["UploadId"]),
                    upload["UploadId"],
                )
                for upload in own
            ]
        return iter(uploads)

    def abort(self, upload: UnfinishedUpload) -> None:
        """See HasUploads."""
        with self._errors.translating(f"aborting an upload of {upload.key!r}"):
            begun = UnfinishedUploads(self._client, self._settings.bucket)
            begun.abort(self._names.of(upload.key), upload.id)

    @property
    def _client(self) -> Any:
        with self._lock:
            if self._made is None:
                with self._errors.translating("logging in"):
                    self._made = make_client(self._name, self._settings)
            return self._made

    def _at(self, key: str) -> dict[str, str]:
        return {"Bucket": self._settings.bucket, "Key": self._names.of(key)}

    def _upload(self, key: str) -> Upload:
        at = self._at(key)
        return Upload(self._client, at)

    def _create(self, upload: Upload, data: bytes) -> bool:
        """Put an object unless there is one; return whether it was put."""
        writer = os.urandom(16).hex()
        for tries in range(1, _TRIES + 1):
            try:
                upload.whole(data, writer=writer, IfNoneMatch="*")
            except Exception as error:
                if is_answer(error, "PreconditionFailed", "412"):
                    return upload.is_by(writer)  # it is there since an answer was lost, and boto3 tried again
                if tries == _TRIES or not is_answer(error, "ConditionalRequestConflict", "OperationAborted"):
                    raise
                wait(tries)
            else:
                return True
        raise AssertionError

    def _check_conditions(self, upload: Upload, data: bytes, key: str) -> None:
        """Find out, once, whether the store honours conditions: some take them, and put the object anyway."""
        if self._honours_conditions:
            return
        if self._create(upload, data):
            reason = "this store ignores If-None-Match, by which runs keep out of each other's way"
            raise self._errors.failed(f"creating {key!r}", reason)
        self._honours_conditions = True

    def _source(self, answer: dict[str, Any], at: dict[str, str], doing: str) -> ObjectSource:
        def open_at(position: int) -> _Body:
            with self._errors.translating(doing):
                try:
                    rest = self._client.get_object(**at, Range=f"bytes={position}-", IfMatch=answer["ETag"])
                except Exception as error:
                    if is_answer(error, "PreconditionFailed", "412", "NoSuchKey"):
                        raise self._errors.failed(doing, "it was replaced meanwhile") from error
                    raise
            return _Body(rest["Body"])

        expected = _checksum(answer)
        return ObjectSource(
            size=answer["ContentLength"],
            open_at=open_at,
            checksum=Crc32 if expected else None,
            expected=expected,
            broken=broken_connections(),
            failure=lambda error: self._errors.translated(error, doing),
            damage=lambda reason: self._errors.damaged(doing, reason),
        )

    def _pages(self, prefix: str, doing: str, *, root: bool = True) -> Iterator[Page]:
        below = self._names.below(prefix, root=root)
        paginator = self._client.get_paginator("list_objects_v2")
        pages = iter(paginator.paginate(Bucket=self._settings.bucket, Prefix=below))
        while True:
            with self._errors.translating(f"{doing} {below!r}"):
                page = next(pages, None)
            if page is None:
                return
            yield page.get("Contents", [])

    def _delete(self, page: Page, doing: str) -> DvtError | None:
        """Delete objects, and try again what is left; return the error of what stays."""
        left, failure = [entry["Key"] for entry in page], None
        for tries in range(1, _TRIES + 1):
            try:
                with self._errors.translating(doing):
                    refused = self._delete_at_once(left)
            except DvtError as error:
                return error
            left = [entry["Key"] for entry in refused]
            failure = self._errors.answered(refused[0], doing, "DeleteObjects") if refused else None
            if failure is None or not failure.transient or tries == _TRIES:
                break
            wait(tries)
        return failure

    def _delete_at_once(self, names: Sequence[str]) -> Page:
        """Delete objects by one request; return what the store says of those that stay."""
        at = {"Bucket": self._settings.bucket}
        for name in filter(_UNSPEAKABLE.search, names):
            self._client.delete_object(**at, Key=name)
        spoken = [{"Key": name} for name in names if not _UNSPEAKABLE.search(name)]
        if not spoken:
            return ()
        answer = self._client.delete_objects(**at, Delete={"Objects": spoken, "Quiet": True})
        refused: Page = answer.get("Errors", ())
        return refused


class _Body:
    """What boto3 gives to read, whose `readinto` older versions lack."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def readinto(self, buffer: Any, /) -> int:
        piece = self._stream.read(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        self._stream.close()


def _checksum(answer: Mapping[str, Any]) -> bytes:
    """Return the checksum of all of an object, as far as the store or who put it has said; else nothing."""
    text = answer.get("ChecksumCRC32") or answer["Metadata"].get(CHECKSUM, "")
    is_of_all = answer.get("ChecksumType", "FULL_OBJECT") == "FULL_OBJECT" and "-" not in text
    return base64.b64decode(text) if is_of_all else b""
