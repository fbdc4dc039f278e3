"""Looks at open sockets from outside of the library that uses them: what they moved, and how to end them.

A library in C that waits for bytes cannot be interrupted. It returns with an error once its socket is shut
down, which any thread can do.
"""

from __future__ import annotations

import fcntl
import os
import socket
import stat
import struct
import termios
from collections.abc import Container, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

_TCP_INFO = getattr(socket, "TCP_INFO", None)
"""Option that asks for a connection's counters; None where the system has none."""
_INFO_BYTES = 136
"""Bytes of Linux's `struct tcp_info` up to and with its counters."""
_COUNTERS_OFFSET = 120
"""Bytes before `tcpi_bytes_acked` and `tcpi_bytes_received` in it."""
_UNSENT = 0x5411
"""ioctl request TIOCOUTQ: bytes that the peer has not acknowledged."""
_PROBE_SECONDS = 10
"""Seconds between two keepalive probes."""
_PROBES = 6
"""Number of keepalive probes without an answer that end a connection."""


class Traffic(NamedTuple):
    """The counters of a connection, in bytes."""

    received: int
    acknowledged: int
    unread: int
    """Received bytes that this process has not read."""
    unsent: int
    """Written bytes that the peer has not acknowledged."""


@dataclass(frozen=True, slots=True)
class Socket:
    """An open socket of this process; the inode tells it from a later socket with the same number."""

    number: int
    inode: int

    @property
    def peer(self) -> object:
        """The address at the other end; None while there is none."""
        with suppress(OSError), self._borrowed() as connection:
            return connection.getpeername()[:2] or None
        return None

    @property
    def port(self) -> int:
        """The local port; 0 without one."""
        with suppress(OSError, IndexError), self._borrowed() as connection:
            name = connection.getsockname()
            return int(name[1]) if isinstance(name, tuple) else 0
        return 0

    def traffic(self) -> Traffic | None:
        """Return the counters; None if the socket is closed, or the system does not count."""
        if _TCP_INFO is None:
            return None
        with suppress(OSError, struct.error), self._borrowed() as connection:
            info = connection.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, _INFO_BYTES)
            acknowledged, received = struct.unpack_from("<2Q", info, _COUNTERS_OFFSET)
            number = connection.fileno()
            return Traffic(
                received, acknowledged, _queued(number, termios.FIONREAD), _queued(number, _UNSENT)
            )
        return None

    def hang_up(self) -> None:
        """End the connection: whoever waits on the socket gets an error."""
        with suppress(OSError), self._borrowed() as connection:
            connection.shutdown(socket.SHUT_RDWR)

    def keep_alive(self, idle: int) -> None:
        """Let the system end the connection if its peer is gone; see `keep_alive`."""
        with suppress(OSError), self._borrowed() as connection:
            keep_alive(connection, idle)

    @contextmanager
    def _borrowed(self) -> Iterator[socket.socket]:
        """Yield a duplicate, so that the number cannot become another file meanwhile."""
        duplicate = os.dup(self.number)
        try:
            connection = socket.socket(fileno=duplicate)
        except BaseException:
            os.close(duplicate)
            raise
        with connection:
            if os.fstat(duplicate).st_ino == self.inode:
                yield connection
            else:
                raise OSError("the socket is closed")


def socket_of(number: int) -> Socket | None:
    """Return the socket with this file descriptor; None if it is none."""
    with suppress(OSError):
        status = os.fstat(number)
        if stat.S_ISSOCK(status.st_mode):
            return Socket(number, status.st_ino)
    return None


def open_sockets() -> list[Socket]:
    """Return all sockets of this process."""
    numbers = [int(file.name) for file in Path("/dev/fd").iterdir()]
    return [found for number in numbers if (found := socket_of(number)) is not None]


def is_client(connection: Socket) -> bool:
    """True for a stream to another process, or one that is being opened; False for pairs and listeners."""
    with suppress(OSError), connection._borrowed() as borrowed:  # noqa: SLF001
        if borrowed.type != socket.SOCK_STREAM or borrowed.getsockopt(
            socket.SOL_SOCKET, socket.SO_ACCEPTCONN
        ):
            return False
        if borrowed.family in {socket.AF_INET, socket.AF_INET6}:
            return True
        return borrowed.family == socket.AF_UNIX and bool(borrowed.getpeername())
    return False


def clients_of(addresses: Container[object]) -> list[Socket]:
    """Return the sockets that are connected to one of these addresses."""
    return [found for found in open_sockets() if found.peer in addresses and is_client(found)]


def addresses_of(host: str, port: int) -> frozenset[object]:
    """Return the addresses that a host's name stands for; none if it is a folder of Unix sockets."""
    try:
        listed = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        return frozenset()
    return frozenset(address[:2] for *_, address in listed)


def keep_alive(connection: socket.socket, idle: int) -> None:
    """Let the system end a connection whose peer is gone: it asks after `idle` seconds of silence.

    TCP_USER_TIMEOUT is not set: Linux would end connections, too, whose peer is busy and does not read.
    """
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    options = {"TCP_KEEPIDLE": idle, "TCP_KEEPINTVL": _PROBE_SECONDS, "TCP_KEEPCNT": _PROBES}
    for name, value in options.items():
        option = getattr(socket, name, None)  # systems lack some of them
        if option is not None:
            connection.setsockopt(socket.IPPROTO_TCP, option, value)


def _queued(number: int, request: int) -> int:
    (size,) = struct.unpack("i", fcntl.ioctl(number, request, bytes(4)))
    return int(size)
