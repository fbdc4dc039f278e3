"""What is sent to Databricks is read by Spark's own SQL as it was: on Spark, not on the real service."""

from __future__ import annotations

import pytest

from dvt.core.types import StageType
from dvt.drivers.duckdb import MemoryInstance
from dvt.drivers.jdbc.loads import DATABRICKS
from dvt.drivers.jdbc.statements import inserts
from tests.databases.databricks_types import LOAD_CASES

pytestmark = [
    pytest.mark.slow,
    pytest.mark.long,
    # PySpark leaves its sockets to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def spark(tmp_path_factory):
    sql = pytest.importorskip("pyspark.sql")
    folder = tmp_path_factory.mktemp("spark")
    session = (
        sql.SparkSession.builder.master("local[1]")
        .config("spark.sql.warehouse.dir", str(folder / "warehouse"))
        .config("spark.sql.catalogImplementation", "in-memory")
        .config("spark.sql.shuffle.partitions", "1")
        .config("spark.ui.enabled", "false")
        .getOrCreate()
    )
    session.sql("SET TIME ZONE 'UTC'")
    yield session
    session.stop()


@pytest.fixture
def cursor():
    instance = MemoryInstance(threads=1, memory_limit="256MiB")
    cursor = instance.cursor()
    yield cursor
    cursor.close()
    instance.close()


def test_every_value_is_read_as_it_was(spark, cursor):
    types = [DATABRICKS.of(StageType.parse(case.stage)) for case in LOAD_CASES]
    assert [type_.native for type_ in types] == [case.native for case in LOAD_CASES]
    assert [bool(type_.loses) for type_ in types] == [case.loses for case in LOAD_CASES]
    names = [f"v{place}" for place in range(len(types))]
    spark.sql(f"CREATE TABLE dvt_types ({_columns(names, types)}) USING parquet")
    sent = [
        type_.checked(f"CAST({case.literal} AS {case.stage})", case.id)
        for type_, case in zip(types, LOAD_CASES, strict=True)
    ]
    into = f"dvt_types ({', '.join(names)})"
    _insert(spark, cursor, into, types, f"SELECT {DATABRICKS.json.row(sent)} FROM range(3)")
    texts = (
        f"hex({name})" if type_.native == "binary" else f"CAST({name} AS STRING)"
        for name, type_ in zip(names, types, strict=True)
    )
    rows = spark.sql(f"SELECT {', '.join(texts)} FROM dvt_types").collect()
    assert len(rows) == 3
    wrong = [
        (case.id, value)
        for row in rows
        for case, value in zip(LOAD_CASES, row, strict=True)
        if value != case.text
    ]
    assert not wrong


def test_rows_of_many_statements_all_arrive_once(spark, cursor):
    types = [DATABRICKS.of(StageType.parse(name)) for name in ("BIGINT", "VARCHAR")]
    spark.sql(f"CREATE TABLE dvt_rows ({_columns(['n', 'word'], types)}) USING parquet")
    sent = [type_.checked(value, value) for type_, value in zip(types, ("i", "md5(i::VARCHAR)"), strict=True)]
    sql = f"SELECT {DATABRICKS.json.row(sent)} FROM range(100000) r(i)"
    assert _insert(spark, cursor, "dvt_rows (n, word)", types, sql) > 1
    totals = "SELECT count(*), sum(n), count(DISTINCT word), sum(length(word)) FROM dvt_rows"
    assert tuple(spark.sql(totals).collect()[0]) == (100_000, 4999950000, 100_000, 3_200_000)


def _columns(names, types):
    return ", ".join(f"{name} {type_.native}" for name, type_ in zip(names, types, strict=True))


def _insert(spark, cursor, into, types, rows):
    """Insert the rows that DuckDB's SQL makes; return the number of statements."""
    head, tail = DATABRICKS.json.insert(f"INSERT INTO {into}", types)
    reader = cursor.execute(rows).to_arrow_reader(2048)
    statements = list(inserts(reader, head, tail, DATABRICKS.json.longest))
    for statement in statements:
        spark.sql(statement)
    return len(statements)
