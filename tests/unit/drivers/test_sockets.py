"""Sockets as they are seen from outside of the library that uses them."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from dvt.drivers.network.sockets import Socket, is_client, keep_alive, open_sockets, socket_of


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Return a client's and a server's end of a connection."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as client,
    ):
        server, _ = listener.accept()
        with server:
            yield client, server


def seen(connection: socket.socket) -> Socket:
    (only,) = [other for other in open_sockets() if other.number == connection.fileno()]
    return only


def test_a_socket_counts_what_it_moves(pair: tuple[socket.socket, socket.socket]) -> None:
    client, server = pair
    before = seen(client).traffic()
    if before is None:
        pytest.skip("this system does not count")
    server.sendall(b"x" * 100)
    client.recv(40, socket.MSG_WAITALL)
    after = seen(client).traffic()
    assert after is not None
    assert (after.received - before.received, after.unread) == (100, 60)


def test_hanging_up_wakes_a_thread_that_reads(pair: tuple[socket.socket, socket.socket]) -> None:
    client, _ = pair
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.append(client.recv(1)))
    reader.start()
    seen(client).hang_up()
    reader.join(10)
    assert received == [b""]


def test_a_later_socket_with_the_same_number_is_another(pair: tuple[socket.socket, socket.socket]) -> None:
    client, server = pair
    before = seen(client)
    number = client.fileno()
    client.close()
    with socket.socket() as later:
        assert later.fileno() == number
        assert before.traffic() is None
        assert before.peer is None
        before.hang_up()
        later.bind(("127.0.0.1", 0))
        assert socket_of(number) != before
    assert server.recv(1) == b""


def test_listeners_and_pairs_are_no_clients(pair: tuple[socket.socket, socket.socket]) -> None:
    client, _ = pair
    assert is_client(seen(client))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert not is_client(seen(listener))
    for end in (ends := socket.socketpair()):
        assert not is_client(seen(end))
    for end in ends:
        end.close()


def test_keepalive_is_set(pair: tuple[socket.socket, socket.socket]) -> None:
    client, _ = pair
    keep_alive(client, 60)
    assert client.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    if hasattr(socket, "TCP_KEEPIDLE"):
        assert client.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 60
