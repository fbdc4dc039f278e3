"""Hashes of rows, as servers compute them: rows that differ in staging never have the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from dvt.core.ports.connectors import CanFindChanges
from dvt.testing.connectors import Bench

pytestmark = pytest.mark.slow

POSTGRES = [
    ("bigint", "1", "4294967296"),
    ("bigint", "0", "-1"),
    ("smallint", "0", "NULL"),
    ("oid", "1", "2"),
    ("boolean", "false", "NULL"),
    ("numeric", "1.0", "1.00"),
    ("numeric(12,2)", "1", "1.01"),
    ("real", "'-0'", "'0'"),
    ("double precision", "3", "3.0000000000000004"),
    ("double precision", "'NaN'", "'Infinity'"),
    ("text", "''", "NULL"),
    ("text", "'N'", "NULL"),
    ('text COLLATE "dvt_blind"', "'a'", "'A'"),
    ("varchar(9)", "'a'", "'a '"),
    ("char(9)", "'a'", "'b'"),
    ("name", "'a'", "'A'"),
    ('"char"', "'a'", "'A'"),
    ("bytea", "'\\x'", "NULL"),
    ("bytea", "'\\x00'", "'\\x'"),
    ("uuid", "'00000000-0000-0000-0000-000000000001'", "'00000000-0000-0000-0000-000000000002'"),
    ("json", "'[1]'", "'[1 ]'"),
    ("jsonb", "'[1.0]'", "'[1.00]'"),
    ("date", "'2026-01-01'", "'infinity'"),
    ("time", "'00:00'", "'24:00'"),
    ("timetz", "'12:00+00'", "'13:00+01'"),
    ("timestamp", "'2026-01-01 00:00:00.000001'", "'2026-01-01'"),
    ("timestamptz(3)", "'2026-01-01 00:00:00.001'", "'2026-01-01'"),
    ("interval", "'1 day'", "'24:00'"),
    ("interval day to second", "'1 day'", "'24:00'"),
    ("int[]", "'{1,NULL}'", "'{1}'"),
    ("int[]", "'{}'", "NULL"),
    ("text[]", "'{a,b}'", "'{\"a,b\"}'"),
    ("numeric(9,2)[]", "'{1}'", "'{1.01}'"),
    ("dvt_mood", "'sad'", "'glad'"),
    ("dvt_mood[]", "'{sad}'", "'{glad}'"),
    ("dvt_pair", "'(1,)'", "'(1,\"\")'"),
    ("dvt_number", "1.0", "1.01"),
    ("money", "1", "2"),
    ("regtype", "'int'", "'bigint'"),
    ("aclitem", "'postgres=r/postgres'", "'postgres=w/postgres'"),
    ("int4range", "'[1,2)'", "'empty'"),
    ("inet", "'10.0.0.1/8'", "'10.0.0.1'"),
    ("bit varying", "'0'", "'00'"),
    ("point", "'(1,2)'", "'(2,1)'"),
    ("tsvector", "'a:1'", "'a'"),
    ("xml", "'<a/>'", "'<a></a>'"),
]
"""Type, and two values of it that differ; `aclitem` has no binary form."""
MARIADB = [
    ("bigint", "1", "4294967296"),
    ("bigint", "0", "NULL"),
    ("bigint unsigned", "18446744073709551615", "0"),
    ("bit(9)", "b'1'", "b'100000000'"),
    ("decimal(38,10)", "1", "1.0000000001"),
    ("decimal(65,30)", "1", "1.000000000000000000000000000001"),
    ("float", "1.0000001", "1"),
    ("double", "3", "3.0000000000000004"),
    ("double", "1e300", "1e301"),
    ("varchar(9)", "''", "NULL"),
    ("varchar(9)", "'N'", "NULL"),
    ("varchar(9)", "'a'", "'A'"),
    ("varchar(9)", "'a'", "'a '"),
    ("varchar(9) CHARACTER SET latin1", "'ü'", "'u'"),
    ("varchar(9) CHARACTER SET cp1251", "'ж'", "'Ж'"),
    ("varchar(9) CHARACTER SET ucs2", "'ü'", "'u'"),
    ("varchar(9) COLLATE utf8mb4_bin", "'😀'", "'😁'"),
    ("char(9)", "'a'", "'á'"),
    ("longtext", "'a|b'", "'a'"),
    ("varbinary(9)", "''", "NULL"),
    ("blob", "X'00'", "X''"),
    ("blob", "X'FF'", "X'EFBFBD'"),
    ("date", "'2026-01-01'", "'2026-01-02'"),
    ("datetime(6)", "'2026-01-01 00:00:00.000001'", "'2026-01-01'"),
    ("timestamp(6) NULL", "'2026-01-01 00:00:00.000001'", "'2026-01-01'"),
    ("time(6)", "'-00:00:01'", "'00:00:01'"),
    ("time(6)", "'00:00:01.000001'", "'00:00:01'"),
    ("year", "2026", "0"),
    ("enum('a', 'A') COLLATE utf8mb4_bin", "'a'", "'A'"),
    ("enum('', 'N')", "''", "NULL"),
    ("set('a', 'b')", "'a'", "'a,b'"),
    ("json", "'[1]'", "'[1 ]'"),
    ("uuid", "'00000000-0000-0000-0000-000000000001'", "NULL"),
    ("inet6", "'::1'", "'::2'"),
    ("point", "point(1, 2)", "point(2, 1)"),
]
CASES = {"postgres": POSTGRES, "mariadb": MARIADB}


@pytest.fixture(params=CASES)
def database(request: pytest.FixtureRequest, databases: Any) -> Iterator[Any]:
    """Each server, PostgreSQL with types and a collation of users."""
    server = databases(request.param)
    if request.param == "postgres":
        server.execute(
            "CREATE TYPE dvt_mood AS ENUM ('sad', 'glad')",
            "CREATE TYPE dvt_pair AS (n int, t text)",
            "CREATE DOMAIN dvt_number AS numeric",
            "CREATE COLLATION dvt_blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
        )
    yield server
    server.execute("DROP TABLE IF EXISTS dvt_hashed")
    if request.param == "postgres":
        server.execute(
            "DROP TYPE dvt_mood", "DROP TYPE dvt_pair", "DROP DOMAIN dvt_number", "DROP COLLATION dvt_blind"
        )


def hashes(bench: Bench, groups: Sequence[Sequence[int]]) -> list[tuple[str | None, ...]]:
    """Return the hashes of each row: of each of these groups of columns, in the rows' order."""
    assert isinstance(bench.connector, CanFindChanges)
    table = bench.describe(bench.database.table("dvt_hashed"))
    number, *values = table.columns
    columns = [bench.connector.row_hash([values[place] for place in group]) for group in groups]
    (dataset,) = bench.read(bench.query([table], [number, *columns], scan=True))
    return [row[1:] for row in sorted(bench.rows(dataset))]


def create(bench: Bench, cases: Sequence[tuple[str, str, str]]) -> None:
    """Make a table with a column for each case: two rows have its first value, the third its second."""
    names = [f"c{place}" for place in range(len(cases))]
    definitions = ", ".join(f"{name} {type_}" for name, (type_, *_) in zip(names, cases, strict=True))
    rows = [[case[turn] for case in cases] for turn in (1, 1, 2)]
    values = ", ".join(f"({number}, {', '.join(row)})" for number, row in enumerate(rows))
    bench.database.execute(
        "DROP TABLE IF EXISTS dvt_hashed",
        f"CREATE TABLE dvt_hashed (number int PRIMARY KEY, {definitions})",
        f"INSERT INTO dvt_hashed VALUES {values}",
    )


def test_values_of_each_type_that_differ_have_different_hashes(bench: Bench) -> None:
    cases = CASES[bench.database.name]
    create(bench, cases)
    first, again, other = hashes(bench, [[place] for place in range(len(cases))])
    assert first == again
    assert None not in first
    assert [case for case, one, two in zip(cases, first, other, strict=True) if one == two] == []


def test_a_hash_of_all_types_together_tells_rows_apart_by_any_of_them(bench: Bench) -> None:
    cases = CASES[bench.database.name]
    create(bench, cases)
    places = list(range(len(cases)))
    first, again, other = hashes(bench, [places, places[1:], places[::-1]])
    assert first == again
    assert len({*first, *other}) == 6
    assert None not in first
