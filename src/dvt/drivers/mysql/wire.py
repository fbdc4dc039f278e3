"""PyMySQL's connection with timeouts that can change, and LOAD DATA from a stream instead of a file.

A server may answer any statement by asking for any file of the client's machine. PyMySQL sends one only if
`local_infile` is on, so that stays off. A connection that loads announces `CLIENT.LOCAL_FILES`, and answers
one request only: for the name that dvt has made up for the running statement, with the bytes of a stream.
No path is opened, whatever the server asks for.

While dvt sends rows, the server sends nothing. If it does send something, or hangs up, sending ends at once:
a socket whose peer was closed with a full buffer takes a minute to fail by itself.
"""

from __future__ import annotations

import select
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakSet

from pymysql.connections import Connection
from pymysql.constants import COMMAND, CR
from pymysql.err import InternalError, OperationalError
from pymysql.protocol import OKPacketWrapper

from dvt.drivers.network.sockets import Socket, keep_alive, socket_of

_CHUNK = 1 << 20
"""Bytes of a stream that are sent in one packet: 1 MiB."""
_FILE_REQUEST = b"\xfb"
"""The first byte of the packet by which a server asks for a file."""
_POLL_SECONDS = 0.2
"""Seconds between two looks at `stopped` while the server does not accept data."""
_SERVER_ANSWERS = select.POLLIN | select.POLLHUP | select.POLLERR
"""Events while sending that end it: the server sends something or hangs up."""
_KEEPALIVE_IDLE = 60
"""Seconds of silence before the first keepalive probe."""
_WIRES: WeakSet[Wire] = WeakSet()
"""All connections of PyMySQL that may be open."""
_LOST = "the server ended the connection while rows were sent"

if TYPE_CHECKING:

    class _Connection(Connection[Any]):
        """PyMySQL's connection with its private parts that `Wire` uses; a new version may change them."""

        _sock: Any

        def _execute_command(self, command: int, sql: str | bytes) -> None: ...
        def _read_packet(self, packet_type: Any = ...) -> Any: ...
        def _read_query_result(self, unbuffered: bool = False) -> Any: ...
        def _write_bytes(self, data: bytes) -> None: ...
        def _read_bytes(self, num_bytes: int) -> bytes: ...
        def _force_close(self) -> None: ...

else:
    _Connection = Connection


class Sent(NamedTuple):
    """The server's counts for a statement that wrote."""

    rows: int
    warnings: int


class Wire(_Connection):
    """A connection whose timeouts can change: short to log in, longer for answers."""

    stopped: Callable[[], bool] | None = None
    """Called while rows are sent, which ends when it returns True."""
    _sends_rows = False
    """Whether what is written is a statement's or a file's rows, which end if the server answers
    meanwhile."""

    waits = False
    """Whether the connection waits for the server: for an answer, or for the server to read."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        _WIRES.add(self)
        super().__init__(*args, **kwargs)

    def sockets(self) -> list[Socket]:
        """Return the socket, none if the connection is closed."""
        with suppress(AttributeError, ValueError):
            found = socket_of(self._sock.fileno())
            return [found] if found else []
        return []

    def hang_up(self) -> None:
        """End the connection; called from another thread than the one that waits."""
        for found in self.sockets():
            found.hang_up()

    def keep_alive(self) -> None:
        """Let the system find out that the server is gone."""
        keep_alive(self._sock, _KEEPALIVE_IDLE)

    def set_timeout(self, seconds: float | None) -> None:
        """Set the timeout for reading and writing, from the next statement on; None is no timeout."""
        self._read_timeout = self._write_timeout = seconds

    def send(self, sql: str | bytes) -> Sent:
        """Run a statement that returns no rows."""
        with self._sending():
            self._execute_command(COMMAND.COM_QUERY, sql)
        return self._acknowledged(self._read_packet())

    def send_file(self, sql: str, name: str, read: Callable[[int], bytes]) -> Sent:
        """Run a LOAD DATA LOCAL INFILE whose file is named `name` and holds what `read` returns.

        Any failure after the server has asked for the file closes the connection, so that the server never
        takes half a file for a whole one.
        """
        self._execute_command(COMMAND.COM_QUERY, sql)
        request = bytes(self._read_packet().get_all_data())
        try:
            return self._send_stream(request, name, read)
        except BaseException:
            self._force_close()
            raise

    def _send_stream(self, request: bytes, name: str, read: Callable[[int], bytes]) -> Sent:
        if request != _FILE_REQUEST + name.encode():
            raise _unexpected(request)
        with self._sending():
            while data := read(_CHUNK):
                self.write_packet(data)
            self.write_packet(b"")
        return self._acknowledged(self._read_packet())

    @contextmanager
    def _sending(self) -> Iterator[None]:
        self._sends_rows = True
        try:
            yield
        finally:
            self._sends_rows = False

    def _read_bytes(self, num_bytes: int) -> bytes:
        with self._waiting():
            return super()._read_bytes(num_bytes)

    @contextmanager
    def _waiting(self) -> Iterator[None]:
        self.waits = True
        try:
            yield
        finally:
            self.waits = False

    def _write_bytes(self, data: bytes) -> None:
        with self._waiting():
            if self._sends_rows:
                self._write_rows(data)
            else:
                super()._write_bytes(data)

    def _write_rows(self, data: bytes) -> None:
        socket = self._sock
        timeout = socket.gettimeout()
        socket.settimeout(0)
        try:
            complete = self._push(socket, memoryview(data))
        except OSError as error:
            self._force_close()
            raise OperationalError(CR.CR_SERVER_LOST, f"{_LOST} ({error!r})") from error
        if not complete:
            self._force_close()
            raise OperationalError(CR.CR_SERVER_LOST, _LOST)
        socket.settimeout(timeout)

    def _push(self, socket: Any, data: memoryview) -> bool:
        """Send all data; return False if the server answers or hangs up meanwhile, or `stopped` is True."""
        ready = select.poll()
        ready.register(socket, select.POLLIN | select.POLLOUT)
        while data:
            for _, events in ready.poll(_POLL_SECONDS * 1000):
                if events & _SERVER_ANSWERS:
                    return False
                try:
                    data = data[socket.send(data) :]
                except (BlockingIOError, ssl.SSLWantWriteError):
                    continue
            if self.stopped is not None and self.stopped():
                return False
        return True

    def _acknowledged(self, packet: Any) -> Sent:
        """Return the counts of an OK packet; any other answer ends the connection."""
        if not packet.is_ok_packet():
            self._force_close()
            raise _unexpected(bytes(packet.get_all_data()))
        ok = OKPacketWrapper(packet)
        return Sent(int(ok.affected_rows), int(ok.warning_count))

    def _read_query_result(self, unbuffered: bool = False) -> Any:
        try:
            return super()._read_query_result(unbuffered)
        except RuntimeError as error:  # PyMySQL raises it when the server asks for a file
            self._force_close()
            raise _unexpected(_FILE_REQUEST) from error


def _unexpected(answer: bytes) -> Exception:
    """Return PyMySQL's error for an answer that the statement cannot have."""
    if answer.startswith(_FILE_REQUEST):
        reason = "the server asked for a file that nobody had offered it; the connection was ended"
        return InternalError(CR.CR_UNKNOWN_ERROR, reason)
    return OperationalError(CR.CR_COMMANDS_OUT_OF_SYNC, "the server's answer does not fit the statement")


def wire_sockets() -> list[Socket]:
    """Return the sockets of all connections of PyMySQL."""
    return [found for wire in list(_WIRES) for found in wire.sockets()]
