"""Masks paths that are none of the project's: who may use the API need not know what else a machine has."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

MASKED = "…"
"""What stands in the place of a masked path's folders."""
_PATH = re.compile(r"(?<![\w.:/…])/(?:[^\s'\"`,;:()<>]|:(?=\S))+")
"""Matches absolute paths in texts."""


class Mask:
    """Masks paths outside of some folders."""

    def __init__(self, folders: Iterable[Path]) -> None:
        self._folders = tuple(os.path.normpath(folder) for folder in folders)

    def path(self, path: str) -> str:
        """Return an absolute path; of one outside only its last part.

        Example:
            >>> Mask([Path("/shop")]).path("/shop/logs/dbt.log"), Mask([Path("/shop")]).path("/etc/passwd")
            ('/shop/logs/dbt.log', '…/passwd')
        """
        if not path.startswith("/"):
            return path
        normal = os.path.normpath(path)
        if any(normal == folder or normal.startswith(folder.rstrip("/") + "/") for folder in self._folders):
            return path
        return f"{MASKED}/{normal.rpartition('/')[2]}"

    def text(self, text: str) -> str:
        """Return a text whose paths are masked.

        Example:
            >>> Mask([Path("/shop")]).text("/shop/a cannot be moved to /mnt/b: no space")
            '/shop/a cannot be moved to …/b: no space'
        """
        return _PATH.sub(lambda match: self.path(match[0]), text)

    def all(self, value: Any) -> Any:
        """Return data of JSON whose texts are masked, but for addresses of the API."""
        if isinstance(value, dict):
            return {key: self.all(part) for key, part in value.items()}
        if isinstance(value, list):
            return [self.all(part) for part in value]
        return self.text(value) if isinstance(value, str) and not value.startswith("/api/") else value
