"""PyMySQL's connection as dvt needs it: patient where it is told to be, and no reader of files.

A server may answer any statement by asking for any file of the client's machine. PyMySQL reads one only if
`local_infile` is on, so that stays off: a connection that loads says to the server that it could send a
file (`CLIENT.LOCAL_FILES`), and answers one request only, that for the very name it has made up for the
statement under way, and with a stream of ours. No path is opened, whatever a server asks for.

While rows are sent the server has nothing to say. If it does, or hangs up, sending ends: a socket whose
other end was closed with a full buffer takes a minute to fail by itself.
"""

from __future__ import annotations

import select
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from pymysql.connections import Connection
from pymysql.constants import COMMAND, CR
from pymysql.err import InternalError, OperationalError
from pymysql.protocol import OKPacketWrapper

_CHUNK = 1 << 20
_REQUEST = b"\xfb"
_GLANCE = 0.2
_SPEAKS = select.POLLIN | select.POLLHUP | select.POLLERR
_LOST = "the server ended the connection while rows were sent"

if TYPE_CHECKING:

    class _Connection(Connection[Any]):
        """With the parts of PyMySQL's that nobody has promised to leave as they are."""

        _sock: Any

        def _execute_command(self, command: int, sql: str | bytes) -> None: ...
        def _read_packet(self, packet_type: Any = ...) -> Any: ...
        def _read_query_result(self, unbuffered: bool = False) -> Any: ...
        def _write_bytes(self, data: bytes) -> None: ...
        def _force_close(self) -> None: ...

else:
    _Connection = Connection


class Sent(NamedTuple):
    """What the server says of a statement that wrote."""

    rows: int
    warnings: int


class Wire(_Connection):
    """A connection whose patience can change: little to log in, more for answers."""

    stopped: Callable[[], bool] | None = None
    """True when nobody wants what is being sent any more."""
    _sends_rows = False

    def wait_up_to(self, seconds: float | None) -> None:
        """From now on."""
        self._read_timeout = self._write_timeout = seconds

    def send(self, sql: str | bytes) -> Sent:
        """Run a statement that answers with no rows."""
        with self._sending():
            self._execute_command(COMMAND.COM_QUERY, sql)
        return self._acknowledged(self._read_packet())

    def send_file(self, sql: str, name: str, read: Callable[[int], bytes]) -> Sent:
        """Run a LOAD DATA LOCAL INFILE whose file is called `name` and holds what `read` gives.

        Whatever goes wrong after the server has asked ends the connection, so that half a file never
        passes for a whole one.
        """
        self._execute_command(COMMAND.COM_QUERY, sql)
        asked = bytes(self._read_packet().get_all_data())
        try:
            return self._answered(asked, name, read)
        except BaseException:
            self._force_close()
            raise

    def _answered(self, asked: bytes, name: str, read: Callable[[int], bytes]) -> Sent:
        if asked != _REQUEST + name.encode():
            raise _unasked(asked)
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

    def _write_bytes(self, data: bytes) -> None:
        if not self._sends_rows:
            super()._write_bytes(data)
            return
        wire = self._sock
        patience = wire.gettimeout()
        wire.settimeout(0)
        try:
            whole = self._pushed(wire, memoryview(data))
        except OSError as error:
            self._force_close()
            raise OperationalError(CR.CR_SERVER_LOST, f"{_LOST} ({error!r})") from error
        if not whole:
            self._force_close()
            raise OperationalError(CR.CR_SERVER_LOST, _LOST)
        wire.settimeout(patience)

    def _pushed(self, wire: Any, data: memoryview) -> bool:
        """Send all of it; False when the server speaks or hangs up meanwhile, or nobody wants it."""
        ready = select.poll()
        ready.register(wire, select.POLLIN | select.POLLOUT)
        while data:
            for _, events in ready.poll(_GLANCE * 1000):
                if events & _SPEAKS:
                    return False
                try:
                    data = data[wire.send(data) :]
                except (BlockingIOError, ssl.SSLWantWriteError):
                    continue
            if self.stopped is not None and self.stopped():
                return False
        return True

    def _acknowledged(self, packet: Any) -> Sent:
        if not packet.is_ok_packet():
            self._force_close()
            raise _unasked(bytes(packet.get_all_data()))
        ok = OKPacketWrapper(packet)
        return Sent(int(ok.affected_rows), int(ok.warning_count))

    def _read_query_result(self, unbuffered: bool = False) -> Any:
        try:
            return super()._read_query_result(unbuffered)
        except RuntimeError as error:  # PyMySQL's, for a file that was asked for
            self._force_close()
            raise _unasked(_REQUEST) from error


def _unasked(answer: bytes) -> Exception:
    if answer.startswith(_REQUEST):
        said = "the server asked for a file that nobody had offered it; the connection was ended"
        return InternalError(CR.CR_UNKNOWN_ERROR, said)
    return OperationalError(CR.CR_COMMANDS_OUT_OF_SYNC, "the server's answer is none to what was asked")
