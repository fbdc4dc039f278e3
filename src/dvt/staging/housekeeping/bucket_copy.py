"""Copies datasets from a project's folder in one bucket to that in another: whole, checked, marker last."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO

from dvt.core.errors import DatasetClash, DatasetUnknown, ObjectDamaged
from dvt.core.ports.staging import Bucket
from dvt.drivers.objects.parallel import in_parallel
from dvt.staging.deletion import may_read
from dvt.staging.housekeeping.inventory import Folder, Kind, take_inventory
from dvt.staging.leases import Lease
from dvt.staging.parquet import MARKER_FILE

_FILES_AT_ONCE = 4
"""Files that are copied at once."""
_CHUNK = 2**20
"""Bytes that are read at once where nothing is written."""


@dataclass(frozen=True, slots=True)
class CopiedDataset:
    """A dataset that is in the other bucket now."""

    folder: str
    objects: int
    bytes: int
    was_there: bool
    """Whether it was there before, whole."""


class _Hashed:
    """A stream that computes the hash of what is read from it."""

    def __init__(self, stream: BinaryIO) -> None:
        self.digest = hashlib.sha256()
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self.digest.update(data)
        return data


@dataclass(frozen=True, slots=True)
class OpenFolder:
    """A project's folder in a bucket, with a lease by which nobody deletes what is copied."""

    name: str
    """The bucket's."""
    bucket: Bucket
    lease: Lease


class DatasetCopier:
    """Copies datasets from one project's folder to another."""

    def __init__(self, source: OpenFolder, target: OpenFolder) -> None:
        self._source, self._target = source.bucket, target.bucket
        self._names = source.name, target.name
        self._reading, self._writing = source.lease, target.lease

    def copy(self, wanted: Sequence[str] = ()) -> Iterator[CopiedDataset]:
        """Copy the datasets in the folders `wanted`, or all, and yield each when it is done.

        What an earlier copy has brought there is checked, and not brought again.
        """
        for folder in self._chosen(wanted):
            if not may_read(self._source, self._reading, folder.path):
                continue  # somebody has deleted it meanwhile
            self._writing.uses(folder.path)
            yield self._copied(folder.path)
            self._reading.releases(folder.path)

    def _chosen(self, wanted: Sequence[str]) -> list[Folder]:
        """Return the committed datasets that are asked for; DatasetUnknown if a name has none."""
        inventory = take_inventory(self._source.objects(""))
        committed = [folder for folder in inventory.of(Kind.DATASET) if folder.is_committed]
        for name in wanted:
            if not any(_is_in(folder.path, name) for folder in committed):
                raise DatasetUnknown(name, self._names[0], [folder.path for folder in committed])
        if not wanted:
            return committed
        return [folder for folder in committed if any(_is_in(folder.path, name) for name in wanted)]

    def _copied(self, folder: str) -> CopiedDataset:
        marker_key = f"{folder}/{MARKER_FILE}"
        with self._source.get(marker_key) as data:
            marker = data.read()
        there = self._read(marker_key)
        if there not in (None, marker):
            raise DatasetClash(folder, *self._names)
        sizes = dict(self._source.list(folder))
        committed = [f"{folder}/{name}" for name in json.loads(marker)["files"]]
        keys = sorted({*committed, *sizes} - {marker_key})  # later versions have files of their own
        missing = next((key for key in committed if key not in sizes), None)
        if missing is not None:
            reason = f"{missing!r} is not there, though its dataset was committed"
            raise ObjectDamaged(self._names[0], self._source.address, f"copying {folder!r}", reason)
        bring = partial(self._bring, sizes, dict(self._target.list(folder)))
        list(in_parallel(bring, keys, at_once=_FILES_AT_ONCE))
        if there is None:
            self._writing.check()
            with suppress(FileExistsError):  # another copy of the same dataset was quicker
                self._target.put_once(marker_key, marker)
        total = sum(sizes[key] for key in keys) + len(marker)
        return CopiedDataset(folder, len(keys) + 1, total, was_there=there is not None)

    def _bring(self, sizes: Mapping[str, int], present: Mapping[str, int], key: str) -> None:
        """Copy an object, unless it is there with the same bytes; read it back and compare."""
        with self._source.get(key) as data:
            stream = _Hashed(data)
            if present.get(key) == sizes[key] and self._is_same(key, stream):
                return
        with self._source.get(key) as data:
            stream = _Hashed(data)
            self._target.put(key, stream)  # type: ignore[arg-type]  # a bucket reads it, and does nothing else
        with self._target.get(key) as put:
            if _digest(put) != stream.digest.digest():
                doing = f"reading back {key!r}"
                reason = "other bytes are there than were put"
                raise ObjectDamaged(self._names[1], self._target.address, doing, reason)

    def _is_same(self, key: str, stream: _Hashed) -> bool:
        while stream.read(_CHUNK):
            pass
        with self._target.get(key) as there:
            return _digest(there) == stream.digest.digest()

    def _read(self, key: str) -> bytes | None:
        try:
            with self._target.get(key) as data:
                return data.read()
        except FileNotFoundError:
            return None


def _digest(stream: BinaryIO) -> bytes:
    digest = hashlib.sha256()
    while data := stream.read(_CHUNK):
        digest.update(data)
    return digest.digest()


def _is_in(folder: str, wanted: str) -> bool:
    return f"{folder}/".startswith(f"{wanted.strip('/')}/")
