"""The order of an enum's labels is kept on its way from a PostgreSQL server into a model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dvt.core.names import TableRef
from dvt.core.requests import Translate
from dvt.drivers.duckdb import FILES
from tests.acceptance.federating import Workspace
from tests.databases.postgres import PostgreSQL

pytestmark = pytest.mark.slow

LABELS = ("small", "medium", "large", "it's huge")
"""Labels of the enum, in an order that is not the alphabet's."""


class ServerWorkspace(Workspace):
    """A workspace with a PostgreSQL output `pg`."""

    server: PostgreSQL

    def ref(self, connection: str, table: str) -> TableRef:
        if connection == "pg":
            return replace(self.server.table(table), connection="pg")
        return super().ref(connection, table)


@pytest.fixture
def workspace(tmp_path: Path, postgres: PostgreSQL) -> Iterator[ServerWorkspace]:
    workspace = ServerWorkspace(tmp_path)
    workspace.server = postgres
    workspace.outputs["pg"] = postgres.settings()
    workspace.duckdb("wh")
    listed = ", ".join("'" + label.replace("'", "''") + "'" for label in LABELS)
    postgres.execute(
        "DROP TABLE IF EXISTS shirts",
        "DROP TYPE IF EXISTS size",
        f"CREATE TYPE size AS ENUM ({listed})",
        "CREATE TABLE shirts (id int, size size, other text)",
        "INSERT INTO shirts SELECT place, label, reverse(label::text)"
        f" FROM unnest(ARRAY[{listed}]::size[]) WITH ORDINALITY AS t (label, place)",
        "INSERT INTO shirts VALUES (9, NULL, NULL)",
    )
    yield workspace
    FILES.close()


SHARED = (
    "SELECT id FROM {shirts} WHERE size <= 'medium'",
    "SELECT id FROM {shirts} WHERE NOT 'large' < size",
    "SELECT id FROM {shirts} WHERE size BETWEEN 'medium' AND 'it''s huge'",
    "SELECT id FROM {shirts} WHERE size IN ('large', 'small')",
    "SELECT max(size)::text AS top, min(size)::text AS low FROM {shirts}",
    "SELECT id, row_number() OVER (ORDER BY size DESC, id) AS place FROM {shirts} WHERE size IS NOT NULL",
    "SELECT x.id FROM (SELECT id, size AS s FROM {shirts}) AS x WHERE x.s > 'small'",
    "SELECT size::text AS size FROM {shirts} ORDER BY shirts.size LIMIT 2",
    "SELECT greatest(size, 'medium')::text AS g FROM {shirts} WHERE size IS NOT NULL",
    "SELECT id, size < 'large' AS is_less FROM {shirts}",
    "SELECT id FROM {shirts} WHERE size::text < 'large'",
    "SELECT id, size || '!' AS shout FROM {shirts}",
)
"""Queries that mean the same in both dialects."""
POSTGRES_ONLY = (
    "SELECT id, row_number() OVER (ORDER BY coalesce(size, 'medium'), id) AS place FROM {shirts}",
    "SELECT id, CASE WHEN id = 1 THEN size ELSE 'large' END < 'it''s huge' AS less FROM {shirts}",
)


@pytest.mark.parametrize("dialect", ["duckdb", "postgres"])
def test_a_model_compares_and_sorts_an_enum_as_its_server_does(
    workspace: ServerWorkspace, dialect: str
) -> None:
    queries = SHARED if dialect == "duckdb" else (*SHARED, *POSTGRES_ONLY)
    with workspace.run() as run:
        for number, query in enumerate(queries):
            sql = query.replace("{shirts}", "{pg.shirts} AS shirts")
            run.model(f"m{number}", sql, "wh", dialect=dialect, translate=Translate.BEST_EFFORT)
            expected = workspace.server.execute(query.replace("{shirts}", "shirts"))
            assert sorted(run.rows("wh", f"m{number}"), key=repr) == sorted(expected, key=repr), query


def test_a_duckdb_target_has_the_enum_and_a_server_a_warning(workspace: ServerWorkspace) -> None:
    class Publisher:
        def publish(self, _: Any) -> int:
            return -1

    with workspace.run() as run:
        run.model("kept", "SELECT size, other FROM {pg.shirts} AS t", "wh")
        assert run.reporter.notices == []
        assert workspace.query("wh", "SELECT size::VARCHAR FROM kept ORDER BY size NULLS LAST") == [
            *((label,) for label in LABELS),
            (None,),
        ]
        run.model("lost", "SELECT size, other FROM {pg.shirts} AS t", "pg", Publisher())
        ((code, message),) = [(notice.code, notice.message) for _, notice in run.reporter.notices]
        assert code == "DVT002"
        assert "size" in message
        assert "ordered as text" in message


def test_an_output_without_a_name_keeps_the_name_that_its_text_gives_it(workspace: ServerWorkspace) -> None:
    with workspace.run() as run:
        run.model("m", "SELECT size < 'large' FROM {pg.shirts} AS t", "wh")
        (column,) = workspace.query("wh", "DESCRIBE m")
        assert column[0] == "(size < 'large')"
