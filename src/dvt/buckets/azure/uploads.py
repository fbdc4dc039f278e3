"""Puts a stream into a blob, in blocks where it is long."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, BinaryIO

from dvt.buckets.azure.client import PIECE
from dvt.buckets.azure.errors import code_of
from dvt.drivers.objects.parallel import in_parallel
from dvt.drivers.objects.pieces import read_piece

_AT_ONCE = 4
"""Blocks of one blob that are sent at once; each is in memory."""
_WRITER = "dvt_writer"
"""Name in a blob's metadata, of a random value that tells who has created it."""


@dataclass(frozen=True, slots=True)
class Upload:
    """The blob that is to be: `client` is of azure-storage-blob, whose errors are raised."""

    client: Any

    def create(self, data: bytes) -> bool:
        """Put a blob unless there is one; return whether it was put."""
        writer = os.urandom(16).hex()
        try:
            self._whole(data, overwrite=False, metadata={_WRITER: writer})
        except Exception as error:
            if code_of(error) in ("BlobAlreadyExists", "ConditionNotMet"):
                # It may be there since an answer was lost, and the library has asked again.
                return self._is_by(writer)
            raise
        return True

    def stream(self, data: BinaryIO, asking: Callable[[], AbstractContextManager[None]]) -> None:
        """Put a blob, by as many requests as its length takes, each of which is made `asking`."""
        first = read_piece(data, PIECE)
        second = read_piece(data, PIECE) if len(first) == PIECE else b""
        if second:
            self._blocks(_pieces(data, [first, second]), asking)
        else:
            with asking():
                self._whole(first, overwrite=True)

    def bytes_begun(self) -> int:
        """Return the bytes of the blocks that are there while there is no blob."""
        try:
            committed, begun = self.client.get_block_list("all")
        except Exception as error:
            if code_of(error) == "BlobNotFound":
                return 0  # somebody has dropped them meanwhile
            raise
        return 0 if committed else sum(block.size for block in begun)

    def drop_blocks(self) -> None:
        """Drop the blocks of a blob that is not there: an empty one, put in its place, does so.

        Azurite takes them for a blob, which it deletes as one.
        """
        if self.create(b"") or self._properties() is None:
            try:
                self.client.delete_blob()
            except Exception as error:
                if code_of(error) != "BlobNotFound":  # somebody has dropped them meanwhile
                    raise

    def _whole(self, data: bytes, **options: Any) -> None:
        self.client.upload_blob(
            data, length=len(data), validate_content="md5", content_settings=_with_md5(_md5(data)), **options
        )

    def _blocks(self, pieces: Iterator[bytes], asking: Callable[[], AbstractContextManager[None]]) -> None:
        """Put the pieces as blocks, which become the blob's content when all are named, at once.

        Other writers of the blob have other names for theirs.
        """
        from azure.storage.blob import BlobBlock

        writer, whole = os.urandom(8).hex(), _md5(b"")

        def numbered() -> Iterator[tuple[int, bytes]]:
            for number, piece in enumerate(pieces):
                whole.update(piece)
                yield number, piece

        def send(item: tuple[int, bytes]) -> str:
            number, piece = item
            block = base64.b64encode(f"{writer}-{number:08}".encode()).decode()
            with asking():
                self.client.stage_block(block, piece, length=len(piece), validate_content="md5")
            return block

        blocks = [BlobBlock(block) for block in in_parallel(send, numbered(), at_once=_AT_ONCE)]
        with asking():
            self.client.commit_block_list(blocks, content_settings=_with_md5(whole), validate_content="md5")

    def _is_by(self, writer: str) -> bool:
        """Return whether the blob that is there was created by this writer."""
        properties = self._properties()
        return properties is not None and bool(properties.metadata.get(_WRITER) == writer)

    def _properties(self) -> Any:
        """Return what the store knows of the blob; None if there is none."""
        try:
            return self.client.get_blob_properties()
        except Exception as error:
            if code_of(error) == "BlobNotFound":
                return None
            raise


def _md5(data: bytes) -> Any:
    return hashlib.md5(data, usedforsecurity=False)


def _with_md5(digest: Any) -> Any:
    from azure.storage.blob import ContentSettings

    return ContentSettings(content_md5=bytearray(digest.digest()))


def _pieces(data: BinaryIO, begun: list[bytes]) -> Iterator[bytes]:
    """Yield the pieces of a stream, of which the first ones are read already; keep none."""
    while begun:
        yield begun.pop(0)
    while piece := read_piece(data, PIECE):
        yield piece
