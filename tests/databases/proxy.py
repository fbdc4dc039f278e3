"""A proxy between dvt and a server that can stall or cut connections."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Literal

_CHUNK_BYTES = 65536
"""Bytes read from a socket at once, at most."""

Direction = Literal["to_server", "to_client"]


class Proxy:
    """A forwarder of connections to a local port, which can be stalled, frozen or cut."""

    def __init__(self, port: int) -> None:
        self._server_port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._flowing: dict[Direction, threading.Event] = {
            "to_server": threading.Event(),
            "to_client": threading.Event(),
        }
        self._sockets: list[socket.socket] = []
        self._lock = threading.Lock()
        self._freezing: tuple[Direction, int] | None = None
        self._cutting: int | None = None
        self._spares_later = False
        self.frozen = threading.Event()
        """Set once `freeze_after` has taken effect."""
        self.moved: dict[Direction, int] = {"to_server": 0, "to_client": 0}
        """Bytes forwarded, of all connections together."""
        self.flow()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def received(self) -> int:
        """Bytes received from the server."""
        return self.moved["to_client"]

    def freeze_after(self, size: int, direction: Direction, *, spare_later: bool = False) -> None:
        """Forward nothing more in one direction once `size` further bytes have gone there.

        All sockets stay open, as behind a firewall that drops packets, or before a server that is paused.
        `spare_later`: connections that are opened later are forwarded, as by a firewall that has lost the
        state of a connection.
        """
        self._spares_later = spare_later
        self._freezing = (direction, self.moved[direction] + size)

    def cut_one_after(self, size: int) -> None:
        """Close the one connection that has brought the last of `size` further bytes from the server."""
        self._cutting = self.received + size

    def stall(self) -> None:
        """Stop forwarding both ways, with all connections kept open."""
        for flowing in self._flowing.values():
            flowing.clear()

    def flow(self) -> None:
        """Forward again after a stall or a freeze."""
        self._freezing = None
        self.frozen.clear()
        for flowing in self._flowing.values():
            flowing.set()

    def thaw(self) -> None:
        """Forward again, and close what was frozen."""
        self.flow()
        self.cut()

    def cut(self) -> None:
        """Close all connections."""
        with self._lock:
            sockets, self._sockets = self._sockets, []
        for connection in sockets:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Stop listening, and close all connections."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.flow()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        spared = self.frozen.is_set() and self._spares_later
        with suppress(OSError), client, socket.create_connection(("127.0.0.1", self._server_port)) as server:
            with self._lock:
                self._sockets += [client, server]
            arguments = (client, server, "to_server", spared)
            forwarding = threading.Thread(target=self._forward, args=arguments, daemon=True)
            forwarding.start()
            self._forward(server, client, "to_client", spared)
            forwarding.join()

    def _forward(
        self, source: socket.socket, sink: socket.socket, direction: Direction, spared: bool
    ) -> None:
        with suppress(OSError):
            while data := source.recv(_CHUNK_BYTES):
                if not spared:
                    self._freeze_if_due(direction)
                    self._flowing[direction].wait()
                self.moved[direction] += len(data)
                sink.sendall(data)
                if direction == "to_client" and self._is_to_be_cut():
                    break
            if not spared:
                self._flowing[direction].wait()  # a connection that ends is not heard of either
        for connection in (source, sink):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _is_to_be_cut(self) -> bool:
        with self._lock:
            is_due = self._cutting is not None and self.received >= self._cutting
            if is_due:
                self._cutting = None
            return is_due

    def _freeze_if_due(self, direction: Direction) -> None:
        with self._lock:
            if self._freezing is not None and not self.frozen.is_set():
                frozen, size = self._freezing
                if frozen == direction and self.moved[direction] >= size:
                    self._flowing[direction].clear()
                    self.frozen.set()


@contextmanager
def proxy(port: int) -> Iterator[Proxy]:
    """Open a proxy in front of this port."""
    proxy = Proxy(port)
    try:
        yield proxy
    finally:
        proxy.close()


@contextmanager
def silent_port() -> Iterator[int]:
    """Open a port that accepts every connection and never sends a byte."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield int(listener.getsockname()[1])
