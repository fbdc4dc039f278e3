"""ClickHouse's engine behind its HTTP protocol: `python clickhouse_server.py PORT`, with chdb-core installed.

chdb is the engine of ClickHouse as a library. Users and compression, which the server alone has, are missing.
"""

from __future__ import annotations

import re
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from chdb.session import Session  # type: ignore[import-not-found]  # in an environment of its own

_SESSION = Session()
_LOCK = threading.Lock()


def answer(sql: str, format_: str, database: str) -> bytes:
    """Run a statement in a database; one that is not there is only an error where it is used."""
    with _LOCK:
        try:
            _SESSION.query(f"USE `{database}`")
        except RuntimeError:
            _SESSION.query("USE default")
        return bytes(_SESSION.query(sql, format_).bytes())


class Handler(BaseHTTPRequestHandler):
    """Answers each request by the one session."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer a ping."""
        self._reply(200, b"Ok.\n", {})

    def do_POST(self) -> None:
        """Run the statement of the body."""
        options = parse_qs(urlsplit(self.path).query)
        format_ = (
            self.headers.get("X-ClickHouse-Format") or options.get("default_format", ["TabSeparated"])[0]
        )
        sql = self._body().decode()
        try:
            data = answer(sql, format_, options.get("database", ["default"])[0])
        except Exception as error:  # noqa: BLE001  chdb raises RuntimeError, and others
            code = re.search(r"Code: (\d+)", str(error))
            self._reply(500, str(error).encode(), {"X-ClickHouse-Exception-Code": code[1] if code else "1"})
            return
        summary = '{"read_rows":"0","read_bytes":"0"}'
        self._reply(
            200,
            data,
            {
                "X-ClickHouse-Format": format_,
                "X-ClickHouse-Server-Display-Name": "chdb",
                "X-ClickHouse-Timezone": "UTC",
                "X-ClickHouse-Summary": summary,
            },
        )

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", "0")))
        body = b""
        while size := int(self.rfile.readline().strip(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _reply(self, status: int, data: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    server.serve_forever()
