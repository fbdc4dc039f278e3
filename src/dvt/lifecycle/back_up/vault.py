"""The vault: the folder in which backups are, by the run that made them, for its owner alone.

`<run>/manifest.jsonl` says what there is, `<run>/<number>/<name>.backup` has a file's content, and
`<name>.backup` is a link to the latest, for whoever restores with `cp`; or `<name>.age.backup`, with `age`.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from dvt.core.errors import ManifestUnreadable, RootRefused, VaultRefused
from dvt.core.file_names import as_text
from dvt.drivers.trees import Root
from dvt.lifecycle.back_up.cipher import Cipher
from dvt.lifecycle.back_up.manifest import MANIFEST, Content, Entry, Manifest, read
from dvt.lifecycle.back_up.naming import link_name

_RUN = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,99}")
"""Matches names of runs."""
_LINK = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]*/[0-9]+/[^/]+\.backup")
"""Matches what our links to backups point to."""
_NEW_LINK = b".latest.new"


class Vault:
    """An open vault: use it in a `with`. VaultRefused says why a folder is none."""

    def __init__(
        self, path: str | os.PathLike[str], *, cipher: Cipher | None = None, through_links: bool = False
    ) -> None:
        """Open the folder, and make it if it is not there. Without `cipher` backups are not encrypted."""
        self.path = os.fspath(path)
        self.cipher = cipher or Cipher()
        try:
            with suppress(FileExistsError):
                Path(self.path).mkdir(mode=0o700, parents=True)
            self._root = Root(path, through_links=through_links, mount_point=True, foreign=True)
        except OSError as error:
            raise VaultRefused(self.path, f"cannot be made or opened: {error.strerror}") from error
        except RootRefused as error:
            raise VaultRefused(self.path, error.reason) from error
        try:
            self._claim()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the folder. May be called twice."""
        self._root.close()

    @property
    def fd(self) -> int:
        """Descriptor of the folder."""
        return self._root.fd

    def _claim(self) -> None:
        """See to it that it belongs to this user, and that nobody else may enter it."""
        status = os.fstat(self.fd)
        if status.st_uid != os.geteuid():
            raise VaultRefused(self.path, f"belongs to user {status.st_uid}")
        if stat.S_IMODE(status.st_mode) & 0o077:
            other = next(self._others(), None)
            if other is not None:
                why = f"can be entered by others, and has {other} in it, which is no backup"
                raise VaultRefused(self.path, why)
            try:
                os.fchmod(self.fd, 0o700)
            except OSError as error:
                why = f"can be entered by others, and cannot be closed to them: {error.strerror}"
                raise VaultRefused(self.path, why) from error

    def _others(self) -> Iterator[str]:
        """Yield the names of what is in it and was not put there by this or the original system."""
        with os.scandir(self.fd) as entries:
            for entry in entries:
                is_known = entry.name.startswith(".") or entry.name.endswith((".backup", ".log"))
                if not is_known and entry.name != "lost+found" and not self._is_run(entry.name):
                    yield as_text(os.fsencode(entry.name))

    def _is_run(self, name: str) -> bool:
        """Return whether this is the folder of a run, or one of which not more was made."""
        with suppress(OSError), self.folder(name) as folder, os.scandir(folder) as entries:
            names = [entry.name for entry in entries]
            return not names or os.fsdecode(MANIFEST) in names
        return False

    def new_run(self, run: str) -> tuple[int, Manifest]:
        """Make the folder of a run, and open it and its manifest. Close both. OSError if it cannot be."""
        if not _RUN.fullmatch(run):
            raise OSError(errno.EINVAL, "it is no name of a run", run)
        with suppress(FileExistsError):
            os.mkdir(run, 0o700, dir_fd=self.fd)
        folder = self._root.enter(self.fd, run.encode())
        try:
            return folder, Manifest(folder, run, new=True, encrypted=bool(self.cipher.recipients))
        except BaseException:
            os.close(folder)
            raise

    def runs(self) -> list[str]:
        """Return the names of the runs that have a folder here, the oldest first as their names have it."""
        with os.scandir(self.fd) as entries:
            return sorted(
                entry.name
                for entry in entries
                if _RUN.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False)
            )

    def content(self, run: str) -> Content:
        """Return what a run's manifest says; nothing if there is none."""
        try:
            with self.folder(run) as folder:
                return read(folder, run)
        except FileNotFoundError:
            return Content()

    def sweep(self, run: str) -> None:
        """Remove what a killed run has written that is no backup, as far as the disk lets us.

        A run that is alive is let be, and one of a newer version of dvt.
        """
        try:
            with self.folder(run) as folder:
                manifest = Manifest(folder, run, new=False)
                try:
                    self._sweep(folder, run, manifest)
                finally:
                    manifest.close()
        except (OSError, ManifestUnreadable):
            return

    def _sweep(self, folder: int, run: str, manifest: Manifest) -> None:
        content = read(folder, run)
        if content.damaged:
            return  # what is on a line that cannot be read may be a backup
        left = sorted(content.written - content.backups.keys())
        for file in left:
            self._remove(folder, file)
        if left:
            manifest.strike(left)
        if not content.backups:
            manifest.remove(folder)
            with suppress(OSError):
                os.rmdir(run, dir_fd=self.fd)

    def remove(self, run: str, entries: Sequence[Entry]) -> None:
        """Remove backups of a run, which its manifest names; BlockingIOError if the run is alive."""
        with self.folder(run) as folder:
            manifest = Manifest(folder, run, new=False)
            try:
                for entry in entries:
                    self._remove(folder, entry.file)
                    self._unlink_latest(entry)
                manifest.strike([entry.file for entry in entries])
                self._sweep(folder, run, manifest)
            finally:
                manifest.close()

    def _remove(self, folder: int, file: str) -> None:
        """Remove a file that a manifest names, and its folder if that is empty now."""
        number, name = file.split("/")
        with suppress(FileNotFoundError):
            below = self._root.enter(folder, number.encode())
            try:
                with suppress(FileNotFoundError):
                    os.unlink(name, dir_fd=below)
            finally:
                os.close(below)
            with suppress(OSError):
                os.rmdir(number, dir_fd=folder)

    def entries(self) -> Iterator[Entry]:
        """Yield all backups that should be here, by run."""
        for run in self.runs():
            yield from self.content(run).backups.values()

    @contextmanager
    def folder(self, *parts: str) -> Iterator[int]:
        """Open a folder in the vault."""
        with self._root.folder([os.fsencode(part) for part in parts]) as folder:
            yield folder

    def link_latest(self, entry: Entry) -> None:
        """Have `<name>.backup` point to a backup, unless something else than such a link is there."""
        name = link_name(entry)
        with suppress(FileExistsError):
            os.symlink(entry.location, name, dir_fd=self.fd)
            return
        if not self._is_link(name):
            return
        try:
            os.symlink(entry.location, _NEW_LINK, dir_fd=self.fd)
        except FileExistsError:  # a killed run has left it
            os.unlink(_NEW_LINK, dir_fd=self.fd)
            os.symlink(entry.location, _NEW_LINK, dir_fd=self.fd)
        os.rename(_NEW_LINK, name, src_dir_fd=self.fd, dst_dir_fd=self.fd)

    def _unlink_latest(self, entry: Entry) -> None:
        """Remove `<name>.backup` if it points to this backup."""
        name = link_name(entry)
        with suppress(OSError):
            if os.readlink(name, dir_fd=self.fd) == entry.location:
                os.unlink(name, dir_fd=self.fd)

    def _is_link(self, name: str) -> bool:
        with suppress(OSError):
            return bool(_LINK.fullmatch(os.readlink(name, dir_fd=self.fd)))
        return False
