"""Which silent connections are ended: those that owe an answer, and whose server computes nothing."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from dvt.drivers.network.silence import Line, hang_up, seconds_of_silence, watched
from dvt.drivers.network.sockets import Socket, socket_of
from dvt.testing.background import wait_until

pytestmark = pytest.mark.slow

TIMEOUT = 0.3
"""Seconds of silence after which a server is asked."""
LONG = 4 * TIMEOUT
"""Seconds in which a connection that is to be ended would have been."""


@dataclass
class Connection:
    """A client's and a server's end, and a line whose answers a test chooses."""

    client: socket.socket
    server: socket.socket
    owed: bool = True
    computes: bool = False
    asked: list[float] = field(default_factory=list)

    def line(self, output: str) -> Line:
        own = socket_of(self.client.fileno())
        assert own is not None

        def frozen(silent: Any) -> list[Socket]:
            self.asked.append(time.monotonic())
            return [] if self.computes else list(silent)

        return Line(
            output=output,
            timeout=TIMEOUT,
            sockets=lambda: (own,),
            is_owed=lambda: self.owed,
            frozen=frozen,
        )

    def is_ended(self) -> bool:
        """Whether the client's end was shut down; reads what has arrived."""
        self.client.setblocking(False)
        try:
            while self.client.recv(65536):
                pass
        except BlockingIOError:
            return False
        return True


@pytest.fixture
def connection() -> Iterator[Connection]:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as client,
    ):
        server, _ = listener.accept()
        with server:
            connection = Connection(client, server)
            if connection.line("any").sockets()[0].traffic() is None:  # type: ignore[index]
                pytest.skip("this system does not count bytes")
            yield connection


def test_a_connection_that_owes_an_answer_and_computes_nothing_is_ended(connection: Connection) -> None:
    assert seconds_of_silence("frozen") is None
    with watched(connection.line("frozen")):
        assert wait_until(connection.is_ended)
    assert seconds_of_silence("frozen") == TIMEOUT
    assert seconds_of_silence("other") is None


def test_a_connection_whose_server_computes_is_left_and_asked_again(connection: Connection) -> None:
    connection.computes = True
    with watched(connection.line("busy")):
        assert wait_until(lambda: len(connection.asked) >= 2)
        assert not connection.is_ended()
    assert seconds_of_silence("busy") is None


def test_a_connection_that_owes_nothing_is_left(connection: Connection) -> None:
    connection.owed = False
    with watched(connection.line("idle")):
        time.sleep(LONG)
        assert not connection.is_ended()
    assert connection.asked == []


def test_what_this_process_does_not_read_is_not_missed(connection: Connection) -> None:
    connection.server.sendall(b"x" * 1000)
    with watched(connection.line("unread")):
        time.sleep(LONG)
        assert connection.asked == []
    assert not connection.is_ended()


def test_a_connection_on_which_bytes_move_is_left(connection: Connection) -> None:
    with watched(connection.line("slow")):
        started = time.monotonic()
        gaps = []
        while time.monotonic() - started < LONG:
            before = time.monotonic()
            connection.server.sendall(b"x")
            assert not connection.is_ended()
            time.sleep(TIMEOUT / 10)
            gaps.append(time.monotonic() - before)
        assert connection.asked == [] or max(gaps) > TIMEOUT / 2  # a machine too busy to send


def test_a_byte_that_moves_while_the_server_is_asked_saves_the_connection(connection: Connection) -> None:
    line = connection.line("late")
    original = line.frozen

    def frozen(silent: Any) -> Any:
        connection.server.sendall(b"x")
        assert wait_until(lambda: bool(silent[0].traffic().unread))
        return original(silent)

    late = Line(output="late", timeout=TIMEOUT, sockets=line.sockets, is_owed=line.is_owed, frozen=frozen)
    with watched(late):
        assert wait_until(lambda: bool(connection.asked))
        time.sleep(TIMEOUT / 2)
    assert not connection.is_ended()


def test_a_cancelled_output_is_hung_up_at_once_where_it_owes(connection: Connection) -> None:
    connection.computes = True
    with watched(connection.line("cancelled")):
        hang_up("other")
        assert not connection.is_ended()
        hang_up("cancelled")
        assert wait_until(connection.is_ended)
