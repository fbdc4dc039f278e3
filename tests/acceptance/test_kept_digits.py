"""Numerics without digits keep those they have, on their way from a server, and can be multiplied."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from dvt.core.errors import ValueLost
from dvt.core.plan import Load
from dvt.drivers.duckdb import FILES
from tests.acceptance.test_kept_order import ServerWorkspace
from tests.databases.postgres import PostgreSQL

pytestmark = pytest.mark.slow

SUMS = "SELECT sum(price * amount * rate) AS total FROM {facts}"
LONG = "0.12345678901234567890123456789"


@pytest.fixture
def workspace(tmp_path: Path, postgres: PostgreSQL) -> Iterator[ServerWorkspace]:
    workspace = ServerWorkspace(tmp_path)
    workspace.server = postgres
    workspace.outputs["pg"] = postgres.settings()
    workspace.duckdb("wh")
    postgres.execute(
        "DROP VIEW IF EXISTS offers_seen",
        "DROP TABLE IF EXISTS offers",
        "DROP DOMAIN IF EXISTS money_amount",
        "CREATE DOMAIN money_amount AS numeric",
        "CREATE TABLE offers (id int, price numeric, amount money_amount, rate numeric(50,10), long numeric,"
        " huge numeric, odd numeric, none numeric)",
        "INSERT INTO offers VALUES (1, 1299.50, 150, 1.0750000000, " + LONG + ", 9e30, 1, NULL),"
        " (2, -0.05, 100000, 1, 2, -7, 'NaN', NULL)",
        "CREATE VIEW offers_seen AS SELECT * FROM offers WHERE id = 1",
    )
    yield workspace
    FILES.close()


class Publisher:
    """A Publisher that keeps the stage table's types, and publishes nothing."""

    def __init__(self, workspace: ServerWorkspace) -> None:
        self.workspace = workspace
        self.rows: list[Any] = []

    def publish(self, load: Load) -> int:
        self.types = {column.name: column.native for column in load.columns}
        self.rows = self.workspace.server.execute(
            f"SELECT * FROM {load.stage.schema}.{load.stage.identifier}"
        )
        return -1


@pytest.mark.parametrize("table", ["offers", "offers_seen"])
@pytest.mark.parametrize("dialect", ["duckdb", "postgres"])
def test_a_product_of_numerics_is_what_the_server_makes_of_it(
    workspace: ServerWorkspace, dialect: str, table: str
) -> None:
    publisher = Publisher(workspace)
    expected = workspace.server.execute(SUMS.replace("{facts}", table))
    with workspace.run() as run:
        run.model("m", SUMS.replace("{facts}", f"{{pg.{table}}} AS t"), "wh", dialect=dialect)
        assert run.rows("wh", "m") == expected
        run.model("n", SUMS.replace("{facts}", f"{{pg.{table}}} AS t"), "pg", publisher, dialect=dialect)
    assert publisher.types == {"total": "numeric"}
    assert publisher.rows == expected


def test_every_digit_arrives(workspace: ServerWorkspace) -> None:
    with workspace.run() as run:
        run.model("m", "SELECT id, long, huge, none, price::VARCHAR AS text FROM {pg.offers} AS o", "wh")
        assert run.rows("wh", "m") == [
            (1, Decimal(LONG), Decimal("9e30"), None, "1299.50"),
            (2, Decimal(2), Decimal(-7), None, "-0.05"),
        ]


def test_the_column_of_a_table_does_not_follow_the_data(workspace: ServerWorkspace) -> None:
    computed = "amount * price AS p, round(price, 1) AS r, id, price::DECIMAL(9,3) AS c"
    sql = f"SELECT price, {computed} FROM {{pg.offers}} o"
    with workspace.run() as run:
        run.model("m", sql, "wh")
        before = workspace.query("wh", "DESCRIBE m")
    assert [row[1] for row in before] == [
        "DECIMAL(38,18)", "DECIMAL(38,18)", "DECIMAL(38,1)", "INTEGER", "DECIMAL(9,3)",
    ]  # fmt: skip
    workspace.server.execute("INSERT INTO offers VALUES (3, 123456.7891, 1)")
    with workspace.run() as run:
        run.model("m", sql, "wh")
        assert workspace.query("wh", "DESCRIBE m") == before


def test_what_fits_no_decimal_names_its_column(workspace: ServerWorkspace) -> None:
    with workspace.run() as run:
        with pytest.raises(ValueLost, match=r"offers, column odd: NaN"):
            run.model("m", "SELECT odd FROM {pg.offers} AS o", "wh")
        with pytest.raises(ValueLost, match="Overflow in multiplication") as raised:
            run.model("m", "SELECT huge * huge AS h FROM {pg.offers} AS o", "wh")
        assert "compute='target'" in raised.value.hint


def test_a_column_that_no_model_reads_is_not_measured(workspace: ServerWorkspace) -> None:
    workspace.server.execute(
        "DROP VIEW IF EXISTS broken",
        "CREATE VIEW broken AS SELECT id, price, (1 / (id - id))::numeric AS fails FROM offers",
    )
    with workspace.run() as run:
        run.model("m", "SELECT price FROM {pg.broken} AS o", "wh")
        assert len(run.rows("wh", "m")) == 2
