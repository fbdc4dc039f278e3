"""Hostile values of every type of PostgreSQL and MariaDB pass through Spark as through DuckDB."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dvt.core.types import StageType
from dvt.engines.spark.types import spark_type
from dvt.testing.databases import ReadCase
from tests.acceptance.project import Project
from tests.acceptance.spark import COMPUTES
from tests.acceptance.test_own_types import ARRIVE_AS_WKB, CASES, declared

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

COMPUTED_BY = {"spark_local": "spark", "duckdb": "duckdb"}
"""Compute → its dialect."""
FOLLOWS_DATA = "numeric(40,2)"
"""Type whose column on the target has a scale of dvt's own, so that not all of its values fit there."""


def is_held(case: ReadCase) -> bool:
    """True for a value that can be staged, of a type that Spark holds, and that fits the target's column."""
    is_endless = "infinity" in case.literal.lower() and case.stage.startswith(("DATE", "TIMESTAMP"))
    is_refused = case.error or is_endless or case.type in (*ARRIVE_AS_WKB, FOLLOWS_DATA)
    return not is_refused and spark_type(StageType.parse(case.stage)) is not None


def table_of(server: Any, kind: str) -> dict[str, ReadCase]:
    """Make a table with a column of every type on a server; return the cases by column."""
    cases = {f"c{number}": case for number, case in enumerate(filter(is_held, CASES[kind]))}
    table = server.quoted(server.table("every_type"))
    server.execute(
        f"DROP TABLE IF EXISTS {table}",
        f"CREATE TABLE {table} ({', '.join(f'{name} {declared(case)}' for name, case in cases.items())})",
        f"INSERT INTO {table} SELECT {', '.join(case.literal for case in cases.values())}",
    )
    return cases


def test_every_value_passes_through_spark_as_through_duckdb(
    databases: Callable[[str], Any], tmp_path: Path
) -> None:
    servers = {kind: databases(kind) for kind in ("postgres", "mariadb")}
    cases = {kind: table_of(server, kind) for kind, server in servers.items()}
    outputs = {
        f"{name}_{kind}": server.settings() for kind, server in servers.items() for name in ("of", "in")
    }
    outputs["warehouse"] = {"type": "duckdb", "path": str(tmp_path / "warehouse.duckdb")}
    project = Project(tmp_path, outputs, default="warehouse")
    project.file("computes.yml", COMPUTES)
    for kind, server in servers.items():
        project.source(kind, f"of_{kind}", ["every_type"], schema=server.table("every_type").schema)
        sql = f"SELECT {', '.join(cases[kind])} FROM {{{{ source('{kind}', 'every_type') }}}}"
        for compute, dialect in COMPUTED_BY.items():
            config = {"materialized": "table", "compute": compute, "dialect": dialect}
            project.model(f"{kind}_{compute}", sql, target=f"in_{kind}", **config)
            project.model(f"warehouse_{kind}_{compute}", sql, target="warehouse", **config)
    project.dvt("run", "--threads", "4").ok()
    for kind, server in servers.items():
        assert len(cases[kind]) > 60
        of_server = [_on(server, f"{kind}_{compute}") for compute in COMPUTED_BY]
        of_warehouse = [_warehouse(tmp_path, f"{kind}_{compute}") for compute in COMPUTED_BY]
        for by_spark, by_duckdb in (of_server, of_warehouse):
            assert sum(value is not None for value in by_spark) > 50
            values = zip(cases[kind].values(), by_spark, by_duckdb, strict=True)
            assert {case.id: (one, other) for case, one, other in values if one != other} == {}


def _on(server: Any, table: str) -> tuple[str | None, ...]:
    """Return the values of a server's table of one row as texts."""
    (row,) = server.as_text(server.table(table))
    return tuple(row)


def _warehouse(folder: Path, table: str) -> tuple[str | None, ...]:
    """Return those of a table of the warehouse."""
    with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as warehouse:
        (row,) = warehouse.execute(f"SELECT CAST(COLUMNS(*) AS VARCHAR) FROM warehouse_{table}").fetchall()
    return tuple(row)
