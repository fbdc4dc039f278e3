"""What every compute engine promises (`dvt.core.ports.engines.Engine`)."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import ClassVar

import pytest

from dvt.core.errors import (
    Cancelled,
    DvtError,
    QueryFailed,
    SqlInvalid,
    StagingDamaged,
    ValueLost,
)
from dvt.core.ports.engines import Engine, Value
from dvt.core.ports.staging import Bucket, Dataset
from dvt.core.surrogates import DELETED_FILE, DELETED_ROW
from dvt.core.tables import StageColumn
from dvt.core.types import BIGINT, BOOLEAN, DATE, DOUBLE, INTEGER, VARCHAR, StageType
from dvt.testing.engines import EngineBench, transform_table
from dvt.testing.suites.suite import Suite

VALUES: Mapping[str, tuple[StageType, str, str]] = {
    "a boolean": (BOOLEAN, "TRUE", "true"),
    "a false boolean": (BOOLEAN, "FALSE", "false"),
    "the largest integer": (INTEGER, "2147483647", "2147483647"),
    "the largest bigint": (BIGINT, "9223372036854775807", "9223372036854775807"),
    "a negative bigint": (BIGINT, "-9223372036854775807", "-9223372036854775807"),
    "a double": (DOUBLE, "CAST(0.25 AS DOUBLE)", "0.25"),
    "an empty text": (VARCHAR, "''", ""),
    "a text": (VARCHAR, "'it''s ünï 😀  '", "it's ünï 😀  "),
    "a first date": (DATE, "CAST('0001-01-01' AS DATE)", "0001-01-01"),
    "a leap day": (DATE, "CAST('2024-02-29' AS DATE)", "2024-02-29"),
}
"""What → type, the value in SQL, and its text: what every engine holds."""
READS: Mapping[str, str] = {
    "SELECT a FROM t": "a",
    "SELECT COUNT(*) AS n FROM t": "",
    "SELECT a FROM t WHERE b > 1": "ab",
    "SELECT * FROM t": "abc",
    "SELECT MAX(c) AS m FROM t GROUP BY b": "bc",
    "SELECT a FROM t WHERE EXISTS (SELECT 1 FROM t AS u WHERE u.b = t.a)": "ab",
}
"""SQL → letters of the columns that it reads of t, which has a, b and c."""
COPIES = "abcdefgh"
"""Names of copies of a table with a hundred rows, which nobody can count all combinations of."""
THREADS = 8
"""Nodes that compute at once."""


class EngineSuite(Suite):
    """Tests of a compute engine.

    A subclass has the fixtures `engine`, as a run makes it, and `bucket`, an empty one to stage in.
    """

    started_at: ClassVar[datetime] = datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC)
    """The `EngineContext.started_at` of the fixture's engine."""

    @pytest.fixture
    def bench(self, engine: Engine, bucket: Bucket) -> EngineBench:
        """The engine with places to stage in."""
        return EngineBench(engine, bucket)

    def test_binding_finds_names_and_types(self, bench: EngineBench) -> None:
        columns = [StageColumn(f"c{place}", type_) for place, type_ in enumerate(_types())]
        columns += [StageColumn("Mixed Case", INTEGER)]
        assert bench.bind("SELECT * FROM t", t=columns) == tuple(columns)
        chosen = bench.bind('SELECT c0 AS "Other", COUNT(*) AS n FROM t GROUP BY c0', t=columns)
        assert chosen == (StageColumn("Other", columns[0].type), StageColumn("n", BIGINT))

    def test_types_of_computed_outputs_are_those_of_their_casts(self, bench: EngineBench) -> None:
        types = [BIGINT, DOUBLE, VARCHAR, DATE]  # not all dialects have all types
        outputs = ", ".join(f"CAST(MAX(n) AS {type_}) AS c{place}" for place, type_ in enumerate(types))
        bound = bench.bind(f"SELECT {outputs} FROM t", t=[StageColumn("n", VARCHAR)])
        assert bound == tuple(StageColumn(f"c{place}", type_) for place, type_ in enumerate(types))

    @pytest.mark.parametrize(("sql", "letters"), READS.items())
    def test_binding_tells_the_columns_that_are_read(
        self, bench: EngineBench, sql: str, letters: str
    ) -> None:
        columns = [StageColumn(name, BIGINT) for name in "abc"]
        assert bench.binding(sql, t=columns).reads == (frozenset(letters),)

    def test_a_table_that_a_query_of_itself_reads_is_read(self, bench: EngineBench) -> None:
        first = "SELECT CAST(1 AS BIGINT) AS n, a FROM t WHERE b = 1"
        again = "SELECT n + 1 AS n, a FROM r WHERE n < 3"
        sql = f"WITH RECURSIVE r AS ({first} UNION ALL {again}) SELECT n, a FROM r WHERE n < 3"
        (read,) = bench.binding(sql, t=[StageColumn(name, BIGINT) for name in "abc"]).reads
        assert read is not None
        assert {"a", "b"} <= read

    def test_a_table_of_which_no_row_is_read_may_be_left_out(self, bench: EngineBench) -> None:
        binding = bench.binding("SELECT a FROM (SELECT * FROM t LIMIT 0) AS x", t=[StageColumn("a", BIGINT)])
        assert binding.reads in {(None,), (frozenset("a"),)}

    def test_a_column_that_was_not_extracted_is_null(self, bench: EngineBench) -> None:
        dataset, missing = bench.numbers(3), StageColumn("m", VARCHAR)
        columns = [*dataset.columns, missing]
        transform = bench.transform("SELECT * FROM t", columns, t=dataset)
        transform = replace(transform, tables=(transform_table("t", columns),))
        made = bench.engine.run(transform, {"t": dataset}, bench.sink())
        assert made.rows == 3
        assert bench.engine.fetch(made)[1] == (VARCHAR, None)

    def test_a_column_may_be_qualified_by_its_tables_name(self, bench: EngineBench) -> None:
        assert bench.value("SELECT MAX(t.n) AS v FROM t", BIGINT, t=bench.numbers(3)) == "3"

    def test_the_clock_stands_still(self, bench: EngineBench) -> None:
        date = bench.value("SELECT CAST(CURRENT_DATE AS TEXT) AS v", VARCHAR)
        assert date == f"{self.started_at:%Y-%m-%d}"

    def test_binding_reads_no_data(self, bench: EngineBench) -> None:
        bench.bind("SELECT n FROM t", t=[StageColumn("n", BIGINT)])
        assert list(bench.bucket.list("")) == []

    @pytest.mark.parametrize(
        ("sql", "reason"),
        [
            ("SELECT no_such_column FROM t", "no_such_column"),
            ("SELECT n FROM no_such_table", "no_such_table"),
            ("SELECT no_such_function(n) AS v FROM t", "no_such_function"),
        ],
    )
    def test_wrong_sql_is_named_with_the_reason(self, bench: EngineBench, sql: str, reason: str) -> None:
        with pytest.raises(SqlInvalid, match=f"(?i){reason}") as caught:
            bench.bind(sql, t=[StageColumn("n", BIGINT)])
        assert caught.value.dialect == bench.engine.dialect

    def test_what_is_no_sql_is_invalid(self, bench: EngineBench) -> None:
        with pytest.raises(SqlInvalid):
            bench.engine.bind("SELECT 1 +", ())

    @pytest.mark.parametrize("names", [("Foo", "foo"), ("a", "a")])
    def test_names_of_outputs_may_repeat(self, bench: EngineBench, names: tuple[str, str]) -> None:
        sql = f'SELECT 1 AS "{names[0]}", 2 AS "{names[1]}"'
        assert tuple(column.name for column in bench.bind(sql)) == names
        columns = (StageColumn("x", BIGINT), StageColumn("y", BIGINT))
        assert bench.engine.fetch(bench.run(sql, *columns)) == ((BIGINT, "1"), (BIGINT, "2"))

    def test_two_nodes_may_use_one_name_for_different_tables(self, bench: EngineBench) -> None:
        for type_ in (BIGINT, VARCHAR):
            assert bench.bind("SELECT a FROM t", t=[StageColumn("a", type_)]) == (StageColumn("a", type_),)

    @pytest.mark.parametrize("what", VALUES)
    def test_a_value_is_staged_and_comes_back_as_itself(self, bench: EngineBench, what: str) -> None:
        type_, value, text = VALUES[what]
        first = bench.run(f"SELECT {value} AS v", StageColumn("v", type_))
        assert (first.rows, first.columns) == (1, (StageColumn("v", type_),))
        assert bench.engine.fetch(first) == ((type_, text),)
        again = bench.run("SELECT v FROM t", StageColumn("v", type_), t=first)
        assert bench.engine.fetch(again) == ((type_, text),)

    def test_null_of_every_type_stays_null(self, bench: EngineBench) -> None:
        columns = [StageColumn(f"c{place}", type_) for place, type_ in enumerate(_types())]
        nulls = ", ".join(f"CAST(NULL AS {column.type}) AS {column.name}" for column in columns)
        made = bench.run("SELECT * FROM t", *columns, t=bench.run(f"SELECT {nulls}", *columns))
        assert bench.engine.fetch(made) == tuple((column.type, None) for column in columns)

    def test_several_datasets_meet(self, bench: EngineBench) -> None:
        left, right = bench.numbers(10), bench.numbers(10, first=6)
        assert bench.value("SELECT SUM(l.n) AS v FROM l JOIN r ON l.n = r.n", BIGINT, l=left, r=right) == "40"
        assert bench.value("SELECT COUNT(*) AS v FROM l CROSS JOIN r", BIGINT, l=left, r=right) == "100"

    def test_the_answer_has_the_names_and_types_that_were_asked_for(self, bench: EngineBench) -> None:
        column = StageColumn('two "words"', DOUBLE)
        made = bench.run('SELECT n AS "two ""words""" FROM t', column, t=bench.numbers(1))
        assert made.columns == (column,)
        assert bench.bind("SELECT * FROM t", t=[column]) == (column,)
        assert bench.engine.fetch(bench.run("SELECT * FROM t", column, t=made))[0][0] == DOUBLE

    def test_the_answer_is_committed_where_its_sink_says(self, bench: EngineBench) -> None:
        sink = bench.sink()
        made = bench.engine.run(bench.transform("SELECT 1 AS n", [StageColumn("n", BIGINT)]), {}, sink)
        assert made.at == sink.location
        sizes = dict(bench.bucket.list(sink.location.prefix))
        assert sum(sizes[key] for key in made.keys) == made.bytes > 0

    def test_a_dataset_of_several_files_is_one_table(self, bench: EngineBench) -> None:
        parts = [bench.numbers(3), bench.numbers(4, first=4)]
        sink = bench.sink()
        keys = []
        for part in parts:
            for key in part.keys:
                keys.append(sink.part())
                with bench.bucket.get(key) as data:
                    bench.bucket.put(keys[-1], data)
        both = sink.commit(parts[0].columns, 7)
        assert both.keys == tuple(keys)
        assert bench.value("SELECT SUM(n) AS v FROM t", BIGINT, t=both) == "28"

    def test_deleted_rows_are_not_read(self, bench: EngineBench) -> None:
        columns = StageColumn(DELETED_FILE, BIGINT), StageColumn(DELETED_ROW, BIGINT)
        positions = bench.run(
            "SELECT 0 AS dvt_file, n AS dvt_row FROM t WHERE n IN (1, 3)", *columns, t=bench.numbers(5)
        )
        numbers = bench.numbers(5)
        deletes = f"{numbers.at.prefix}/deletes"
        with bench.bucket.get(positions.keys[0]) as data:
            bench.bucket.put(deletes, data)
        left = replace(numbers, rows=3, deletes=deletes)
        assert bench.value("SELECT SUM(n) AS v FROM t", BIGINT, t=left) == "9"
        with pytest.raises(StagingDamaged, match="should hold 5 rows but holds 3"):
            bench.value("SELECT SUM(n) AS v FROM t", BIGINT, t=replace(left, rows=5))

    def test_an_empty_answer_is_a_table_with_columns(self, bench: EngineBench) -> None:
        none = bench.run("SELECT n FROM t WHERE n > 5", StageColumn("n", BIGINT), t=bench.numbers(3))
        assert none.rows == 0
        assert bench.value("SELECT COUNT(n) AS v FROM t", BIGINT, t=none) == "0"

    def test_a_dataset_without_files_is_an_empty_table(self, bench: EngineBench) -> None:
        none = Dataset(bench.sink().location, (), (StageColumn("n", BIGINT),), 0, 0)
        assert bench.value("SELECT COUNT(n) AS v FROM t", BIGINT, t=none) == "0"
        assert bench.engine.fetch(none) == ((BIGINT, None),)
        assert bench.engine.keys(none, 5) == ()

    def test_files_that_lost_rows_are_noticed(self, bench: EngineBench) -> None:
        short = replace(bench.numbers(1), rows=2)
        with pytest.raises(StagingDamaged, match="should hold 2 rows but holds 1"):
            bench.value("SELECT MAX(n) AS v FROM t", BIGINT, t=short)

    def test_files_that_are_gone_are_noticed(self, bench: EngineBench) -> None:
        gone = bench.numbers(3)
        bench.bucket.delete(gone.at.prefix)
        with pytest.raises(DvtError):
            bench.value("SELECT COUNT(*) AS v FROM t", BIGINT, t=gone)

    def test_a_value_that_does_not_fit_is_an_error(self, bench: EngineBench) -> None:
        sink = bench.sink()
        sql, number = "SELECT n * 3000000000 AS n FROM t", bench.numbers(1)
        transform = bench.transform(sql, [StageColumn("n", INTEGER)], t=number)
        with pytest.raises((ValueLost, QueryFailed)):
            bench.engine.run(transform, {"t": number}, sink)

    def test_rows_are_given_in_their_order(self, bench: EngineBench) -> None:
        columns = StageColumn("n", BIGINT), StageColumn("t", VARCHAR)
        numbers = bench.numbers(100)
        answer = bench.run("SELECT n, 'x' AS t FROM t ORDER BY n DESC LIMIT 3", *columns, t=numbers)
        assert bench.engine.rows(answer) == [(100, "x"), (99, "x"), (98, "x")]
        none = bench.run("SELECT n, 'x' AS t FROM t WHERE n < 0", *columns, t=numbers)
        assert bench.engine.rows(none) == []

    def test_a_first_row_is_fetched(self, bench: EngineBench) -> None:
        columns = (StageColumn("a", BIGINT), StageColumn("b", VARCHAR))
        assert bench.engine.fetch(bench.run("SELECT 1 AS a, 'x' AS b", *columns)) == (
            (BIGINT, "1"),
            (VARCHAR, "x"),
        )

    def test_keys_are_the_distinct_values_without_null(self, bench: EngineBench) -> None:
        column = StageColumn("k", BIGINT)
        rows = "SELECT n % 3 AS k FROM t UNION ALL SELECT NULL AS k"
        dataset = bench.run(rows, column, t=bench.numbers(10))
        keys = bench.engine.keys(dataset, 3)
        assert keys is not None
        assert sorted(keys, key=str) == [(BIGINT, "0"), (BIGINT, "1"), (BIGINT, "2")]

    def test_more_keys_than_the_limit_are_none_at_all(self, bench: EngineBench) -> None:
        dataset = bench.numbers(5)
        assert bench.engine.keys(dataset, 4) is None
        assert len(bench.engine.keys(dataset, 5) or ()) == 5

    def test_constants_are_evaluated_and_failures_are_none(self, bench: EngineBench) -> None:
        expressions = [
            "CAST(1 + 1 AS BIGINT)",
            "no_such_function(1)",
            "'x' || 'y'",
            "CAST(NULL AS BIGINT)",
            "1 +",
        ]
        assert bench.engine.evaluate(expressions) == (
            (BIGINT, "2"),
            None,
            (VARCHAR, "xy"),
            (BIGINT, None),
            None,
        )
        assert bench.engine.evaluate([]) == ()

    def test_a_constant_with_a_comment_is_evaluated(self, bench: EngineBench) -> None:
        assert bench.engine.evaluate(["CAST(1 AS BIGINT) -- why"]) == ((BIGINT, "1"),)

    def test_cancel_stops_all_that_would_run_for_years(self, bench: EngineBench) -> None:
        hundred = bench.numbers(100)
        tables = " CROSS JOIN ".join(f"t AS {copy}" for copy in COPIES)
        total = " + ".join(f"{copy}.n" for copy in COPIES)
        endless = f"SELECT COUNT(*) AS n FROM {tables} WHERE {total} < 0"
        stopped: list[type[BaseException]] = []

        def compute() -> None:
            try:
                bench.run(endless, StageColumn("n", BIGINT), t=hundred)
            except DvtError as error:
                stopped.append(type(error))

        threads = [threading.Thread(target=compute, daemon=True) for _ in range(2)]
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + 60
        while any(thread.is_alive() for thread in threads) and time.monotonic() < deadline:
            time.sleep(0.2)
            bench.engine.cancel()  # again, as a run does: one may come before its query
        assert stopped == [Cancelled, Cancelled]
        assert bench.value("SELECT MAX(n) AS v FROM t", BIGINT, t=hundred) == "100", "it works on"

    def test_a_cancel_without_a_query_under_way_does_nothing(self, bench: EngineBench) -> None:
        bench.engine.cancel()
        assert bench.value("SELECT 1 AS v", BIGINT) == "1"

    def test_many_nodes_compute_at_once(self, bench: EngineBench) -> None:
        """Each with a table of the same name, which is another one."""
        datasets = [bench.numbers(number + 1) for number in range(THREADS)]
        answers: dict[int, Value] = {}
        barrier = threading.Barrier(THREADS)

        def compute(number: int) -> None:
            barrier.wait()
            for _ in range(3):
                made = bench.run("SELECT SUM(n) AS v FROM t", StageColumn("v", BIGINT), t=datasets[number])
            answers[number] = bench.engine.fetch(made)[0]

        threads = [threading.Thread(target=compute, args=(number,)) for number in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        sums = {number: sum(range(number + 2)) for number in range(THREADS)}
        assert answers == {number: (BIGINT, str(total)) for number, total in sums.items()}

    def test_it_may_be_closed_twice(self, bench: EngineBench) -> None:
        bench.numbers(1)
        bench.engine.close()
        bench.engine.close()


def _types() -> list[StageType]:
    return list(dict.fromkeys(type_ for type_, _, _ in VALUES.values()))
