"""What is sent to SQL Server and Oracle arrives in H2's modes for them; neither is the real service."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from dvt.connectors.jdbc.load import LoadingConnector
from dvt.core.errors import NotLoadable, TableNotFound, ValueLost
from dvt.core.plan import Load
from dvt.core.tables import StageColumn
from dvt.core.types import VARCHAR, StageType
from dvt.drivers.jdbc.loads import ORACLE, SQLSERVER
from dvt.testing.connectors import Bench
from dvt.testing.suites.loading import new_load
from tests.databases.java_servers import H2

pytestmark = [pytest.mark.slow, pytest.mark.long]

_ODD = "'a''b\\c\"d' || chr(9) || chr(10) || '😀é ,{}$?% ' || ' '"
_ALIKE = {
    "SMALLINT": "-32768",
    "INTEGER": "2147483647",
    "BIGINT": "-9223372036854775808",
    "UBIGINT": "18446744073709551615",
    "HUGEINT": "-" + "9" * 38,
    "DECIMAL(38,10)": "'1234567890123456789012345678.0123456789'",
    "DECIMAL(9,2)": "-1234567.89",
    "VARCHAR": _ODD,
    "BLOB": "'\\x00\\xFF\\x27a'::BLOB",
    "DATE": "'2024-02-29'",
    "TIMESTAMP": "'0001-01-01 00:00:00.000001'",
    "TIMESTAMP_NS": "'1969-12-31 23:59:59.9999999'",
}
"""Type → a value that both hold in H2, which has no datetimeoffset."""


class SqlServerOnH2(LoadingConnector):
    """What dvt sends to SQL Server, sent to H2."""

    loads = SQLSERVER


class OracleOnH2(LoadingConnector):
    """What dvt sends to Oracle, sent to H2, which has neither its recycle bin nor its catalog."""

    loads = replace(ORACLE, drop="DROP TABLE {table}", requires=None)


@dataclass
class H2InMode(H2):
    """H2 with a database in a compatibility mode."""

    mode: str = ""

    @property
    def url(self) -> str:
        """See JavaServer."""
        return f"jdbc:h2:tcp://127.0.0.1:{self.port}/./{self.mode};MODE={self.mode}"


@pytest.fixture
def bench_of(databases, tmp_path):
    """Makes a bench of a connector, on H2 in a mode."""
    benches: list[Bench] = []
    servers: list[H2InMode] = []

    def make(mode, connector=None):
        server = databases("jdbc")
        servers.append(H2InMode(server.folder, server.port, server.process, mode=mode))
        servers[-1].execute("create schema if not exists shop")
        benches.append(Bench(servers[-1], tmp_path, connector=connector))
        return benches[-1]

    yield make
    for bench in benches:
        bench.close()
    for server in servers:
        server.close()


@pytest.mark.parametrize(
    ("mode", "connector", "more"),
    [
        (
            "MSSQLServer",
            SqlServerOnH2,
            {
                "BOOLEAN": "true",
                "FLOAT": "0.1",
                "DOUBLE": "0.30000000000000004e0",
                "UUID": "'6f9619ff-8b86-d011-b42d-00c04fc964ff'",
                "TIME": "'23:59:59.999999'",
            },
        ),
        (
            "Oracle",
            OracleOnH2,
            {
                "UUID": "'6f9619ff-8b86-d011-b42d-00c04fc964ff'",
                "TIMESTAMP WITH TIME ZONE": "'2024-02-29 23:59:59.5+02'",
            },
        ),
    ],
    ids=["sqlserver", "oracle"],
)
def test_hostile_values_come_back_from_a_mode(bench_of, mode, connector, more):
    bench = bench_of(mode, connector)
    values = {**_ALIKE, **more}
    columns = [StageColumn(f"c{place}", StageType.parse(type_)) for place, type_ in enumerate(values)]
    typed = [f"CAST({value} AS {type_}) AS c{place}" for place, (type_, value) in enumerate(values.items())]
    nulls = [f"NULL AS c{place}" for place in range(len(values))]
    sql = f"SELECT {', '.join(typed)} FROM range(5000) UNION ALL SELECT {', '.join(nulls)} FROM range(7)"
    load, dataset = new_load(bench, "dvt_mode", sql, columns)
    assert bench.loader.fill(load, dataset) == 5007
    back = bench.rows(bench.read_table(load.stage))
    sent = bench.rows(dataset)
    assert len(back) == 5007
    assert back.count((None,) * len(values)) == 7
    wrong = [
        (type_, ours, theirs)
        for type_, ours, theirs in zip(values, sent[0], back[0], strict=True)
        if _plain(ours) != _plain(theirs)
    ]
    assert not wrong
    bench.loader.drop(load.stage)
    with pytest.raises(TableNotFound):
        bench.describe(load.stage)


def test_an_empty_text_for_oracle_is_refused_and_named(bench_of):
    bench = bench_of("Oracle", OracleOnH2)
    load, dataset = new_load(bench, "dvt_empty", "SELECT '' AS word", [StageColumn("word", VARCHAR)])
    with pytest.raises(ValueLost, match="column word: holds an empty text, which is NULL in Oracle"):
        bench.loader.fill(load, dataset)
    with pytest.raises(TableNotFound):
        bench.describe(load.stage)


def test_a_text_that_a_code_page_may_lack_is_refused_for_sql_server(bench_of):
    bench = bench_of("MSSQLServer", SqlServerOnH2)
    columns = [StageColumn("word", VARCHAR)]
    load, plain = new_load(bench, "dvt_narrow", "SELECT 'plain' AS word", columns)
    narrow = Load(stage=load.stage, columns=load.columns, definition="(word varchar(20))")
    assert bench.loader.fill(narrow, plain) == 1
    bench.loader.drop(load.stage)
    with pytest.raises(ValueLost, match="sure to hold ASCII alone"):
        bench.loader.fill(narrow, bench.stage("SELECT 'ł' AS word", columns))


def test_h2_is_not_loaded_in_a_mode_that_changes_values(bench_of):
    bench = bench_of("Oracle")
    load, dataset = new_load(bench, "dvt_never", "SELECT 'a' AS word", [StageColumn("word", VARCHAR)])
    with pytest.raises(NotLoadable, match="compatibility mode Oracle"):
        bench.loader.fill(load, dataset)
    with pytest.raises(TableNotFound):
        bench.describe(load.stage)


def _plain(text: str | None) -> str | None:
    """Return a text without what a type of more digits adds, and Oracle's DATE of a time of the day."""
    return (text.rstrip("0") if "." in text else text.removesuffix(" 00:00:00")) if text else text
