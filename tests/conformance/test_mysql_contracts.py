"""Contracts on MySQL and MariaDB: values are stored unchanged in the contract's types, or the load fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dvt.core.errors import DvtError, RowRefused, ValueLost
from dvt.core.tables import StageColumn
from dvt.core.types import INTEGER, StageType
from dvt.testing.connectors import Bench
from tests.conformance.mysql_loads import BOTH_TRANSFERS, global_setting, is_gone, open_bench, prepare_load
from tests.databases.mariadb import MariaDB

pytestmark = pytest.mark.slow


@pytest.fixture
def server(databases: Callable[[str], Any]) -> MariaDB:
    server: MariaDB = databases("mariadb")
    return server


@pytest.fixture
def bench(server: MariaDB, tmp_path: Path) -> Iterator[Bench]:
    with open_bench(server, tmp_path) as bench:
        yield bench


@pytest.fixture
def transfer(request: pytest.FixtureRequest, server: MariaDB) -> Iterator[str]:
    """Send rows as a file, or make the server refuse files, so that they are sent by INSERT."""
    with global_setting(server, "local_infile", int(request.param == "file")):
        yield request.param


_UNFIT_CASES = [
    ("decimal(9,1)", "DECIMAL(9,2)", "1.25", ValueLost),
    ("tinyint", "INTEGER", "300", ValueLost),
    ("tinyint unsigned", "INTEGER", "-1", ValueLost),
    ("int", "VARCHAR", "'seven'", ValueLost),
    ("int", "VARCHAR", "''", ValueLost),
    ("varchar(3)", "VARCHAR", "'abcd'", ValueLost),
    ("varchar(3)", "VARCHAR", "'abc  '", ValueLost),
    ("varchar(9) character set latin1", "VARCHAR", "'😀'", ValueLost),
    ("varchar(9)", "BLOB", r"'\xFF'::BLOB", ValueLost),
    ("varbinary(2)", "BLOB", r"'\x00\x01\x02'::BLOB", ValueLost),
    ("enum('a','b')", "VARCHAR", "'c'", ValueLost),
    ("date", "VARCHAR", "'2024-02-30'", ValueLost),
    ("date", "VARCHAR", "'0000-00-00'", ValueLost),
    ("date", "TIMESTAMP", "'2024-02-29 10:00:00'", ValueLost),
    ("datetime", "TIMESTAMP", "'2024-02-29 10:00:00.5'", ValueLost),
    ("time", "TIME", "'10:00:00.5'", ValueLost),
    ("timestamp", "TIMESTAMP", "'2038-02-01 00:00:00'", ValueLost),
    ("bit(2)", "INTEGER", "4", ValueLost),
    ("json", "VARCHAR", "'{'", DvtError),
    ("int not null", "INTEGER", "NULL", RowRefused),
    ("int check (`the v` > 5)", "INTEGER", "5", RowRefused),
]
"""Contract's type, stage type, value that does not fit, error."""
_FIT_CASES = [
    ("decimal(9,1)", "DECIMAL(9,2)", "1.20", "1.2"),
    ("bit(3)", "INTEGER", "5", "\x05"),
    ("bit(1)", "BOOLEAN", "true", "\x01"),
    ("varchar(3)", "VARCHAR", "'äöü'", "äöü"),
    ("datetime", "TIMESTAMP", "'2024-02-29 10:00:00'", "2024-02-29 10:00:00"),
    ("datetime(3)", "TIMESTAMP", "'2024-02-29 10:00:00.123'", "2024-02-29 10:00:00.123"),
    ("timestamp", "TIMESTAMP", "'2024-02-29 10:00:00'", "2024-02-29 10:00:00"),
    ("time(3)", "TIME", "'10:00:00.5'", "10:00:00.500"),
    ("time(6)", "INTERVAL", "'838:59:59.999999'", "838:59:59.999999"),
    ("year", "INTEGER", "2024", "2024"),
    ("inet6", "VARCHAR", "'::1'", "::1"),
    ("set('a','b')", "VARCHAR", "'a,b'", "a,b"),
]
"""Contract's type, stage type, value that fits, its text in the table."""


@BOTH_TRANSFERS
def test_a_value_that_does_not_fit_its_contracts_type_is_an_error(
    server: MariaDB, bench: Bench, transfer: str
) -> None:
    problems = []
    with global_setting(server, "sql_notes", 0), global_setting(server, "max_error_count", 0):
        for native, stage, value, expected in _UNFIT_CASES:
            columns = [StageColumn("i", INTEGER), StageColumn("the v", StageType.parse(stage))]
            sql = f'SELECT i, CASE WHEN i = 7 THEN CAST({value} AS {stage}) END AS "the v" FROM range(9) r(i)'
            if "null" in native or "check" in native:
                sql = sql.replace("CASE WHEN i = 7 THEN", "CASE WHEN i <> 7 THEN 8 ELSE")
            load, dataset = prepare_load(bench, "dvt_unfit", sql, columns, f"(i int, `the v` {native})")
            try:
                bench.connector.fill(load, dataset)
            except DvtError as error:
                if not isinstance(error, expected) or "the v" not in str(error):
                    problems.append(f"{native} {value}: {error!r}")
                if not is_gone(bench, load.stage):
                    problems.append(f"{native} {value}: its table is left")
            else:
                problems.append(f"{native} {value}: stored as {server.as_text(load.stage)[7]}")
    assert not problems, "\n".join(problems)


@BOTH_TRANSFERS
def test_a_value_that_fits_its_contracts_type_is_loaded(server: MariaDB, bench: Bench, transfer: str) -> None:
    problems = []
    for native, stage, value, text in _FIT_CASES:
        sql = f"SELECT CAST({value} AS {stage}) AS v"
        load, dataset = prepare_load(
            bench, "dvt_fit", sql, [StageColumn("v", StageType.parse(stage))], f"(v {native})"
        )
        try:
            bench.connector.fill(load, dataset)
        except DvtError as error:
            problems.append(f"{native} {value}: {error}")
        else:
            stored = server.as_text(load.stage)
            if stored != [(text,)]:
                problems.append(f"{native} {value}: stored as {stored}")
    assert not problems, "\n".join(problems)
