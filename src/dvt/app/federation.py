"""Makes a run's Federator from connectors, engines and the run's folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dvt.core.ports.bridge import Federator, RunContext


def make_federator(context: RunContext) -> Federator:  # noqa: PLR0915 - imports, and one step for each part
    """Make a run's Federator (implements `core.ports.bridge.FederatorFactory`). No connection is opened."""
    from datetime import UTC, datetime
    from functools import partial

    from dvt.app.buckets import bucket_finder, bucket_namer, make_forecast, staging_opener
    from dvt.app.connectors import connector_opener, database_reader, seed_reader, type_reader
    from dvt.app.engines import engine_opener, make_instance, make_speaker, spill_parents
    from dvt.app.identities import resumable_connections
    from dvt.app.runs import begin_run
    from dvt.app.transfers import RunTransfers
    from dvt.config.buckets import load_buckets
    from dvt.config.computes import load_computes
    from dvt.federation.buckets import RunBuckets
    from dvt.federation.connections import Connections
    from dvt.federation.engines import Engines
    from dvt.federation.federate import RunFederator
    from dvt.federation.kept import KeptTables
    from dvt.federation.planning import Planning
    from dvt.federation.resources import RunResources

    started_at = datetime.now(UTC)
    computes = load_computes(context.profile, context.profiles_dir)
    compute = computes.get(context.compute)
    buckets = load_buckets(context.profile, context.profiles_dir, project_dir=context.project_dir)
    name_of = bucket_namer(context, buckets)
    run = begin_run(
        context.project_dir,
        partial(context.reporter.notice, ""),
        bucket_at=bucket_finder(context, buckets),
        spill=spill_parents(computes),
    )
    try:
        shared = make_instance(compute, run.operation)
    except BaseException:
        run.abandon()
        raise
    warn = partial(context.reporter.notice, "")
    transfers = RunTransfers(buckets, name_of(""), context.project_dir)
    scratch = run.operation.scratch
    connections = Connections(
        connector_opener(context.outputs, context.project_dir, shared, scratch, warn, transfers=transfers),
        type_reader(context.outputs),
        database_reader(context.outputs),
    )
    staged = RunBuckets(name_of, staging_opener(context, buckets, run.operation))
    transfers.staged = staged
    resumable = resumable_connections(context, started_at)
    speaker = make_speaker(shared, run.operation, started_at)

    def release() -> None:
        speaker.close()
        shared.close()

    return RunFederator(
        RunResources(
            connections=connections,
            engines=Engines(
                engine_opener(
                    context, computes, shared, run.operation, started_at, hadoop_jars=buckets.hadoop_jars
                )
            ),
            planning=Planning(connections, started_at, {speaker.dialect: speaker}),
            buckets=staged,
            kept=KeptTables(staged, shared.cursor, refresh=context.full_refresh),
            operation=run.operation,
            leftovers=run.leftovers,
            reporter=context.reporter,
            seeds=seed_reader(shared, run.operation.scratch),
            resumable=resumable,
            forecast=make_forecast(context, buckets, name_of, resumable),
            release=release,
        )
    )
