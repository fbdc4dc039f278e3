"""Tests an output by what a run does there: it is connected to, and a stage table is filled and dropped."""

from __future__ import annotations

import time
from dataclasses import dataclass

from dvt.core.errors import DvtError, QueryFailed
from dvt.core.names import TableRef
from dvt.core.plan import Load
from dvt.core.ports.connectors import CanLoad, Connector, HasParts, HasServerFacts, Part, ServerFacts
from dvt.core.ports.staging import Dataset
from dvt.runs.operations import Operation
from dvt.staging.housekeeping.health import Check, Status, failed_check

CONNECT, LOAD = "connect", "load"


@dataclass(frozen=True, slots=True)
class OutputHealth:
    """How an output does."""

    checks: tuple[Check, ...]
    version: str = ""
    """The database's product and version; empty if it was not told."""


def examine_output(
    connector: Connector, stage: TableRef, dataset: Dataset, operation: Operation, *, is_target: bool
) -> OutputHealth:
    """Test an output; `stage` is a name for a stage table in its schema, `dataset` some rows to fill it with.

    Nothing is written to one that is not the target: it may be others' database. The stage table is on the
    operation's record while it may exist.
    """
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
    if isinstance(connector, CanLoad) and not is_target:
        reason = f"not tried, since it is not the target: dvt debug --target {stage.connection}"
        checks.append(Check(LOAD, Status.SKIP, reason))
    elif isinstance(connector, CanLoad):
        checks.append(_loading(connector, facts, stage, dataset, operation))
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


def _of_part(part: Part) -> Check:
    if part.error is not None:
        return failed_check(part.name, part.error)
    return Check(part.name, Status.OK, part.detail)


def _loading(
    connector: CanLoad, facts: ServerFacts, stage: TableRef, dataset: Dataset, operation: Operation
) -> Check:
    if not facts.has_schema:
        return _without_schema(facts, stage.schema or "")
    begin = time.monotonic()
    load = Load(stage=stage, columns=connector.columns(dataset.columns))
    try:
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
    return Check(LOAD, Status.OK, seconds=time.monotonic() - begin)


def _without_schema(facts: ServerFacts, schema: str) -> Check:
    if facts.may_create_schema is False:
        detail = f"schema {schema!r} is not there, and this user may not create it: GRANT CREATE ON DATABASE"
        return Check(LOAD, Status.FAIL, detail)
    return Check(LOAD, Status.SKIP, f"schema {schema!r} is not there yet; dbt creates it in its first run")
