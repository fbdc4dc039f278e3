"""Models that are computed in the DuckDB file that all they read is in: answers, types, errors, refusals."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from dvt.core.errors import ExtractTooLarge, PlaceImpossible, SqlInvalid
from dvt.core.estimates import ExtractLimits
from dvt.core.places import Choice, Place
from dvt.core.requests import Translate
from dvt.drivers.duckdb import FILES
from dvt.testing.databases import ReadCase
from tests.acceptance.at_source import Reading, Table, check_case, computed
from tests.acceptance.federating import Run, Workspace
from tests.databases.embedded_types import DUCKDB_READ_CASES

pytestmark = pytest.mark.slow


@pytest.fixture
def files(tmp_path: Path) -> Iterator[Workspace]:
    workspace = Workspace(tmp_path)
    small = (
        "CREATE TABLE small AS SELECT i::INTEGER AS id, i % 3 AS kind, 't ' || i AS t FROM range(1000) t(i)"
    )
    large = "CREATE TABLE large AS SELECT i::INTEGER AS id, 'text ' || i AS t FROM range(100000) t(i)"
    mood = "CREATE TYPE mood AS ENUM ('bad', 'good')"
    workspace.duckdb("crm", small, large, "CREATE MACRO twice(x) AS 2 * x", mood)
    workspace.duckdb("wh", small, "CREATE TABLE m AS SELECT 1 AS id, 't 1' AS t")
    FILES.close()
    yield workspace
    FILES.close()


def in_file(workspace: Workspace) -> Callable[[str], Table]:
    def read(table: str) -> Table:
        columns = [f"{row[0]} {row[1]}" for row in workspace.query("wh", f"DESCRIBE {table}")]
        texts = workspace.query("wh", f"SELECT CAST(COLUMNS(*) AS VARCHAR) FROM {table} ORDER BY ALL")
        return columns, texts

    return read


def chosen(run: Run, sql: str, **options: Any) -> Choice:
    return run.federator.choose(run.request("m", sql, "wh", **options))


def test_only_the_answer_moves(files: Workspace) -> None:
    with files.run() as run:
        sql = "SELECT id % 2 AS half, count(*) AS n, max(t) AS t FROM {crm.large} GROUP BY ALL -- all of it"
        columns, rows = computed(run, in_file(files), sql, "wh")
        assert columns == ["half INTEGER", "n BIGINT", "t VARCHAR"]
        assert rows == [("0", "50000", "text 99998"), ("1", "50000", "text 99999")]
        moved = [movement for _, movement in run.reporter.movements if movement.what == "extract"]
        assert [movement.rows for movement in moved] == [2]
        answer = run.federator.select(run.request("m", sql, "wh", compute="source", limit=1))
        assert answer.names == ("half", "n", "t")
        assert len(answer.rows) == 1


def test_a_name_that_shows_a_table_is_as_at_every_other_place(files: Workspace) -> None:
    sql = "SELECT id, (SELECT max(s.kind) FROM {crm.small} s WHERE s.id < l.id) FROM {crm.large} l"
    with files.run() as run:
        at_source, _ = computed(run, in_file(files), sql, "wh")
        in_engine = run.federator.plan(run.request("m", sql, "wh", compute="duckdb")).load.columns
    assert at_source[1] == "(SELECT max(s.kind) FROM small AS s WHERE (s.id < l.id)) BIGINT"
    assert at_source[1].startswith(in_engine[1].name)


def test_auto_takes_no_place_that_loses_the_answers_type(files: Workspace) -> None:
    with files.run() as run:
        for value, engine in (("union_value(a := id)", "becomes text"), ("[id]::INTEGER[1]", "")):
            choice = chosen(run, f"SELECT {value} AS v FROM {{crm.small}}", compute="auto")
            target, in_engine, at_source = choice.options
            assert not target.problem
            assert all(engine in option.problem for option in (in_engine, at_source))
            assert (choice.place is Place.TARGET) is bool(engine)


def test_auto_takes_it_before_a_place_that_loses_what_the_model_reads(files: Workspace) -> None:
    either = "CREATE TABLE either AS SELECT 1 AS id, union_value(n := 7) AS u"
    with closing(FILES.connect(str(files.outputs["crm"]["path"]))) as cursor:
        cursor.execute(either)
    with files.run() as run:
        for sql in (
            "SELECT id, union_tag(u)::VARCHAR AS tag FROM {crm.either}",
            "SELECT u FROM {crm.either}",
        ):
            choice = chosen(run, sql)
            assert choice.place is Place.SOURCE
            assert "which member of the union" in choice.options[0].problem
        assert (
            chosen(run, "SELECT id, union_tag(u) FROM {crm.either}", compute="target").place is Place.TARGET
        )
        computed(run, in_file(files), "SELECT union_tag(u)::VARCHAR AS tag FROM {crm.either}", "wh")


def test_the_place_that_was_chosen_stays(files: Workspace) -> None:
    """The bridge publishes as the place needs it: what changes after the choice changes no place."""
    with files.run() as run:
        request = run.request("m", "SELECT count(*) AS n FROM {crm.large}", "wh", compute="auto")
        assert run.federator.choose(request).place is Place.SOURCE
        for place, loaded in ((Place.ENGINE, "compute"), (Place.SOURCE, "load")):
            run.reporter.movements.clear()
            run.federator.federate(request, Reading(in_file(files)), place=place)
            assert [moved.what for _, moved in run.reporter.movements].index(loaded) == 1


def test_auto_takes_it_where_it_costs_least(files: Workspace) -> None:
    with files.run() as run:
        choice = chosen(run, "SELECT count(*) AS n FROM {crm.large}")
        assert choice.place is Place.SOURCE
        assert [option.place for option in choice.options] == [Place.TARGET, Place.ENGINE, Place.SOURCE]
        assert (choice.options[2].rows, choice.options[1].rows) == (1, 100_000)
        blown_up = "SELECT a.id, b.t FROM {crm.small} a JOIN {crm.small} b ON a.id <> b.id"
        assert chosen(run, blown_up).place is Place.ENGINE
        assert chosen(run, "PIVOT {crm.small} ON id USING count(*)").place is Place.TARGET
        on_two = chosen(run, "SELECT count(*) AS n FROM {crm.large} JOIN {wh.small} USING (id)")
        assert on_two.place is not Place.SOURCE
        assert on_two.options[2].problem == "what it reads is on crm and wh"
        request = run.request("m", "SELECT count(*) AS n FROM {crm.large}", "wh", compute="auto")
        run.federator.choose(request)
        publisher = Reading(in_file(files))
        run.federator.federate(request, publisher)
        assert publisher.table == (["n BIGINT"], [("100000",)])


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("SELECT id FROM {crm.small} WHERE id NOT IN (SELECT id FROM {this})", "reads its own table"),
        ("SELECT id FROM {crm.small} WHERE id > (SELECT count(*) FROM {this})", "reads its own table"),
        ("SELECT id FROM {crm.small} WHERE t > (SELECT max(t) FROM {this})", "reads its own table"),
        ("SELECT id, (SELECT max(id) FROM {this}) FROM {crm.small}", "reads its own table"),
        (
            "SELECT id FROM {crm.small} s WHERE id > (SELECT max(m.id) FROM {this} m WHERE m.id < s.kind)",
            "own",
        ),
        ("SELECT twice(id) AS x FROM {crm.small}", "calls the macro twice"),
        ("SELECT id, enum_range(NULL::mood) AS x FROM {crm.small}", "names the type mood"),
        ("SELECT id, current_database() AS d FROM {crm.small}", r"current_database\(\) tells of the session"),
        ("SELECT id FROM {crm.small}, read_csv('x.csv')", r"read_csv\(\) tells of the session or the server"),
        ("SELECT 1 AS a FROM {crm.small} JOIN {wh.small} USING (id)", "is on crm and wh"),
        ("PIVOT {crm.small} ON id USING count(*)", "takes its columns from the data"),
    ],
)
def test_what_means_something_else_on_the_target_is_refused(files: Workspace, sql: str, why: str) -> None:
    (files.root / "x.csv").write_text("a\n1\n")
    sql = sql.replace("x.csv", str(files.root / "x.csv"))
    with files.run() as run, pytest.raises(PlaceImpossible, match=why):
        computed(run, in_file(files), sql, "wh")


def test_another_table_than_the_models_is_refused(files: Workspace) -> None:
    with files.run() as run, pytest.raises(PlaceImpossible, match=r"reads main\.large AS l, which is no ref"):
        computed(run, in_file(files), "SELECT s.id FROM {crm.small} s JOIN main.large l ON l.id = s.id", "wh")


def test_another_dialect_is_refused(files: Workspace) -> None:
    with files.run() as run, pytest.raises(PlaceImpossible, match="written in postgres, which crm does not"):
        computed(run, in_file(files), "SELECT 1 AS a FROM {crm.small}", "wh", dialect="postgres")


def test_sqlite_is_no_source_of_answers(files: Workspace) -> None:
    path = files.root / "lite.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE small (id INTEGER)")
    files.outputs["lite"] = {"type": "sqlite", "path": str(path)}
    with files.run() as run:
        sql = "SELECT count(*) AS n FROM {lite.small}"
        with pytest.raises(PlaceImpossible, match="written in duckdb, which lite does not speak"):
            computed(run, in_file(files), sql, "wh")
        assert chosen(run, sql).place is not Place.SOURCE


def test_a_doubt_can_be_accepted(files: Workspace) -> None:
    with files.run() as run:
        options = {"translate": Translate.BEST_EFFORT}
        sql = "SELECT twice(max(id)) AS x FROM {crm.small}"
        assert computed(run, in_file(files), sql, "wh", **options)[1] == [("1998",)]
        (notice,) = [notice for _, notice in run.reporter.notices if notice.code == "DVT003"]
        assert "calls the macro twice" in notice.message


def test_an_error_of_the_sql_names_file_and_line(files: Workspace) -> None:
    with files.run() as run:
        sql = "SELECT id,\n  nope\nFROM {crm.small}"
        with pytest.raises(SqlInvalid, match="nope") as raised:
            computed(run, in_file(files), sql, "wh", raw=sql)
        assert "models/m.sql" in str(raised.value)
        assert raised.value.sql_line == 2


def test_guards_hold_the_answer(files: Workspace) -> None:
    with files.run() as run:
        limits = ExtractLimits(rows=100, bytes=None)
        with pytest.raises(ExtractTooLarge):
            computed(run, in_file(files), "SELECT id FROM {crm.large}", "wh", extract_limits=limits)
        sql = "SELECT count(*) AS n FROM {crm.large}"
        assert computed(run, in_file(files), sql, "wh", extract_limits=limits)[1] == [("100000",)]


def test_the_session_is_as_the_targets(files: Workspace) -> None:
    files.outputs["wh"] = {**files.outputs["wh"], "settings": {"TimeZone": "Pacific/Auckland"}}
    sql = "SELECT CAST(TIMESTAMPTZ '2024-01-01 00:00:00+00' AS VARCHAR) AS t FROM {crm.small} LIMIT 1"
    with files.run() as run:
        assert computed(run, in_file(files), sql, "wh")[1] == [("2024-01-01 13:00:00+13",)]
        assert run.federator.select(run.request("n", sql, "crm")).rows != [("2024-01-01 13:00:00+13",)]


@pytest.mark.parametrize("case", DUCKDB_READ_CASES, ids=lambda case: case.id)
def test_types_and_values_of_duckdb_are_kept(files: Workspace, case: ReadCase) -> None:
    def execute(sql: str) -> None:
        for name in ("crm", "wh"):
            files.query(name, sql)

    check_case(files, in_file(files), case, execute, "wh")
