"""A stand-in for Redshift: a proxy before a real PostgreSQL that carries out UNLOAD and COPY by itself.

It passes PostgreSQL's protocol on, and is as strict as Redshift's documentation: backslashes in texts are
escapes, COPY from Parquet takes a column only if its type goes with the file's, the bucket is reached with
the statement's own credentials. It is an imitation: the service itself was never asked.
"""

from __future__ import annotations

import re
import shutil
import socket
import struct
import tempfile
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from tests.databases.redshift_files import CopyFailed, copied, unloaded

_CANCEL, _SSL = 80877102, 80877103
_KEPT = ("user", "database", "application_name")
"""Parameters of a session that PostgreSQL knows; the client has others for Redshift."""
_OPTIONS = "-c standard_conforming_strings=off -c escape_string_warning=off -c backslash_quote=on"
_UNLOAD = re.compile(r"\s*UNLOAD \('(?P<query>.*)'\) TO '(?P<uri>s3://[^']+)' (?P<rest>.*)\Z", re.DOTALL)
_COPY = re.compile(r"\s*COPY (?P<table>.+?) FROM '(?P<uri>s3://[^']+)' (?P<rest>.*)\Z", re.DOTALL)
_CREATE = re.compile(r"\s*CREATE (?:TEMPORARY )?TABLE (?P<table>.+?) \((?P<columns>.*)\)\s*\Z", re.DOTALL)
_REWRITES = (
    (re.compile(r"information_schema\.columns|information_schema\.\"columns\""), "redshift.columns"),
    (re.compile(r"varbyte\(\d+\)"), "bytea"),
)
"""What PostgreSQL spells in another way."""


@dataclass
class Moving:
    """An UNLOAD or a COPY that is under way on a session."""

    kind: str
    uri: str
    rest: str
    table: str = ""
    query: str = ""
    csv: Path | None = None
    file: Any = None
    rows: int | None = None
    failure: str = ""


@dataclass
class RedshiftProxy:
    """Listens on a port of its own; `statements` are those of all sessions, as they came."""

    server_port: int
    describe: Any
    """Called with a query; returns its columns with DuckDB's types."""
    endpoint: str = ""
    """Of the store in which it looks for buckets."""
    statements: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.answers = threading.Event()
        """While it is not set, an UNLOAD that has written its files is not answered."""
        self.answers.set()
        self.loses_files = False
        """Whether an UNLOAD leaves out its last file, as if somebody had deleted it."""
        self.folder = Path(tempfile.mkdtemp(prefix="dvt-redshift-"))
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Stop listening, and remove the folder of files on their way."""
        self._listener.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                try:
                    server = socket.create_connection(("127.0.0.1", self.server_port))
                except OSError:  # it is down
                    client.close()
                    continue
                threading.Thread(target=_Session(self, client, server).run, daemon=True).start()


class _Session:
    def __init__(self, proxy: RedshiftProxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy = proxy
        self._client = client
        self._server = server
        self._from_client, self._from_server = client.makefile("rb"), self._server.makefile("rb")
        for end in (self._client, self._server):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._moving: Moving | None = None
        self._tables: dict[str, str] = {}
        self._swallow: str | None = None
        """What the answers to a query of the proxy's own are for."""

    def run(self) -> None:
        with suppress(OSError, ConnectionError, ValueError):
            if self._start():
                threading.Thread(target=self._to_client, daemon=True).start()
                while True:
                    kind, body = _message(self._from_client)
                    self._server.sendall(_packed(kind, self._asked(kind, body)))
        self._close()

    def _close(self) -> None:
        if self._moving is not None and self._moving.file is not None:
            self._moving.file.close()
        for end in (self._client, self._server):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        for end in (self._from_client, self._from_server, self._client, self._server):
            with suppress(OSError, ValueError):
                end.close()

    def _start(self) -> bool:
        while True:
            (size,) = struct.unpack("!i", _exactly(self._from_client, 4))
            body = _exactly(self._from_client, size - 4)
            (code,) = struct.unpack("!i", body[:4])
            if code == _CANCEL:
                self._server.sendall(struct.pack("!i", size) + body)
                return False
            if code != _SSL:
                break
            self._client.sendall(b"N")
        words = [word.decode() for word in body[4:].split(b"\0")]
        pairs = dict(zip(words[::2], words[1::2], strict=False))
        kept = {name: value for name, value in pairs.items() if name in _KEPT} | {"options": _OPTIONS}
        text = b"".join(f"{name}\0{value}\0".encode() for name, value in kept.items()) + b"\0"
        self._server.sendall(struct.pack("!ii", len(text) + 8, 196608) + text)
        return True

    def _asked(self, kind: bytes, body: bytes) -> bytes:
        if kind == b"P":
            name, sql, rest = body.split(b"\0", 2)
            return b"\0".join((name, self._rewritten(sql.decode()).encode(), rest))
        if kind == b"Q":
            return self._rewritten(body[:-1].decode()).encode() + b"\0"
        return body

    def _rewritten(self, sql: str) -> str:
        self._proxy.statements.append(sql)
        if unload := _UNLOAD.match(sql):
            query = re.sub(r"\\(.)", r"\1", unload["query"].replace("''", "'"), flags=re.DOTALL)
            self._moving = Moving("UNLOAD", unload["uri"], unload["rest"], query=query)
            return f"COPY ({query}) TO STDOUT (FORMAT csv)"
        if copy := _COPY.match(sql):
            self._moving = Moving("COPY", copy["uri"], copy["rest"], table=copy["table"])
            return f"COPY {copy['table']} FROM STDIN (FORMAT csv)"
        if create := _CREATE.match(sql):
            self._tables[create["table"]] = create["columns"]
        for pattern, spelled in _REWRITES:
            sql = pattern.sub(spelled, sql)
        return sql

    def _to_client(self) -> None:
        with suppress(OSError, ConnectionError, ValueError):
            while True:
                kind, body = _message(self._from_server)
                for answer in self._answered(kind, body):
                    self._client.sendall(answer)
        self._close()

    def _answered(self, kind: bytes, body: bytes) -> list[bytes]:
        if self._swallow is not None:
            return self._own_answer(kind, body)
        if kind == b"S" and body.startswith(b"server_version\0"):
            body = b"server_version\x008.0.2\0"
        moving = self._moving
        return [_packed(kind, body)] if moving is None else self._while_moving(moving, kind, body)

    def _while_moving(self, moving: Moving, kind: bytes, body: bytes) -> list[bytes]:
        if kind in {b"H", b"d", b"c", b"G"}:
            self._send(moving) if kind == b"G" else self._collect(moving, kind, body)
            return []
        if kind == b"C" and body.startswith(b"COPY"):
            moving.rows = int(body[:-1].split()[-1])
            return [] if moving.failure else [_packed(b"C", f"{moving.kind} {moving.rows}\0".encode())]
        if kind == b"E":
            if moving.file is not None:
                moving.file.close()
            self._moving = None
        if kind == b"Z" and moving.rows is not None:
            self._moving = None
            self._ask_own(moving)
            return []
        return [_packed(kind, body)]

    def _ask_own(self, moving: Moving) -> None:
        """Have the session know how many rows were unloaded, or fail."""
        sql = f"SELECT set_config('redshift.unloaded', '{moving.rows}', false)"
        if moving.failure:
            failure = moving.failure.replace("\\", "").replace("'", "")
            sql = f"DO $body$ BEGIN RAISE EXCEPTION '%', '{failure}'; END $body$"
        self._swallow = "failure" if moving.failure else "setting"
        self._server.sendall(_packed(b"Q", sql.encode() + b"\0"))

    def _own_answer(self, kind: bytes, body: bytes) -> list[bytes]:
        if kind == b"E" and self._swallow == "failure":
            return [_packed(kind, body)]
        if kind == b"Z":
            self._swallow = None
            return [_packed(kind, body)]
        return []

    def _collect(self, moving: Moving, kind: bytes, body: bytes) -> None:
        if kind == b"H":
            moving.csv = self._proxy.folder / f"{id(moving)}.csv"
            moving.file = moving.csv.open("wb")
        elif kind == b"d":
            moving.file.write(body)
        elif moving.csv is not None:
            moving.file.close()
            try:
                columns = self._proxy.describe(moving.query)
                files = unloaded(moving.csv, columns, moving.uri, moving.rest, self._proxy.endpoint)
                if self._proxy.loses_files:
                    files[-1]()
                self._proxy.answers.wait()
            except Exception as error:  # noqa: BLE001 - whatever it is, the client gets it as the server's
                moving.failure = str(error) or type(error).__name__
            moving.csv.unlink()

    def _send(self, moving: Moving) -> None:
        csv = self._proxy.folder / f"{id(moving)}.csv"
        try:
            copied(csv, moving.uri, moving.rest, self._proxy.endpoint, self._tables.get(moving.table, ""))
            with csv.open("rb") as file:
                while data := file.read(1 << 16):
                    self._server.sendall(_packed(b"d", data))
            self._server.sendall(_packed(b"c", b""))
        except (CopyFailed, Exception) as error:  # noqa: BLE001 - likewise
            self._server.sendall(_packed(b"f", str(error).encode() + b"\0"))
        finally:
            csv.unlink(missing_ok=True)
        self._server.sendall(_packed(b"S", b""))  # the client's own was discarded amid the rows


def _packed(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


def _message(end: BinaryIO) -> tuple[bytes, bytes]:
    kind = _exactly(end, 1)
    (size,) = struct.unpack("!i", _exactly(end, 4))
    return kind, _exactly(end, size - 4)


def _exactly(end: BinaryIO, size: int) -> bytes:
    data = end.read(size)
    if len(data) < size:
        raise ConnectionError
    return data
