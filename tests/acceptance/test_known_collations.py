"""Text of a collation that is not binary is known on every database, and warned of where it matters."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dvt.core.errors import ComparingUnsupported
from dvt.core.places import Place
from dvt.core.requests import TextComparison
from dvt.drivers.duckdb import FILES
from tests.acceptance.federating import Run, Workspace
from tests.acceptance.test_kept_order import ServerWorkspace
from tests.databases.postgres import PostgreSQL

pytestmark = pytest.mark.slow

WORDS = (
    "ann",
    "Ann",
    "ANN",
    "bob",
    "Bob ",
    "bob  ",
    "zoë",
    "zoe",
    "ZOË",
    "_x",
    "[x",
    "",
    " ",
    "\t",
    "ann\0b",
)
"""Texts that the collations compare in different ways."""


def warned(run: Run) -> list[str]:
    """Return the messages of DVT025, and forget them."""
    messages = [notice.message for _, notice in run.reporter.notices if notice.code == "DVT025"]
    run.reporter.notices.clear()
    return messages


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[Workspace]:
    """A workspace with an SQLite file `lite`, a DuckDB file `duck` and a target `wh`."""
    workspace = Workspace(tmp_path)
    listed = ", ".join(f"({number}, ?, ?, ?)" for number in range(len(WORDS)))
    values = [word for word in WORDS for _ in range(3)]
    with closing(sqlite3.connect(tmp_path / "lite.db")) as lite:
        lite.execute(
            "CREATE TABLE people (id INTEGER PRIMARY KEY, n TEXT COLLATE NOCASE, r TEXT COLLATE RTRIM,"
            " b TEXT)"
        )
        lite.execute("CREATE INDEX by_name ON people (n)")
        lite.execute("CREATE VIEW seen AS SELECT id, n AS name, b || '' AS bytes FROM people")
        lite.execute(f"INSERT INTO people VALUES {listed}", values)
        lite.commit()
    workspace.outputs["lite"] = {"type": "sqlite", "path": str(tmp_path / "lite.db")}
    workspace.duckdb(
        "duck",
        "CREATE TABLE people (id INTEGER, n VARCHAR COLLATE NOCASE,"
        ' "a ""x" VARCHAR COLLATE NOCASE.NOACCENT, b VARCHAR)',
        "CREATE VIEW seen AS SELECT id, n AS name, upper(b) AS bytes FROM people",
    )
    with duckdb.connect(str(tmp_path / "duck.duckdb")) as duck:
        duck.execute(f"INSERT INTO people VALUES {listed}", values)
    workspace.duckdb("wh")
    yield workspace
    FILES.close()


@pytest.mark.parametrize(
    ("table", "column", "collation"),
    [
        ("lite.people", "n", "sqlite nocase"),
        ("lite.people", "r", "sqlite rtrim"),
        ("lite.people", "b", None),
        ("lite.seen", "name", "sqlite nocase"),
        ("lite.seen", "bytes", None),
        ("duck.people", "n", "duckdb nocase"),
        ("duck.people", '"a ""x"', "duckdb nocase.noaccent"),
        ("duck.people", "b", None),
        ("duck.seen", "name", "duckdb nocase"),
        ("duck.seen", "bytes", None),
    ],
)
def test_a_column_with_a_collation_is_warned_of_where_it_is_compared(
    embedded: Workspace, table: str, column: str, collation: str | None
) -> None:
    with embedded.run() as run:
        for number, clause in enumerate(
            (f"WHERE {column} = 'ann'", f"ORDER BY {column}", f"GROUP BY {column}")
        ):
            shown = "count(*) AS n" if "GROUP" in clause else "id"
            run.model(f"m{number}", f"SELECT {shown} FROM {{{table}}} AS t {clause}", "wh")
            messages = warned(run)
            assert len(messages) == (collation is not None), clause
            assert all(f"({collation})" in message and "compared" in message for message in messages)
        run.model("read", f"SELECT id, {column} AS c FROM {{{table}}} AS t WHERE id > 3", "wh")
        assert warned(run) == []


QUERIES = (
    "SELECT id FROM {t} WHERE {c} = 'ANN'",
    "SELECT id FROM {t} WHERE {c} IN ('bob', 'zoë')",
    "SELECT id FROM {t} WHERE {c} < 'a'",
    "SELECT id FROM {t} WHERE {c} BETWEEN 'ANN' AND 'bob'",
    "SELECT min(id) AS id, count(*) AS n FROM {t} GROUP BY {c}",
    "SELECT count(DISTINCT {c}) AS n FROM {t}",
    "SELECT a.id, b.id AS other FROM {t} AS a JOIN {t} AS b ON a.{c} = b.{c}",
    "SELECT id, dense_rank() OVER (ORDER BY {c}) AS place FROM {t}",
)


@pytest.mark.parametrize(
    ("source", "column"), [("lite", "n"), ("lite", "r"), ("duck", "n"), ("duck", '"a ""x"')]
)
def test_a_model_compares_as_the_embedded_database_does(
    embedded: Workspace, source: str, column: str
) -> None:
    def expected(sql: str) -> list[tuple[Any, ...]]:
        if source == "lite":
            with closing(sqlite3.connect(embedded.root / "lite.db")) as lite:
                return lite.execute(sql).fetchall()
        return embedded.query("duck", sql)

    with embedded.run() as run:
        for number, query in enumerate(QUERIES):
            sql = query.replace("{c}", column)
            model = sql.replace("{t} AS", f"{{{source}.people}} AS").replace(
                "{t}", f"{{{source}.people}} AS t"
            )
            run.model(f"m{number}", model, "wh", comparing=TextComparison.SOURCE)
            rows = run.rows("wh", f"m{number}")
            assert sorted(rows) == sorted(expected(sql.replace("{t}", "people"))), query
        assert warned(run) == []


def test_auto_compares_at_a_target_that_has_the_collation(embedded: Workspace) -> None:
    sql = "SELECT p.id FROM {duck.people} AS p JOIN {lite.people} AS l ON p.id = l.id WHERE p.n = 'ANN'"
    expected = embedded.query("duck", "SELECT id FROM people WHERE n = 'ANN'")
    assert expected
    with embedded.run() as run:
        request = run.request("m", sql, "wh", compute="auto")
        choice = run.federator.choose(request)
        assert choice.place is Place.TARGET
        assert "duckdb nocase" in choice.options[1].problem
        with run.federator.copies(request) as copies:
            assert sorted(embedded.query("wh", copies.sql)) == sorted(expected)
        bytes_ = sql.replace("p.n = 'ANN'", "p.b = 'ANN'")
        assert run.federator.choose(run.request("n", bytes_, "wh", compute="auto")).place is Place.ENGINE


@pytest.fixture
def served(tmp_path: Path, postgres: PostgreSQL) -> Iterator[ServerWorkspace]:
    """A workspace with a PostgreSQL server, whose database compares bytes."""
    workspace = ServerWorkspace(tmp_path)
    workspace.server = postgres
    workspace.outputs["pg"] = postgres.settings()
    workspace.duckdb("wh", "CREATE TABLE names AS SELECT 'ann' AS own")
    postgres.execute(
        "DROP VIEW IF EXISTS words_seen",
        "DROP TABLE IF EXISTS words",
        "DROP COLLATION IF EXISTS any_case",
        "CREATE COLLATION any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
        'CREATE TABLE words (id int, plain text, german text COLLATE "de-x-icu",'
        ' any_case text COLLATE any_case, c text COLLATE "C",'
        ' short varchar(9) COLLATE "de-x-icu", padded char(9))',
        "CREATE VIEW words_seen AS SELECT id, german AS g, upper(german) AS u, plain AS p FROM words",
        "INSERT INTO words VALUES (1, 'a', 'a', 'a', 'a', 'a', 'a')",
    )
    yield workspace
    FILES.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("clause", "named"),
    [
        ("WHERE german = 'a'", ""),
        ("WHERE german < 'b'", "ordered german"),
        ("WHERE german LIKE 'a%' AND german IN ('a', 'b')", ""),
        ("ORDER BY german DESC", "ordered german"),
        ("ORDER BY short, padded", "ordered short"),
        ("WHERE any_case = 'a'", "compared any_case"),
        ("ORDER BY any_case", "compared any_case"),
        ("WHERE german = any_case", "compared any_case"),
        ("ORDER BY plain, c", ""),
        ("JOIN {wh.names} AS n ON n.own = words.german", ""),
        ("WHERE id = (SELECT id FROM {pg.words} AS w ORDER BY w.german LIMIT 1)", "ordered german"),
    ],
)
def test_a_servers_collations_are_warned_of(served: ServerWorkspace, clause: str, named: str) -> None:
    with served.run() as run:
        run.model("m", f"SELECT id FROM {{pg.words}} AS words {clause}", "wh")
        messages = warned(run)
        what, _, column = named.partition(" ")
        assert len(messages) == bool(named)
        assert all(f"text is {what} byte by byte" in text and f"{column} of " in text for text in messages)


@pytest.mark.slow
def test_min_max_windows_and_views_are_ordered_too(served: ServerWorkspace) -> None:
    shown = ("max(german)", "first(id ORDER BY german)", "greatest(max(german), 'a')", "arg_max(id, german)")
    with served.run() as run:
        for number, value in enumerate(shown):
            run.model(f"m{number}", f"SELECT {value} AS v FROM {{pg.words}} AS w", "wh")
            assert len(warned(run)) == 1, value
        run.model("view", "SELECT row_number() OVER (ORDER BY u, g, p) AS n FROM {pg.words_seen} AS w", "wh")
        (message,) = warned(run)
        assert "u of" in message
        assert "g of" in message
        assert "p of" not in message
        for sql in (
            "SELECT DISTINCT german FROM {pg.words} AS w",
            "SELECT count(*) AS n FROM {pg.words} AS w GROUP BY german",
        ):
            run.model("m", sql, "wh")
            assert warned(run) == []


@pytest.mark.slow
def test_an_order_that_cannot_be_copied_is_refused_with_the_way_out(served: ServerWorkspace) -> None:
    with served.run() as run:
        for column in ("german", "any_case"):
            sql = f"SELECT id FROM {{pg.words}} AS w ORDER BY {column}"
            with pytest.raises(ComparingUnsupported) as raised:
                run.model("m", sql, "wh", comparing=TextComparison.SOURCE)
            assert "compute='target'" in raised.value.hint
        sql = "SELECT id FROM {pg.words} AS w WHERE german = 'a' AND list_position(['x'], c) IS NULL"
        run.model("m", sql, "wh", comparing=TextComparison.SOURCE)
        assert run.rows("wh", "m") == [(1,)]


@pytest.mark.slow
def test_the_default_collation_of_a_database_is_known(served: ServerWorkspace, postgres: PostgreSQL) -> None:
    postgres.execute("DROP DATABASE IF EXISTS swedish")
    postgres.execute(
        "CREATE DATABASE swedish TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'sv' LOCALE 'C.UTF-8'"
    )
    with closing(postgres.owner("swedish")) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA shop")
        cursor.execute(
            "CREATE TABLE shop.words AS SELECT 1 AS id, 'a'::text AS plain, 'a'::text COLLATE \"C\" AS c"
        )
        cursor.execute('GRANT USAGE ON SCHEMA shop TO "shop user"')
        cursor.execute('GRANT SELECT ON shop.words TO "shop user"')
    served.outputs["pg"] = postgres.settings(dbname="swedish")
    served.server.table = lambda name: type(served).ref.__globals__["TableRef"](  # type: ignore[method-assign]
        connection="pg", schema="shop", identifier=name
    )
    try:
        with served.run() as run:
            run.model("m", "SELECT id FROM {pg.words} AS w ORDER BY plain, c", "wh")
            (message,) = warned(run)
            assert "plain of" in message
            assert "(sv)" in message
    finally:
        del served.server.table
