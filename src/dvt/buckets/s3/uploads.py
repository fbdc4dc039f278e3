"""Puts a stream into an object, in parts where it is long."""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, BinaryIO

from dvt.buckets.s3.errors import is_answer
from dvt.drivers.objects.checksums import Crc32
from dvt.drivers.objects.parallel import in_parallel
from dvt.drivers.objects.pieces import read_piece

PART = 8 * 2**20
"""Bytes of a part; the last one may be smaller, and those of streams that are known to be longer, larger."""
_MOST_PARTS = 10_000
"""Parts of an object, at most: a limit of the protocol."""
_AT_ONCE = 4
"""Parts of one object that are sent at once; each is in memory."""
_UNKNOWN_HEADER = ("NotImplemented", "InvalidArgument", "InvalidRequest")
"""Codes of answers to a header that a store does not know."""
WRITER = "dvt-writer"
"""Name in an object's metadata, of a random value that tells who has put it."""
CHECKSUM = "dvt-crc32"
"""Name in an object's metadata, of its checksum, for stores that do not keep one by themselves."""


@dataclass(frozen=True, slots=True)
class Upload:
    """The object that is to be: `client` is of boto3, whose errors are raised."""

    client: Any
    at: dict[str, str]
    """The arguments Bucket and Key of every request."""

    def whole(self, data: bytes, writer: str = "", **conditions: str) -> None:
        """Put an object by one request."""
        checksum = _base64(Crc32(data))
        metadata = {CHECKSUM: checksum, **({WRITER: writer} if writer else {})}
        self.client.put_object(**self.at, Body=data, ChecksumCRC32=checksum, Metadata=metadata, **conditions)

    def stream(self, data: BinaryIO) -> None:
        """Put an object, by as many requests as its length takes."""
        size = _part_size(data)
        first = read_piece(data, size)
        second = read_piece(data, size) if len(first) == size else b""
        if second:
            self._parts(_pieces(data, size, [first, second]))
        else:
            self.whole(first)

    def _parts(self, pieces: Iterator[bytes]) -> None:
        writer = os.urandom(16).hex()
        begun = self._begin(writer)
        upload, checksum = {**self.at, "UploadId": begun["UploadId"]}, Crc32()

        def send(numbered: tuple[int, bytes]) -> dict[str, Any]:
            number, piece = numbered
            sums = {"ChecksumCRC32": _base64(Crc32(piece))}
            body = io.BytesIO(piece)  # bytes would be copied before they are sent
            sent = self.client.upload_part(**upload, PartNumber=number, Body=body, **sums)
            # A store that does not keep checksums does not want to read them here either.
            return {"PartNumber": number, "ETag": sent["ETag"], **(sums if "ChecksumCRC32" in sent else {})}

        try:
            parts = list(in_parallel(send, _summed(pieces, checksum), at_once=_AT_ONCE))
            keeps_sums = begun.get("ChecksumType") == "FULL_OBJECT"
            sums = {"ChecksumCRC32": _base64(checksum), "ChecksumType": "FULL_OBJECT"} if keeps_sums else {}
            self._complete(upload, parts, sums, writer)
        except BaseException:
            with suppress(Exception):  # the first error is the one that matters
                self.client.abort_multipart_upload(**upload)
            raise

    def _begin(self, writer: str) -> dict[str, Any]:
        """Begin an upload in parts, with a checksum of the whole where the store has such things."""
        known = {**self.at, "Metadata": {WRITER: writer}}
        sums = {"ChecksumAlgorithm": "CRC32", "ChecksumType": "FULL_OBJECT"}
        try:
            begun: dict[str, Any] = self.client.create_multipart_upload(**known, **sums)
        except Exception as error:
            if not is_answer(error, *_UNKNOWN_HEADER):
                raise
            begun = self.client.create_multipart_upload(**known)
        return begun

    def _complete(
        self, upload: dict[str, str], parts: list[dict[str, Any]], sums: dict[str, str], writer: str
    ) -> None:
        try:
            self.client.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts}, **sums)
        except Exception as error:
            # It was complete, and the answer that said so was lost.
            if not is_answer(error, "NoSuchUpload") or not self.is_by(writer):
                raise

    def is_by(self, writer: str) -> bool:
        """Return whether the object that is there was put by this writer."""
        try:
            head = self.client.head_object(**self.at)
        except Exception as error:
            if is_answer(error, "404", "NoSuchKey"):
                return False
            raise
        return bool(head["Metadata"].get(WRITER) == writer)


def _part_size(data: BinaryIO) -> int:
    """Return the size of parts: larger than usual only where the stream's length is known and asks for it."""
    if not getattr(data, "seekable", bool)():
        return PART
    position = data.tell()
    length = data.seek(0, os.SEEK_END) - position
    data.seek(position)
    return max(PART, -(-length // _MOST_PARTS))


def _pieces(data: BinaryIO, size: int, begun: list[bytes]) -> Iterator[bytes]:
    """Yield the pieces of a stream, of which the first ones are read already; keep none."""
    while begun:
        yield begun.pop(0)
    while piece := read_piece(data, size):
        yield piece


def _summed(pieces: Iterator[bytes], checksum: Crc32) -> Iterator[tuple[int, bytes]]:
    for number, piece in enumerate(pieces, start=1):
        checksum.update(piece)
        yield number, piece


def _base64(checksum: Crc32) -> str:
    return base64.b64encode(checksum.digest()).decode()
