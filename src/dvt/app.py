"""Who wires: the only file that opens connectors and engines, and hands them to a run.

What only a federated run needs is imported when there is one: a plain dbt project starts as quickly as
under dbt.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dvt.config.computes import Computes, DuckDBCompute, SparkCompute
    from dvt.core.ports.bridge import Federator, RunContext
    from dvt.core.ports.connectors import Connector
    from dvt.core.ports.engines import Engine
    from dvt.core.ports.staging import Bucket
    from dvt.drivers.duckdb import MemoryInstance
    from dvt.staging.shared import Staging

_BUCKET = {"type": "filesystem", "path": ".dvt/staging"}
"""Where a project's runs stage their data."""


class dvtRunner:  # noqa: N801 - named as dbt's dbtRunner is
    """Runs dvt commands from Python, as often as one likes: `dvtRunner().invoke(["run"])`."""

    def __init__(self, manifest: Any = None, callbacks: list[Callable[[Any], None]] | None = None) -> None:
        self.manifest = manifest
        self.callbacks = callbacks if callbacks is not None else []

    def invoke(self, args: list[str], **kwargs: Any) -> Any:
        """One command: dbt's `dbtRunnerResult`, with the same success, result and exception."""
        from dvt.dbt_bridge.invoke import invoke

        return invoke(args, make_federator, self.manifest, self.callbacks, kwargs)


def main(args: Sequence[str], examples: Mapping[str, str]) -> None:
    """Run one command of the command line; ends the process with dbt's exit code."""
    from dvt.dbt_bridge.invoke import run_cli

    run_cli(args, make_federator, examples)


def help_of(command: Sequence[str], examples: Mapping[str, str]) -> str | None:
    """A command's help as dbt tells it, dvt's flags and examples included; None when there is no such."""
    from dvt.dbt_bridge.invoke import help_text

    return help_text(command, make_federator, examples)


def make_federator(context: RunContext) -> Federator:
    """A run's Federator (`core.ports.bridge.FederatorFactory`): on record, with nothing connected yet."""
    from datetime import UTC, datetime

    from dvt.config.computes import load_computes
    from dvt.drivers.disk import own_folder
    from dvt.federation.connections import Connections
    from dvt.federation.engines import Engines
    from dvt.federation.federate import RunFederator, Workshop
    from dvt.federation.leftovers import Leftovers
    from dvt.federation.planning import Planning
    from dvt.runs import operations
    from dvt.staging.shared import Staging

    computes = load_computes(context.profile, context.profiles_dir)
    name, compute = computes.named(context.compute)
    home = own_folder(context.project_dir / ".dvt")
    bucket = _bucket(context)
    leftovers = Leftovers(list(operations.dead(home / "operations")), bucket)
    operation = operations.begin(home / "operations", spill=_spill_parents(computes))
    staging = Staging(bucket, operation.run, keep=context.keep_staging)
    try:
        shared = _instance(name, compute, operation.run, staging)
    except BaseException:
        Staging(bucket, operation.run).close()
        operation.close()
        raise
    connections = Connections(_connector_opener(context, shared))
    workshop = Workshop(
        connections=connections,
        engines=Engines(_engine_opener(context, computes, shared, operation.run, staging)),
        planning=Planning(connections, datetime.now(UTC)),
        staging=staging,
        operation=operation,
        leftovers=leftovers,
        reporter=context.reporter,
        release=shared.close,
    )
    return RunFederator(workshop)


def _bucket(context: RunContext) -> Bucket:
    from dvt.buckets import BUCKETS
    from dvt.core.ports.staging import BucketContext

    bucket: Bucket = BUCKETS.load(_BUCKET["type"])(
        "staging", _BUCKET, BucketContext(project_dir=context.project_dir)
    )
    return bucket


def _connector_opener(context: RunContext, instance: MemoryInstance) -> Callable[[str], Connector]:
    from dvt.connectors import CONNECTORS
    from dvt.core.errors import BadOutput
    from dvt.core.ports.connectors import ConnectorContext

    def open_connector(name: str) -> Connector:
        settings = dict(context.outputs.output(name))
        limit = _limit(name, settings)
        kind = str(settings.get("type", ""))
        if kind not in CONNECTORS:
            known = ", ".join(sorted(CONNECTORS))
            raise BadOutput(name, kind, "dvt moves no data from or to this type", f"it does for: {known}")
        made = ConnectorContext(duckdb=instance, project_dir=context.project_dir, limit=limit)
        connector: Connector = CONNECTORS.load(kind)(name, settings, made)
        return connector

    return open_connector


def _limit(name: str, settings: dict[str, Any]) -> int:
    """How many connections an output may have: a key of every type's, which no connector sees."""
    from dvt.core.errors import BadOutput
    from dvt.core.ports.connectors import CONNECTIONS

    said = settings.pop("max_connections", CONNECTIONS)
    if not isinstance(said, int) or isinstance(said, bool) or said < 1:
        kind = str(settings.get("type", ""))
        raise BadOutput(name, kind, "max_connections should be a whole number from 1 up")
    return said


def _engine_opener(
    context: RunContext, computes: Computes, shared: MemoryInstance, run: str, staging: Staging
) -> Callable[[str | None], Engine]:
    """The run's default compute works in the instance that the scanners read through."""
    from dvt.core.errors import EngineMissing
    from dvt.engines import ENGINES

    default, _ = computes.named(context.compute)

    def open_engine(asked: str | None) -> Engine:
        name, compute = computes.named(context.compute or asked)
        if compute.type not in ENGINES:
            raise EngineMissing(name, compute.type, ENGINES)
        kind = ENGINES.load(compute.type)
        own = None if name == default else _instance(name, compute, run, staging)
        engine: Engine = kind(own, own.close) if own else kind(shared)
        return engine

    return open_engine


def _instance(name: str, compute: DuckDBCompute | SparkCompute, run: str, staging: Staging) -> MemoryInstance:
    from dvt.drivers.disk import private_folder
    from dvt.drivers.duckdb import MemoryInstance
    from dvt.runs.operations import spill_folder
    from dvt.staging.paths import escaped

    if compute.type != "duckdb":
        return MemoryInstance(spill=Path(staging.spill(name)))
    folder = Path(staging.spill(name))
    if compute.temp_directory:
        folder = spill_folder(Path(compute.temp_directory), run) / escaped(name)
        private_folder(folder)
    return MemoryInstance(memory_limit=compute.memory_limit, threads=compute.threads, spill=folder)


def _spill_parents(computes: Computes) -> list[Path]:
    asked = [one.temp_directory for one in computes.entries.values() if one.type == "duckdb"]
    return [Path(folder) for folder in dict.fromkeys(asked) if folder]
