"""Operation files: what is written is read again, and whatever else is in such a file is no error."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dvt.core.operation_record import STALE_AFTER, Failure, NodeRecord, OperationRecord, Worker
from dvt.core.reports import Moved, Totals
from dvt.core.status import Status
from dvt.runs.operation_files import as_bytes, node_text, read_operation

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
EXTRACT = Moved(what="extract", connection="crm", rows=7, bytes=591, seconds=0.25)
AGAIN = replace(EXTRACT, reused=True, note="staged before")
LOAD = Moved(what="load", connection="wh", rows=5, bytes=100, seconds=0.5)
PUBLISH = Moved(what="publish", connection="wh", rows=-1, bytes=0, seconds=0.5)
NODE = NodeRecord(
    unique_id="model.shop.joined",
    name="joined",
    resource_type="model",
    path="federated",
    place="engine",
    target="wh",
    dependencies=("source.shop.crm.people", "model.shop.orders"),
    status="error",
    started=NOON,
    ended=NOON + timedelta(seconds=2),
    rows=5,
    error=Failure(text="DVT108 joined: no\n  hint: yes", code="DVT108"),
    moved=(EXTRACT, AGAIN, LOAD, PUBLISH),
)
RECORD = OperationRecord(
    operation_id="20260301x7k2q9d0ab",
    pipeline_name="shop",
    status=Status.FAILED,
    start_time=NOON,
    end_time=NOON + timedelta(seconds=3),
    progress=50,
    message="1 of 2 nodes have failed",
    completed=True,
    format=1,
    command=("dvt", "build", "--vars", "***"),
    command_name="build",
    profile="shop",
    target="wh",
    versions={"dvt": "1", "dbt": "2"},
    worker=Worker(host="etl-1", pid=47, boot_id="b", process_start_time=NOON),
    heartbeat=NOON,
    run="20260301abcdefghij",
    exit_code=1,
    error=Failure(text="it", code=""),
    nodes=(NODE, NodeRecord(unique_id="seed.shop.a", name="a", resource_type="seed")),
)
FOUNDING = {
    "operation_id": "op-1",
    "pipeline_name": "orders",
    "status": "error",
    "start_time": "2026-03-01T12:00:00",
    "end_time": "2026-03-01T12:00:05+02:00",
    "progress": 40,
    "message": "no",
    "completed": True,
}


def write(folder: Path, content: Any) -> Path:
    path = folder / "operation_x.json"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return path


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    content = as_bytes(RECORD, map(node_text, RECORD.nodes))
    assert read_operation(write(tmp_path, content)) == RECORD


def test_the_keys_of_the_founding_system_come_first(tmp_path: Path) -> None:
    content = json.loads(as_bytes(RECORD, map(node_text, RECORD.nodes)))
    assert list(content)[:8] == list(FOUNDING)
    assert content["status"] == "failed"
    assert content["start_time"] == "2026-03-01T12:00:00.000000+00:00"


def test_totals_count_what_was_moved_as_the_log_does() -> None:
    assert RECORD.totals() == Totals(extracted_rows=7, extracted_bytes=591, loaded_rows=5, loaded_bytes=100)


def test_a_file_of_the_founding_system_is_read(tmp_path: Path) -> None:
    record = read_operation(write(tmp_path, FOUNDING))
    assert record is not None
    assert (record.status, record.completed, record.format) == (Status.FAILED, True, 0)
    assert record.start_time == datetime(2026, 3, 1, 12).astimezone()
    assert record.end_time == datetime(2026, 3, 1, 10, 0, 5, tzinfo=UTC)


@pytest.mark.parametrize("status", ["", None, 7, ["running"], "sleeping"])
def test_a_status_that_is_not_known_is_unknown(tmp_path: Path, status: Any) -> None:
    record = read_operation(write(tmp_path, FOUNDING | {"status": status}))
    assert record is not None
    assert record.status is Status.UNKNOWN
    assert not record.is_stale()


@pytest.mark.parametrize("time", ["soon", "0001-01-01T00:00:00", 1e9, None, "2026-13-01T00:00:00Z"])
def test_a_time_that_is_none_is_missing(tmp_path: Path, time: Any) -> None:
    record = read_operation(write(tmp_path, FOUNDING | {"end_time": time}))
    assert record is not None
    assert record.end_time is None or time == "0001-01-01T00:00:00"


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"a": 1}', b"[" * 100_000, b'{"x": NaN}', b"\0" * 99],
)
def test_what_is_no_operation_is_none(tmp_path: Path, content: bytes) -> None:
    assert read_operation(write(tmp_path, content)) is None


def test_what_is_no_regular_file_is_none_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to(write(tmp_path, FOUNDING))
    for name in ("fifo", "link", "missing", "."):
        assert read_operation(tmp_path / name) is None


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text(max_size=8), parts, max_size=3),
    max_leaves=8,
)
_KEYS = st.sampled_from([*json.loads(as_bytes(RECORD, ())), "nodes", *json.loads(node_text(NODE))])


@given(
    st.dictionaries(
        _KEYS, _JSON | st.lists(st.dictionaries(_KEYS, _JSON, max_size=3), max_size=2), max_size=4
    )
)
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_whatever_is_in_a_file_is_no_error(tmp_path_factory: pytest.TempPathFactory, content: Any) -> None:
    read_operation(write(tmp_path_factory.getbasetemp(), FOUNDING | content))


def test_a_running_operation_without_a_sign_of_life_is_stale() -> None:
    running = replace(RECORD, status=Status.RUNNING, end_time=None)
    assert not running.is_stale(NOON + STALE_AFTER)
    assert running.is_stale(NOON + STALE_AFTER + timedelta(seconds=1))
    assert replace(running, heartbeat=None, start_time=None).is_stale()
    assert not RECORD.is_stale()
