"""The seam to staged files: buckets, and the datasets in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from dvt.core.tables import StageColumn


class Bucket(Protocol):
    """A private place for files. Keys are relative and use `/`."""

    def uri(self, key: str) -> str:
        """The address an engine or a database would use."""

    def folder(self, key: str) -> str:
        """The address of a folder, made if it is not there, that only its owner may enter."""

    def write(self, key: str, data: bytes) -> None:
        """Create or replace a small file, all of it or nothing."""

    def seal(self, key: str) -> int:
        """Let only its owner read a file that others have written; its bytes, -1 when it is not there."""

    def delete(self, prefix: str) -> None:
        """Remove the folder `prefix` and all in it; nothing there is not an error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketContext:
    """What a bucket gets from the run beside its own settings: `Bucket(name, settings, context)`."""

    project_dir: Path
    """Relative paths in settings are relative to this."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """A committed set of Parquet files with its columns."""

    files: tuple[str, ...]
    columns: tuple[StageColumn, ...]
    rows: int
    bytes: int


class Sink(Protocol):
    """Where one answer is staged: Parquet parts, visible only once committed."""

    def part(self) -> str:
        """The path of a new Parquet file. Thread-safe."""

    def copy_options(self) -> str:
        """Options of DuckDB's COPY … TO for such a file, e.g. `FORMAT parquet, COMPRESSION zstd`."""

    def commit(self, columns: Sequence[StageColumn], rows: int) -> Dataset:
        """Write the marker: from now on the dataset exists."""

    def discard(self) -> None:
        """Remove what was written. May be called twice, and after nothing was."""
