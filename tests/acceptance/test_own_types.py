"""Copies on a target of the same product, and what an engine computes for it, have its own types."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from dvt.core.names import TableRef
from dvt.drivers.duckdb import FILES
from dvt.testing.databases import ReadCase
from tests.acceptance.test_kept_types import InspectingPublisher, ServersWorkspace
from tests.databases import mariadb_types, postgres_types

pytestmark = pytest.mark.slow

CASES: dict[str, tuple[ReadCase, ...]] = {
    "postgres": (
        *postgres_types.NUMBERS,
        *postgres_types.DATES_AND_TIMES,
        *postgres_types.TEXTS,
        *postgres_types.LISTS,
    ),
    "mariadb": (
        *mariadb_types.INTEGERS,
        *mariadb_types.NUMBERS,
        *mariadb_types.DATES_AND_TIMES,
        *mariadb_types.TEXTS,
        *mariadb_types.OTHERS,
    ),
}
CHANGED: dict[str, dict[tuple[str, str], tuple[str, str]]] = {
    "postgres": {
        ("numeric", "1.5000000000000000000000000"): ("numeric", "1.5"),
        ("numeric[]", "{1.5,NULL}"): ("numeric[]", "{1.500000000000000000,NULL}"),
    },
    "mariadb": {},
}
"""Type and text at home → in the copy, of numbers whose scale is that of the staged decimal."""
DIALECTS = {"postgres": "postgres", "mariadb": "mysql"}
ARRIVE_AS_WKB = ("point", "geometry")
"""Types of MariaDB's whose copies are no geometries."""


@pytest.fixture(params=["postgres", "mariadb"])
def workspace(
    request: pytest.FixtureRequest, tmp_path: Path, databases: Any
) -> Iterator[tuple[ServersWorkspace, Any]]:
    workspace, server = ServersWorkspace(tmp_path), databases(request.param)
    workspace.servers = {"there": server, "here": server}
    for name in workspace.servers:
        workspace.outputs[name] = server.settings()
    yield workspace, server
    server.execute("DROP TABLE IF EXISTS every_type")
    FILES.close()


def declared(case: ReadCase) -> str:
    """Return the column's type; MariaDB's timestamps allow no NULL unless they say so."""
    return f"{case.type} null" if case.type.startswith("timestamp") else case.type


@pytest.fixture
def every_type(workspace: tuple[ServersWorkspace, Any]) -> tuple[TableRef, list[tuple[str, str | None]]]:
    """Make a table with a column of every type; return it, and type and text of each column."""
    outputs, server = workspace
    kind = outputs.outputs["there"]["type"]
    cases = [case for case in CASES[kind] if not case.error]
    if kind == "mariadb":
        cases = [case for case in cases if case.type not in ARRIVE_AS_WKB]
    columns = ", ".join(f"c{number} {declared(case)}" for number, case in enumerate(cases))
    home = server.table("every_type")
    table = server.quoted(home)
    server.execute(
        f"DROP TABLE IF EXISTS {table}",
        f"CREATE TABLE {table} ({columns})",
        f"INSERT INTO {table} SELECT {', '.join(case.literal for case in cases)}",
    )
    return home, typed_texts(server, home, len(cases))


def typed_texts(server: Any, table: TableRef, columns: int) -> list[tuple[str, str | None]]:
    """Return type and text of the columns c0, c1, … of a table of one row."""
    ((*texts,),) = server.as_text(table)
    return list(zip((server.type_of(table, f"c{number}") for number in range(columns)), texts, strict=True))


def differences(
    there: list[tuple[str, str | None]], here: list[tuple[str, str | None]]
) -> dict[tuple[str, str | None], tuple[str, str | None]]:
    return {a: b for a, b in zip(there, here, strict=True) if a != b}


def test_a_copy_keeps_every_type_and_value(
    workspace: tuple[ServersWorkspace, Any], every_type: tuple[TableRef, list[tuple[str, str | None]]]
) -> None:
    (outputs, server), (home, there) = workspace, every_type
    kind = outputs.outputs["there"]["type"]
    with outputs.run() as run:
        request = run.request(
            "m", "SELECT * FROM {there.every_type}", "here", dialect=DIALECTS[kind], compute="target"
        )
        with run.federator.copies(request) as copies:
            (copy,) = copies.tables.values()
            here = typed_texts(server, replace(copy, schema=home.schema, database=home.database), len(there))
    assert differences(there, here) == CHANGED[kind]


def test_the_engine_passes_every_type_and_value_on(
    workspace: tuple[ServersWorkspace, Any], every_type: tuple[TableRef, list[tuple[str, str | None]]]
) -> None:
    (outputs, server), (_, there) = workspace, every_type
    kind = outputs.outputs["there"]["type"]
    publisher = InspectingPublisher(server)
    with outputs.run() as run:
        run.model(
            "m",
            "SELECT q.* FROM (SELECT * FROM {there.every_type}) AS q",
            "here",
            publisher,
            dialect=DIALECTS[kind],
            compute="duckdb",
        )
    here = list(zip(publisher.types.values(), *publisher.rows, strict=True))
    assert differences(there, here) == CHANGED[kind]


@pytest.mark.parametrize("compute", ["target", "duckdb"])
def test_a_missing_moment_stays_missing_where_timestamps_have_defaults(
    tmp_path: Path, mariadb: Any, compute: str
) -> None:
    """Before 10.10, and by a setting after it, MariaDB makes NULL in a bare timestamp the current time."""
    outputs = ServersWorkspace(tmp_path)
    outputs.servers = {"there": mariadb, "here": mariadb}
    for name in outputs.servers:
        outputs.outputs[name] = mariadb.settings()
    mariadb.execute(
        "DROP TABLE IF EXISTS visits",
        "CREATE TABLE visits (id int, at timestamp(3) NULL)",
        "INSERT INTO visits VALUES (1, NULL)",
        "SET GLOBAL explicit_defaults_for_timestamp = OFF",
    )
    publisher = InspectingPublisher(mariadb)
    request = {"dialect": "mysql", "compute": compute}
    try:
        with outputs.run() as run:
            if compute == "target":
                node = run.request("m", "SELECT id, at FROM {there.visits}", "here", **request)
                with run.federator.copies(node) as copies:
                    (copy,) = copies.tables.values()
                    publisher.rows = mariadb.as_text(
                        replace(mariadb.table("visits"), identifier=copy.identifier)
                    )
            else:
                run.model("m", "SELECT id, at FROM {there.visits}", "here", publisher, **request)
    finally:
        mariadb.execute("SET GLOBAL explicit_defaults_for_timestamp = ON", "DROP TABLE visits")
    assert list(publisher.rows) == [("1", None)]
    FILES.close()


THINGS = (
    """
    CREATE TABLE things (
        id int PRIMARY KEY, code char(4), label varchar(12), price numeric(12,4), total numeric, tags text[],
        meta jsonb, seen timestamp(3), big bigint, small smallint
    )
    """,
    """
    INSERT INTO things
    VALUES (1, 'ab', 'one', 12.5, 1.25, '{a,b}', '{"k": 1}', '2024-02-29 10:00:00.5', 7, 3)
    """,
)
COMPUTED = (
    "SELECT * FROM things",
    "SELECT q.code, q.tags, q.meta, q.seen FROM (SELECT * FROM things) AS q",
    "WITH q AS (SELECT label AS l, price AS p FROM things) SELECT a.l, b.p FROM q a JOIN q b ON a.p = b.p",
    "SELECT price * 2 AS twice, price / 3 AS third, price + total AS added FROM things",
    "SELECT price::numeric(8,1) AS a, (price * 2)::numeric(20,3) AS b, price::numeric AS c FROM things",
    "SELECT sum(price) AS s, max(price) AS m, avg(price) AS a, sum(big) AS b, sum(small) AS i FROM things",
    "SELECT coalesce(price, price) AS same, coalesce(price, 0) AS other FROM things",
    "SELECT CASE WHEN id = 1 THEN price ELSE price END, CASE WHEN id = 1 THEN price END AS b FROM things",
    "SELECT price AS p, label AS l FROM things UNION ALL SELECT price, label FROM things",
    "SELECT price AS p FROM things UNION ALL SELECT total FROM things",
    "SELECT u.p FROM (SELECT price AS p FROM things UNION SELECT price FROM things) AS u",
    "SELECT id, label FROM things JOIN (SELECT id, price FROM things) AS o USING (id)",
)


@pytest.mark.parametrize("sql", COMPUTED)
def test_what_the_engine_computes_has_the_types_of_postgres(tmp_path: Path, postgres: Any, sql: str) -> None:
    outputs = ServersWorkspace(tmp_path)
    outputs.servers = {"there": postgres, "here": postgres}
    for name in outputs.servers:
        outputs.outputs[name] = postgres.settings()
    postgres.execute("DROP TABLE IF EXISTS things, natively", *THINGS, f"CREATE TABLE natively AS {sql}")
    publisher = InspectingPublisher(postgres)
    with outputs.run() as run:
        run.model(
            "m",
            sql.replace("things", "{there.things}"),
            "here",
            publisher,
            dialect="postgres",
            compute="duckdb",
        )
    natively = postgres.table("natively")
    assert publisher.types == {name: postgres.type_of(natively, name) for name in publisher.types}
    assert _as_numbers(publisher.rows) == _as_numbers(postgres.as_text(natively))
    FILES.close()


def _as_numbers(rows: list[tuple[str | None, ...]]) -> list[list[Any]]:
    """Read decimals, since a staged decimal has zeros behind its last digit."""
    return [
        [Decimal(text) if re.fullmatch(r"-?\d+\.\d+", text or "") else text for text in row] for row in rows
    ]


def test_a_column_of_another_product_is_loaded_as_in_a_copy(tmp_path: Path, postgres: Any) -> None:
    outputs = ServersWorkspace(tmp_path)
    outputs.servers = {"here": postgres}
    outputs.outputs["here"] = postgres.settings()
    outputs.duckdb("wh", "CREATE TABLE prices AS SELECT 1.5::DECIMAL(12,4) AS price, 2::DECIMAL(9,1) AS rate")
    sql = "SELECT p.price, p.price * 2 AS twice, coalesce(p.price, p.rate) AS one FROM {wh.prices} AS p"
    publisher = InspectingPublisher(postgres)
    with outputs.run() as run:
        run.model("m", sql, "here", publisher, dialect="postgres", compute="duckdb")
    assert publisher.types == {"price": "numeric(12,4)", "twice": "numeric", "one": "numeric"}
    FILES.close()
