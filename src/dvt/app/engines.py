"""Makes compute engines from their entries in computes.yml, when the first node needs them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from dvt.config.computes import Compute, Computes
    from dvt.core.ports.bridge import RunContext
    from dvt.core.ports.engines import Engine
    from dvt.drivers.duckdb import MemoryInstance
    from dvt.runs.operations import Operation


def engine_opener(
    context: RunContext,
    computes: Computes,
    shared: MemoryInstance,
    operation: Operation,
    started_at: datetime,
    *,
    hadoop_jars: Sequence[str],
) -> Callable[[str | None], Engine]:
    """Return a function that makes an engine, given the compute that a model's config names, if any.

    --compute overrides the models' configs.
    """
    from dvt.core.ports.engines import EngineContext

    default = computes.get(context.compute).name

    def open_engine(name: str | None) -> Engine:
        compute = computes.get(context.compute or name)
        engine_context = EngineContext(
            run=operation.run,
            scratch=_scratch(compute, operation),
            duckdb=shared,
            started_at=started_at,
            report=context.reporter.progress,
            default=compute.name == default,
            hadoop_jars=hadoop_jars,
        )
        return compute.engine(compute.name, compute.settings, engine_context)

    return open_engine


def make_speaker(shared: MemoryInstance, operation: Operation, started_at: datetime) -> Engine:
    """Make an engine that binds models in DuckDB's SQL which another engine computes."""
    from dvt.config.computes import ENGINES
    from dvt.core.ports.engines import EngineContext

    kind: type[Engine] = ENGINES.load("duckdb")
    context = EngineContext(
        run=operation.run, scratch=operation.scratch, duckdb=shared, started_at=started_at, default=True
    )
    return kind("duckdb", kind.settings(), context)


def make_instance(compute: Compute, operation: Operation) -> MemoryInstance:
    """Make the DuckDB instance that reads sources, with the limits of the default compute."""
    from dvt.config.computes import ENGINES
    from dvt.core.ports.engines import DuckDBLimits
    from dvt.drivers.duckdb import MemoryInstance

    limits = compute.settings.duckdb if compute.kind in ENGINES else DuckDBLimits()
    spill = _scratch(compute, operation)
    return MemoryInstance(memory_limit=limits.memory, threads=limits.threads, spill=spill)


def spill_parents(computes: Computes) -> list[Path]:
    """Return the folders in computes.yml that a run may spill to."""
    from dvt.config.computes import ENGINES

    usable = [compute for compute in computes.entries.values() if compute.kind in ENGINES]
    folders = (compute.settings.spill for compute in usable)
    return [folder for folder in dict.fromkeys(folders) if folder]


def _scratch(compute: Compute, operation: Operation) -> Path:
    """Make the run's own folder for a compute's files, below the folder in its settings if they have one."""
    from dvt.config.computes import ENGINES
    from dvt.drivers.disk import private_folder
    from dvt.runs.operations import spill_folder
    from dvt.staging.paths import escaped

    folder = operation.scratch / "spill" / escaped(compute.name)
    if compute.kind in ENGINES and compute.settings.spill:
        folder = spill_folder(compute.settings.spill, operation.run) / escaped(compute.name)
    private_folder(folder)
    return folder
