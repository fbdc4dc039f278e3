"""Finds Java."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

NEEDED = 11
"""Oldest version of Java that runs dvt's process for JDBC."""
_VERSION = re.compile(r'version "(?:1\.)?(\d+)')
_SECONDS = 30


def java() -> str | None:
    """Return the path of Java: that of JAVA_HOME, else the one on the PATH."""
    home = os.environ.get("JAVA_HOME")
    if home and (found := shutil.which(str(Path(home) / "bin" / "java"))):
        return found
    return shutil.which("java")


def java_version(program: str) -> int | None:
    """Return the version of a Java, such as 17; None if it does not tell."""
    try:
        done = subprocess.run(  # noqa: S603  Java itself
            [program, "-version"], capture_output=True, text=True, check=False, timeout=_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = _VERSION.search(done.stderr + done.stdout)
    return int(found[1]) if found else None
