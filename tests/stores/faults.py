"""A proxy before a store that answers, loses, cuts and damages what its rules say."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

_HOP = {"connection", "keep-alive", "transfer-encoding", "proxy-connection", "expect"}
"""Headers of one connection, which are not forwarded."""


@dataclass
class Fault:
    """What happens to requests of a method whose path and query hold a text."""

    method: str
    path: str = ""
    times: int = 1
    """How many requests it happens to."""
    status: int = 0
    """If set, the answer's status, and the store does not see the request."""
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    lose: bool = False
    """The store sees the request, but its answer is lost with the connection."""
    cut_after: int = -1
    """Bytes of the answer's content that arrive before the connection is cut."""
    flip_sent: int = -1
    """Byte of the request's content that changes on its way."""
    flip_answered: int = -1
    """Byte of the answer's content that changes on its way."""
    drop_headers: str = ""
    """Headers of the answer that begin so do not arrive."""
    least: int = 0
    """Bytes that the content of the request, or of the answer, must have."""


class Answer(NamedTuple):
    """A store's answer."""

    status: int
    headers: dict[str, str]
    content: bytes


class FaultyStore:
    """The proxy: `port` is its own."""

    def __init__(self, port: int) -> None:
        self.faults: list[Fault] = []
        self.seen: list[str] = []
        """The requests' methods and paths, in their order."""
        self._port = port
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"store": self}))
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def add(self, method: str, path: str = "", **what: Any) -> Fault:
        """Add a fault; it happens to the next requests that it is for."""
        self.faults.append(Fault(method, path, **what))
        return self.faults[-1]

    def happened(self, fault: Fault) -> bool:
        """Return whether a fault has happened as often as it should."""
        return fault.times == 0

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()

    def next_fault(self, method: str, path: str, sent: int) -> Fault:
        """Return what happens to a request; nothing, if no rule is for it."""
        with self._lock:
            self.seen.append(f"{method} {path}")
            for fault in self.faults:
                if fault.times and fault.method == method and fault.path in path and sent >= fault.least:
                    fault.times -= 1
                    return replace(fault)
        return Fault(method)

    def forward(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        """Send a request to the store, and return its answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=120)
        with closing(connection):
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            headers, content = dict(answer.getheaders()), answer.read()
        if "Location" in headers:
            headers["Location"] = self._here(headers["Location"].encode()).decode()
        if "json" in headers.get("Content-Type", ""):
            content = self._here(content)
            headers["Content-Length"] = str(len(content))
        return Answer(answer.status, headers, content)

    def _here(self, text: bytes) -> bytes:
        """Return a text in which addresses of the store are addresses of the proxy."""
        return text.replace(b":%d/" % self._port, b":%d/" % self.port)


class _Handler(BaseHTTPRequestHandler):
    """Handles a connection to the proxy."""

    store: FaultyStore
    protocol_version = "HTTP/1.1"

    def handle_any(self) -> None:
        body = self._read_body()
        fault = self.store.next_fault(self.command, self.path, len(body))
        if fault.status:
            self._answer(fault.status, {**fault.headers}, fault.body)
            return
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            headers["Content-Length"] = str(len(body))
        answer = self.store.forward(self.command, self.path, headers, _flipped(body, fault.flip_sent))
        if fault.lose:
            self._hang_up()
            return
        kept = {
            name: value
            for name, value in answer.headers.items()
            if name.lower() not in _HOP
            and not (fault.drop_headers and name.lower().startswith(fault.drop_headers))
        }
        self._answer(answer.status, kept, _flipped(answer.content, fault.flip_answered), fault.cut_after)

    def _read_body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        content = bytearray()
        while size := int(self.rfile.readline().split(b";")[0], 16):
            content += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return bytes(content)

    def _answer(self, status: int, headers: dict[str, str], content: bytes, cut_after: int = -1) -> None:
        self.send_response_only(status)
        given = {name.lower() for name in headers}
        if "content-length" not in given and status != http.client.NO_CONTENT:
            headers["Content-Length"] = str(len(content))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content if cut_after < 0 else content[:cut_after])
        if 0 <= cut_after < len(content):
            self._hang_up()

    def _hang_up(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            self.wfile.flush()
            self.connection.shutdown(2)

    def handle(self) -> None:
        with suppress(OSError):
            super().handle()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the library's name
        pass


for _method in ("GET", "PUT", "POST", "DELETE", "HEAD", "PATCH"):
    setattr(_Handler, f"do_{_method}", _Handler.handle_any)


def _flipped(content: bytes, at: int) -> bytes:
    if not 0 <= at < len(content):
        return content
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


@contextmanager
def faulty(port: int) -> Iterator[FaultyStore]:
    """Open a proxy before the store at this port."""
    store = FaultyStore(port)
    try:
        yield store
    finally:
        store.close()
