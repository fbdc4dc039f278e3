"""Packages as others write them: what dvt finds by their entry points, without a line of its own."""

from __future__ import annotations

from pathlib import Path

LINES = Path(__file__).parent / "lines"
"""A connector that only reads, as small as it can be."""

_ENTRY_POINTS = """
[dvt.connectors]
lines = dvt_lines.connector:LinesConnector

[dvt.output_types]
lines = dvt_lines.output_type:LINES
"""


def installed(folder: Path, package: Path = LINES) -> list[str]:
    """Folders for sys.path that hold the package and what pip would have written of it."""
    about = folder / "dvt_lines-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: dvt-lines\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(_ENTRY_POINTS)
    return [str(folder), str(package)]
