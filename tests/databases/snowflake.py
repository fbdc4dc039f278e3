"""The stand-in for Snowflake: fakesnow, an emulator, with what it lacks; see fakesnow_server.py."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dvt.core.names import TableRef
from dvt.testing.databases import ServerDatabase, TargetDatabase
from tests.databases.ports import start_on_free_port
from tests.stores.programs import await_answer, launch, program, server_folder, stop

PASSWORD = "pl4nted-s3cret"
USER, OWNER = "DVT", "OWNER"
DATABASE = "DVT_TESTS"
_SERVER = Path(__file__).with_name("fakesnow_server.py")
_SHORT_OF_SLEEP = 12_000
"""Rows of each side of a join that takes the emulator more than half a second."""


@dataclass
class Snowflake(ServerDatabase, TargetDatabase):
    """A running emulator."""

    port: int
    process: subprocess.Popen[bytes]
    name: str = "snowflake"
    schema: str = "SHOP"
    secrets: Sequence[str] = (PASSWORD,)
    integer_type: str = "number(9,0)"
    text_type: str = "varchar(20)"
    _owner: Any = None

    def settings(self, **overrides: Any) -> dict[str, Any]:
        """See Database."""
        return {
            "type": "snowflake",
            "account": "dvt_tests",
            "host": "127.0.0.1",
            "port": self.port,
            "protocol": "http",
            "user": USER,
            "password": PASSWORD,
            "database": DATABASE,
            "schema": "shop",
            "network_timeout": 20,
            "connect_timeout": 20,
            "threads": 2,
        } | overrides

    def control(self, **asked: Any) -> dict[str, Any]:
        """Ask the stand-in itself: what it was sent, what runs, and to end connections."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/control", json.dumps(asked).encode(), method="POST"
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            found: dict[str, Any] = json.loads(answer.read())
        return found

    def sent(self) -> list[str]:
        """Return the statements of all sessions, as they came."""
        return list(self.control()["statements"])

    def execute(self, *statements: str) -> list[tuple[Any, ...]]:
        """See Database."""
        import snowflake.connector

        if self._owner is None:
            self._owner = snowflake.connector.connect(
                account="dvt-tests",
                host="127.0.0.1",
                port=self.port,
                protocol="http",
                user=OWNER,
                password=PASSWORD,
                database=DATABASE,
                schema="PUBLIC",
                platform_detection_timeout_seconds=0.0,
            )
        cursor = self._owner.cursor()
        for statement in statements:
            cursor.execute(statement)
        return [tuple(row) for row in cursor.fetchall()]

    def fill(self, ref: TableRef, rows: int) -> None:
        """See Database."""
        word = "lpad(n::varchar, 48, '0') || lpad((n * 7919)::varchar, 48, '0')"
        self.execute(
            f'create or replace table {self.quoted(ref)} as select n::number(18,0) as "n", {word} as "word"'
            f" from (select seq4() + 1 as n from table(generator(rowcount => {rows})))"
        )

    def sleeping(self, seconds: int) -> str:
        """See Database."""
        side = f"table(generator(rowcount => {_SHORT_OF_SLEEP}))"
        return (
            f"(select count(*) from {side} a, {side} b, table(generator(rowcount => {seconds})) c"
            " where sqrt(a.range + b.range + c.range) < 0)"
        )

    def quoted(self, ref: TableRef) -> str:
        """See Database."""
        return f"{self.name_of(ref.database or DATABASE)}.{super().quoted(ref)}"

    def type_of(self, ref: TableRef, column: str) -> str:
        """See TargetDatabase."""
        rows = self.execute(f"describe table {self.quoted(ref)}")
        return next(str(row[1]) for row in rows if row[0] == column)

    def as_text(self, ref: TableRef) -> list[tuple[str | None, ...]]:
        """See TargetDatabase."""
        names = [row[0] for row in self.execute(f"describe table {self.quoted(ref)}")]
        texts = ", ".join(f"cast({self.name_of(name)} as varchar)" for name in names)
        return self.execute(f"select {texts} from {self.quoted(ref)}")

    def running(self) -> list[str]:
        """See ServerDatabase."""
        return list(self.control(user=USER)["running"])

    def connections(self) -> int:
        """See ServerDatabase."""
        return int(self.control(user=USER)["connections"])

    def cut(self) -> None:
        """See ServerDatabase. Of a service that is spoken to by requests, the session ends."""
        self.control(user=USER, cut=True)

    def close(self) -> None:
        """Close the owner's connection."""
        if self._owner is not None:
            self._owner.close()


@contextmanager
def snowflake() -> Iterator[Snowflake]:
    """Run a new emulator; remove it at the end."""
    python = program("fakesnow", "env/bin/python")
    with server_folder("fakesnow") as folder:

        def start(port: int) -> Snowflake:
            command = [str(python), "-P", str(_SERVER), str(port)]
            process = launch(command, folder)
            await_answer(process, f"http://127.0.0.1:{port}/control", folder, status=405)
            return Snowflake(port, process)

        server = start_on_free_port(start)
        try:
            server.execute(
                f"create database if not exists {DATABASE}",
                f"create schema if not exists {DATABASE}.PAST",
                f"create schema if not exists {DATABASE}.SHOP",
            )
            yield server
        finally:
            server.close()
            stop(server.process)
