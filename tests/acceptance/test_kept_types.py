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
from tests.acceptance.federating import Place

pytestmark = pytest.mark.slow

NINES = "9" * 38
LARGEST = "170141183460469231731687303715884105727"
SMALLEST = "-170141183460469231731687303715884105728"
UNSIGNED = "340282366920938463463374607431768211455"
BITS = "01" * 500
GREAT = "-" + "1234567890" * 40
ENUM = "ENUM('', 'it''s', 'a, b)', '\"q\"', 'NULL')"


@dataclass(frozen=True)
class Value:
    """A value, and what becomes of it."""

    sql: str
    """In DuckDB's SQL."""
    text: str
    """As DuckDB shows it, and every target unless said otherwise."""
    postgres: tuple[str, bool]
    """Type of the column there, and whether a warning says what is lost."""
    mariadb: tuple[str, bool]
    in_postgres: str | None = None
    """Its text there."""


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
    "most": Value(f"{NINES}::HUGEINT", NINES, ("numeric(38,0)", False), ("decimal(38,0)", False)),
    "least": Value(f"-{NINES}::HUGEINT", f"-{NINES}", ("numeric(38,0)", False), ("decimal(38,0)", False)),
    "sum": Value("sum(7) OVER ()", "7", ("numeric(38,0)", False), ("decimal(38,0)", False)),
    "unsigned": Value(f"{NINES}::UHUGEINT", NINES, ("numeric(38,0)", False), ("decimal(38,0)", False)),
    "bits": Value(f"'{BITS}'::BIT", BITS, ("text", True), ("longtext", True)),
    "great": Value(f"'{GREAT}'::BIGNUM", GREAT, ("text", True), ("longtext", True)),
    **{
        f"word{place}": Value(
            f"'{word.replace(chr(39), chr(39) * 2)}'::{ENUM}", word, ("text", False), ("longtext", False)
        )
        for place, word in enumerate(("", "it's", "a, b)", '"q"', "NULL"))
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
    "largest": f"{LARGEST}::HUGEINT",
    "smallest": f"'{SMALLEST}'::HUGEINT",
    "unsigned": f"{UNSIGNED}::UHUGEINT",
    "summed": f"sum({LARGEST}::HUGEINT) OVER ()",
}
"""What DuckDB alone can hold."""


class Servers(Place):
    """A place with a PostgreSQL output `pg` and a MariaDB output `my`."""

    servers: dict[str, Any]

    def ref(self, connection: str, table: str) -> TableRef:
        if connection in self.servers:
            return replace(self.servers[connection].table(table), connection=connection)
        return super().ref(connection, table)


@dataclass
class Looking:
    """A Publisher that only looks at the stage table."""

    server: Any
    types: dict[str, str] = field(default_factory=dict)
    rows: list[tuple[str | None, ...]] = field(default_factory=list)

    def publish(self, load: Load) -> int:
        self.types = {column.name: self.server.type_of(load.stage, column.name) for column in load.columns}
        self.rows = self.server.as_text(load.stage)
        return -1


@pytest.fixture
def place(tmp_path: Path, databases: Any) -> Iterator[Servers]:
    place = Servers(tmp_path)
    place.servers = {"pg": databases("postgres"), "my": databases("mariadb")}
    for name, server in place.servers.items():
        place.outputs[name] = server.settings()
    extremes = ", ".join(f"{sql} AS {name}" for name, sql in EXTREMES.items())
    place.duckdb(
        "src", f"CREATE TABLE odd AS SELECT {COMPUTED}", f"CREATE TABLE extremes AS SELECT {extremes}"
    )
    place.duckdb("wh")
    yield place
    FILES.close()


MODELS = {"extracted": "SELECT * FROM {src.odd}", "computed": f"SELECT {COMPUTED} FROM {{src.odd}}"}


@pytest.mark.parametrize("how", MODELS)
def test_into_duckdb_every_type_stays_what_it_was(place: Servers, how: str) -> None:
    shown = ", ".join(f"typeof({name}), {name}::VARCHAR" for name in VALUES)
    with place.run() as run:
        run.model("m", MODELS[how], "wh")
        assert place.query("wh", f"SELECT {shown} FROM m") == place.query("src", f"SELECT {shown} FROM odd")
        assert run.seen.notices == []


@pytest.mark.parametrize("how", MODELS)
@pytest.mark.parametrize("target", ["pg", "my"])
def test_a_server_s_columns_hold_them_or_say_what_is_lost(place: Servers, target: str, how: str) -> None:
    looking = Looking(place.servers[target])
    with place.run() as run:
        run.model("m", MODELS[how], target, looking)
    expected = {name: value.postgres if target == "pg" else value.mariadb for name, value in VALUES.items()}
    assert looking.types == {name: type_ for name, (type_, _) in expected.items()}
    warned = " ".join(notice.message for _, notice in run.seen.notices)
    assert {name for name in VALUES if f"column {name} " in warned} == {
        name for name, (_, loses) in expected.items() if loses
    }
    assert {notice.code for _, notice in run.seen.notices} <= {"DVT002"}
    texts = {
        name: value.in_postgres if target == "pg" and value.in_postgres else value.text
        for name, value in VALUES.items()
    } | {"none": None}
    found = dict(zip(looking.types, looking.rows[0], strict=True))
    if target == "my":
        found["fine"] = str(found["fine"]).rstrip("0")
    assert found == texts


@pytest.mark.parametrize("how", ["extracted", "computed"])
def test_into_duckdb_the_largest_numbers_stay_what_they_were(place: Servers, how: str) -> None:
    columns = ", ".join(EXTREMES if how == "extracted" else map("{0[1]} AS {0[0]}".format, EXTREMES.items()))
    with place.run() as run:
        run.model("m", f"SELECT {columns} FROM {{src.extremes}}", "wh")
        assert run.rows("wh", "m") == [(int(LARGEST), int(SMALLEST), int(UNSIGNED), int(LARGEST))]
        assert run.seen.notices == []


@pytest.mark.parametrize("name", EXTREMES)
@pytest.mark.parametrize("target", ["pg", "my"])
def test_a_number_that_a_server_has_no_room_for_is_an_error(place: Servers, target: str, name: str) -> None:
    looking = Looking(place.servers[target])
    with place.run() as run:
        for model, sql in (("extracted", name), ("computed", f"{EXTREMES[name]} AS {name}")):
            with pytest.raises(ValueLost, match=name):
                run.model(model, f"SELECT {sql} FROM {{src.extremes}}", target, looking)
    assert looking.rows == []


def test_a_filter_on_a_sum_is_pushed_to_the_file_that_holds_it(place: Servers) -> None:
    with place.run() as run:
        sql = f"SELECT count(*) AS n FROM {{src.extremes}} WHERE largest > {NINES}"
        run.model("m", sql, "wh")
        (query,) = run.federator.plan(run.request("m", sql, "wh")).queries
        assert query.where
        assert run.rows("wh", "m") == [(1,)]
