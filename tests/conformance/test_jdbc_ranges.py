"""Over JDBC a table that is read in ranges has the rows that it has as a whole, each once."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest

from dvt.core.errors import BadExtraction, ColumnNotFound, DvtError
from dvt.core.extraction import Extraction
from dvt.testing.background import BackgroundCall
from dvt.testing.connectors import Bench
from tests.databases.jdbc import derby, firebird, hsqldb, over_jdbc

pytestmark = pytest.mark.slow

SKEWED = [str(number) for number in (*range(60), *[7] * 200, 10**6, 10**6 + 1, 10**9)]
KEYS = {
    "smallint": ("-32768", "-32767", "-1", "0", "1", "32766", "32767"),
    "bigint": (
        *("-9223372036854775807 - 1", "-9223372036854775807", "-1", "0", "1", "9007199254740993"),
        *("9223372036854775806", "9223372036854775807"),
    ),
    "integer": SKEWED,
    "decimal(31,0)": ("-9999999999999999999999999999999", "0", "9223372036854775808", "18446744073709551616"),
    "decimal(20,10)": ("-9999999999.9999999999", "-0.0000000001", "0", "0.0000000001", "0.5", "9999999999.5"),
    "date": (
        "1582-10-04",
        "1582-10-25",
        "1582-12-31",
        "1583-01-01",
        "1969-12-31",
        "2024-02-29",
        "9999-12-31",
    ),
    "timestamp": (
        *("1582-12-31 23:59:59.999999", "1583-01-01 00:00:00", "1969-12-31 23:59:59.999999"),
        *("1970-01-01 00:00:00", "2024-03-31 02:30:00.000001", "2024-03-31 02:30:00", "9999-12-31 23:59:59"),
    ),
}
"""Type of a column → its values, which are at edges, or most of them the same."""


@pytest.fixture(
    scope="module",
    params=[
        "jdbc",
        *(
            pytest.param(name, marks=pytest.mark.long)
            for name in ("hsqldb", "derby", "firebird", "postgres", "mariadb")
        ),
        pytest.param("trino", marks=pytest.mark.long),
    ],
)
def database(request, databases):
    if request.param in {"hsqldb", "derby", "firebird"}:
        with {"hsqldb": hsqldb, "derby": derby, "firebird": firebird}[request.param]() as server:
            yield server
    elif request.param in {"postgres", "mariadb"}:
        yield over_jdbc(databases(request.param))
    else:
        yield databases(request.param)


@pytest.fixture(scope="module")
def bench(database, tmp_path_factory):
    settings = {} if database.name == "trino" else {"consistent_reads": False}
    bench = Bench(database, tmp_path_factory.mktemp("bench"), **settings)
    yield bench
    bench.close()


def read(bench: Bench, ref, **extraction) -> tuple[list[tuple[str | None, ...]], int]:
    """The rows of a table, and the number of files in which they arrived."""
    query = bench.extraction(bench.describe(ref))
    (dataset,) = bench.read(replace(query, extraction=Extraction(**extraction)))
    rows = bench.rows(dataset)
    assert len(rows) == dataset.rows
    return rows, len(dataset.keys)


def made(bench: Bench, native: str, values, *, key: bool = False) -> object:
    """A table of a column of some type, and of numbers."""
    native = {("mariadb", "timestamp"): "datetime(6)", ("trino", "timestamp"): "timestamp(6)"}.get(
        (bench.database.name, native), native
    )
    ref = bench.database.table("ranges")
    # A literal's own type is not the column's everywhere, and MariaDB cannot cast to all types.
    cast = "{}" if bench.database.name == "mariadb" else f"cast({{}} as {native})"
    bench.create(ref, [("k", native + (" primary key" if key else "")), ("n", "integer")])
    rows = ", ".join(f"({cast.format(value)}, {number})" for number, value in enumerate(values))
    if rows:
        bench.database.execute(f"insert into {bench.database.quoted(ref)} values {rows}")
    return ref


def literal(native: str, value: str) -> str:
    # Trino reads numbers of more than 64 bits as texts alone.
    return f"'{value}'" if native in {"date", "timestamp", "decimal(31,0)"} else value


@pytest.mark.parametrize(
    "partitions", [5, pytest.param(2, marks=pytest.mark.long), pytest.param(40, marks=pytest.mark.long)]
)
@pytest.mark.parametrize("native", KEYS)
def test_each_row_arrives_once_whatever_its_key(bench, native, partitions):
    if bench.database.name == "firebird" and native.startswith("decimal"):
        pytest.skip("its decimals have at most 18 digits")
    digits = -2 if bench.database.name == "firebird" else None  # of six: it takes four
    values = [
        literal(native, value[:digits] if "." in value and native == "timestamp" else value)
        for value in KEYS[native]
    ]
    ref = made(bench, native, [*values, *values[:3], "null", "null"])
    whole, _ = read(bench, ref, partitions=1)
    rows, files = read(bench, ref, partition_column="K", partitions=partitions)
    assert rows == whole
    assert len(whole) == len(values) + 5
    assert files >= 3  # two ranges and that of NULLs


@pytest.mark.parametrize("values", [[], ["null"], ["5"], ["5", "5", "5", "null"], ["4", "5"]])
def test_a_table_without_ranges_arrives_as_it_is(bench, values):
    ref = made(bench, "integer", values)
    rows, files = read(bench, ref, partition_column="k", partitions=4)
    assert len(rows) == len(values)
    assert files == (2 if values == ["4", "5"] else 1)
    assert rows == read(bench, ref, partitions=1)[0]


def test_skewed_values_are_in_ranges_of_rows_alike(bench):
    ref = made(bench, "integer", SKEWED)
    query = bench.extraction(bench.describe(ref))
    wanted = Extraction(partition_column="k", partitions=4)
    (dataset,) = bench.read(replace(query, extraction=wanted))
    sizes = [
        bench.instance.cursor().execute(f"SELECT count(*) FROM '{file}'").fetchone()[0]
        for file in bench.files(dataset)
    ]
    assert sum(sizes) == len(SKEWED)
    # 201 rows have one value, which no range can cut.
    assert max(sizes) < 201 + len(SKEWED) / 4
    assert len(sizes) >= 2


def test_pushed_conditions_hold_in_every_range(bench):
    ref = made(bench, "integer", ["1", "2", "3", "4", "5", "6", "7", "null"])
    query = bench.extraction(bench.describe(ref), where=(f"{bench.database.name_of('k')} > 2 OR 1 = 0",))
    (dataset,) = bench.read(replace(query, extraction=Extraction(partition_column="k", partitions=3)))
    assert [row[0] for row in bench.rows(dataset)] == ["3", "4", "5", "6", "7"]
    assert len(dataset.keys) == 3


@pytest.mark.parametrize("native", ["varchar(20)", "double precision"])
def test_texts_and_floating_numbers_are_never_cut(bench, native):
    native = "double" if bench.database.name == "trino" and "double" in native else native
    ref = made(bench, native, ["'1'", "'2'"] if "char" in native else ["1", "2"])
    with pytest.raises(BadExtraction, match="cannot be cut into ranges"):
        read(bench, ref, partition_column="k")
    with pytest.raises(BadExtraction, match="no key"):
        read(bench, ref, partitions=3)
    assert len(read(bench, ref)[0]) == 2


def test_a_table_without_a_key_is_cut_by_an_index_and_by_a_unique_one_first(bench):
    if bench.database.name == "trino":
        pytest.skip("it has no indexes")
    ref = made(bench, "integer", ["4", "1", "null", "3", "2"])
    table, name = bench.database.quoted(ref), bench.database.name_of
    for index in (f"index of_words on {table} ({name('k')})", f"unique index of_n on {table} ({name('n')})"):
        bench.database.execute(f"create {index}")
        rows, files = read(bench, ref, partitions=2)
        assert (len(rows), files) == (5, 3 if "of_words" in index else 2)  # NULLs have a range of their own
    query = bench.extraction(bench.describe(ref))
    assert str(bench.connector.ranges(query)).startswith("in ranges of n, ")
    bench.database.execute(f"drop table {table}")


def test_of_other_indexes_a_time_of_creation_comes_first_and_one_of_change_never(bench):
    database = bench.database
    if database.name == "trino":
        pytest.skip("it has no indexes")
    ref, name = database.table("audited"), database.name_of
    time = "datetime(6)" if database.name == "mariadb" else "timestamp"
    columns = [("status", "integer"), ("n", "integer"), ("created_at", time), ("updated_at", time)]
    bench.create(ref, columns)
    table = database.quoted(ref)
    moment = f"cast('2024-02-29 12:00:00' as {time})"
    database.execute(f"insert into {table} values (1, 1, {moment}, {moment}), (1, 2, {moment}, {moment})")

    def index(label: str, *names: str) -> str:
        database.execute(f"create {label} on {table} ({', '.join(map(name, names))})")
        return str(bench.connector.ranges(bench.extraction(bench.describe(ref))))

    assert index("index of_changes", "updated_at") == "None"
    assert index("unique index of_all", "status", "n").startswith("in ranges of status, ")
    assert index("index of_times", "created_at").startswith("in ranges of created_at, ")
    assert index("unique index of_one", "n").startswith("in ranges of n, ")
    rows, files = read(bench, ref, partition_column="updated_at", partitions=2)
    assert (len(rows), files) == (2, 1)
    database.execute(f"drop table {table}")


def test_a_column_that_is_not_there_is_named_with_those_that_are(bench):
    ref = made(bench, "integer", ["1"])
    with pytest.raises(ColumnNotFound) as caught:
        read(bench, ref, partition_column="kk")
    assert "did you mean" in caught.value.hint


def test_a_view_is_never_cut_and_says_so(bench):
    ref = made(bench, "integer", ["1", "2", "3"])
    view = bench.database.table("view_of_ranges")
    with suppress(Exception):  # there may be none yet
        bench.database.execute(f"drop view {bench.database.quoted(view)}")
    bench.database.execute(
        f"create view {bench.database.quoted(view)} as select * from {bench.database.quoted(ref)}"
    )
    for asked in ({"partition_column": "k"}, {"partitions": 2}):
        with pytest.raises(BadExtraction, match="a view is read by one query"):
            read(bench, view, **asked)
    rows, files = read(bench, view, partitions=1)
    assert (len(rows), files) == (3, 1)
    bench.database.execute(f"drop view {bench.database.quoted(view)}")


class TestOfAKey:
    """Without a config, ranges are those of a table's key."""

    @pytest.fixture
    def bench(self, databases, tmp_path):
        bench = Bench(databases("jdbc"), tmp_path, consistent_reads=False)
        yield bench
        bench.close()

    def test_a_large_table_is_read_in_ranges_of_its_key(self, bench, monkeypatch):
        ref = made(bench, "bigint", [str(number * number) for number in range(500)], key=True)
        whole, files = read(bench, ref)
        assert files == 1
        monkeypatch.setattr("dvt.connectors.jdbc.ranges.MIN_ROWS", 400)
        rows, files = read(bench, ref)
        assert rows == whole
        assert files == 4
        query = bench.extraction(bench.describe(ref))
        split = bench.connector.ranges(query)
        assert split.ranges is None
        assert str(split) == "in ranges of k, 4 at a time, if it has 400 rows or more"

    def test_one_transaction_is_never_cut(self, databases, tmp_path, monkeypatch):
        monkeypatch.setattr("dvt.connectors.jdbc.ranges.MIN_ROWS", 1)
        bench = Bench(databases("jdbc"), tmp_path)
        ref = made(bench, "bigint", ["1", "2", "3", "4", "5"], key=True)
        assert read(bench, ref)[1] == 1
        query = replace(bench.extraction(bench.describe(ref)), extraction=Extraction(partitions=2))
        with pytest.raises(DvtError, match="in one transaction") as caught:
            bench.connector.ranges(query)
        assert "consistent_reads: false" in caught.value.hint
        bench.close()


def test_ranges_of_several_models_share_the_connections_of_their_output(databases, tmp_path):
    database = over_jdbc(databases("postgres"))
    bench = Bench(database, tmp_path, limit=3, consistent_reads=False)
    table = bench.describe(bench.filled("shared_in_ranges", 16))
    slow = bench.extraction(table, where=("pg_sleep(0.05)::text = ''",))
    slow = replace(slow, extraction=Extraction(partition_column="n", partitions=8))
    most = 0
    models = [BackgroundCall(lambda: bench.read(slow)) for _ in range(2)]
    while any(model.is_alive() for model in models):
        most = max(most, database.connections())
    assert [model.finish() for model in models] == [None, None]
    assert [(dataset.rows, len(dataset.keys)) for model in models for dataset in model.answer] == [
        (16, 8)
    ] * 2
    assert most == 3
    bench.close()
