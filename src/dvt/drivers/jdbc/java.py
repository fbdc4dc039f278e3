"""Finds Java."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

NEEDED = 11
"""Oldest version of Java that runs dvt's process for JDBC."""


def java() -> str | None:
    """Return the path of Java: that of JAVA_HOME, else the one on the PATH."""
    home = os.environ.get("JAVA_HOME")
    if home and (found := shutil.which(str(Path(home) / "bin" / "java"))):
        return found
    return shutil.which("java")
