"""Compiles dvt's Java process for JDBC: src/dvt/drivers/jdbc/java into src/dvt/drivers/jdbc/bridge.jar.

The jar is in the repository, so that dvt needs no compiler; a test compares it with its sources. The same
compiler makes the same bytes.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

DRIVER = Path(__file__).parents[1] / "src" / "dvt" / "drivers" / "jdbc"
SOURCES = DRIVER / "java"
JAR = DRIVER / "bridge.jar"
RELEASE = "11"
"""Oldest Java that runs the classes."""
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""Time of every file in the jar."""


def sources() -> list[Path]:
    """Return the source files, sorted."""
    return sorted(SOURCES.rglob("*.java"))


def digest() -> str:
    """Return the SHA-256 of all sources, which the jar's manifest names."""
    joined = b"".join(file.name.encode() + b"\0" + file.read_bytes() for file in sources())
    return hashlib.sha256(joined).hexdigest()


def build(jar: Path) -> None:
    """Compile the sources into a jar."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["javac", "--release", RELEASE, "-Xlint:all", "-Werror", "-g:none", "-d", folder]
        subprocess.run([*command, *map(str, sources())], check=True)
        manifest = f"Manifest-Version: 1.0\nMain-Class: dvt.jdbc.Bridge\nSources: {digest()[:60]}\n"
        with zipfile.ZipFile(jar, "w", zipfile.ZIP_DEFLATED) as archive:
            _add(archive, "META-INF/MANIFEST.MF", manifest.encode())
            for file in sorted(Path(folder).rglob("*.class")):
                _add(archive, file.relative_to(folder).as_posix(), file.read_bytes())


def _add(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, data)


if __name__ == "__main__":
    build(Path(sys.argv[1]) if len(sys.argv) > 1 else JAR)
