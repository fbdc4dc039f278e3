"""Makes a bucket reachable for a program of this machine, by copies of its files in a scratch folder."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from dvt.core.ports.staging import Bucket, HadoopAccess, OnHadoop, StoredObject
from dvt.drivers.disk import private_folder, unique_suffix, write_private


class LocalCopies:
    """Implements Bucket around another one, for one more consumer, which reads and writes local files.

    What the consumer writes is put into the bucket when its part is done, and stays on this machine, too, to
    be read again. What others wrote is fetched when it is first read.
    """

    def __init__(self, bucket: Bucket, consumer: str, scratch: Path) -> None:
        self._bucket = bucket
        self._consumer = consumer
        self._scratch = scratch
        self.address = bucket.address
        self.consumers = bucket.consumers | {consumer}

    def put_once(self, key: str, data: bytes) -> None:
        """See Bucket."""
        self._bucket.put_once(key, data)

    def put(self, key: str, data: BinaryIO) -> None:
        """See Bucket."""
        self._remove_copy(key)
        self._bucket.put(key, data)

    def get(self, key: str) -> BinaryIO:
        """See Bucket."""
        return self._bucket.get(key)

    def list(self, prefix: str) -> Iterator[tuple[str, int]]:
        """See Bucket."""
        return self._bucket.list(prefix)

    def objects(self, prefix: str) -> Iterator[StoredObject]:
        """See Bucket."""
        return self._bucket.objects(prefix)

    def delete(self, prefix: str) -> None:
        """See Bucket."""
        self._remove_copy(prefix)
        self._bucket.delete(prefix)

    def uri_for(self, consumer: str, key: str) -> str:
        """See Bucket: for our consumer the path of a copy, which is made where there is none."""
        if consumer != self._consumer:
            return self._bucket.uri_for(consumer, key)
        file = self._file(key)
        if not file.exists():
            private_folder(file.parent)
            with self._bucket.get(key) as data:
                write_private(file, data, unique=unique_suffix())
        return str(file)

    @contextmanager
    def writing(self, consumer: str, key: str) -> Iterator[str]:
        """See Bucket: for our consumer a path, of a file or a folder of files."""
        if consumer != self._consumer:
            with self._bucket.writing(consumer, key) as uri:
                yield uri
            return
        path = self._file(key)
        private_folder(path.parent)
        yield str(path)
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                with file.open("rb") as data:
                    self._bucket.put(file.relative_to(self._scratch).as_posix(), data)

    def hadoop(self) -> HadoopAccess:
        """See OnHadoop."""
        inner = self._bucket
        return inner.hadoop() if isinstance(inner, OnHadoop) else HadoopAccess()

    def _file(self, key: str) -> Path:
        path = self._scratch / key
        if self._scratch.resolve() not in path.resolve().parents:
            msg = f"{key!r} is not inside this bucket"
            raise ValueError(msg)
        return path

    def _remove_copy(self, prefix: str) -> None:
        path = self._file(prefix)
        shutil.rmtree(path, ignore_errors=True)
        with suppress(OSError):
            path.unlink()
