"""Packages as other people write them, which dvt finds by their entry points."""

from __future__ import annotations

from pathlib import Path

PACKAGES = Path(__file__).parent
ENTRY_POINTS = {
    "abacus": """
[dvt.engines]
abacus = dvt_abacus.engine:AbacusEngine
""",
    "lines": """
[dvt.connectors]
lines = dvt_lines.connector:LinesConnector

[dvt.output_types]
lines = dvt_lines.output_type:LINES
""",
    "nest": """
[dvt.connectors]
nest = dvt_nest.connector:NestConnector

[dvt.output_types]
nest = dvt_nest.output_type:NEST
""",
    "toy": """
[dvt.engines]
toy = dvt.testing.toy_engine:ToyEngine

[dvt.engine_dialects]
sqlite = dvt_toy.dialect:SQLITE

[dvt.buckets]
memory = dvt.testing.memory_bucket:InMemoryBucket
""",
}
"""By the package's folder: `abacus` computes, `lines` only reads, models can be built on `nest`, `toy`
computes and stages."""


def installed(folder: Path, *packages: str, source: Path = PACKAGES) -> list[str]:
    """Return folders for sys.path that hold the packages, and write pip's metadata of them into `folder`."""
    for name in packages:
        about = folder / f"dvt_{name}-1.5.0.dist-info"
        about.mkdir(parents=True)
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: dvt-{name}\nVersion: 1.5.0\n")
        (about / "entry_points.txt").write_text(ENTRY_POINTS[name])
    return [str(folder), *(str(source / name) for name in packages)]
