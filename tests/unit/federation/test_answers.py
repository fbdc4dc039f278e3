"""Values of earlier answers, read by the real engine from staged files, in queries that need them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dvt.core.names import TableRef
from dvt.core.plan import Transform
from dvt.core.ports.staging import Dataset
from dvt.core.queries import ExtractedColumn, Need, SourceQuery, ValuePlace
from dvt.core.tables import Column, StageColumn
from dvt.core.types import VARCHAR, StageType
from dvt.drivers.duckdb import MemoryInstance
from dvt.engines.duckdb import DuckDBEngine
from dvt.federation.planning import answered
from tests.databases.engines import default_engine
from tests.local_bucket import local_sink

K = Column(name="k", native="text", stage=VARCHAR, exact=True)


@pytest.fixture
def engine() -> Iterator[DuckDBEngine]:
    instance = MemoryInstance(threads=1)
    yield default_engine(instance)
    instance.close()


def staged(engine: DuckDBEngine, folder: Path, sql: str, type_: StageType = VARCHAR) -> Dataset:
    transform = Transform(dialect="duckdb", sql=sql, columns=(StageColumn("k", type_),))
    return engine.run(transform, {}, local_sink(folder, "keys"))


def orders(limit: int) -> SourceQuery:
    """Return a query for the orders of the customers that an earlier answer lists."""
    need = Need(name="keys", answers=("vips",), value=(ValuePlace("vips"),), column=K, limit=limit)
    return SourceQuery(
        alias="orders",
        connection="crm",
        tables=(TableRef(connection="crm", identifier="orders"),),
        select=("k AS k",),
        where=("k <> '$keys'", ("k IN (", ValuePlace("keys"), ")")),
        columns=(ExtractedColumn(name="k", column=K),),
        needs=(need,),
    )


def test_keys_are_sent_as_a_list(engine: DuckDBEngine, tmp_path: Path) -> None:
    vips = staged(engine, tmp_path, "SELECT unnest(['b', 'it''s {0}', NULL, 'b'])")
    query = answered(orders(2), "postgres", {"vips": vips}, engine)
    assert query.where == ("k <> '$keys'", "k IN ('b', 'it''s {0}')")
    assert query.needs == ()


def test_more_keys_than_may_be_sent_are_not_sent(engine: DuckDBEngine, tmp_path: Path) -> None:
    vips = staged(engine, tmp_path, "SELECT unnest(['a', 'b', 'c'])")
    query = answered(orders(2), "postgres", {"vips": vips}, engine)
    assert query.where == ("k <> '$keys'",)
    assert [condition.sql for condition in query.not_pushed] == ["k IN ($keys)"]


def test_an_empty_list_of_keys_selects_no_row(engine: DuckDBEngine, tmp_path: Path) -> None:
    vips = staged(engine, tmp_path, "SELECT 'a' WHERE false")
    assert answered(orders(2), "postgres", {"vips": vips}, engine).where[1] == "k IN (NULL)"


def test_a_list_with_a_key_that_cannot_be_sent_is_not_sent(engine: DuckDBEngine, tmp_path: Path) -> None:
    vips = staged(engine, tmp_path, "SELECT unnest(['a', chr(7)])")
    assert answered(orders(2), "postgres", {"vips": vips}, engine).where == ("k <> '$keys'",)
