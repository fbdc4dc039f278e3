"""What a connector promises of a query's clauses: conditions, needed values, joins and groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from dvt.core.queries import ExtractedColumn, Need, SourceQuery, TablePlace, ValuePlace
from dvt.core.tables import Column, Table
from dvt.core.types import BIGINT
from dvt.testing.connectors import Bench
from dvt.testing.suites.suite import ConnectorFixtures

HOSTILE_NAMES = ("or{1}ders", "cust%s omers {0}")
"""Names of two tables that a template would take for a place of its own."""
HOSTILE_TEXT = "{0}{x}%s?"
"""A text that a template, or a driver's parameters, would take for a place."""


class PushdownSuite(ConnectorFixtures):
    """Tests of queries that do more than read a table. A subclass has the fixture `database`."""

    def test_only_the_rows_of_the_pushed_predicates_arrive(self, bench: Bench) -> None:
        table = bench.describe(bench.filled("filtered", 1000))
        n = bench.database.name_of("n")
        where = (f"{n} > 10 or {n} = 1", f"{n} <= 20")
        (dataset,) = bench.read(bench.extraction(table, ["n"], where=where))
        assert sorted(int(row[0] or 0) for row in bench.rows(dataset)) == [1, *range(11, 21)]

    def test_a_value_of_an_earlier_answer_narrows_what_arrives(self, bench: Bench) -> None:
        query = _since(bench, bench.describe(bench.filled("needed", 1000)))
        (dataset,) = bench.read(query.answered({"least": "991"}))
        assert sorted(int(row[0] or 0) for row in bench.rows(dataset)) == list(range(991, 1001))

    def test_a_condition_whose_value_cannot_be_sent_narrows_nothing(self, bench: Bench) -> None:
        query = _since(bench, bench.describe(bench.filled("unneeded", 1000)))
        (dataset,) = bench.read(query.answered({"least": None}))
        assert dataset.rows == 1000

    def test_an_answer_holds_what_queries_that_it_covers_ask_for(self, bench: Bench) -> None:
        table = bench.describe(bench.filled("covering", 1000))
        n = bench.database.name_of("n")
        wide = bench.extraction(table, where=(f"{n} <= 20",))
        narrow = replace(
            wide, select=wide.select[:1], columns=wide.columns[:1], where=(*wide.where, f"{n} > 10")
        )
        assert wide.covers(narrow)
        answers = bench.read(wide, narrow)
        values = [
            bench.first_row("SELECT list(c0 ORDER BY c0) FROM t WHERE c0 > 10", answer) for answer in answers
        ]
        assert values == [(list(range(11, 21)),)] * 2

    def test_tables_of_one_connection_are_joined_there(self, bench: Bench) -> None:
        (dataset,) = bench.read(_joined(bench, _two_tables(bench)))
        assert bench.rows(dataset) == [("1", HOSTILE_TEXT), ("2", HOSTILE_TEXT), ("3", "b"), ("4", "c")]

    def test_a_join_is_filtered_by_conditions_on_each_table(self, bench: Bench) -> None:
        name = bench.database.name_of
        tag = f"t1.{name('tag')}"
        where = (f"{tag} = '{HOSTILE_TEXT}' OR {tag} = 'b'", f"t0.{name('id')} > 1")
        (dataset,) = bench.read(_joined(bench, _two_tables(bench), where=where))
        assert bench.rows(dataset) == [("2", HOSTILE_TEXT), ("3", "b")]

    def test_a_join_is_aggregated_there(self, bench: Bench) -> None:
        tables, name = _two_tables(bench), bench.database.name_of
        tag = tables[1].columns[1]
        counted = Column(name="", native="", stage=BIGINT, unpack="CAST({0} AS BIGINT)")
        columns = (
            ExtractedColumn(name="c0", column=tag, table=1),
            ExtractedColumn(name="c1", column=counted),
        )
        by = f"t1.{name('tag')}"
        select = (f"{tag.read.format(by)} AS {name('c0')}", f"COUNT(*) AS {name('c1')}")
        where = (f"t0.{name('id')} < 4",)
        query = _joined(bench, tables, select=select, columns=columns, where=where, group_by=(by,))
        assert bench.rows(bench.read(query)[0]) == [("b", "1"), (HOSTILE_TEXT, "2")]
        whole = replace(query, select=select[1:], columns=columns[1:], group_by=())
        assert bench.rows(bench.read(whole)[0]) == [("3",)]

    def test_a_condition_may_read_another_table(self, bench: Bench) -> None:
        tables, name = _two_tables(bench), bench.database.name_of
        inner = f" AS t1 WHERE t1.{name('tag')} = 'b')"
        where = ((f"t0.{name('customer')} IN (SELECT t1.{name('id')} FROM ", TablePlace(1), inner),)
        source = (TablePlace(0), " AS t0")
        query = bench.query(tables, [tables[0].columns[0]], scan=False)
        (dataset,) = bench.read(replace(query, source=source, where=where))
        assert bench.rows(dataset) == [("3",)]

    def test_a_table_may_be_read_twice_by_one_query(self, bench: Bench) -> None:
        orders, _ = _two_tables(bench)
        name = bench.database.name_of
        on = f" AS t1 ON t0.{name('customer')} = t1.{name('customer')} AND t0.{name('id')} < t1.{name('id')}"
        source = (TablePlace(0), " AS t0 JOIN ", TablePlace(1), on)
        query = _joined(bench, [orders, orders], source=source)
        assert bench.rows(bench.read(query)[0]) == [("1", "10")]

    def test_names_of_joined_tables_may_hold_anything(self, bench: Bench) -> None:
        if set(HOSTILE_NAMES) & set(bench.database.impossible_names):
            pytest.skip("no such names")
        (dataset,) = bench.read(_joined(bench, _two_tables(bench, HOSTILE_NAMES)))
        assert dataset.rows == 4


def _since(bench: Bench, table: Table) -> SourceQuery:
    """A query for n from a value on that an earlier query answers."""
    (column,) = (column for column in table.columns if column.name == "n")
    condition = (f"{bench.database.name_of('n')} >= ", ValuePlace("least"))
    need = Need(name="least", answers=("earlier",), value=(ValuePlace("earlier"),), column=column)
    return replace(bench.extraction(table, ["n"]), where=(condition,), needs=(need,))


def _two_tables(bench: Bench, names: Sequence[str] = ("joined_orders", "joined_customers")) -> list[Table]:
    """Orders of customers; a customer's tag looks like a template's place."""
    orders, customers = (bench.database.table(name) for name in names)
    integer, text = bench.database.integer_type, bench.database.text_type
    rows = (["1", "10"], ["2", "10"], ["3", "20"], ["4", "30"])
    bench.create(orders, [("id", integer), ("customer", integer)], *rows)
    tags = (["10", f"'{HOSTILE_TEXT}'"], ["20", "'b'"], ["30", "'c'"])
    bench.create(customers, [("id", integer), ("tag", text)], *tags)
    return [bench.describe(orders), bench.describe(customers)]


def _joined(bench: Bench, tables: Sequence[Table], **changes: Any) -> SourceQuery:
    """Orders with the tags of their customers, as a planner would ask for them."""
    name = bench.database.name_of
    outputs = [(0, tables[0].columns[0]), (1, tables[1].columns[1])]
    columns = tuple(
        ExtractedColumn(name=f"c{place}", column=column, table=table)
        for place, (table, column) in enumerate(outputs)
    )
    select = tuple(
        f"{output.column.read.format(f't{output.table}.{name(output.column.name)}')} AS {name(output.name)}"
        for output in columns
    )
    on = f" AS t1 ON t0.{name('customer')} = t1.{name('id')}"
    source = (TablePlace(0), " AS t0 JOIN ", TablePlace(1), on)
    refs = tuple(table.ref for table in tables)
    query = SourceQuery(
        alias="t", connection=bench.database.name, tables=refs, select=select, source=source, columns=columns
    )
    return replace(query, **changes)
