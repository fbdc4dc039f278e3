"""Names and types of a model's outputs, and models that are refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dvt.core.errors import (
    AnswerUntyped,
    ColumnNotFound,
    ContractBroken,
    NamesTooLong,
    OutputsClash,
    SqlInvalid,
    TranslationWrong,
)
from dvt.core.requests import Contract, ContractColumn, Translate
from dvt.core.types import VARCHAR, StageType
from dvt.resolution.output_types import output_type
from tests.acceptance.oracle import Oracle

NAMED = {
    "SELECT count(*), sum(total), max(o.id) FROM {orders} o": ["count", "sum", "max"],
    "SELECT id + 1 FROM {orders}": ["?column?"],
    "SELECT 1": ["?column?"],
    "SELECT total::int, 1::bigint FROM {orders}": ["total", "int8"],
    "SELECT CASE WHEN id = 1 THEN 'a' END, coalesce(note, 'b') FROM {orders}": ["case", "coalesce"],
    "SELECT CASE WHEN id = 1 THEN note ELSE note END FROM {orders}": ["note"],
    "SELECT (SELECT max(id) FROM {orders}), EXISTS (SELECT 1)": ["max", "exists"],
    "SELECT (SELECT max(id) AS top FROM {orders})": ["top"],
    "SELECT row_number() OVER (ORDER BY id), upper(note) FROM {orders}": ["row_number", "upper"],
    "SELECT extract(year FROM ordered), now() FROM {orders}": ["extract", "now"],
    "SELECT current_date": ["current_date"],
    "SELECT mod(id, 2), id % 2, substring(note FROM 1 FOR 2) FROM {orders}": ["mod", "?column?", "substring"],
    "SELECT trim(note), date '2024-01-01', interval '1 day' FROM {orders}": ["btrim", "date", "interval"],
    "SELECT ID AS OrderId, NOTE FROM {orders}": ["orderid", "note"],
    'SELECT "CamelCase", CamelCase AS "Other" FROM {odd}': ["CamelCase", "Other"],
    "SELECT count(*) FROM {orders} UNION ALL SELECT id FROM {orders}": ["count"],
    "WITH q AS (SELECT id FROM {orders}) SELECT max(id), min(id) FROM q": ["max", "min"],
    "SELECT q.*, a - b, max(a) FROM (SELECT 1 AS a, 2 AS b) q GROUP BY a, b": ["a", "b", "?column?", "max"],
    "SELECT * FROM {odd}": ["Foo", "weird name", "CamelCase"],
}  # fmt: skip


@pytest.mark.parametrize("sql", NAMED)
def test_postgres_names_its_outputs(shop: Oracle, sql: str) -> None:
    shop.dialects = {"target": "postgres"}
    plan = shop.plan(sql, dialect="postgres")
    assert [column.name for column in plan.transform.columns] == NAMED[sql]


LONG = "a_name_that_a_survey_tool_has_made_of_a_whole_question_of_its_own_"


@pytest.mark.parametrize("type_", ["postgres", "mysql", "duckdb"])
def test_names_that_the_target_would_cut_are_an_error(shop: Oracle, type_: str) -> None:
    shop.kept_name = output_type(type_).kept_name
    contract = Contract(
        columns=(ContractColumn("id", "int", "INTEGER"),),
        definition=f'(id int, constraint "{LONG}c" check (id > 0), CONSTRAINT {LONG}d unique (id))',
    )
    wrong = {
        f'SELECT id AS {LONG}1, id AS {LONG}2, id AS "{"é" * 40}" FROM {{orders}}': (f"{LONG}1", f"{LONG}2"),
        f"SELECT * FROM (SELECT id AS {LONG} FROM {{orders}})": (LONG,),
    }
    if type_ == "duckdb":
        for sql in wrong:
            shop.plan(sql)
        shop.plan("SELECT id FROM {orders}", contract=contract)
        return
    for sql, names in wrong.items():
        with pytest.raises(NamesTooLong) as raised:
            shop.plan(sql)
        assert set(names) <= raised.value.names.keys()
        assert all(
            kept == name[:63] or kept == name[:64]
            for name, kept in raised.value.names.items()
            if name in names
        )
    with pytest.raises(NamesTooLong) as raised:
        shop.plan("SELECT id FROM {orders}", contract=contract)
    assert raised.value.names.keys() == {f"{LONG}c", f"{LONG}d"}


def test_a_name_is_cut_between_characters() -> None:
    kept = {type_: output_type(type_).kept_name("é" * 70) for type_ in ("postgres", "mysql", "duckdb")}
    assert kept == {"postgres": "é" * 31, "mysql": "é" * 64, "duckdb": "é" * 70}


def test_duckdb_names_its_outputs(shop: Oracle) -> None:
    sql = "SELECT count(*), sum(total), ID + 1, CamelCase, now() FROM {orders}, {odd} GROUP BY ALL"
    names = [column.name for column in shop.plan(sql).transform.columns]
    assert names == ["count_star()", "sum(total)", "(ID + 1)", "CamelCase", "now()"]


NAMED_BY_MYSQL = {
    "SELECT count( * ), id + 1, (id+1), (select 1) FROM {orders} GROUP BY id": [
        *("count( * )", "id + 1", "(id+1)", "(select 1)"),
    ],
    "SELECT 'x', ('y'), ' z', \"it's\", 'it''s too', 'a' 'b', 'c' = 'd' FROM {orders}": [
        *("x", "y", "z", "it's", "it's too", "ab", "'c' = 'd'"),
    ],
    "SELECT (id), ((o.note)), `total`, null, (true), FALSE, 1.50, (2), -3 FROM {orders} AS o": [
        *("id", "note", "total", "NULL", "TRUE", "FALSE", "1.50", "2", "-3"),
    ],
    "SELECT concat('a', 'b'), date '2024-01-01' FROM {orders}": ["concat('a', 'b')", "date '2024-01-01'"],
}
"""SQL → names, as MariaDB gives them to a table made of it."""


@pytest.mark.parametrize("sql", NAMED_BY_MYSQL)
def test_mysql_names_its_outputs(shop: Oracle, sql: str) -> None:
    shop.dialects = {"target": "mysql"}
    plan = shop.plan(sql, dialect="mysql", translate=Translate.BEST_EFFORT)
    assert [column.name for column in plan.transform.columns] == NAMED_BY_MYSQL[sql]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT id, note AS ID FROM {orders}",
        "SELECT o.id, c.id FROM {orders} o, {customers} c",
        "SELECT o.*, c.id FROM {orders} o, {customers} c",
        "SELECT o.*, c.id FROM {orders} o JOIN {customers} c USING (id)",
        "SELECT id AS a, id AS a FROM {orders}",
    ],
)
def test_outputs_that_differ_only_in_case_are_refused(shop: Oracle, sql: str) -> None:
    with pytest.raises(OutputsClash):
        shop.plan(sql)


def test_columns_that_differ_only_in_case_are_told_apart(shop: Oracle) -> None:
    table = shop.table("odd")
    foo = table.columns[0]
    twins = replace(table, columns=(*table.columns, replace(foo, name="foo", stage=VARCHAR, native="text")))
    shop.table = lambda name: twins  # type: ignore[method-assign]
    shop.dialects = {"target": "postgres", "here": "postgres"}
    plan = shop.plan('SELECT "Foo" AS a, foo AS b, "CamelCase" AS c FROM {odd}', dialect="postgres")
    assert [(column.name, str(column.type)) for column in plan.transform.columns] == [
        ("a", "INTEGER"),
        ("b", "VARCHAR"),
        ("c", "INTEGER"),
    ]
    assert plan.queries[0].shown == (
        'SELECT "Foo" AS "foo", "CamelCase" AS "camelcase", "foo" AS "foo_2" FROM "main"."odd"'
    )
    narrow = shop.plan("SELECT foo AS b FROM {odd}", dialect="postgres")
    assert narrow.queries[0].shown == 'SELECT "foo" AS "foo_2" FROM "main"."odd"'
    assert plan.queries[0].covers(narrow.queries[0])
    with pytest.raises(OutputsClash):
        shop.plan("SELECT * FROM {odd}", dialect="postgres")


STAGED = {
    "sum(id)": "HUGEINT",
    "NULL": "INTEGER",
    "[1::HUGEINT]": "HUGEINT[]",
    "{'a': 1::UHUGEINT, 'HUGEINT': 'x'}": 'STRUCT("a" UHUGEINT, "HUGEINT" VARCHAR)',
    "'a'::ENUM('a', 'HUGEINT')": "ENUM('a', 'HUGEINT')",
    "[1, 2]::INTEGER[2]": "INTEGER[2]",
    "TIMESTAMP_S '2024-01-01 00:00:00'": "TIMESTAMP_S",
    "INTERVAL 1 DAY": "INTERVAL",
    "'101'::BIT": "BIT",
    "union_value(a := 1)": "VARCHAR",
    "1::DECIMAL(38,5)": "DECIMAL(38,5)",
    "'12:00:00+01'::TIMETZ": "TIME WITH TIME ZONE",
    "'12:00:00.123456789'::TIME_NS": "TIME_NS",
    "'123'::BIGNUM": "BIGNUM",
    "now()": "TIMESTAMP WITH TIME ZONE",
    "MAP {'a': 1::HUGEINT}": "MAP(VARCHAR, HUGEINT)",
}


@pytest.mark.parametrize("value", STAGED)
def test_an_output_gets_a_type_that_can_be_staged(shop: Oracle, value: str) -> None:
    plan = shop.plan(f"SELECT {value} AS v FROM {{orders}} GROUP BY ALL")
    (column,) = plan.transform.columns
    assert (column.name, column.type) == ("v", StageType.parse(STAGED[value]))
    assert shop.run(plan)[0] == [("v", STAGED[value])]
    assert bool(plan.notices) == ("union" in value)


def test_a_loss_names_its_column(shop: Oracle) -> None:
    (notice,) = shop.plan("SELECT [union_value(a := 1)] AS v FROM {orders}").notices
    assert notice.code == "DVT002"
    assert "output column v" in notice.message
    assert "member" in notice.message


def demanding(*columns: tuple[str, str | None], any_number: str = "") -> Contract:
    """Return a contract of names and DuckDB types."""
    demands = tuple(
        ContractColumn(name, f"the target's {type_}", type_, any_number=name == any_number)
        for name, type_ in columns
    )
    return Contract(columns=demands, definition="(as the target writes it)")


def test_a_contract_casts_numbers(shop: Oracle) -> None:
    contract = demanding(
        ("N", "INT8"), ("m", "NUMERIC(18, 4)"), ("any", None), ("own", None), any_number="any"
    )
    sql = "SELECT sum(id) AS n, avg(total) AS m, sum(id) AS any, max(ordered) AS own FROM {orders}"
    plan = shop.plan(sql, contract=contract)
    types = [("n", "BIGINT"), ("m", "DECIMAL(18,4)"), ("any", "HUGEINT"), ("own", "DATE")]
    assert shop.run(plan)[0] == types
    assert plan.load.definition == contract.definition


@pytest.mark.parametrize(
    ("value", "demanded", "type_"),
    [
        ("'a'::ENUM('a', 'b')", "TEXT", "VARCHAR"),
        ("'a'::ENUM('a', 'b')", "ENUM('a', 'b')", "ENUM('a', 'b')"),
        ("INTERVAL 1 DAY", "TEXT", "VARCHAR"),
        ("INTERVAL 1 DAY", "INTERVAL", "INTERVAL"),
        ("'101'::BIT", "TEXT", "VARCHAR"),
        ("'101'::BIT", "BIT", "BIT"),
        ("'1'::BIGNUM", "TEXT", "VARCHAR"),
        ("'12:00:00.123456789'::TIME_NS", "TIME_NS", "TIME_NS"),
        ("sum(id)", "NUMERIC(38, 0)", "DECIMAL(38,0)"),
        ("sum(id)", "HUGEINT", "HUGEINT"),
        ("TIMESTAMP_S '2024-01-01 00:00:00'", "TIMESTAMP_S", "TIMESTAMP_S"),
        ("[1, 2]::INTEGER[2]", "INT[2]", "INTEGER[2]"),
        ("{'Aa': 1}", "STRUCT(aA INT)", 'STRUCT("aA" INTEGER)'),
        ("1", "a type of the target's own", "INTEGER"),
        ("'12:00:00+01'::TIMETZ", "TEXT", "VARCHAR"),
        ("['a'::ENUM('a', 'b')]", "TEXT[]", "VARCHAR[]"),
        ("[sum(id)]", "NUMERIC(38, 0)[]", "DECIMAL(38,0)[]"),
        (
            "{'a': MAP {'k': INTERVAL 1 DAY}}",
            "STRUCT(a MAP(TEXT, TEXT))",
            'STRUCT("a" MAP(VARCHAR, VARCHAR))',
        ),
    ],
)
def test_a_contract_takes_what_it_can_hold(shop: Oracle, value: str, demanded: str, type_: str) -> None:
    plan = shop.plan(f"SELECT {value} AS v FROM {{orders}} GROUP BY ALL", contract=demanding(("v", demanded)))
    assert shop.run(plan)[0] == [("v", type_)]
    assert not plan.notices


def test_a_contract_takes_the_type_that_the_target_gives_by_itself(shop: Oracle) -> None:
    column = ContractColumn("V", 'struct("a"  integer)', "JSON")
    contract = Contract(columns=(column,), definition="(as the target writes it)")
    plan = shop.plan("SELECT {'a': 1} AS v FROM {orders}", contract=contract)
    assert shop.run(plan)[0] == [("v", 'STRUCT("a" INTEGER)')]


def test_a_contract_that_rounds_a_time_says_so(shop: Oracle) -> None:
    sql = "SELECT '12:00:00.123456789'::TIME_NS AS v FROM {orders}"
    plan = shop.plan(sql, contract=demanding(("v", "TIME")))
    assert shop.run(plan)[0] == [("v", "TIME")]
    assert [(notice.code, "microseconds" in notice.message) for notice in plan.notices] == [("DVT002", True)]


@pytest.mark.parametrize(
    ("value", "demanded"),
    [
        ("1", "TEXT"),
        ("sum(id)", "TEXT"),
        ("'a'::ENUM('a', 'b')", "ENUM('b', 'a')"),
        ("INTERVAL 1 DAY", "TIME"),
        ("TIMESTAMP '2024-01-01 00:00:00'", "DATE"),
        ("'1'", "INT"),
        ("[1]", "BIGINT[]"),
    ],
)
def test_a_contract_refuses_types_that_do_not_fit(shop: Oracle, value: str, demanded: str) -> None:
    with pytest.raises(ContractBroken, match="the contract says"):
        shop.plan(f"SELECT {value} AS v FROM {{orders}} GROUP BY ALL", contract=demanding(("v", demanded)))


def test_a_broken_contract_lists_every_difference(shop: Oracle) -> None:
    contract = demanding(
        ("id", "VARCHAR"), ("gone", "DATE"), ("note", None), ("odd", None), any_number="note"
    )
    with pytest.raises(ContractBroken) as caught:
        shop.plan("SELECT id, total AS more, note FROM {orders}", contract=contract)
    assert caught.value.differences == [
        "gone is missing",
        "odd is missing",
        "more is not in the contract",
        "id is INTEGER, the contract says the target's VARCHAR",
        "note is VARCHAR, the contract says the target's None",
    ]


@pytest.mark.parametrize(
    ("sql", "column"),
    [
        ("SELECT o.nope FROM {orders} o", "nope"),
        ("SELECT nope FROM {orders}", "nope"),
        ("SELECT id FROM {orders} WHERE nope > 1", "nope"),
        ("WITH q AS (SELECT id FROM {orders}) SELECT q.total FROM q", "total"),
    ],
)
@pytest.mark.parametrize("dialect", ["duckdb", "postgres"])
def test_a_column_that_does_not_exist_is_named(shop: Oracle, sql: str, column: str, dialect: str) -> None:
    with pytest.raises(ColumnNotFound) as caught:
        shop.plan(sql, dialect=dialect)
    assert caught.value.column == column
    assert "models/it.sql" in str(caught.value)
    assert "dvt_" not in str(caught.value)


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        ("SELECT id FROM {orders} WHERE\n total >> > 1", "line 2"),
        ("SELECT 'x FROM {orders}", "not valid duckdb"),
        ("SELECT id FROM {orders}; SELECT 1", "one SELECT"),
        ("DROP TABLE x", "one SELECT"),
        ("-- {orders}, of which a macro made nothing\n", "it is empty"),
        ("SELECT id FROM raw.orders", "does not know a name of the SQL: raw.orders is no ref()"),
        ("SELECT no_such(id) FROM {orders}", "no_such"),
        ("SELECT id + note FROM {orders}, {customers}", "id"),
    ],
)
def test_sql_that_is_wrong_is_an_error_of_the_model(shop: Oracle, sql: str, problem: str) -> None:
    with pytest.raises(SqlInvalid) as caught:
        shop.plan(sql)
    assert problem in str(caught.value)
    assert "dvt_orders" not in str(caught.value)


@pytest.mark.parametrize(
    "expression",
    [
        "to_char(ordered, 'Mon')",
        "note SIMILAR TO 'a%'",
        "note::char(3)",
        "age(ordered)",
        "format('%s', note)",
    ],
)
def test_an_expression_that_is_not_proven_is_refused(shop: Oracle, expression: str) -> None:
    with pytest.raises(TranslationWrong) as caught:
        shop.plan(f"SELECT id,\n  {expression} AS v\nFROM {{orders}}", dialect="postgres")
    assert caught.value.sql_line == 2
    assert "compute: target" in str(caught.value)


def test_an_unproven_construct_is_a_notice_where_the_model_accepts_it(shop: Oracle) -> None:
    sql = "SELECT regexp_replace(note, 'a|b', 'b') AS v FROM {orders}"
    plan = shop.plan(sql, dialect="postgres", translate=Translate.BEST_EFFORT)
    assert [notice.code for notice in plan.notices] == ["DVT003"]
    assert "regexp_replace" in plan.notices[0].message.lower()


@pytest.mark.parametrize(
    "expression", ["justify_days(ordered - changed)", "jsonb_build_object('id', id)", "num_nulls(id, total)"]
)
def test_sql_that_the_engine_lacks_is_never_called_invalid(shop: Oracle, expression: str) -> None:
    for translate in Translate:
        with pytest.raises(TranslationWrong) as caught:
            shop.plan(f"SELECT {expression} AS v FROM {{orders}}", dialect="postgres", translate=translate)
        assert "not valid" not in str(caught.value)


def test_every_clock_function_gives_the_runs_time(shop: Oracle) -> None:
    sql = "SELECT now() AS a, current_timestamp AS b, current_date AS c, localtimestamp AS d FROM {orders}"
    described, rows = shop.run(shop.plan(sql, dialect="postgres"))
    assert [type_ for _, type_ in described] == [
        "TIMESTAMP WITH TIME ZONE",
        "TIMESTAMP WITH TIME ZONE",
        "DATE",
        "TIMESTAMP",
    ]
    (row,) = rows
    assert row[0] == row[1]
    assert (str(row[2]), str(row[3])) == ("2026-03-01", "2026-03-01 12:30:15.250000")


def test_random_is_not_duplicated(shop: Oracle) -> None:
    sql = "WITH r AS (SELECT id, random() AS x FROM {orders}) SELECT a.x = a.x AS same FROM r a"
    plan = shop.plan(sql)
    assert plan.transform.shown.upper().count("RANDOM()") == 1
    assert shop.run(plan)[1] == [(True,)]


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        ("PIVOT {orders} ON note USING count(*)", "a PIVOT takes its columns from the data"),
        ("SELECT row(id, note) AS pair FROM {orders}", "column pair has the type STRUCT"),
    ],
)
def test_valid_sql_whose_answer_cannot_be_staged_is_not_called_invalid(
    shop: Oracle, sql: str, problem: str
) -> None:
    with pytest.raises(AnswerUntyped, match=problem) as caught:
        shop.plan(sql)
    assert "not valid" not in str(caught.value)
    assert "compute: target" in caught.value.hint
