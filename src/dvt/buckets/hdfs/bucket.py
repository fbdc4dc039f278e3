"""Objects in HDFS, as files below a folder.

An object is written into a file beside its own, under a name that no key has, and renamed when it is whole.
HDFS could create the object's own file unless it is there, but a writer that died then would leave it empty
or half, and readable. Renaming is one step of the name node: with `overwrite` it replaces an object, without
it creates one or fails because it is there.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, BinaryIO, ClassVar

from dvt.buckets.hdfs import hadoop
from dvt.buckets.hdfs.client import Hdfs
from dvt.buckets.hdfs.errors import Translator, is_below_a_file
from dvt.buckets.hdfs.settings import HDFSSettings
from dvt.core.errors import BucketRefused, BucketUnreachable, DvtError
from dvt.core.ports.staging import HADOOP, BucketContext, HadoopAccess, StoredObject, UnfinishedUpload
from dvt.drivers.objects.escapes import Escapes
from dvt.drivers.objects.names import ObjectNames, refuse_consumer
from dvt.drivers.objects.pieces import read_piece
from dvt.drivers.objects.reader import ObjectSource, open_object

_PIECE = 2**20
"""Bytes that are sent or received before the time of the next ones begins."""
_NEW = "␛new."
"""What names of files that are being written begin with; no key's does, since `␛` is escaped there."""
_ESCAPES = Escapes(":", reserved=frozenset({".snapshot", ".reserved"}))
"""What HDFS takes in no name, and the names that it has for itself."""


class HDFSBucket:
    """Implements Bucket by hdfs-native."""

    settings: ClassVar[type[HDFSSettings]] = HDFSSettings
    consumers: frozenset[str] = frozenset({HADOOP})

    def __init__(
        self,
        name: str,
        settings: Mapping[str, Any],
        context: BucketContext,  # noqa: ARG002  every bucket gets one
    ) -> None:
        chosen = HDFSSettings.model_validate(settings)
        self._settings = chosen
        self._root = chosen.folder
        self._umask = chosen.umask
        self._names = ObjectNames("")
        self.address = f"{chosen.name_node}{chosen.folder}"
        self._errors = Translator(name, self.address, ())
        self._hdfs = Hdfs(name, chosen, self._errors)
        self._has_root = False

    def put_once(self, key: str, data: bytes) -> None:
        """See Bucket."""
        path, doing = self._path(key), f"creating {key!r}"
        if self._is_there(path, doing):
            raise FileExistsError(key)
        with self._new_file(path, [data] if data else [], doing) as new:
            try:
                self._rename(new, path, doing, overwrite=False)
            except FileExistsError:
                raise FileExistsError(key) from None

    def put(self, key: str, data: BinaryIO) -> None:
        """See Bucket."""
        path, doing = self._path(key), f"putting {key!r}"
        with self._new_file(path, iter(lambda: read_piece(data, _PIECE), b""), doing) as new:
            self._rename(new, path, doing, overwrite=True)

    def get(self, key: str) -> BinaryIO:
        """See Bucket. The library checks each packet's checksum."""
        path, doing = self._path(key), f"reading {key!r}"
        try:
            file = self._hdfs.ask_again(doing, lambda client: client.read(path))
        except FileNotFoundError:
            raise FileNotFoundError(key) from None
        except DvtError as error:
            if is_below_a_file(error):
                raise FileNotFoundError(key) from None
            raise
        return open_object(self._source(file, doing))

    def list(self, prefix: str) -> Iterator[tuple[str, int]]:
        """See Bucket."""
        return ((entry.key, entry.bytes) for entry in self.objects(prefix))

    def objects(self, prefix: str) -> Iterator[StoredObject]:
        """See Bucket."""
        for key, status in self._below(prefix):
            if not _is_new(status):
                yield StoredObject(key, status.length, _time_of(status))

    def uploads(self, prefix: str) -> Iterator[UnfinishedUpload]:
        """See HasUploads: files under temporary names, which do not tell the object's."""
        for key, status in self._below(prefix):
            if _is_new(status):
                folder = key[: key.rfind("/") + 1]
                yield UnfinishedUpload(folder, _time_of(status), status.length, status.path)

    def abort(self, upload: UnfinishedUpload) -> None:
        """See HasUploads."""
        name = upload.id.rpartition("/")[2]
        if not upload.id.startswith(f"{self._root}/") or not name.startswith(_NEW):
            msg = f"{upload.id!r} is no file that this bucket is writing"
            raise ValueError(msg)
        doing = f"deleting what is there of an object in {upload.key!r}"
        with suppress(FileNotFoundError):
            self._hdfs.ask_again(doing, lambda client: client.delete(upload.id, False))

    def delete(self, prefix: str) -> None:
        """See Bucket."""
        path, doing = self._path(prefix), f"deleting in {prefix!r}"
        if self._is_there(path, doing, folder=True):
            self._delete(path, doing)

    def uri_for(self, consumer: str, key: str) -> str:
        """See Bucket: Hadoop's address."""
        if consumer not in self.consumers:
            refuse_consumer(consumer, "files in HDFS")
        return f"{self._settings.name_node}{self._path(key)}"

    @contextmanager
    def writing(self, consumer: str, key: str) -> Iterator[str]:
        """See Bucket."""
        yield self.uri_for(consumer, key)

    def hadoop(self) -> HadoopAccess:
        """See OnHadoop."""
        return hadoop.access(self._settings)

    def _path(self, key: str) -> str:
        return f"{self._root}/{_ESCAPES.do(self._names.of(key))}"

    def _is_there(self, path: str, doing: str, *, folder: bool = False) -> bool:
        """Return whether there is a file or folder; or whether there is a folder."""
        try:
            status = self._hdfs.ask_again(doing, lambda client: client.get_file_info(path))
        except FileNotFoundError:
            return False
        except DvtError as error:
            if is_below_a_file(error):
                return False
            raise
        return bool(status.isdir) or not folder

    @contextmanager
    def _new_file(self, path: str, pieces: Iterable[bytes], doing: str) -> Iterator[str]:
        """Write a file beside a path, and yield its own; it is gone when the `with` ends with an error.

        It stays if the store cannot be reached: nobody reads it, and it goes with its folder.
        """
        new = f"{path.rpartition('/')[0]}/{_NEW}{secrets.token_hex(8)}"
        try:
            self._write(new, pieces, doing)
            yield new
        except BucketUnreachable:
            raise
        except BaseException:
            with suppress(Exception):  # the first error is the one that matters
                self._hdfs.ask(doing, lambda client: client.delete(new, False))
            raise

    def _write(self, path: str, pieces: Iterable[bytes], doing: str) -> None:
        self._make_root(doing)
        writer = self._hdfs.ask_again(doing, lambda client: _bare(client.create(path, self._options())))
        for piece in pieces:
            self._hdfs.ask(doing, lambda _, piece=piece: writer.write(piece))  # type: ignore[misc]
        self._hdfs.ask(doing, lambda _: writer.close())

    def _options(self) -> Any:
        from hdfs_native import WriteOptions

        # What a lost answer has made already is replaced.
        return WriteOptions(permission=0o666 & ~self._umask, overwrite=True, create_parent=True)

    def _make_root(self, doing: str) -> None:
        """Make the bucket's folder, once; those below it inherit its permissions."""
        if self._has_root:
            return
        if not self._is_there(self._root, doing, folder=True):
            permission = 0o777 & ~self._umask
            self._hdfs.ask_again(doing, lambda client: client.mkdirs(self._root, permission, True))
        self._has_root = True

    def _rename(self, new: str, path: str, doing: str, *, overwrite: bool) -> None:
        """Give a new file its name; FileExistsError.

        The library asks again by itself where an answer was lost: then the file has its name already.
        """
        try:
            self._hdfs.ask_again(doing, lambda client: client.rename(new, path, overwrite))
        except FileNotFoundError:
            if self._is_there(new, doing) or not self._is_there(path, doing):
                raise self._errors.failed(doing, "its folder was deleted meanwhile") from None

    def _below(self, prefix: str) -> Iterator[tuple[str, Any]]:
        """Yield key and status of every file in a folder of the bucket, '' being all of it."""
        folder, keys = (self._path(prefix), f"{prefix}/") if prefix else (self._root, "")
        return self._files(folder, keys, f"listing {prefix!r}")

    def _files(self, folder: str, prefix: str, doing: str) -> Iterator[tuple[str, Any]]:
        """Yield every file in a folder and below, in the keys' order.

        In a folder's own list `/` belongs to the names of folders, as it does in keys.
        """
        try:
            listed = self._hdfs.ask_again(doing, lambda client: list(client.list_status(folder, False)))
        except FileNotFoundError:
            return
        except DvtError as error:
            if is_below_a_file(error):
                return
            raise
        entries = {}
        for status in listed:
            name = status.path.rpartition("/")[2]
            if status.path != folder:
                entries[_ESCAPES.undo(name) + ("/" if status.isdir else "")] = status
        for name, status in sorted(entries.items()):
            if status.isdir:
                yield from self._files(status.path, f"{prefix}{name}", doing)
            else:
                yield f"{prefix}{name}", status

    def _delete(self, path: str, doing: str) -> None:
        """Delete a file or folder; where a permission is missing, what is in it as far as may be."""
        try:
            self._hdfs.ask_again(doing, lambda client: client.delete(path, True))
        except BucketRefused:
            with suppress(DvtError):
                for status in self._hdfs.ask(doing, lambda client: list(client.list_status(path, False))):
                    if status.path != path:
                        with suppress(BucketRefused):
                            self._delete(status.path, doing)
            raise

    def _source(self, file: Any, doing: str) -> ObjectSource:
        size = len(file)

        def open_at(position: int) -> _Body:
            packets = file.read_range_stream(position, size - position)
            return _Body(lambda: self._more(packets, doing))

        return ObjectSource(
            size=size,
            open_at=open_at,
            checksum=None,
            expected=b"",
            broken=(_Broken,),
            failure=lambda error: (
                error.known if isinstance(error, _Broken) else self._errors.failed(doing, str(error))
            ),
            damage=lambda reason: self._errors.damaged(doing, reason),
        )

    def _more(self, packets: Iterator[bytes], doing: str) -> bytes:
        """Return the next packets of a file; _Broken if it may be read on over a new connection."""
        try:
            return self._hdfs.ask(doing, lambda _: _some(packets))
        except BucketUnreachable as error:
            if isinstance(error.__cause__, TimeoutError):
                raise
            raise _Broken(error) from error


class _Broken(Exception):
    """A connection to a data node has broken."""

    def __init__(self, known: DvtError) -> None:
        super().__init__()
        self.known = known
        """dvt's error of it."""


class _Body:
    """What the library gives to read."""

    def __init__(self, more: Callable[[], bytes]) -> None:
        self._more = more
        self._rest = memoryview(b"")

    def readinto(self, buffer: Any, /) -> int:
        if not self._rest:
            self._rest = memoryview(self._more())
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    def close(self) -> None:
        self._more = bytes


def _bare(writer: Any) -> Any:
    """Return the library's writer without the object that closes it when it is collected.

    Closing waits without an end for a node that has died, in whatever thread collects it.
    """
    writer.close = lambda: None
    return writer.inner


def _is_new(status: Any) -> bool:
    """Return whether a file is being written, or was when its writer died."""
    return bool(status.path.rpartition("/")[2].startswith(_NEW))


def _time_of(status: Any) -> datetime:
    return datetime.fromtimestamp(status.modification_time / 1000, UTC)


def _some(packets: Iterator[bytes]) -> bytes:
    """Return the next packets, some together."""
    some = bytearray()
    while len(some) < _PIECE and (packet := next(packets, b"")):
        some += packet
    return bytes(some)
