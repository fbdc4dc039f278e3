"""The engine, and the keys of its entry in computes.yml."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from pydantic import Field

from dvt.core.ports.engines import DuckDBLimits, EngineContext, EngineSettings
from dvt.engines.duckdb import DuckDBEngine, DuckDBSettings


class AbacusSettings(EngineSettings):
    """Keys of an entry in computes.yml: `beads` are threads, `tray` is the folder to spill to."""

    beads: int = Field(default=10, ge=1)
    tray: str | None = None

    @property
    def spill(self) -> Path | None:
        """See EngineSettings."""
        return Path(self.tray) if self.tray else None

    @property
    def duckdb(self) -> DuckDBLimits:
        """See EngineSettings."""
        return DuckDBLimits(threads=self.beads)


class AbacusEngine(DuckDBEngine):
    """Implements Engine."""

    settings: ClassVar[type[AbacusSettings]] = AbacusSettings

    def __init__(self, name: str, settings: AbacusSettings, context: EngineContext) -> None:
        super().__init__(name, DuckDBSettings(), context)
        self.beads = settings.beads
        self.context = context
