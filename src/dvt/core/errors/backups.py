"""Errors of the lifecycle's files: of the places they are in, of backups, and of restores."""

from __future__ import annotations

from dvt.core.errors.error import DvtError


class RootRefused(DvtError):
    """A folder is none in which files may be deleted, so nothing in it was touched."""

    code = "DVT210"

    def __init__(self, path: str, reason: str, *, allow: str = "") -> None:
        self.path, self.reason = path, reason
        super().__init__(
            f"{path} {reason}: nothing in it was touched",
            hint=f"if that is meant, {allow}" if allow else "name the folder itself that is to be cleaned",
        )
