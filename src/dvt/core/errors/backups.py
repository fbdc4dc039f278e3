"""Errors of the lifecycle's files: of the places they are in, of backups, and of restores."""

from __future__ import annotations

from collections.abc import Collection

from dvt.core.errors.error import DvtError, nearest


class RootRefused(DvtError):
    """A folder is none in which files may be deleted, so nothing in it was touched."""

    code = "DVT210"

    def __init__(self, path: str, reason: str, *, allow: str = "") -> None:
        self.path, self.reason = path, reason
        super().__init__(
            f"{path} {reason}: nothing in it was touched",
            hint=f"if that is meant, {allow}" if allow else "name the folder itself that is to be cleaned",
        )


class RootNotAllowed(DvtError):
    """A file is in a folder in which the settings allow nothing to be deleted or restored."""

    code = "DVT211"

    def __init__(self, path: str, known: Collection[str]) -> None:
        self.path = path
        super().__init__(
            f"{path or 'no folder'} is none of the folders that are cleaned: nothing in it was touched",
            hint=nearest(path, known),
        )


class VaultRefused(DvtError):
    """A folder cannot be the place of backups, so nothing was backed up or deleted."""

    code = "DVT212"

    def __init__(self, path: str, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(
            f"{path} cannot be the place of backups: it {reason}",
            hint="name a folder that belongs to the user who cleans, and that nobody else may enter",
        )


class ManifestUnreadable(DvtError):
    """A newer version of dvt has written a manifest of backups, so this one touches none of them."""

    code = "DVT213"

    def __init__(self, run: str, format_: object) -> None:
        self.run, self.format = run, format_
        super().__init__(
            f"the manifest of backups of run {run} has format {format_}, which this version cannot read",
            hint="use the version of dvt that has written it, or a newer one",
        )


class QuarantineRefused(DvtError):
    """The folder into which files are moved before they are deleted is not safe, so nothing was deleted."""

    code = "DVT214"

    def __init__(self, path: str, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(
            f"{path} cannot be the quarantine: it {reason}",
            hint="it must be a folder that belongs to the user who cleans; remove what is there",
        )


class IdentityUnusable(DvtError):
    """The file of keys that read encrypted backups cannot be used, or is not for its owner alone."""

    code = "DVT215"

    def __init__(self, path: str, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(
            f"{path}, the `identity_file` of backups, {reason}",
            hint="it has lines AGE-SECRET-KEY-1…, as age-keygen writes it, and the rights 0600",
        )


class BackupEncrypted(DvtError):
    """A backup is encrypted, and cannot be read here."""

    code = "DVT216"

    def __init__(self, backup: str, reason: str) -> None:
        self.backup, self.reason = backup, reason
        super().__init__(
            f"the backup {backup} is encrypted, and cannot be read here: {reason}",
            hint="name the key of one of its recipients by `backups.identity` or `identity_file`",
        )
