"""What a translated statement asks of Spark: decimals that lose nothing, and texts that stay as they are."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from sqlglot import exp

from dvt.engines.spark.translated import prepare
from dvt.federation.plan.dialects import engine_dialect
from dvt.federation.plan.dialects.spark.templates import filled
from tests.unit.engines.spark import shared_engine

pytestmark = [
    pytest.mark.slow,
    # Py4J leaves the socket of a thread that has ended to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]

LARGE, SMALL, FINE = (
    "CAST('9999999999999999999999999' AS DECIMAL(38,0))",
    "CAST('7' AS DECIMAL(38,0))",
    "CAST('1.12345678901234567' AS DECIMAL(38,20))",
)
TOGETHER = (
    "CASE WHEN {} > 0 THEN {} ELSE {} END", "coalesce({1}, {2})", "{1} + {2}", "{1} - {2}",
    "greatest({1}, {2})", "{1} = {2}", "{1} < {2}", "{1} IN ({2})", "nullif({1}, {2})",
    "(SELECT max(v) FROM (SELECT {1} AS v UNION ALL SELECT {2}))",
)  # fmt: skip
"""Expressions that find one type for values of several."""
TEXTS = [
    *("it's", "a\\b", "\\", "\\n", "line\nbreak", "tab\t", "%_", "\\%", "\\_", "${x}", "`q`", '"', "''"),
    *(
        "ü😀",
        "\\u0041",
        "\\x41",
        "\\'",
        "\\0",
        "--x",
        "/* x */",
        " trailing ",
        "",
        "\r\n",
        "\\\\",
        "$1",
        "{0}",
    ),
]


@pytest.fixture(scope="module")
def spark() -> Any:
    """Return a session of Spark as a translated statement has it."""
    with shared_engine()._session("testing") as session:
        prepare(session, sorted(engine_dialect("spark").functions))
        yield session


def value(session: Any, sql: str) -> Any:
    ((answer,),) = session.sql(f"SELECT {sql} AS v").collect()
    return answer


@pytest.mark.parametrize("template", TOGETHER)
def test_decimals_together_keep_all_digits_or_are_an_error(spark: Any, template: str) -> None:
    from pyspark.errors import PySparkException

    exact = {"small": (SMALL, FINE), "fine": (FINE, SMALL)}
    for left, right in exact.values():
        answer = value(spark, template.format(left, left, right))
        numbers = [Decimal(7), Decimal("1.12345678901234567")]
        allowed = [*numbers, sum(numbers), numbers[0] - numbers[1], numbers[1] - numbers[0], True, False]
        assert answer in allowed
    with pytest.raises(PySparkException, match="NUMERIC_VALUE_OUT_OF_RANGE"):
        value(spark, template.format(LARGE, LARGE, FINE))


def test_a_model_in_sparks_own_sql_has_sparks_rule() -> None:
    with shared_engine()._session("testing") as session:
        prepare(session, ())
        assert value(session, f"coalesce({FINE}, {SMALL})") == Decimal(1)


@pytest.mark.parametrize("text", TEXTS)
def test_texts_are_written_as_spark_reads_them(spark: Any, text: str) -> None:
    literal = exp.Literal.string(text).sql("spark")
    assert value(spark, literal) == text
    assert value(spark, f"{literal} = {literal}") is True


def test_a_quotient_has_the_digits_that_postgresql_gives(spark: Any) -> None:
    quotients = {
        (1, 3): "0.33333333333333333333",
        (2, 3): "0.66666666666666666667",
        (-7, 4): "-1.7500000000000000",
        (123456789, 7): "17636684.142857142857",
        (99999, 100000000000): "0.00000099999000000000",
    }
    for (dividend, divisor), expected in quotients.items():
        n, d = exp.Literal.number(dividend), exp.Literal.number(divisor)
        sql = filled("quotient", n=n, d=d, scale=exp.Literal.number(0)).sql("spark")
        assert value(spark, sql) == Decimal(expected), (dividend, divisor)


def test_an_argument_is_computed_only_where_a_case_reaches_it(spark: Any) -> None:
    zero = exp.Literal.number(0)
    sql = filled("quotient", n=exp.Literal.number(1), d=exp.column("d"), scale=zero).sql("spark")
    query = f"SELECT CASE WHEN d = 0 THEN -1 ELSE {sql} END AS v FROM VALUES (0), (2) AS t(d)"
    assert {row[0] for row in spark.sql(query).collect()} == {Decimal(-1), Decimal("0.5")}


def test_letters_are_turned_one_by_one(spark: Any) -> None:
    cased = {"upper": ("Straße ΑΣ ŉ", "STRAßE ΑΣ ŉ"), "lower": ("\u0394\u03a3 İ", "\u03b4\u03c3 i")}
    for template, (text, expected) in cased.items():
        assert value(spark, filled(template, s=exp.Literal.string(text)).sql("spark")) == expected
