"""Constructs of a model in another dialect that are proven in the engine, and those that are not."""

from __future__ import annotations

from dataclasses import replace

import duckdb
import pytest

from dvt.core.errors import TranslationWrong
from dvt.federation.plan import parse_model, unproven
from dvt.federation.plan.proven.table import ProofTable
from tests.acceptance.oracle import Oracle

_PROVEN = {
    "Add(integer, integer)": "integer",
    "EQ(integer, integer)": "boolean",
    "GT(integer, integer)": "boolean",
    "Select": "",
    "From": "",
}
_DIFFERS = {"Upper(text)": "'STRAßE' there, 'STRAẞE' here"}


def _unproven(shop: Oracle, sql: str, dialect: str = "postgres") -> list[tuple[str, int | None, str]]:
    parsed = parse_model(shop.request(sql, dialect=dialect))
    tables = {key: shop.table(read.table.identifier) for key, read in parsed.inputs.items()}
    table = ProofTable(results=_PROVEN, differs=_DIFFERS)
    context = replace(shop.context(), proofs=lambda _, dialect: table if dialect == "postgres" else None)
    return [(part.construct, part.line, part.why) for part in unproven(parsed, tables, context)]


def test_proven_constructs_over_proven_classes_are_no_finding(shop: Oracle) -> None:
    assert _unproven(shop, "SELECT id + customer_id + 1 AS n FROM {orders} WHERE id > 1") == []


def test_a_construct_is_proven_for_its_classes_alone(shop: Oracle) -> None:
    ((construct, line, why),) = _unproven(shop, "SELECT id,\n  total + 1 AS n\nFROM {orders}")
    assert (construct, line) == ("total + 1", 2)
    assert "Add(decimal, integer)" in why


def test_what_is_known_to_differ_shows_the_difference(shop: Oracle) -> None:
    ((construct, _, why),) = _unproven(shop, "SELECT upper(note) AS n FROM {orders}")
    assert construct == "UPPER(note)"
    assert "STRAẞE" in why


def test_classes_pass_through_subqueries_and_ctes(shop: Oracle) -> None:
    sql = "WITH a AS (SELECT id + 1 AS n FROM {orders}) SELECT b.n + 1 AS m FROM (SELECT n FROM a) AS b"
    assert {construct for construct, *_ in _unproven(shop, sql)}.isdisjoint({"b.n + 1", "id + 1"})


@pytest.mark.parametrize(
    ("expression", "word"),
    [
        ("interval '1 day 02:00'", "'1 day 02:00'"),
        ("timestamp '2024-01-01 12:00'::date", "timestamp"),
        ("+ id", "+ id"),
        ("(- + id)::text", "+ id"),
        ("id + + '5'", "+ '5'"),
    ],
)
def test_what_sqlglot_reads_otherwise_is_a_finding(shop: Oracle, expression: str, word: str) -> None:
    findings = _unproven(shop, f"SELECT\n{expression} AS n FROM {{orders}}")
    assert any(word in construct and line == 2 for construct, line, _ in findings)


@pytest.mark.parametrize("expression", ["id + 1", "CASE WHEN id > 1 THEN 1 END + id", "+ 1", "id - +1"])
def test_a_sum_and_a_signed_number_are_read_as_written(shop: Oracle, expression: str) -> None:
    findings = _unproven(shop, f"SELECT {expression} AS n FROM {{orders}}")
    assert not any("otherwise" in why for *_, why in findings)


def test_a_decadic_logarithm_is_no_proof_of_one_to_a_named_base(shop: Oracle) -> None:
    (found,) = _unproven(shop, "SELECT log10(id) AS n FROM {orders}")
    assert "(Log10(integer))" in found[2]
    (found,) = _unproven(shop, "SELECT log(10, id) AS n FROM {orders}")
    assert "(Log(integer, integer))" in found[2]


def test_a_model_in_the_engines_dialect_needs_no_proof(shop: Oracle) -> None:
    assert _unproven(shop, "SELECT upper(note) AS n FROM {orders}", dialect="duckdb") == []


def test_nothing_is_proven_of_a_dialect_that_nobody_has_tried(shop: Oracle) -> None:
    ((construct, line, why),) = _unproven(shop, "SELECT id FROM {orders}", dialect="mysql")
    assert (construct, line) == ("the SQL", None)
    assert "mysql" in why


def test_a_collation_that_no_copy_on_the_target_has_needs_no_proof(shop: Oracle) -> None:
    """PostgreSQL compares the copy of MariaDB's text by its bytes, as the engine does."""
    shop.collations = {"note": "utf8mb4_general_ci"}
    for dialect, is_unproven in (("postgres", True), ("mysql", False)):
        shop.dialects = dict.fromkeys(("pg", "maria", "here"), dialect) | {"target": "postgres"}
        reasons = [why for *_, why in _unproven(shop, "SELECT id FROM {orders} WHERE note = 'x'")]
        assert any("compared by a collation" in why for why in reasons) is is_unproven


def test_a_number_that_the_engine_reads_as_a_double_is_a_finding(shop: Oracle) -> None:
    ((construct, line, _),) = _unproven(shop, "SELECT id,\n  1e3 AS thousand FROM {orders}")
    assert (construct, line) == ("1e3", 2)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT total AS value FROM {orders} GROUP BY total ORDER BY total",
        "SELECT o.total AS value FROM {orders} AS o GROUP BY o.total ORDER BY total",
        "SELECT total AS value FROM {orders} GROUP BY total ORDER BY count(*) DESC, total",
        "SELECT lower(note) AS word FROM {orders} GROUP BY lower(note) ORDER BY lower(note)",
        "SELECT total + 1 AS total FROM {orders} GROUP BY 1 ORDER BY total",
    ],
)
def test_an_output_may_be_named_by_its_expression(shop: Oracle, sql: str) -> None:
    assert shop.plan(sql, dialect="postgres").transform.sql


@pytest.mark.parametrize("dialect", ["postgres", "mysql"])
@pytest.mark.parametrize(
    "sql",
    [
        "SELECT coalesce(sum(total), max(rate)) AS x FROM {rates}",
        "SELECT CASE WHEN max(rate) > 1 THEN max(rate) ELSE sum(total) END AS x FROM {rates}",
        "SELECT sum(total) AS x FROM {rates} UNION ALL SELECT rate FROM {rates}",
        "SELECT rate FROM {rates} WHERE rate IN (SELECT sum(total) FROM {rates})",
    ],
)
def test_digits_that_the_engine_would_round_away_are_unproven(dialect: str, sql: str) -> None:
    """DuckDB gives DECIMAL(38,2) to values of DECIMAL(38,2) and DECIMAL(12,4) together."""
    with duckdb.connect() as db:
        db.execute("CREATE TABLE rates (total DECIMAL(10,2), rate DECIMAL(12,4))")
        with pytest.raises(TranslationWrong, match=r"rounds it: DECIMAL\(\d+,\d\) to DECIMAL\(38,\d\)"):
            Oracle(db).plan(sql, dialect=dialect)
        Oracle(db).plan(sql, dialect="duckdb")
        Oracle(db).plan("SELECT sum(total)::numeric(38,1) AS x FROM {rates}", dialect="postgres")
