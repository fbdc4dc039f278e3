"""Opens CSV and JSON files as text, for what is asked of their lines: never for their rows."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, cast


def opened(path: str, options: Mapping[str, Any]) -> IO[str]:
    """Open a text file, unpacked by gzip if it is; its line ends stay as they are.

    Raises LookupError or OSError for an encoding or a compression that Python does not know.
    """
    compression = options.get("compression")
    is_packed = compression == "gzip" or (
        compression in {None, "auto", "auto_detect"} and path.lower().endswith(".gz")
    )
    if compression == "zstd":
        raise OSError(path)
    encoding = str(options.get("encoding") or "utf-8-sig")
    opener = gzip.open if is_packed else Path.open
    file = opener(cast("Any", Path(path)), "rt", encoding=encoding, errors="replace", newline="")
    return cast("IO[str]", file)
