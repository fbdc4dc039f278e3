"""Wires compute engines: each is made from its entry of computes.yml, when the first node asks for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dvt.config.computes import Compute, Computes
    from dvt.core.ports.bridge import RunContext
    from dvt.core.ports.engines import Engine
    from dvt.drivers.duckdb import MemoryInstance
    from dvt.runs.operations import Operation


def engine_opener(
    context: RunContext, computes: Computes, shared: MemoryInstance, operation: Operation
) -> Callable[[str | None], Engine]:
    """A function that makes the engine of a compute, given the name that a model asks for."""
    from dvt.core.ports.engines import EngineContext

    default = computes.named(context.compute).name

    def open_engine(asked: str | None) -> Engine:
        compute = computes.named(context.compute or asked)
        made = EngineContext(
            run=operation.run,
            scratch=_scratch(compute, operation),
            duckdb=shared,
            default=compute.name == default,
        )
        return compute.engine(compute.name, compute.settings, made)

    return open_engine


def make_instance(compute: Compute, operation: Operation) -> MemoryInstance:
    """The DuckDB instance that sources are read through, with the limits that the default compute sets."""
    from dvt.config.computes import ENGINES
    from dvt.core.ports.engines import DuckDBLimits
    from dvt.drivers.duckdb import MemoryInstance

    limits = compute.settings.duckdb if compute.kind in ENGINES else DuckDBLimits()
    spill = _scratch(compute, operation)
    return MemoryInstance(memory_limit=limits.memory, threads=limits.threads, spill=spill)


def spill_parents(computes: Computes) -> list[Path]:
    """The folders of computes.yml that a run may spill to."""
    from dvt.config.computes import ENGINES

    known = [compute for compute in computes.entries.values() if compute.kind in ENGINES]
    folders = (compute.settings.spill for compute in known)
    return [folder for folder in dict.fromkeys(folders) if folder]


def _scratch(compute: Compute, operation: Operation) -> Path:
    """A folder of the run's own, below the one that the compute's settings name, if they do."""
    from dvt.config.computes import ENGINES
    from dvt.drivers.disk import private_folder
    from dvt.runs.operations import spill_folder
    from dvt.staging.paths import escaped

    folder = operation.scratch / "spill" / escaped(compute.name)
    if compute.kind in ENGINES and compute.settings.spill:
        folder = spill_folder(compute.settings.spill, operation.run) / escaped(compute.name)
    private_folder(folder)
    return folder
