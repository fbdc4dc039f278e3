"""A contract's own types on PostgreSQL: values sent in another binary form are stored, or refused."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dvt.core.errors import DvtError, RowRefused, TableNotFound, ValueLost
from dvt.core.plan import Load
from dvt.core.tables import StageColumn
from dvt.core.types import BIGINT, VARCHAR, StageType
from dvt.testing.connectors import Bench
from tests.databases.postgres import PostgreSQL

pytestmark = pytest.mark.slow


@pytest.fixture
def database(postgres: PostgreSQL) -> Iterator[PostgreSQL]:
    postgres.execute(
        "create type weather as enum ('fine', 'bad')",
        "create domain dvt_positive as integer check (value > 0)",
        "create domain dvt_small as dvt_positive",
        "grant usage on type weather, dvt_positive, dvt_small to public",
    )
    yield postgres
    postgres.execute(
        "drop domain if exists dvt_small cascade",
        "drop domain if exists dvt_positive cascade",
        "drop type if exists weather cascade",
    )


FITTING = [
    ("JSON", """'{"b": 1, "a": 2}'""", "jsonb", '{"a": 2, "b": 1}'),
    ("VARCHAR", """'{"b": 1, "a": 2}'""", "jsonb", '{"a": 2, "b": 1}'),
    ("VARCHAR", "'[1]'", "json", "[1]"),
    ("VARCHAR", "NULL", "jsonb", None),
    ("VARCHAR", "'äöü'", "varchar(3)", "äöü"),
    ("VARCHAR", "'ab'", "char(3)", "ab"),
    ("DECIMAL(9,2)", "1.25", "numeric", "1.25"),
    ("DECIMAL(9,2)", "1.25", "numeric(12,4)", "1.2500"),
    ("DECIMAL(38,37)", "1.5", "numeric", "1.5000000000000000000000000000000000000"),
    ("VARCHAR", "'101'", "bit(3)", "101"),
    ("VARCHAR", "'1 year 2 days'", "interval", "1 year 2 days"),
    ("VARCHAR", "'127.0.0.1'", "inet", "127.0.0.1/32"),
    ("TIMESTAMP", "'2024-02-29 12:00:00.6'", "timestamptz", "2024-02-29 12:00:00.6+00"),
    ("TIMESTAMP", "'2024-02-29 12:00:00.6'", "timestamp(0)", "2024-02-29 12:00:01"),
    ("VARCHAR[]", "['a', NULL]", "text[]", "{a,NULL}"),
    ("INTEGER[]", "[1, 2]", "bigint[]", "{1,2}"),
    ("DECIMAL(9,2)[]", "[1.25]", "numeric[]", "{1.25}"),
    ("UUID", "'00000000-0000-0000-0000-000000000001'", "text", "00000000-0000-0000-0000-000000000001"),
    ("INTEGER", "1", "shop.dvt_positive", "1"),
    ("INTEGER", "1", "shop.dvt_small", "1"),
    ("INTEGER", "1", "smallint", "1"),
    ("VARCHAR", "'fine'", "shop.weather", "fine"),
    ("BLOB", "'\\xAB\\x00'::BLOB", "bytea", "\\xab00"),
]
"""Stage type, value, contract's type, text in the table."""


def load_value(bench: Bench, postgres: PostgreSQL, case: tuple[str, str, str]) -> Load:
    """Fill `dvt_typed` with one value, and a neighbour of a plain type."""
    stage, value, native = case
    columns = [StageColumn("plain", BIGINT), StageColumn("typed", StageType.parse(stage))]
    load = Load(
        stage=postgres.table("dvt_typed"),
        columns=bench.connector.columns(columns),
        definition=f"(typed {native}, plain bigint primary key)",
    )
    bench.connector.drop(load.stage)
    bench.connector.fill(load, bench.stage(f"SELECT 7 AS plain, {value} AS typed", columns))
    return load


@pytest.mark.parametrize(("case", "text"), [(tuple(case), text) for *case, text in FITTING])
def test_a_column_of_a_contracts_type_holds_the_staged_value(
    database: PostgreSQL, bench: Bench, case: tuple[str, str, str], text: str | None
) -> None:
    load = load_value(bench, database, case)
    assert database.as_text(load.stage) == [(text, "7")]
    database.execute("drop table if exists as_declared", f"create table as_declared (typed {case[2]})")
    declared = database.type_of(database.table("as_declared"), "typed")
    assert database.type_of(load.stage, "typed") == declared
    tables = database.execute("select tablename from pg_tables where tablename like 'dvt_typed%'")
    assert tables == [("dvt_typed",)]


def test_columns_of_all_types_share_a_table(database: PostgreSQL, bench: Bench) -> None:
    """A column that the server converts sends its neighbours through the side table too."""
    names = [f"c{number}" for number in range(len(FITTING))]
    columns = [
        StageColumn(name, StageType.parse(stage)) for name, (stage, *_) in zip(names, FITTING, strict=True)
    ]
    types = (f"{name} {native}" for name, (_, _, native, _) in zip(names, FITTING, strict=True))
    values = (f"{value} AS {name}" for name, (_, value, *_) in zip(names, FITTING, strict=True))
    stage = database.table("dvt_typed")
    load = Load(stage=stage, columns=bench.connector.columns(columns), definition=f"({', '.join(types)})")
    bench.connector.drop(stage)
    bench.connector.fill(load, bench.stage(f"SELECT {', '.join(values)}", columns))
    assert database.as_text(stage) == [tuple(text for *_, text in FITTING)]


@pytest.mark.parametrize(
    ("case", "error"),
    [
        (("VARCHAR", "'abcd'", "varchar(3)"), ValueLost),
        (("VARCHAR", "'abcd'", "char(3)"), ValueLost),
        (("VARCHAR", "'1011'", "bit(3)"), ValueLost),
        (("VARCHAR", "'1011'", "varbit(3)"), ValueLost),
        (("VARCHAR[]", "['abcd']", "varchar(3)[]"), ValueLost),
        (("DECIMAL(9,2)", "1234567.25", "numeric(5,2)"), ValueLost),
        (("INTEGER", "70000", "smallint"), ValueLost),
        (("VARCHAR", "'{'", "jsonb"), ValueLost),
        (("VARCHAR", "'none'", "shop.weather"), ValueLost),
        (("INTEGER", "-1", "shop.dvt_small"), RowRefused),
        (("VARCHAR", "'x'", "no_such_type"), DvtError),
    ],
)
def test_a_value_that_does_not_fit_its_type_leaves_no_table(
    database: PostgreSQL, bench: Bench, case: tuple[str, str, str], error: type[DvtError]
) -> None:
    with pytest.raises(error):
        load_value(bench, database, case)
    with pytest.raises(TableNotFound):
        bench.describe(database.table("dvt_typed"))


def test_a_column_that_the_contract_lacks_is_an_error(database: PostgreSQL, bench: Bench) -> None:
    columns = [StageColumn("plain", BIGINT), StageColumn("typed", VARCHAR)]
    stage = database.table("dvt_lacking")
    load = Load(stage=stage, columns=bench.connector.columns(columns), definition="(plain bigint)")
    with pytest.raises(DvtError, match="typed"):
        bench.connector.fill(load, bench.stage("SELECT 7 AS plain, 'x' AS typed", columns))
