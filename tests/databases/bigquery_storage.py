"""The Storage Read API of the stand-in, over gRPC: answers of jobs, as streams of Arrow."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc
import pyarrow as pa

from tests.databases.bigquery_jobs import ANSWERS, Jobs
from tests.databases.bigquery_sql import quoted

_SERVICE = "google.cloud.bigquery.storage.v1.BigQueryRead"
_BATCH_ROWS = 1000
_ARROW = {"NUMERIC": pa.decimal128(38, 9), "STRING": pa.string(), "INT64": pa.int64()}
"""BigQuery's type → Arrow's; the others as DuckDB makes them."""


class StorageReads:
    """The service; what it was asked is in `sessions` and `streams`."""

    def __init__(self, jobs: Jobs) -> None:
        self.jobs = jobs
        self.sessions: list[Any] = []
        self.streams: list[str] = []
        self.loses_rows = False
        """Whether each stream ends before its last batch."""
        self.answers = threading.Event()
        """While it is not set, streams send nothing."""
        self.answers.set()
        self.endpoint = ""

    def create(self, request: Any, context: Any) -> Any:
        """Begin a session over a job's answer."""
        from google.cloud.bigquery_storage_v1 import types

        asked = request.read_session
        parts = asked.table.split("/")
        if parts[2:4] != ["datasets", ANSWERS] or asked.data_format != types.DataFormat.ARROW:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"not what dvt reads: {asked.table}")
        self.sessions.append(request)
        id_ = parts[-1]
        count = min(request.max_stream_count or 8, 8) if self.jobs.all[id_].rows else 0
        streams = [types.ReadStream(name=f"streams/{id_}/{place}/{count}") for place in range(count)]
        schema = _schema(self._rows(id_, "false").schema)
        return types.ReadSession(name=f"sessions/{id_}", arrow_schema=schema, streams=streams)

    def read(self, request: Any, context: Any) -> Iterator[Any]:
        """Send the rows of a stream."""
        from google.cloud.bigquery_storage_v1 import types

        self.streams.append(request.read_stream)
        _, id_, place, count = request.read_stream.split("/")
        batches = self._rows(id_, f"rowid % {count} = {place}").to_batches(max_chunksize=_BATCH_ROWS)
        for number, batch in enumerate(batches[:-1] if self.loses_rows else batches):
            while not self.answers.wait(0.1):
                if not context.is_active():
                    return
            sent = types.ArrowRecordBatch(serialized_record_batch=batch.serialize().to_pybytes())
            schema = {"arrow_schema": _schema(batch.schema)} if number == 0 else {}
            yield types.ReadRowsResponse(arrow_record_batch=sent, row_count=batch.num_rows, **schema)

    def _rows(self, id_: str, where: str) -> pa.Table:
        job = self.jobs.all[id_]
        with self.jobs.tables.database.cursor() as cursor:
            found = cursor.execute(f"SELECT * FROM answers.{quoted(id_)} WHERE {where}").to_arrow_table()
        fields = [
            pa.field(column["name"], _ARROW.get(column["type"], found.field(place).type))
            for place, column in enumerate(job.schema or [])
        ]
        return found.rename_columns([field.name for field in fields]).cast(pa.schema(fields))


def _schema(schema: pa.Schema) -> Any:
    from google.cloud.bigquery_storage_v1 import types

    return types.ArrowSchema(serialized_schema=schema.serialize().to_pybytes())


@contextmanager
def storage_reads(jobs: Jobs) -> Iterator[StorageReads]:
    """Run the service on a free loopback port."""
    from google.cloud.bigquery_storage_v1 import types

    service = StorageReads(jobs)

    def method(kind: Any, run: Any, request: Any, response: Any) -> Any:
        return kind(run, request_deserializer=request.deserialize, response_serializer=response.serialize)

    handlers = {
        "CreateReadSession": method(
            grpc.unary_unary_rpc_method_handler,
            service.create,
            types.CreateReadSessionRequest,
            types.ReadSession,
        ),
        "ReadRows": method(
            grpc.unary_stream_rpc_method_handler, service.read, types.ReadRowsRequest, types.ReadRowsResponse
        ),
    }
    with ThreadPoolExecutor(16) as pool:
        server = grpc.server(pool)
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(_SERVICE, handlers),))
        service.endpoint = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
        server.start()
        try:
            yield service
        finally:
            service.answers.set()
            server.stop(grace=None).wait()
