"""What `dvt sync` is asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncRequest:
    """What `dvt sync` is asked to do."""

    project_dir: Path
    profiles_dir: Path | None = None
    profile: str | None = None
    """The only profile; None: the project's, or all where there is no project."""
    python_env: Path | None = None
    """Another environment than the one that dvt runs in."""
    installer: str | None = None
    """`uv` or `pip`; None: uv if it is there."""
    dry_run: bool = False
    download: Path | None = None
    """Folder for the files of what is needed; nothing is installed then."""
    offline: Path | None = None
    """The folder that files are taken from, instead of a registry."""
    jdbc: bool = True
    """Whether drivers of JDBC are installed, too."""
    native: bool = True
    """Whether jars are installed by which Spark reaches buckets, and those that computes name."""
