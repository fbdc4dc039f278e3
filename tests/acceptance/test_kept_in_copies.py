"""A copy on a target of the same product has the types of the table at home, and its values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dvt.drivers.duckdb import FILES
from dvt.testing.databases import ReadCase
from tests.acceptance.test_kept_types import ServersWorkspace
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


def test_a_copy_keeps_every_type_and_value(workspace: tuple[ServersWorkspace, Any]) -> None:
    outputs, server = workspace
    kind = outputs.outputs["there"]["type"]
    cases = [case for case in CASES[kind] if not case.error]
    if kind == "mariadb":
        cases = [case for case in cases if case.type not in ARRIVE_AS_WKB]
    columns = ", ".join(f"c{number} {declared(case)}" for number, case in enumerate(cases))
    values = ", ".join(case.literal for case in cases)
    home = server.table("every_type")
    table = server.quoted(home)
    server.execute(
        f"DROP TABLE IF EXISTS {table}",
        f"CREATE TABLE {table} ({columns})",
        f"INSERT INTO {table} SELECT {values}",
    )
    dialect = "postgres" if kind == "postgres" else "mysql"
    with outputs.run() as run:
        request = run.request(
            "m", "SELECT * FROM {there.every_type}", "here", dialect=dialect, compute="target"
        )
        with run.federator.copies(request) as copies:
            (copy,) = copies.tables.values()
            copy = replace(copy, schema=home.schema, database=home.database)
            names = [f"c{number}" for number in range(len(cases))]
            kept = [server.type_of(copy, name) for name in names]
            expected = [server.type_of(home, name) for name in names]
            ((*values_there,),), ((*values_here,),) = server.as_text(home), server.as_text(copy)
    there = zip(expected, values_there, strict=True)
    here = zip(kept, values_here, strict=True)
    differences = {a: b for a, b in zip(there, here, strict=True) if a != b}
    assert differences == CHANGED[kind]
