"""Values of every odd type reach each kind of target alike, whether a model reads or computes them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from dvt.core.errors import ValueLost
from dvt.core.names import TableRef
from dvt.core.plan import Load
from dvt.drivers.duckdb import FILES
from tests.acceptance.federating import Workspace

pytestmark = pytest.mark.slow

LARGEST_DECIMAL = "9" * 38
LARGEST_HUGEINT = "170141183460469231731687303715884105727"
SMALLEST_HUGEINT = "-170141183460469231731687303715884105728"
LARGEST_UHUGEINT = "340282366920938463463374607431768211455"
BITS = "01" * 500
BIGNUM = "-" + "1234567890" * 40
ENUM = "ENUM('', 'it''s', 'a, b)', '\"q\"', 'NULL')"


@dataclass(frozen=True)
class Value:
    """A DuckDB value, and its column and text on each kind of target."""

    sql: str
    """The value in DuckDB's SQL."""
    text: str
    """Its text in DuckDB, and on every target for which no other text is given."""
    postgres: tuple[str, bool]
    """Type of its column on PostgreSQL, and whether a warning names a loss."""
    mariadb: tuple[str, bool]
    """Type of its column on MariaDB, and whether a warning names a loss."""
    in_postgres: str | None = None
    """Its text on PostgreSQL."""


VALUES = {
    "span": Value(
        "to_months(-14) + to_days(3) + to_microseconds(-1)",
        "-1 year -2 months 3 days -00:00:00.000001",
        ("interval", False),
        ("longtext", True),
        "-1 years -2 mons +3 days -00:00:00.000001",
    ),
    "long_span": Value(
        "to_months(2147483647) + to_days(-2147483648)",
        "178956970 years 7 months -2147483648 days",
        ("interval", False),
        ("longtext", True),
        "178956970 years 7 mons -2147483648 days",
    ),
    "no_span": Value("INTERVAL 0 DAY", "00:00:00", ("interval", False), ("longtext", True)),
    "most": Value(
        f"{LARGEST_DECIMAL}::HUGEINT", LARGEST_DECIMAL, ("numeric(38,0)", False), ("decimal(38,0)", False)
    ),
    "least": Value(
        f"-{LARGEST_DECIMAL}::HUGEINT",
        f"-{LARGEST_DECIMAL}",
        ("numeric(38,0)", False),
        ("decimal(38,0)", False),
    ),
    "sum": Value("sum(7) OVER ()", "7", ("numeric(38,0)", False), ("decimal(38,0)", False)),
    "unsigned": Value(
        f"{LARGEST_DECIMAL}::UHUGEINT", LARGEST_DECIMAL, ("numeric(38,0)", False), ("decimal(38,0)", False)
    ),
    "bits": Value(f"'{BITS}'::BIT", BITS, ("text", True), ("longtext", True)),
    "great": Value(f"'{BIGNUM}'::BIGNUM", BIGNUM, ("text", True), ("longtext", True)),
    **{
        f"word{index}": Value(
            f"'{word.replace(chr(39), chr(39) * 2)}'::{ENUM}", word, ("text", True), ("longtext", True)
        )
        for index, word in enumerate(("", "it's", "a, b)", '"q"', "NULL"))
    },
    "zoned": Value(
        "'23:59:59.999999-15:59'::TIMETZ",
        "23:59:59.999999-15:59",
        ("time with time zone", False),
        ("longtext", True),
    ),
    "fine": Value(
        "'10:11:12.123456000'::TIME_NS",
        "10:11:12.123456",
        ("time without time zone", True),
        ("time(6)", True),
    ),
    "none": Value("NULL::INTERVAL", "", ("interval", False), ("longtext", True)),
}
COMPUTED = ", ".join(f"{value.sql} AS {name}" for name, value in VALUES.items())
EXTREMES = {
    "largest": f"{LARGEST_HUGEINT}::HUGEINT",
    "smallest": f"'{SMALLEST_HUGEINT}'::HUGEINT",
    "unsigned": f"{LARGEST_UHUGEINT}::UHUGEINT",
    "summed": f"sum({LARGEST_HUGEINT}::HUGEINT) OVER ()",
}
"""Numbers that only DuckDB can hold: column → SQL."""


class ServersWorkspace(Workspace):
    """A workspace with a PostgreSQL output `pg` and a MariaDB output `my`."""

    servers: dict[str, Any]

    def ref(self, connection: str, table: str) -> TableRef:
        if connection in self.servers:
            return replace(self.servers[connection].table(table), connection=connection)
        return super().ref(connection, table)


@dataclass
class InspectingPublisher:
    """A Publisher that reads the stage table and publishes nothing."""

    server: Any
    types: dict[str, str] = field(default_factory=dict)
    rows: list[tuple[str | None, ...]] = field(default_factory=list)

    def publish(self, load: Load) -> int:
        self.types = {column.name: self.server.type_of(load.stage, column.name) for column in load.columns}
        self.rows = self.server.as_text(load.stage)
        return -1


@pytest.fixture
def workspace(tmp_path: Path, databases: Any) -> Iterator[ServersWorkspace]:
    workspace = ServersWorkspace(tmp_path)
    workspace.servers = {"pg": databases("postgres"), "my": databases("mariadb")}
    for name, server in workspace.servers.items():
        workspace.outputs[name] = server.settings()
    extremes = ", ".join(f"{sql} AS {name}" for name, sql in EXTREMES.items())
    workspace.duckdb(
        "src", f"CREATE TABLE odd AS SELECT {COMPUTED}", f"CREATE TABLE extremes AS SELECT {extremes}"
    )
    workspace.duckdb("wh")
    yield workspace
    FILES.close()


MODELS = {"extracted": "SELECT * FROM {src.odd}", "computed": f"SELECT {COMPUTED} FROM {{src.odd}}"}


@pytest.mark.parametrize("origin", MODELS)
def test_a_duckdb_target_keeps_every_type(workspace: ServersWorkspace, origin: str) -> None:
    shown = ", ".join(f"typeof({name}), {name}::VARCHAR" for name in VALUES)
    with workspace.run() as run:
        run.model("m", MODELS[origin], "wh")
        assert workspace.query("wh", f"SELECT {shown} FROM m") == workspace.query(
            "src", f"SELECT {shown} FROM odd"
        )
        assert run.reporter.notices == []


@pytest.mark.parametrize("origin", MODELS)
@pytest.mark.parametrize("target", ["pg", "my"])
def test_a_servers_columns_hold_the_values_or_a_warning_names_the_loss(
    workspace: ServersWorkspace, target: str, origin: str
) -> None:
    publisher = InspectingPublisher(workspace.servers[target])
    with workspace.run() as run:
        run.model("m", MODELS[origin], target, publisher)
    expected = {name: value.postgres if target == "pg" else value.mariadb for name, value in VALUES.items()}
    assert publisher.types == {name: type_ for name, (type_, _) in expected.items()}
    warnings = " ".join(notice.message for _, notice in run.reporter.notices)
    assert {name for name in VALUES if f"column {name} " in warnings} == {
        name for name, (_, loses) in expected.items() if loses
    }
    assert {notice.code for _, notice in run.reporter.notices} <= {"DVT002"}
    texts = {
        name: value.in_postgres if target == "pg" and value.in_postgres else value.text
        for name, value in VALUES.items()
    } | {"none": None}
    actual = dict(zip(publisher.types, publisher.rows[0], strict=True))
    if target == "my":
        actual["fine"] = str(actual["fine"]).rstrip("0")
    assert actual == texts


@pytest.mark.parametrize("origin", ["extracted", "computed"])
def test_a_duckdb_target_keeps_the_largest_numbers(workspace: ServersWorkspace, origin: str) -> None:
    columns = ", ".join(
        EXTREMES if origin == "extracted" else map("{0[1]} AS {0[0]}".format, EXTREMES.items())
    )
    with workspace.run() as run:
        run.model("m", f"SELECT {columns} FROM {{src.extremes}}", "wh")
        assert run.rows("wh", "m") == [
            (int(LARGEST_HUGEINT), int(SMALLEST_HUGEINT), int(LARGEST_UHUGEINT), int(LARGEST_HUGEINT))
        ]
        assert run.reporter.notices == []


@pytest.mark.parametrize("name", EXTREMES)
@pytest.mark.parametrize("target", ["pg", "my"])
def test_a_number_too_large_for_a_servers_types_is_an_error(
    workspace: ServersWorkspace, target: str, name: str
) -> None:
    publisher = InspectingPublisher(workspace.servers[target])
    with workspace.run() as run:
        for model, sql in (("extracted", name), ("computed", f"{EXTREMES[name]} AS {name}")):
            with pytest.raises(ValueLost, match=name):
                run.model(model, f"SELECT {sql} FROM {{src.extremes}}", target, publisher)
    assert publisher.rows == []


def test_a_filter_on_a_huge_number_is_pushed_to_its_file(workspace: ServersWorkspace) -> None:
    with workspace.run() as run:
        sql = f"SELECT count(*) AS n FROM {{src.extremes}} WHERE largest > {LARGEST_DECIMAL}"
        run.model("m", sql, "wh")
        (query,) = run.federator.plan(run.request("m", sql, "wh")).queries
        assert query.where
        assert run.rows("wh", "m") == [(1,)]
