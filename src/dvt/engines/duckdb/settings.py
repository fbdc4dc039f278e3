"""The keys of an entry of `type: duckdb` in computes.yml."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints, ValidationInfo, field_validator

from dvt.core.ports.engines import DuckDBLimits, EngineSettings

_SIZE = re.compile(r"\d+(\.\d+)?\s*([kmgt]i?)?b", re.IGNORECASE)


def _size(value: str) -> str:
    if not _SIZE.fullmatch(value):
        msg = "should be a size such as 8GB or 512MiB"
        raise ValueError(msg)
    return value


MemorySize = Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(_size)]


class DuckDBSettings(EngineSettings):
    """DuckDB inside dvt's own process."""

    memory_limit: MemorySize | None = None
    """E.g. `8GB`; half of the machine's or container's memory when left out."""
    threads: int | None = Field(default=None, ge=1, le=1024)
    """As many as there are cores when left out."""
    temp_directory: str | None = None
    """Where it spills; the run's own folder when left out. Relative to the file's folder."""

    @field_validator("temp_directory")
    @classmethod
    def _below_the_file(cls, value: str | None, info: ValidationInfo) -> str | None:
        if not value or not info.context:
            return value
        return str(Path(info.context["folder"]) / Path(value).expanduser())

    @property
    def spill(self) -> Path | None:
        """See EngineSettings."""
        return Path(self.temp_directory) if self.temp_directory else None

    @property
    def duckdb(self) -> DuckDBLimits:
        """See EngineSettings: as the default compute, the engine works in the instance of the scanners."""
        return DuckDBLimits(memory=self.memory_limit, threads=self.threads)
