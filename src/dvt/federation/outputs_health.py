"""Tests an output by what a run does there: it is connected to, and a stage table is filled and dropped."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from dvt.core.errors import DvtError, QueryFailed
from dvt.core.names import TableRef
from dvt.core.plan import Load
from dvt.core.ports.connectors import CanLoad, Connector, HasParts, HasServerFacts, Job, Part, ServerFacts
from dvt.core.ports.staging import Dataset, Sink
from dvt.core.ports.transfers import HasRoutes
from dvt.core.queries import ExtractedColumn, SourceQuery
from dvt.core.tables import Column
from dvt.core.types import INTEGER
from dvt.runs.operations import Operation
from dvt.staging.housekeeping.health import Check, Status, failed_check

CONNECT, READ, LOAD = "connect", "read", "load"


@dataclass(frozen=True, slots=True)
class OutputHealth:
    """How an output does."""

    checks: tuple[Check, ...]
    version: str = ""
    """The database's product and version; empty if it was not told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What an output is tested with."""

    stage: TableRef
    """A name for a stage table in the output's schema."""
    dataset: Dataset
    """Some rows to fill it with."""
    new_sink: Callable[[], Sink]
    """Makes what takes an answer."""
    operation: Operation
    """Has the stage table on its record while that may exist."""
    is_target: bool
    """Nothing is written to an output that is not: it may be others' database."""
    schemas: tuple[str, ...] = ()
    """Schemas of sources that are in it."""


def examine_output(connector: Connector, trial: Trial) -> OutputHealth:
    """Test an output, as far as what it needs is there."""
    stage, is_target = trial.stage, trial.is_target
    parts = [_of_part(part) for part in connector.parts()] if isinstance(connector, HasParts) else []
    if not all(part.status.works for part in parts):
        return OutputHealth((*parts, Check(CONNECT, Status.SKIP, "what it needs is not there")))
    begin = time.monotonic()
    if not isinstance(connector, HasServerFacts):
        reason = "there is nothing to connect to: what can be read shows when a source of it is"
        return OutputHealth((Check(CONNECT, Status.SKIP, reason),))
    try:
        facts = connector.server_facts(stage.schema)
    except DvtError as error:
        return OutputHealth((*parts, failed_check(CONNECT, error)))
    checks = [*parts, Check(CONNECT, Status.OK, seconds=time.monotonic() - begin)]
    checks += _privileges(facts, is_target=is_target and isinstance(connector, CanLoad))
    checks += [check for schema in trial.schemas for check in _of_sources(connector, schema)]
    if isinstance(connector, HasRoutes):
        checks.append(_unloading(connector, connector, trial))
    if isinstance(connector, CanLoad) and not is_target:
        reason = f"not tried, since it is not the target: dvt debug --target {stage.connection}"
        checks.append(Check(LOAD, Status.SKIP, reason))
    elif isinstance(connector, CanLoad):
        loaded = _loading(connector, facts, trial)
        is_told = any(check.status is Status.FAIL and check.fix for check in checks)
        # The GRANT of a privilege that is lacking says more than the error that follows from it.
        checks.append(replace(loaded, fix="") if is_told else loaded)
        if connector.capabilities.loads_slowly:
            checks.append(Check("speed of loads", Status.WARN, connector.capabilities.loads_slowly))
    else:
        checks.append(Check(LOAD, Status.SKIP, "dvt reads outputs of this type, and loads nothing into them"))
    return OutputHealth(tuple(checks), facts.version)


def _privileges(facts: ServerFacts, *, is_target: bool) -> list[Check]:
    """Return what the user may not do, each with what grants it; or that nothing is missing."""
    asked = [privilege for privilege in facts.privileges if is_target or not privilege.is_for_loads]
    missing = [
        Check(
            "privilege",
            Status.FAIL if privilege.is_needed else Status.WARN,
            f"the user lacks {privilege.name}",
            fix=privilege.remedy,
        )
        for privilege in asked
        if not privilege.is_held
    ]
    return missing or ([Check("privileges", Status.OK)] if asked else [])


def _of_sources(connector: HasServerFacts, schema: str) -> list[Check]:
    """Return what keeps the user from reading a schema that sources are in; or that nothing does."""
    what = f"sources in {schema}"
    try:
        facts = connector.server_facts(schema)
    except DvtError as error:
        return [failed_check(what, error)]
    if not facts.has_schema:
        return [Check(what, Status.FAIL, "the schema is not there, or the user may not see it")]
    checks = [replace(check, what=what) for check in _privileges(facts, is_target=False)]
    return checks or [Check(what, Status.OK, "the schema is there")]


def _unloading(connector: Connector, routes: HasRoutes, trial: Trial) -> Check:
    """Return whether an answer of one row arrives by the way that much data takes."""
    extracted = ExtractedColumn(name="c0", column=Column(name="n", native="integer", stage=INTEGER))
    query = SourceQuery(
        alias="dvt_debug",
        connection=trial.stage.connection,
        tables=(),
        select=("n AS c0",),
        source=("(SELECT 1 AS n) AS q",),
        columns=(extracted,),
        rows=1,
        model="dvt debug",
    )
    begin = time.monotonic()
    try:
        route = routes.read_route(query)
        if route.is_fallback:
            return Check(READ, Status.WARN, f"by {route}", fix="add a bucket to buckets.yml that it reaches")
        arrived: list[int | None] = []
        with connector.snapshot() as snapshot:
            job = Job(query, trial.new_sink())
            snapshot.extract([job], lambda _, dataset: arrived.append(dataset.rows))
        if arrived != [1]:
            problem = f"{arrived} rows of 1 arrived"
            raise QueryFailed(trial.stage.connection, "reading a row", problem)
    except DvtError as error:
        return failed_check(READ, error)
    return Check(READ, Status.OK, f"by {route}", seconds=time.monotonic() - begin)


def _of_part(part: Part) -> Check:
    if part.error is not None:
        return failed_check(part.name, part.error)
    return Check(part.name, Status.OK, part.detail)


def _loading(connector: CanLoad, facts: ServerFacts, trial: Trial) -> Check:
    stage, dataset, operation = trial.stage, trial.dataset, trial.operation
    if not facts.has_schema:
        return _without_schema(facts, stage.schema)
    begin = time.monotonic()
    try:
        load = Load(stage=stage, columns=connector.columns(dataset.columns))
        operation.will_make(stage)
        try:
            rows = connector.fill(load, dataset)
        finally:
            connector.drop(stage)
            operation.is_gone(stage)
        if rows != dataset.rows:
            problem = f"{rows} of {dataset.rows} rows arrived"
            raise QueryFailed(stage.connection, f"filling {stage}", problem)
    except DvtError as error:
        return failed_check(LOAD, error)
    way = f"by {connector.load_route(None, None)}" if isinstance(connector, HasRoutes) else ""
    return Check(LOAD, Status.OK, way, seconds=time.monotonic() - begin)


def _without_schema(facts: ServerFacts, name: str | None) -> Check:
    schema = f"schema {name!r}" if name else "the output's schema"
    if facts.may_create_schema is False:
        detail = f"{schema} is not there, and this user may not create it"
        fix = "create it, or let this user: GRANT CREATE ON DATABASE"
        return Check(LOAD, Status.FAIL, detail, fix=fix)
    return Check(LOAD, Status.SKIP, f"{schema} is not there yet; dbt creates it in its first run")
