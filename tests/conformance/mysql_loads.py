"""Helpers for tests of loads into MySQL and MariaDB: benches, global settings, stage tables."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from dvt.core.errors import TableNotFound
from dvt.core.names import TableRef
from dvt.core.plan import Load
from dvt.core.ports.staging import Dataset
from dvt.core.tables import StageColumn
from dvt.testing.connectors import Bench
from tests.databases.mariadb import MariaDB

BOTH_TRANSFERS = pytest.mark.parametrize("transfer", ["file", "inserts"], indirect=True)
"""Parametrizes the fixture `transfer`: rows arrive as a file, or by INSERT where files are refused."""


@contextmanager
def open_bench(server: MariaDB, folder: Path, **settings: Any) -> Iterator[Bench]:
    bench = Bench(server, folder, **settings)
    try:
        yield bench
    finally:
        bench.close()


@contextmanager
def global_setting(server: MariaDB, name: str, value: object) -> Iterator[None]:
    """Set a global variable of the server within the `with`, for connections that are opened meanwhile."""
    ((original,),) = server.execute(f"select @@global.{name}")
    server.execute(f"set global {name} = {value}")
    try:
        yield
    finally:
        server.execute(f"set global {name} = {original}")


def prepare_load(
    bench: Bench, name: str, sql: str, columns: list[StageColumn], definition: str = ""
) -> tuple[Load, Dataset]:
    """Drop the table; return its load and the staged answer to the query."""
    ref = bench.database.table(name)
    bench.connector.drop(ref)
    load = Load(stage=ref, columns=bench.connector.columns(columns), definition=definition)
    return load, bench.stage(sql, columns)


def subfolder(parent: Path, name: str) -> Path:
    """Make a folder in another one."""
    folder = parent / name
    folder.mkdir()
    return folder


def is_gone(bench: Bench, ref: TableRef) -> bool:
    """Return whether the table does not exist."""
    try:
        bench.describe(ref)
    except TableNotFound:
        return True
    return False
