"""Wires compute engines: each is made from its entry of computes.yml, when the first node asks for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dvt.config.computes import Computes, DuckDBCompute, SparkCompute
    from dvt.core.ports.bridge import RunContext
    from dvt.core.ports.engines import Engine
    from dvt.drivers.duckdb import MemoryInstance
    from dvt.runs.operations import Operation


def engine_opener(
    context: RunContext, computes: Computes, shared: MemoryInstance, operation: Operation
) -> Callable[[str | None], Engine]:
    """A function that makes the engine of a compute; the default one works in the scanners' instance."""
    from dvt.core.errors import EngineMissing
    from dvt.engines import ENGINES

    default, _ = computes.named(context.compute)

    def open_engine(asked: str | None) -> Engine:
        name, compute = computes.named(context.compute or asked)
        if compute.type not in ENGINES:
            raise EngineMissing(name, compute.type, ENGINES)
        kind = ENGINES.load(compute.type)
        own = None if name == default else make_instance(name, compute, operation)
        engine: Engine = kind(own, own.close) if own else kind(shared)
        return engine

    return open_engine


def make_instance(name: str, compute: DuckDBCompute | SparkCompute, operation: Operation) -> MemoryInstance:
    """The DuckDB instance of a compute, with its limits and a place to spill to."""
    from dvt.drivers.disk import private_folder
    from dvt.drivers.duckdb import MemoryInstance
    from dvt.runs.operations import spill_folder
    from dvt.staging.paths import escaped

    folder = operation.scratch / "spill" / escaped(name)
    if compute.type == "duckdb" and compute.temp_directory:
        folder = spill_folder(Path(compute.temp_directory), operation.run) / escaped(name)
    private_folder(folder)
    if compute.type != "duckdb":
        return MemoryInstance(spill=folder)
    return MemoryInstance(memory_limit=compute.memory_limit, threads=compute.threads, spill=folder)


def spill_parents(computes: Computes) -> list[Path]:
    """The folders of computes.yml that a run may spill to."""
    folders = [entry.temp_directory for entry in computes.entries.values() if entry.type == "duckdb"]
    return [Path(folder) for folder in dict.fromkeys(folders) if folder]
