"""A driver that loads rows sends no other file, whatever the server asks for."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from dvt.core.errors import ConnectionLost, DvtError
from dvt.drivers.mysql import LoadStatement, MySQLSettings, connect_to_load
from dvt.drivers.mysql.connect import LoadConnection
from dvt.drivers.mysql.side_connection import connect

_OK = b"\x00\x00\x00\x02\x00\x00\x00"
_GREETING = (
    b"\x0a10.11.0-MariaDB\x00"
    + struct.pack("<I", 7)
    + b"12345678\x00"
    + struct.pack("<HBHHB", 0xFFFF & ~0x0800, 45, 2, 0x000F, 21)
    + b"\x00" * 10
    + b"123456789012\x00"
    + b"mysql_native_password\x00"
)
_STATEMENT = LoadStatement("filling t", "t", ("a",))
_NAME = "dvt-1f2e"


class HostileServer:
    """A fake server that accepts every login, records statements and answers them with `answer`."""

    def __init__(self, answer: Callable[[bytes], bytes], *, stops_reading: bool = False) -> None:
        self._answer = answer
        self._stops_reading = stops_reading
        self.stopped_reading = threading.Event()
        """Set once the server has asked for the file and reads no more."""
        self.client: socket.socket | None = None
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.statements: list[bytes] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> bytes:
        """End the server and return all statements that it received after the login."""
        self._over.set()
        self._listener.close()
        self._thread.join(60)
        assert not self._thread.is_alive()
        return b"".join(self.statements)

    def _serve(self) -> None:
        with suppress(OSError):
            client, _ = self._listener.accept()
            with client, client.makefile("rb") as stream:
                client.sendall(_packet(0, _GREETING))
                self._read_packet(stream)
                client.sendall(_packet(2, _OK))
                while packet := self._read_packet(stream):
                    number, statement = packet
                    self.statements.append(statement)
                    if self._stops_reading and b"LOAD DATA" in statement:
                        client.sendall(_packet(number + 1, b"\xfb" + _NAME.encode()))
                        self.client = client
                        self.stopped_reading.set()
                        self._over.wait(200)
                        return
                    if answer := self._answer(statement):
                        client.sendall(_packet(number + 1, answer))

    @staticmethod
    def _read_packet(stream: object) -> tuple[int, bytes] | None:
        head = stream.read(4)  # type: ignore[attr-defined]
        if len(head) < 4:
            return None
        size = int.from_bytes(head[:3], "little")
        return head[3], stream.read(size)  # type: ignore[attr-defined]


def _packet(number: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "little") + bytes([number % 256]) + payload


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """Return a private file that no server may get."""
    file = tmp_path / "id_rsa"
    file.write_bytes(b"pl4nted-s3cret key")
    return file


@pytest.fixture
def hostile() -> Iterator[Callable[[Callable[[bytes], bytes]], HostileServer]]:
    servers: list[HostileServer] = []

    def make(answer: Callable[[bytes], bytes]) -> HostileServer:
        servers.append(HostileServer(answer))
        return servers[-1]

    yield make
    for server in servers:
        server.close()


def _settings(server: HostileServer) -> MySQLSettings:
    return MySQLSettings(
        host="127.0.0.1", port=server.port, user="u", schema="s", ssl_disabled=True, connect_timeout=60
    )


def _loading(session: LoadConnection, rows: list[bytes]) -> int | None:
    return session.load(f"LOAD DATA LOCAL INFILE '{_NAME}' …", _NAME, lambda _: rows.pop(0), _STATEMENT)


def test_rows_are_sent_for_the_file_name_that_dvt_gave_out(
    hostile: Callable[..., HostileServer],
) -> None:
    def answer(statement: bytes) -> bytes:
        if statement == b"1,2\n":
            return b""
        if statement == b"":
            return b"\x00\x01\x00\x02\x00\x00\x00"
        return b"\xfb" + _NAME.encode() if b"LOAD DATA" in statement else _OK

    server = hostile(answer)
    with connect_to_load("shop", _settings(server)) as session:
        assert _loading(session, [b"1,2\n", b""]) == 1
    assert b"1,2\n" in server.close()


@pytest.mark.parametrize("suffix", ["", "/../id_rsa", "x"])
def test_a_file_name_that_dvt_did_not_give_out_is_refused(
    hostile: Callable[..., HostileServer], secret: Path, suffix: str
) -> None:
    requested = f"{_NAME}{suffix}" if suffix else str(secret)
    server = hostile(lambda statement: b"\xfb" + requested.encode() if b"LOAD DATA" in statement else _OK)
    with (
        connect_to_load("shop", _settings(server)) as session,
        pytest.raises(DvtError, match="asked for a file that nobody had offered"),
    ):
        _loading(session, [b"rows of ours\n", b""])
    received = server.close()
    assert b"s3cret" not in received
    assert b"rows of ours" not in received


@pytest.mark.parametrize("loads", [True, False])
@pytest.mark.parametrize("trigger", [b"SET SESSION", b"SELECT 1"])
def test_a_file_is_refused_on_any_other_statement(
    hostile: Callable[..., HostileServer], secret: Path, loads: bool, trigger: bytes
) -> None:
    server = hostile(lambda statement: b"\xfb" + str(secret).encode() if trigger in statement else _OK)
    with (
        pytest.raises(DvtError, match="asked for a file that nobody had offered"),
        (connect_to_load if loads else connect)("shop", _settings(server)) as session,
    ):
        session.rows("SELECT 1", doing="asking")
    assert b"s3cret" not in server.close()


def test_a_file_is_refused_for_an_insert(hostile: Callable[..., HostileServer], secret: Path) -> None:
    server = hostile(lambda statement: b"\xfb" + str(secret).encode() if b"INSERT" in statement else _OK)
    with (
        connect_to_load("shop", _settings(server)) as session,
        pytest.raises(DvtError, match="asked for a file that nobody had offered"),
    ):
        session.insert(b"INSERT INTO t VALUES (1)", _STATEMENT)
    assert b"s3cret" not in server.close()


def test_a_second_file_is_refused_after_the_first(
    hostile: Callable[..., HostileServer], secret: Path
) -> None:
    requested = iter([_NAME.encode(), str(secret).encode(), str(secret).encode()])
    server = hostile(lambda statement: _OK if b"SET" in statement else b"\xfb" + next(requested))
    with connect_to_load("shop", _settings(server)) as session, pytest.raises(DvtError, match="file"):
        _loading(session, [b""])
    assert b"s3cret" not in server.close()


@pytest.mark.parametrize("hangs_up", [True, False])
def test_a_server_that_does_not_read_does_not_block_the_load(hangs_up: bool) -> None:
    """The load ends when the server closes its side, and when the run is stopped."""
    server = HostileServer(lambda _: _OK, stops_reading=True)
    stop = threading.Event()

    def end_it() -> None:
        server.stopped_reading.wait(60)
        time.sleep(0.3)  # by then the buffers on the way are full
        if hangs_up and server.client is not None:
            server.client.shutdown(socket.SHUT_WR)
        else:
            stop.set()

    ending = threading.Thread(target=end_it)
    ending.start()
    started = time.monotonic()
    with (
        connect_to_load("shop", _settings(server), stop.is_set) as session,
        pytest.raises(ConnectionLost, match="ended the connection"),
    ):
        session.load(f"LOAD DATA LOCAL INFILE '{_NAME}' …", _NAME, lambda size: b"x" * size, _STATEMENT)
    assert time.monotonic() - started < 100
    ending.join()
    server.close()
