"""What is pushed over JDBC, comparisons of whole numbers with constants, answers as in DuckDB."""

from __future__ import annotations

import pytest

from dvt.testing.connectors import Bench
from tests.databases.jdbc import hsqldb, over_jdbc

pytestmark = [pytest.mark.slow, pytest.mark.long]

VALUES = {
    "smallint": ("-32768", "-1", "0", "1", "5", "6", "32767", "null"),
    "integer": ("-2147483648", "-1", "0", "1", "5", "6", "2147483647", "null"),
    "bigint": (
        "-9223372036854775808",
        "-1",
        "0",
        "1",
        "5",
        "9007199254740993",
        "9223372036854775807",
        "null",
    ),
}
CONSTANTS = (
    *("0", "5", "-1", "5.0", "5.5", "-0.5", "4.999999999999999", "32768", "2147483648", "-2147483649"),
    *("9007199254740992", "9007199254740993", "9223372036854775807", "9223372036854775808"),
    *("-9223372036854775808", "-9223372036854775809", "99999999999999999999999999999999999999"),
)
CONDITIONS = (
    *(
        f"{{0}} {operator} {constant}"
        for operator in ("=", "<>", "<", "<=", ">", ">=")
        for constant in CONSTANTS
    ),
    *(f"{{0}} IN ({', '.join(constants)})" for constants in (("0", "5.5"), ("5", "6.0"), CONSTANTS[:-1])),
    *(f"NOT ({{0}} IN ({', '.join(constants)}))" for constants in (("0", "5.5"), CONSTANTS[:-1])),
    *(
        "{0} BETWEEN -0.5 AND 5.5",
        "NOT ({0} BETWEEN 0 AND 9223372036854775808)",
        "{0} IS NULL",
        "NOT ({0} IS NULL)",
    ),
    *("{0} > 0 AND ({0} < 6 OR {0} = 32767)",),
)
"""Conditions as the planner writes them."""


@pytest.fixture(scope="module", params=["h2", "hsqldb", "postgres", "mariadb", "trino"])
def database(request, databases):
    if request.param == "hsqldb":
        with hsqldb() as server:
            yield server
    elif request.param in {"h2", "trino"}:
        yield databases({"h2": "jdbc"}.get(request.param, request.param))
    else:
        yield over_jdbc(databases(request.param))


def test_comparisons_of_whole_numbers_keep_the_rows_that_duckdb_keeps(database, tmp_path):
    bench = Bench(database, tmp_path)
    ref = database.table("whole_numbers")
    bench.create(ref, list(zip("sib", VALUES, strict=True)), *zip(*VALUES.values(), strict=True))
    table = bench.describe(ref)
    problems = []
    for column in table.columns:
        assert column.exact
        (whole,) = bench.read(bench.extraction(table, [column.name]))
        for condition in CONDITIONS:
            pushed = condition.format(f'"{column.name}"')
            (some,) = bench.read(bench.extraction(table, [column.name], where=(pushed,)))
            sql = "SELECT list(c0 ORDER BY c0) FROM t"
            expected = bench.first_row(f"{sql} WHERE {condition.format('c0')}", whole)
            if bench.first_row(sql, some) != expected:
                problems.append(f"{column.native}: {condition}")
    bench.close()
    assert not problems
