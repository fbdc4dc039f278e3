"""Files of this machine: folders that only their owner may enter, files that only they may read."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from pydantic import ValidationInfo, field_validator

from dvt.core.ports.staging import (
    HADOOP,
    BucketContext,
    BucketSettings,
    HadoopAccess,
    StoredObject,
    UnfinishedUpload,
)
from dvt.drivers.disk import (
    create_private,
    disk_error,
    is_temporary,
    make_lasting,
    name_when_whole,
    private_folder,
    remove_empty_parents,
    remove_folder,
    unique_suffix,
    write_private,
)

_DEFAULT = ".dvt/staging"
"""Folder of a bucket without `path`, in the project."""


class FilesystemSettings(BucketSettings):
    """The keys of `type: filesystem`."""

    path: str | None = None
    """Absolute path of the folder; `.dvt/staging` of the project when left out."""

    @field_validator("path")
    @classmethod
    def _is_safe(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None:
            return None
        path = Path(value).expanduser()
        problem = _refusal(path, (info.context or {}).get("project_dir"))
        if problem:
            raise ValueError(problem)
        return str(path)


class FilesystemBucket:
    """Implements Bucket in a folder, which is made when first needed."""

    consumers = frozenset({"duckdb", HADOOP})
    settings = FilesystemSettings

    def __init__(
        self,
        name: str,  # noqa: ARG002  every bucket gets one
        settings: Mapping[str, Any],
        context: BucketContext,
    ) -> None:
        own = Path(settings.get("path") or _DEFAULT)
        path = own / (settings.get("prefix") or "")
        self.address = f"file:{path.as_posix()}"
        self._root = context.project_dir / path
        self._top = context.project_dir / (own if own.is_absolute() else own.parts[0])

    def put_once(self, key: str, data: bytes) -> None:
        """See Bucket."""
        create_private(self._with_folder(key), data)

    def put(self, key: str, data: BinaryIO) -> None:
        """See Bucket."""
        write_private(self._with_folder(key), data, unique=unique_suffix())

    def get(self, key: str) -> BinaryIO:
        """See Bucket."""
        path = self._path(key)
        try:
            return path.open("rb")
        except NotADirectoryError as error:
            raise FileNotFoundError(key) from error
        except FileNotFoundError:
            raise
        except OSError as error:
            raise disk_error(error, path.parent) from error

    def list(self, prefix: str) -> Iterator[tuple[str, int]]:
        """See Bucket."""
        return ((entry.key, entry.bytes) for entry in self.objects(prefix))

    def objects(self, prefix: str) -> Iterator[StoredObject]:
        """See Bucket. Links are neither listed nor followed."""
        top = self._path(prefix) if prefix else self._root
        files = (entry for entry in _files(top) if not is_temporary(Path(entry.path)))
        entries = {Path(entry.path).relative_to(self._root).as_posix(): entry for entry in files}
        for key in sorted(entries):
            with suppress(FileNotFoundError):  # somebody has removed it meanwhile
                facts = entries[key].stat(follow_symlinks=False)
                yield StoredObject(key, facts.st_size, datetime.fromtimestamp(facts.st_mtime, UTC))

    def uploads(self, prefix: str) -> Iterator[UnfinishedUpload]:
        """See HasUploads: files under temporary names."""
        for entry in _files(self._path(prefix) if prefix else self._root):
            path = Path(entry.path)
            name = name_when_whole(path)
            if name is not None:
                with suppress(FileNotFoundError):  # it is whole by now
                    facts = entry.stat(follow_symlinks=False)
                    at = path.relative_to(self._root)
                    modified = datetime.fromtimestamp(facts.st_mtime, UTC)
                    yield UnfinishedUpload(
                        at.with_name(name).as_posix(), modified, facts.st_size, at.as_posix()
                    )

    def abort(self, upload: UnfinishedUpload) -> None:
        """See HasUploads."""
        path = self._path(upload.id)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise disk_error(error, path.parent) from error
        remove_empty_parents(path, self._root)

    def delete(self, prefix: str) -> None:
        """See Bucket."""
        path = self._path(prefix)
        remove_folder(path)
        remove_empty_parents(path, self._root)

    def uri_for(self, consumer: str, key: str) -> str:
        """See Bucket: a path, or for Hadoop a URL."""
        self._check(consumer)
        return _address(consumer, self._path(key))

    @contextmanager
    def writing(self, consumer: str, key: str) -> Iterator[str]:
        """See Bucket: a path, in a folder that is there."""
        self._check(consumer)
        path = self._with_folder(key)
        try:
            yield _address(consumer, path)
        finally:
            with suppress(FileNotFoundError):
                _make_private(path)
        make_lasting(path)

    def hadoop(self) -> HadoopAccess:
        """See OnHadoop."""
        return HadoopAccess(on_disk=True)

    def folders(self, folder: str) -> tuple[Path, ...]:
        """See OnDisk: those of the project's own folder, or the one in buckets.yml and what is below it."""
        below = (self._root / folder).relative_to(self._top).parts
        return tuple(self._top.joinpath(*below[:length]) for length in range(len(below) + 1))

    def _check(self, consumer: str) -> None:
        if consumer not in self.consumers:
            msg = f"{consumer!r} cannot reach files of this machine by itself"
            raise ValueError(msg)

    def _path(self, key: str) -> Path:
        path = self._root / key
        if self._root.resolve() not in path.resolve().parents:
            msg = f"{key!r} is not inside this bucket"
            raise ValueError(msg)
        return path

    def _with_folder(self, key: str) -> Path:
        path = self._path(key)
        private_folder(path.parent)
        return path


def _address(consumer: str, path: Path) -> str:
    # Without the scheme Hadoop would take its default file system, which may be HDFS. It decodes nothing.
    return f"file:{path.absolute()}" if consumer == HADOOP else str(path)


def _refusal(path: Path, project_dir: Path | None) -> str:
    """Return why staged data may not be in a folder; an empty text if it may.

    dvt removes staged data, so it is in no folder that has other things: not in a home or a project itself,
    nor in a folder above them, nor behind a link, which somebody may turn to another folder.
    """
    if not path.is_absolute():
        return "should be an absolute path; without it, data is staged in .dvt/staging of the project"
    if ".." in path.parts:
        return "should have no '..' in it"
    place = path.resolve()
    if place == Path(place.anchor):
        return "this is the root of the file system; name a folder of its own"
    own = {"your home folder": Path.home(), "the project": project_dir}
    for what, folder in own.items():
        if folder is not None and (place == folder.resolve() or place in folder.resolve().parents):
            return f"{place} is {what}, or holds it, and dvt removes staged data; name a folder of its own"
    return "is a link; name the folder itself" if path.is_symlink() else ""


def _files(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Yield all files in a folder and below, but no links."""
    try:
        with suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    yield from _files(Path(entry.path))
                elif entry.is_file(follow_symlinks=False):
                    yield entry
    except OSError as error:
        raise disk_error(error, folder) from error


def _make_private(path: Path) -> None:
    """Let only the owner read a file, or a folder and all files in it."""
    if not path.is_dir():
        path.chmod(0o600)
        return
    for folder, _, files in os.walk(path):
        Path(folder).chmod(0o700)
        for file in files:
            if not Path(folder, file).is_symlink():
                Path(folder, file).chmod(0o600)
