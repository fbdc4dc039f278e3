"""What tests of loads into MySQL and MariaDB share: benches, servers' settings, stage tables."""

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

BOTH = pytest.mark.parametrize("ways", ["file", "inserts"], indirect=True)
"""Rows arrive as a file, and where the server refuses that."""


@contextmanager
def benched(server: MariaDB, folder: Path, **words: Any) -> Iterator[Bench]:
    bench = Bench(server, folder, **words)
    try:
        yield bench
    finally:
        bench.close()


@contextmanager
def setting(server: MariaDB, name: str, value: object) -> Iterator[None]:
    """The server is set so for whoever connects meanwhile."""
    ((before,),) = server.execute(f"select @@global.{name}")
    server.execute(f"set global {name} = {value}")
    try:
        yield
    finally:
        server.execute(f"set global {name} = {before}")


def loaded(
    bench: Bench, name: str, sql: str, columns: list[StageColumn], definition: str = ""
) -> tuple[Load, Dataset]:
    ref = bench.database.table(name)
    bench.connector.drop(ref)
    load = Load(stage=ref, columns=bench.connector.columns(columns), definition=definition)
    return load, bench.stage(sql, columns)


def subfolder(parent: Path, name: str) -> Path:
    """A new folder in it."""
    made = parent / name
    made.mkdir()
    return made


def is_gone(bench: Bench, ref: TableRef) -> bool:
    try:
        bench.describe(ref)
    except TableNotFound:
        return True
    return False
