"""Models that another MariaDB computes: answers, types, errors, and what forbids it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pymysql
import pytest

from dvt.core.errors import (
    Cancelled,
    ColumnNotFound,
    ExtractTooLarge,
    PlaceImpossible,
    QueryFailed,
    SqlInvalid,
)
from dvt.core.estimates import ExtractLimits
from dvt.core.names import TableRef
from dvt.core.places import Place
from dvt.core.ports.connectors import AnswerRules
from dvt.drivers.mysql import flavour_of
from tests.acceptance.at_source import Table, computed
from tests.acceptance.federating import Run, Workspace
from tests.databases.mariadb import USER, MariaDB
from tests.databases.mariadb_types import READ_CASES

pytestmark = pytest.mark.slow


class MariaDBWorkspace(Workspace):
    """Outputs of one MariaDB: `my` has the tables, `my2` is a schema of another collation, and the target.

    The types mariadb and mysql mean the same.
    """

    server: MariaDB

    def ref(self, connection: str, table: str) -> TableRef:
        schema = {"my": "shop", "my2": "target"}[connection]
        return TableRef(connection=connection, schema=schema, identifier=table)

    def make(self, table: str, sql: str) -> None:
        """Create a table on the target in a session as dbt's are."""
        ((version,),) = self.server.execute("SELECT version()")
        with closing(self.server.owner(database="shop")) as connection, connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE IF EXISTS target.{table}")
            cursor.execute(flavour_of(version).session)
            cursor.execute(f"CREATE TABLE target.{table} AS {sql}")

    def read(self, table: str) -> Table:
        name = table.replace('"', "`") if '"' in table else f"target.{table}"
        rows = self.server.execute(f"SHOW FULL COLUMNS FROM {name}")
        columns = [" ".join(str(part) for part in row[:3] if part) for row in rows]
        texts = ", ".join(f"CAST(`{row[0]}` AS CHAR)" for row in rows)
        return columns, sorted(self.server.execute(f"SELECT {texts} FROM {name}"), key=str)


@pytest.fixture
def my(tmp_path: Path, databases: Callable[[str], Any]) -> Iterator[MariaDBWorkspace]:
    server = databases("usual_mariadb")
    workspace = MariaDBWorkspace(tmp_path)
    workspace.server = server
    workspace.outputs["my"] = server.settings()
    workspace.outputs["my2"] = server.settings(schema="target", type="mysql")
    server.execute(
        "DROP DATABASE IF EXISTS target",
        "CREATE DATABASE target CHARACTER SET latin1 COLLATE latin1_german2_ci",
        f"GRANT ALL ON target.* TO '{USER}'@'127.0.0.1'",
        "DROP TABLE IF EXISTS small, m, cases",
        "CREATE TABLE small (id int unsigned PRIMARY KEY, kind smallint, name varchar(20), code char(3), "
        "d decimal(12,3), f float, at datetime(3), ts timestamp(2) NULL, size enum('s', 'l'), "
        "word varchar(9) CHARACTER SET latin1 COLLATE latin1_swedish_ci, meta json, uid uuid, ip inet6, "
        "flags bit(9), y year)",
        "INSERT INTO small SELECT seq, seq % 3, concat('name ', seq), 'ab', seq * 1.5, seq / 7, "
        "'2024-03-31 00:30' + INTERVAL seq HOUR, '2024-03-31 00:30' + INTERVAL seq SECOND, "
        "elt(1 + seq % 2, 's', 'l'), char(65 + seq % 26), json_object('k', seq), "
        "concat('123e4567-e89b-12d3-a456-4266554400', lpad(hex(seq % 256), 2, '0')), '::1', seq % 512, 2000 "
        "FROM seq_1_to_500",
        "ANALYZE TABLE small",
    )
    yield workspace
    server.execute("DROP DATABASE target", "DROP TABLE IF EXISTS small")


QUERIES = {
    "all": "SELECT * FROM {small}",
    "groups": """SELECT kind, count(*), sum(d), avg(d), min(name), max(word) AS w, sum(id) AS s,
        group_concat(id ORDER BY id) AS ids, std(id) AS sd FROM {small} GROUP BY kind""",
    "unnamed": """SELECT id + 1, upper(name), concat(name, code) AS `both`, NULL AS n, 'a' AS a, id / 3,
        d * d * d FROM {small} -- the last line""",
    "strings": """SELECT "double" AS q, 'it''s' AS s, 'back\\\\slash' AS b, id || 0 AS o,
        NOT id BETWEEN 1 AND 2 AS t FROM {small}""",
    "literals": """SELECT DISTINCT CASE WHEN 'A' = 'a' THEN lower(x) ELSE x END AS c
        FROM (SELECT 'A' x FROM {small}) q""",
    "rows": """WITH few AS (SELECT * FROM {small} WHERE id < 10)
        SELECT few.*, f2.size AS other FROM few LEFT JOIN few f2 ON f2.id = few.id + 1""",
    "times": """SELECT DATE(at) AS day, HOUR(at) AS h, CAST(at AS TIME(2)) AS t, at + INTERVAL 1 DAY AS next,
        WEEK(at) AS w, DATE_FORMAT(at, '%W %M') AS text, ts, TIMESTAMPDIFF(MINUTE, ts, at) AS m
        FROM {small}""",
    "set": "SELECT size FROM {small} UNION SELECT code FROM {small} UNION SELECT id FROM {small}",
    "windows": """SELECT id, lag(name) OVER (PARTITION BY kind ORDER BY id) AS b,
        ntile(3) OVER (ORDER BY id) AS n FROM {small}""",
    "casts": """SELECT CAST(d AS DECIMAL(65,30)) AS wide, CAST(id AS CHAR(3)) AS cut,
        CAST(d AS UNSIGNED) AS u,
        CAST(at AS DATE) AS d, CONVERT(name USING latin1) AS l, BINARY code AS bin FROM {small}""",
    "json": """SELECT json_value(meta, '$.k') AS v, json_extract(meta, '$.k') AS e,
        json_objectagg(id, kind) AS o, json_arrayagg(name) AS a FROM {small} GROUP BY 1, 2""",
    "nothing": "SELECT * FROM {small} WHERE id < 0",
    "long lists": "SELECT length(group_concat(repeat(name, 400) ORDER BY id)) AS n FROM {small}",
    "dates": "SELECT DATE '2024-01-01' AS d, TIMESTAMP '2024-01-01 00:00:00' AS t FROM {small}",
    "no dates": "SELECT DATE '2024-01-01' AS d, '' AS t FROM {small} WHERE id < 0",
    "empty text": "SELECT '' AS nothing, repeat(name, 100) AS long_text, space(0) AS s FROM {small}",
    "digits": "SELECT sum(d * 1e0) AS f, sum(CAST(d AS DECIMAL(65,10))) AS w, max(f) AS m FROM {small}",
    "39 digits": "SELECT CAST(repeat('9', 39) AS DECIMAL(41)) AS n, sum(id) * 1 AS s FROM {small}",
    "warnings": "SELECT id, CAST(CONCAT(name, 'x') AS CHAR(7)) AS cut FROM {small} WHERE id < 9",
}
"""SQL of models; `{small}` is the table."""


@pytest.mark.parametrize("query", QUERIES)
def test_it_answers_as_if_all_were_on_the_target(my: MariaDBWorkspace, query: str) -> None:
    sql = QUERIES[query]
    my.make("expected", sql.replace("{small}", "shop.small"))
    with my.run() as run:
        model = sql.replace("{small}", "{my.small}")
        assert computed(run, my.read, model, "my2", dialect="mysql") == my.read("expected")


def test_types_and_values_are_kept(my: MariaDBWorkspace) -> None:
    kept = [
        case
        for case in READ_CASES
        if case.type not in {"point", "geometry"} and (not case.error or case.type.startswith("decimal"))
    ]
    columns = (
        f"c{number} {case.type}{' NULL' if 'timestamp' in case.type else ''}"
        for number, case in enumerate(kept)
    )
    my.server.execute(
        "DROP TABLE IF EXISTS cases",
        f"CREATE TABLE cases ({', '.join(columns)})",
        f"INSERT INTO cases SELECT {', '.join(case.literal for case in kept)}",
    )
    with my.run() as run:
        answer = computed(run, my.read, "SELECT * FROM {my.cases}", "my2", dialect="mysql")
        assert not run.reporter.notices
    assert answer == my.read('"shop"."cases"')


def test_a_geometry_is_binary_with_a_warning(my: MariaDBWorkspace) -> None:
    with my.run() as run:
        sql = "SELECT point(id, 1) AS p FROM {my.small}"
        assert computed(run, my.read, sql, "my2", dialect="mysql")[0] == ["p longblob"]
        assert [notice.code for _, notice in run.reporter.notices] == ["DVT002"]


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ("id / (kind - 1)", "Division by 0"),
        ("name + 1", "Truncated incorrect DOUBLE value"),
        ("str_to_date(name, '%Y-%m-%d')", "Incorrect datetime value"),
        ("CAST('2023-02-31' AS DATE)", "Incorrect datetime value"),
    ],
)
def test_what_dbt_could_not_write_is_an_error(my: MariaDBWorkspace, value: str, error: str) -> None:
    with pytest.raises(pymysql.Error, match=error):
        my.make("expected", f"SELECT {value} AS v FROM shop.small WHERE id < 9")
    sql = f"SELECT {value} AS v FROM {{my.small}} WHERE id < 9"
    with my.run() as run, pytest.raises((QueryFailed, SqlInvalid), match=error):
        computed(run, my.read, sql, "my2", dialect="mysql")


def test_rows_that_a_warning_leaves_out_are_an_error(my: MariaDBWorkspace) -> None:
    sql = "SELECT id FROM {my.small} WHERE name + 1 < 0"
    with my.run() as run, pytest.raises(QueryFailed, match="Truncated incorrect DOUBLE value"):
        computed(run, my.read, sql, "my2", dialect="mysql")


SETTINGS = {
    "div_precision_increment": ("7", "SELECT id / 3 AS v FROM {small}"),
    "lc_time_names": ("'de_DE'", "SELECT monthname(at) AS v, dayname(at) AS w FROM {small}"),
    "default_week_format": ("3", "SELECT week('2024-01-01') AS v FROM {small}"),
    "default_regex_flags": ("'DOTALL'", r"SELECT concat(kind, '\n', kind) REGEXP '1.1' AS v FROM {small}"),
    "old_mode": ("''", "SELECT CONVERT(name USING utf8) AS v FROM {small}"),
}
"""Setting → a value of it that is not usual, and a model whose answer or types it changes."""


@pytest.mark.parametrize("setting", SETTINGS)
def test_the_session_is_as_the_targets(my: MariaDBWorkspace, setting: str) -> None:
    value, sql = SETTINGS[setting]
    ((before,),) = my.server.execute(f"SELECT @@global.{setting}")
    with my.run() as run:
        model = sql.replace("{small}", "{my.small}")
        usual = computed(run, my.read, model, "my2", dialect="mysql")
    my.server.execute(f"SET GLOBAL {setting} = {value}")
    try:
        my.make("expected", sql.replace("{small}", "shop.small"))
        with my.run() as run:
            rules = run.federator._resources.connections["my2"].connector.answer_rules()
            my.server.execute(f"SET GLOBAL {setting} = {literal(before)}")
            _pin(run, rules)
            answer = computed(run, my.read, model, "my2", dialect="mysql")
    finally:
        my.server.execute(f"SET GLOBAL {setting} = {literal(before)}")
    assert answer == my.read("expected")
    assert answer != usual


def literal(value: Any) -> str:
    return str(value) if isinstance(value, int) else f"'{value}'"


def _pin(run: Run, rules: AnswerRules) -> None:
    """Let the target have these rules, as a server of its own would."""
    run.federator._at_source._rules["my2"] = rules


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("SELECT twice(id) AS x FROM {my.small}", "calls function twice"),
        ("SELECT `shop`.`twice`(id) AS x FROM {my.small}", "calls function twice"),
        ("SELECT id, database() AS d FROM {my.small}", r"database\(\) tells of the session"),
        ("SELECT id, current_user() AS d FROM {my.small}", r"current_user\(\) tells of the session"),
        ("SELECT id, `version`() AS d FROM {my.small}", r"version\(\) tells of the session"),
        ("SELECT id, @@hostname AS d FROM {my.small}", "a variable"),
        ("SELECT id, @n := id AS d FROM {my.small}", "a variable"),
        ("SELECT NEXT VALUE FOR numbers AS n FROM {my.small}", "what it reads is not known"),
        ("SELECT s.id FROM {my.small} s JOIN shop.small o USING (id)", "which is no ref"),
        ("SELECT s.id FROM {my.small} s JOIN {my2.here} h USING (id)", "is on my and my2"),
    ],
)
def test_what_means_something_else_on_the_target_is_refused(my: MariaDBWorkspace, sql: str, why: str) -> None:
    my.server.execute(
        "CREATE OR REPLACE FUNCTION twice(x int) RETURNS int DETERMINISTIC RETURN 2 * x",
        f"GRANT EXECUTE ON shop.* TO '{USER}'@'127.0.0.1'",
        "CREATE OR REPLACE SEQUENCE numbers",
        "CREATE OR REPLACE TABLE target.here (id int)",
    )
    try:
        with my.run() as run, pytest.raises(PlaceImpossible, match=why):
            computed(run, my.read, sql, "my2", dialect="mysql")
    finally:
        my.server.execute("DROP FUNCTION twice", "DROP SEQUENCE numbers")


def test_columns_that_no_catalog_shows_are_read_at_the_source(my: MariaDBWorkspace) -> None:
    my.server.execute(
        "DROP TABLE IF EXISTS versioned",
        "CREATE TABLE versioned (x int) WITH SYSTEM VERSIONING",
        "INSERT INTO versioned VALUES (1), (2)",
        "UPDATE versioned SET x = 3 WHERE x = 2",
    )
    ended = "SELECT x, row_end < '2038-01-01' AS is_over FROM {versioned} FOR SYSTEM_TIME ALL"
    my.make("expected", ended.replace("{versioned}", "shop.versioned"))
    with my.run() as run:
        model = ended.replace("{versioned}", "{my.versioned}")
        assert run.federator.choose(run.request("m", model, "my2", dialect="mysql")).place is Place.SOURCE
        assert computed(run, my.read, model, "my2", dialect="mysql", compute="auto") == my.read("expected")
        shown = run.request("m", "SELECT x, row_start FROM {my.versioned}", "my2", dialect="mysql")
        assert run.federator.choose(shown).place is Place.SOURCE
        with pytest.raises(ColumnNotFound, match="row_started"):
            run.federator.choose(replace(shown, sql=shown.sql.replace("row_start", "row_started")))
    my.server.execute("DROP TABLE versioned")


def test_a_source_that_parses_sql_otherwise_is_told_from_the_target(
    my: MariaDBWorkspace, mariadb: MariaDB
) -> None:
    my.outputs["my"] = mariadb.settings()
    mariadb.execute("DROP TABLE IF EXISTS small", "CREATE TABLE small (name varchar(9))")
    with my.run() as run:
        sql = "SELECT max(name) AS m FROM {my.small}"
        why = "the sql_mode by which SQL is parsed of my is ANSI_QUOTES,HIGH_NOT.*, that of my2 the usual one"
        with pytest.raises(PlaceImpossible, match=why):
            run.federator.choose(run.request("m", sql, "my2", compute="source", dialect="mysql"))
        choice = run.federator.choose(run.request("m", sql, "my2", compute="auto", dialect="mysql"))
        assert choice.place is not Place.SOURCE


@pytest.mark.parametrize(
    "fact",
    ["the version", "max_allowed_packet", "the list of time zones", "the collation of literals"],
)
def test_servers_that_differ_in_a_fact_are_told_apart(my: MariaDBWorkspace, fact: str) -> None:
    with my.run() as run:
        rules = run.federator._resources.connections["my2"].connector.answer_rules()
        assert rules.fixed[fact]
        _pin(run, replace(rules, fixed={**rules.fixed, fact: "another"}))
        with pytest.raises(PlaceImpossible, match=f"{fact} of my is .*, that of my2 another"):
            computed(run, my.read, "SELECT id FROM {my.small}", "my2", dialect="mysql")


def test_an_error_of_the_sql_names_its_line(my: MariaDBWorkspace) -> None:
    with my.run() as run:
        with pytest.raises(SqlInvalid, match="Unknown column 'nope'"):
            computed(run, my.read, "SELECT id,\n nope FROM {my.small}", "my2", dialect="mysql")
        with pytest.raises(SqlInvalid, match="Duplicate column name 'id'") as raised:
            computed(run, my.read, "SELECT id, id FROM {my.small}", "my2", dialect="mysql")
        assert raised.value.hint == SqlInvalid.names_twice
        wrong = "SELECT id\nFROM {my.small}\nWHERE id IN (1 2)"
        with pytest.raises((SqlInvalid, PlaceImpossible)):
            computed(run, my.read, wrong, "my2", dialect="mysql")


def test_a_user_who_may_make_no_temporary_table_is_told(my: MariaDBWorkspace) -> None:
    my.server.execute(f"REVOKE CREATE TEMPORARY TABLES ON shop.* FROM '{USER}'@'127.0.0.1'")
    try:
        with my.run() as run, pytest.raises(PlaceImpossible, match="tells types by a temporary table"):
            computed(run, my.read, "SELECT id FROM {my.small}", "my2", dialect="mysql")
    finally:
        my.server.execute(f"GRANT ALL ON shop.* TO '{USER}'@'127.0.0.1'")


def test_only_the_answer_moves_and_guards_hold_it(my: MariaDBWorkspace) -> None:
    with my.run() as run:
        sql, options = "SELECT count(*) AS n, max(name) AS m FROM {my.small}", {"dialect": "mysql"}
        choice = run.federator.choose(run.request("m", sql, "my2", compute="auto", **options))
        assert choice.place is Place.SOURCE
        assert choice.options[2].rows == 1
        limits = ExtractLimits(rows=10, bytes=None)
        assert computed(run, my.read, sql, "my2", extract_limits=limits, **options)[1] == [("500", "name 99")]
        moved = [movement for _, movement in run.reporter.movements if movement.what == "extract"]
        assert [movement.rows for movement in moved] == [1]
        with pytest.raises(ExtractTooLarge):
            computed(run, my.read, "SELECT id FROM {my.small}", "my2", extract_limits=limits, **options)
        shown = run.federator.select(
            run.request("n", "SELECT * FROM {my.small}", "my2", compute="source", limit=2, **options)
        )
        assert len(shown.rows) == 2


@pytest.mark.parametrize("rows", [0, 1])
def test_a_running_answer_is_cancelled(my: MariaDBWorkspace, rows: int) -> None:
    """Also while the server computes it as a table: without rows there is no count of warnings."""
    wait = "sleep(60)" if rows else "sleep(CASE WHEN id > 1 THEN 0 ELSE 2 END) > 5"
    where = "" if rows else f" WHERE {wait}"
    sql = f"SELECT id, {'sleep(60)' if rows else '1'} AS s FROM {{my.small}}{where}"
    with my.run() as run, ThreadPoolExecutor(1) as pool:
        future = pool.submit(computed, run, my.read, sql, "my2", dialect="mysql")
        deadline = time.monotonic() + 60
        wanted = "dvt_warnings" if rows else "CREATE TEMPORARY TABLE"
        while not any(wanted in text and "LIMIT 0" not in text for text in my.server.running()):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        run.federator.cancel()
        with pytest.raises(Cancelled):
            future.result(30)
    assert not [text for text in my.server.running() if "small" in text]


def test_a_server_that_takes_no_writes_answers(my: MariaDBWorkspace) -> None:
    my.server.execute("SET GLOBAL read_only = 1")
    try:
        with my.run() as run:
            sql = "SELECT count(*) AS n, max(size) AS s FROM {my.small}"
            answer = run.federator.select(run.request("m", sql, "my2", compute="source", dialect="mysql"))
    finally:
        my.server.execute("SET GLOBAL read_only = 0")
    assert [tuple(map(str, row)) for row in answer.rows] == [("500", "s")]
