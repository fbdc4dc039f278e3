"""What dvt refuses to load over JDBC before anything runs, and how values are sent."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from dvt.connectors.jdbc import ClickHouseConnector, ProductConnector
from dvt.core.errors import BadOutput, NotLoadable
from dvt.core.ports.connectors import ConnectorContext
from dvt.core.tables import StageColumn
from dvt.core.types import BIGINT, DATE, StageType
from dvt.drivers.duckdb import MemoryInstance
from dvt.drivers.jdbc.loads import CLICKHOUSE, DATABRICKS, TRINO, Loads
from tests.databases.databricks_types import REFUSED


def test_nothing_is_moved_to_a_cluster_of_clickhouse(tmp_path: Path):
    instance = MemoryInstance(threads=1, memory_limit="256MiB")
    try:
        context = ConnectorContext(duckdb=instance, project_dir=tmp_path, scratch=tmp_path)
        columns = [StageColumn("n", BIGINT)]
        (column,) = ClickHouseConnector("one", {"type": "clickhouse"}, context).columns(columns)
        assert column.native == "Nullable(Int64)"
        with pytest.raises(BadOutput, match="to a cluster"):
            ClickHouseConnector("many", {"type": "clickhouse", "cluster": "c"}, context).columns(columns)
    finally:
        instance.close()


def test_an_unknown_database_is_named_and_refused(tmp_path: Path):
    instance = MemoryInstance(threads=1, memory_limit="256MiB")
    try:
        context = ConnectorContext(duckdb=instance, project_dir=tmp_path, scratch=tmp_path)
        columns = [StageColumn("n", BIGINT)]
        known = ProductConnector("erp", {"type": "jdbc", "url": "jdbc:derby:x"}, context)
        assert known.columns(columns)[0].native == "bigint"
        unknown = ProductConnector("old", {"type": "jdbc", "url": "jdbc:db2://h/x"}, context)
        with pytest.raises(NotLoadable, match="'old': its URL is one of jdbc:db2:, which dvt only reads"):
            unknown.columns(columns)
    finally:
        instance.close()


@pytest.mark.parametrize(
    ("loads", "literal"),
    [(TRINO, "it''s \\ \"a\""), (CLICKHOUSE, 'it\\\'s \\\\ "a"')],
    ids=["trino", "clickhouse"],
)
def test_a_text_stands_in_a_literal_as_its_database_reads_it(loads: Loads, literal: str):
    instance = MemoryInstance(threads=1, memory_limit="256MiB")
    try:
        cursor = instance.cursor()
        text = "'it''s \\ \"a\"'"
        assert cursor.execute(f"SELECT {loads.json.literal(text)}").fetchone() == (literal,)
        cursor.close()
    finally:
        instance.close()


@pytest.mark.parametrize("loads", [TRINO, CLICKHOUSE], ids=["trino", "clickhouse"])
def test_a_days_number_is_sent_and_not_its_date(loads: Loads):
    instance = MemoryInstance(threads=1, memory_limit="256MiB")
    try:
        cursor = instance.cursor()
        sent = loads.of(DATE).checked("DATE '1969-12-31'", "column d")
        assert cursor.execute(f"SELECT {sent}").fetchone() == ("-1",)
        cursor.close()
    finally:
        instance.close()


@pytest.mark.parametrize(("type_", "value"), REFUSED)
def test_what_databricks_cannot_hold_is_refused(type_: str, value: str):
    instance = MemoryInstance(threads=1, memory_limit="256MiB")
    try:
        cursor = instance.cursor()
        load_type = DATABRICKS.of(StageType.parse(type_))
        assert load_type.loses is None
        sql = f"SELECT {load_type.checked(f'CAST({value} AS {type_})', 'column v')}"
        with pytest.raises(duckdb.Error, match="column v"):
            cursor.execute(sql).fetchone()
        cursor.close()
    finally:
        instance.close()
