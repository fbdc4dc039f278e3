"""The API of the stand-in, over HTTP, as the documentation of version 2 describes it."""

from __future__ import annotations

import json
import re
import socket
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

from tests.databases.bigquery_jobs import ANSWERS, PAGE_ROWS, Job, Jobs
from tests.databases.bigquery_sql import Field, Refused
from tests.databases.bigquery_tables import Key, Table

_STATUS = {"notFound": 404, "duplicate": 409, "accessDenied": 403, "authError": 401}
"""Word for what went wrong → HTTP status; 400 for others."""
_LONGEST_WAIT = 10.0
_ROUTES = (
    ("GET", r"/datasets", "datasets"),
    ("POST", r"/datasets", "new_dataset"),
    ("GET", r"/datasets/([^/]+)", "dataset"),
    ("GET", r"/datasets/([^/]+)/tables", "tables"),
    ("POST", r"/datasets/([^/]+)/tables", "new_table"),
    ("GET", r"/datasets/([^/]+)/tables/([^/]+)", "table"),
    ("DELETE", r"/datasets/([^/]+)/tables/([^/]+)", "drop_table"),
    ("POST", r"/jobs", "new_job"),
    ("GET", r"/jobs/([^/]+)", "job"),
    ("POST", r"/jobs/([^/]+)/cancel", "cancel"),
    ("GET", r"/queries/([^/]+)", "answer"),
)
_PREFIX = r"(?:/(upload|resumable/upload))?/bigquery/v2/projects/([^/]+)"


class Api(ThreadingHTTPServer):
    """A server on a free loopback port."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, jobs: Jobs, token: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.jobs = jobs
        self.token = token
        self.open: set[socket.socket] = set()
        self.requests: list[tuple[str, str, Any]] = []
        """Method, path and body of all requests that begin jobs or change tables."""
        self.uploads: dict[str, tuple[dict[str, Any], bytearray]] = {}
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def endpoint(self) -> str:
        """The server's address."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def cut(self) -> None:
        """End every connection."""
        for connection in list(self.open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of connections that end."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Api
    disable_nagle_algorithm: ClassVar[bool] = True

    def setup(self) -> None:
        super().setup()
        self.server.open.add(self.connection)

    def finish(self) -> None:
        with suppress(OSError, ValueError):
            super().finish()
        self.server.open.discard(self.connection)

    def log_message(self, *_: Any) -> None:
        """Keep quiet."""

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        url = urlsplit(self.path)
        self.query = {key: values[-1] for key, values in parse_qs(url.query).items()}
        try:
            self._route(url.path, body)
        except Refused as error:
            self._refuse(error)

    def _route(self, path: str, body: bytes) -> None:
        if self.headers.get("Authorization") != f"Bearer {self.server.token}":
            raise Refused("Request had invalid authentication credentials.", "authError")
        match = re.match(_PREFIX, path)
        if match is None:
            raise Refused(f"no such address: {path}", "notFound")
        self.project = unquote(match[2])
        rest = path[match.end() :]
        if match[1]:
            self._upload(body)
            return
        for method, pattern, name in _ROUTES:
            found = re.fullmatch(pattern, rest)
            if found and method == self.command:
                data = json.loads(body) if body else {}
                if method != "GET":
                    self.server.requests.append((method, rest, data))
                getattr(self, f"_{name}")(*map(unquote, found.groups()), **({"data": data} if body else {}))
                return
        raise Refused(f"no such method: {self.command} {path}", "notFound")

    def _answer_with(self, data: Any, status: int = 200, **headers: str) -> None:
        text = json.dumps(data).encode() if data is not None else b""
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)

    def _refuse(self, error: Refused) -> None:
        detail = {"message": str(error), "reason": error.reason, "domain": "global"}
        status = _STATUS.get(error.reason, 400)
        self._answer_with({"error": {"code": status, "message": str(error), "errors": [detail]}}, status)

    # --- datasets and tables ------------------------------------------------------------------

    def _datasets(self) -> None:
        listed = [self._dataset_shown(name) for name in sorted(self.server.jobs.tables.datasets)]
        self._answer_with({"kind": "bigquery#datasetList", "datasets": listed})

    def _new_dataset(self, data: dict[str, Any]) -> None:
        name = data["datasetReference"]["datasetId"]
        if name in self.server.jobs.tables.datasets:
            raise Refused(f"Already Exists: Dataset {self.project}:{name}", "duplicate")
        self.server.jobs.tables.create_dataset(name)
        self._answer_with(self._dataset_shown(name))

    def _dataset(self, dataset: str) -> None:
        if dataset not in self.server.jobs.tables.datasets:
            raise Refused(f"Not found: Dataset {self.project}:{dataset}", "notFound")
        self._answer_with(self._dataset_shown(dataset))

    def _dataset_shown(self, dataset: str) -> dict[str, Any]:
        reference = {"projectId": self.project, "datasetId": dataset}
        return {"kind": "bigquery#dataset", "datasetReference": reference, "location": "EU"}

    def _tables(self, dataset: str) -> None:
        keys = [key for key in self.server.jobs.tables.all if key[:2] == (self.project, dataset)]
        listed = [
            {"kind": "bigquery#table", "tableReference": _reference(key), "type": "TABLE"} for key in keys
        ]
        most = int(self.query.get("maxResults") or 1000)
        self._answer_with({"kind": "bigquery#tableList", "tables": listed[:most], "totalItems": len(listed)})

    def _table(self, dataset: str, name: str) -> None:
        key = (self.project, dataset, name)
        job = self.server.jobs.all.get(name) if dataset == ANSWERS else None
        if job is None:
            self._answer_with(self._described(key, self.server.jobs.tables.found(key)))
            return
        found = {"kind": "bigquery#table", "tableReference": _reference(key), "type": "TABLE"}
        fields = {"schema": {"fields": job.schema or []}, "numRows": str(job.rows), "location": "EU"}
        self._answer_with(found | fields)

    def _described(self, key: Key, table: Table) -> dict[str, Any]:
        found: dict[str, Any] = {
            "kind": "bigquery#table",
            "tableReference": _reference(key),
            "type": table.kind,
            "schema": {"fields": table.fields},
            "location": "EU",
        }
        if table.kind == "TABLE":
            with self.server.jobs.tables.database.cursor() as cursor:
                rows, size = table.count(cursor), table.size(cursor)
            found |= {"numRows": str(rows), "numBytes": str(size)}
        return found

    def _new_table(self, dataset: str, data: dict[str, Any]) -> None:
        key = (self.project, dataset, data["tableReference"]["tableId"])
        fields: list[Field] = data.get("schema", {}).get("fields", [])
        made = self.server.jobs.tables.create(key, [{"mode": "NULLABLE"} | field for field in fields])
        self._answer_with(self._described(key, made))

    def _drop_table(self, dataset: str, name: str) -> None:
        if not self.server.jobs.tables.drop((self.project, dataset, name)):
            raise Refused(f"Not found: Table {self.project}:{dataset}.{name}", "notFound")
        self._answer_with(None, 204)

    # --- jobs -----------------------------------------------------------------------------------

    def _new_job(self, data: dict[str, Any]) -> None:
        if data["configuration"].get("dryRun"):
            read = self.server.jobs.processed(data["configuration"]["query"]["query"])
            found = Job(data["jobReference"]["jobId"], data["configuration"])
            found.statistics = {"totalBytesProcessed": str(read), "query": {"totalBytesProcessed": str(read)}}
            found.done.set()
            self._answer_with(self._shown(found))
            return
        job = self.server.jobs.begin(data["jobReference"]["jobId"], data["configuration"])
        self._answer_with(self._shown(job))

    def _found(self, id_: str) -> Job:
        if id_ not in self.server.jobs.all:
            raise Refused(f"Not found: Job {self.project}:{id_}", "notFound")
        return self.server.jobs.all[id_]

    def _job(self, id_: str) -> None:
        self._answer_with(self._shown(self._found(id_)))

    def _shown(self, job: Job) -> dict[str, Any]:
        status: dict[str, Any] = {"state": "RUNNING" if job.running else "DONE"}
        if job.failure is not None and not job.running:
            detail = {"reason": job.failure.reason, "message": str(job.failure)}
            status |= {"errorResult": detail, "errors": [detail]}
        configuration = job.configuration | {"jobType": "LOAD" if "load" in job.configuration else "QUERY"}
        if "query" in configuration:
            # An answer is in a table of its own, which the service names.
            answer = {"projectId": self.project, "datasetId": ANSWERS, "tableId": job.id}
            configuration["query"] = configuration["query"] | {"destinationTable": answer}
        return {
            "kind": "bigquery#job",
            "id": f"{self.project}:EU.{job.id}",
            "jobReference": {"projectId": self.project, "jobId": job.id, "location": "EU"},
            "configuration": configuration,
            "status": status,
            "statistics": job.statistics if not job.running else {},
        }

    def _cancel(self, id_: str, data: Any = None) -> None:
        job = self._found(id_)
        if job.running:
            threading.Thread(target=self.server.jobs.cancel, args=(job,), daemon=True).start()
        self._answer_with({"kind": "bigquery#jobCancelResponse", "job": self._shown(job)})

    def _answer(self, id_: str) -> None:
        job = self._found(id_)
        wait = min(int(self.query.get("timeoutMs") or 10_000) / 1000, _LONGEST_WAIT)
        reference = {"projectId": self.project, "jobId": job.id, "location": "EU"}
        found: dict[str, Any] = {"kind": "bigquery#getQueryResultsResponse", "jobReference": reference}
        if not job.done.wait(wait) or (job.failure is not None and job.failure.reason == "stopped"):
            self._answer_with(found | {"jobComplete": False})
            return
        if job.failure is not None:
            raise job.failure
        found["jobComplete"] = True
        if job.schema is not None:
            found |= {"schema": {"fields": job.schema}, "totalRows": str(job.rows)} | self._page(job)
        self._answer_with(found)

    def _page(self, job: Job) -> dict[str, Any]:
        most = self.query.get("maxResults")
        begin = int(self.query.get("pageToken") or self.query.get("startIndex") or 0)
        rows = self.server.jobs.page(job, begin, min(int(most), PAGE_ROWS) if most is not None else PAGE_ROWS)
        end = begin + len(rows)
        page: dict[str, Any] = {"rows": rows} if rows else {}
        return page | ({"pageToken": str(end)} if end < job.rows and rows else {})

    # --- uploads --------------------------------------------------------------------------------

    def _upload(self, body: bytes) -> None:
        id_ = self.query.get("upload_id")
        if id_ is None:
            if self.query.get("uploadType") != "resumable":
                raise Refused("this stand-in takes resumable uploads", "invalid")
            data = json.loads(body)
            id_ = data["jobReference"]["jobId"]
            self.server.requests.append(("POST", "/upload/jobs", data))
            self.server.uploads[id_] = (data, bytearray())
            path = f"/resumable/upload/bigquery/v2/projects/{self.project}/jobs"
            self._answer_with(
                None, Location=f"{self.server.endpoint}{path}?uploadType=resumable&upload_id={id_}"
            )
            return
        data, received = self.server.uploads[id_]
        received += body
        total = (self.headers.get("Content-Range") or "*/*").rpartition("/")[2]
        if total == "*" or len(received) < int(total):
            self._answer_with(None, 308, Range=f"bytes=0-{len(received) - 1}")
            return
        del self.server.uploads[id_]
        self._answer_with(self._shown(self.server.jobs.begin(id_, data["configuration"], bytes(received))))


def _reference(key: Key) -> dict[str, str]:
    return {"projectId": key[0], "datasetId": key[1], "tableId": key[2]}
