"""The record of a command: written while it runs, off its way, and concluded if its process was killed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from dvt.core.operation_record import Ending, Failure, NodeRecord, OperationRecord
from dvt.core.reports import Moved
from dvt.core.status import Status
from dvt.runs import operation_recorder, running_operations
from dvt.runs.operation_files import read_operation
from dvt.runs.operation_recorder import Recorder, begin
from dvt.runs.operations import Process

GOOD = Ending(status=Status.COMPLETED, exit_code=0)
NODES = tuple(NodeRecord(unique_id=f"model.shop.m{n}", name=f"m{n}", resource_type="model") for n in range(4))
LIVING = """
import sys, time
from pathlib import Path
from tests.unit.runs.test_operation_recorder import NODES, start
recorder = start(Path(sys.argv[1]))
recorder.expects(NODES)
recorder.began(NODES[0].unique_id)
time.sleep(60)
"""


def start(root: Path) -> Recorder:
    return Recorder(root, OperationRecord(pipeline_name="shop", command=("dvt", "run"), command_name="run"))


def files(root: Path) -> list[Path]:
    return sorted((root / ".dvt" / "operations").glob("operation_*.json"))


def locks(root: Path) -> list[Path]:
    return sorted((root / ".dvt" / "operations" / "running").iterdir())


def read(root: Path) -> OperationRecord:
    [file] = files(root)
    record = read_operation(file)
    assert record is not None
    return record


def wait_for(condition: Callable[[], Any], seconds: float = 20) -> Any:
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)
    return answer


@contextmanager
def living(root: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run an operation with a running node in another process, as long as the `with`."""
    process = subprocess.Popen([sys.executable, "-c", LIVING, str(root)])
    try:
        wait_for(lambda: files(root) and read(root).statuses()["running"])
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operation_recorder, "INTERVAL", 0.02)
    monkeypatch.setattr(operation_recorder, "HEARTBEAT", 0.1)


def test_the_file_is_there_while_the_command_runs(tmp_path: Path, quick: None) -> None:
    recorder = start(tmp_path)
    wait_for(lambda: files(tmp_path))
    record = read(tmp_path)
    assert (record.status, record.completed, record.end_time) == (Status.RUNNING, False, None)
    assert record.worker.pid == os.getpid()
    assert [lock.stem for lock in locks(tmp_path)] == [files(tmp_path)[0].stem]
    recorder.end(GOOD)
    record = read(tmp_path)
    assert (record.status, record.completed, record.progress) == (Status.COMPLETED, True, 100)
    assert files(tmp_path)[0].name == f"operation_{record.operation_id}.json"
    assert locks(tmp_path) == []


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    start(tmp_path).end(GOOD)
    [file] = files(tmp_path)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in (file.parent, file.parent.parent)} == {0o700}
    assert (tmp_path / ".dvt" / ".gitignore").read_text() == "*\n"


def test_nodes_and_what_they_move_are_followed(tmp_path: Path, quick: None) -> None:
    recorder = start(tmp_path)
    recorder.expects(NODES)
    first, second, third, _ = (node.unique_id for node in NODES)
    extract = Moved(what="extract", connection="crm", rows=7, bytes=591, seconds=0.25)
    recorder.began(first)
    recorder.is_computed(first, "engine")
    recorder.moved(first, extract)
    recorder.ended(first, "success", rows=5, error=None)
    recorder.began(second)
    recorder.ended(second, "error", rows=None, error=Failure(text="no"))
    recorder.began(third)
    recorder.runs_as("20260301abcdefghij")
    record = wait_for(lambda: files(tmp_path) and read(tmp_path).statuses()["running"] and read(tmp_path))
    assert (record.progress, record.message) == (50, "2 of 4 nodes are done")
    one, two, three, four = record.nodes
    assert (one.status, one.rows, one.place, one.moved) == ("success", 5, "engine", (extract,))
    assert one.started <= one.ended
    assert (two.status, two.error) == ("error", Failure(text="no"))
    assert (three.status, three.ended, four.status, four.started) == ("running", None, "pending", None)
    assert (record.run, record.totals().extracted_rows) == ("20260301abcdefghij", 7)
    recorder.end(Ending(status=Status.FAILED, exit_code=1))
    record = read(tmp_path)
    assert (record.status, record.progress, record.exit_code) == (Status.FAILED, 99, 1)
    assert record.message == "2 of 4 nodes have failed"
    assert [node.status for node in record.nodes] == ["success", "error", "error", "skipped"]


def test_batches_are_parts_of_their_model(tmp_path: Path) -> None:
    recorder = start(tmp_path)
    recorder.expects(NODES[:1])
    model = NODES[0].unique_id
    recorder.began(model)
    recorder.began(model)
    recorder.ended(model, "error", rows=None, error=Failure(text="a batch"))
    recorder.began(model)
    recorder.ended(model, "success", rows=1, error=None)
    recorder.ended(model, "partial success", rows=None, error=None)
    recorder.end(Ending(status=Status.FAILED, exit_code=1))
    [node] = read(tmp_path).nodes
    assert (node.status, node.rows, node.error) == ("partial success", None, None)


def test_a_model_whose_batch_has_ended_still_runs(tmp_path: Path) -> None:
    recorder = start(tmp_path)
    recorder.expects(NODES[:1])
    model = NODES[0].unique_id
    recorder.began(model)
    recorder.began(model)
    recorder.ended(model, "success", rows=1, error=None)
    recorder.end(Ending(status=Status.CANCELLED, exit_code=2))
    assert [node.status for node in read(tmp_path).nodes] == ["cancelled"]


@pytest.mark.parametrize(
    ("ending", "message"),
    [
        (GOOD, "4 skipped"),
        (Ending(status=Status.CANCELLED, exit_code=2), "cancelled by Ctrl-C"),
        (Ending(status=Status.FAILED, exit_code=2, error=Failure(text="DVT1 no\n  hint")), "DVT1 no"),
    ],
)
def test_the_message_says_how_it_ended(tmp_path: Path, ending: Ending, message: str) -> None:
    recorder = start(tmp_path)
    recorder.expects(NODES)
    recorder.end(ending)
    record = read(tmp_path)
    assert (record.status, record.exit_code, record.error) == (ending.status, ending.exit_code, ending.error)
    assert record.message == message


def test_the_first_end_counts(tmp_path: Path) -> None:
    recorder = start(tmp_path)
    recorder.end(GOOD)
    recorder.end(Ending(status=Status.CANCELLED, exit_code=2))
    assert read(tmp_path).status is Status.COMPLETED


def test_a_quiet_operation_gives_signs_of_life(tmp_path: Path, quick: None) -> None:
    recorder = start(tmp_path)
    wait_for(lambda: files(tmp_path))
    seen = set()
    wait_for(lambda: seen.add(read(tmp_path).heartbeat) or len(seen) > 4)
    recorder.end(GOOD)


def test_the_sign_of_life_is_younger_than_ten_seconds() -> None:
    assert operation_recorder.HEARTBEAT + operation_recorder.INTERVAL < 10


@pytest.mark.slow
def test_many_events_are_few_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writes = []
    write = operation_recorder.write_private
    monkeypatch.setattr(
        operation_recorder, "write_private", lambda *args: (writes.append(args), write(*args))
    )
    recorder = start(tmp_path)
    recorder.expects(NODES)
    began = time.monotonic()
    while time.monotonic() - began < 2.5:
        recorder.began(NODES[0].unique_id)
        recorder.ended(NODES[0].unique_id, "success", rows=None, error=None)
        time.sleep(0.001)
    recorder.end(GOOD)
    assert 3 <= len(writes) <= 5


@pytest.mark.slow
def test_a_reader_never_sees_half_a_file(tmp_path: Path, quick: None) -> None:
    recorder = start(tmp_path)
    recorder.expects([replace(NODES[0], unique_id=f"m{n}", name="x" * 500) for n in range(500)])
    [file] = wait_for(lambda: files(tmp_path))
    seen = []
    stop = threading.Event()

    def watch() -> None:
        while not stop.is_set():
            seen.append(json.loads(file.read_bytes()))

    watcher = threading.Thread(target=watch)
    watcher.start()
    for n in range(500):
        recorder.began(f"m{n}")
        time.sleep(0.002)
    stop.set()
    watcher.join()
    recorder.end(GOOD)
    assert len(seen) > 10
    assert len({content["heartbeat"] for content in seen}) > 3
    assert not [path for path in file.parent.iterdir() if path.suffix == ".new"]


def test_a_killed_process_is_recognised_by_the_next_operation(tmp_path: Path) -> None:
    with living(tmp_path) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
        before = read(tmp_path)
        assert before.status is Status.RUNNING
        [file] = files(tmp_path)
        (file.parent / f".{file.name}.new").write_bytes(b"{ half")
        start(tmp_path).end(GOOD)
    record = read_operation(file)
    assert record is not None
    assert (record.status, record.message, record.completed) == (Status.FAILED, running_operations.DIED, True)
    assert record.end_time == before.heartbeat
    assert [node.status for node in record.nodes] == ["error", "pending", "pending", "pending"]
    assert json.loads(file.read_bytes())["totals"]["nodes"] == {"error": 1, "pending": 3}
    assert locks(tmp_path) == []
    assert not (file.parent / f".{file.name}.new").exists()


def test_a_living_process_is_left_alone(tmp_path: Path) -> None:
    with living(tmp_path):
        [file] = files(tmp_path)
        start(tmp_path).end(GOOD)
        record = read_operation(file)
        assert record is not None
        assert record.status is Status.RUNNING
        assert [lock.stem for lock in locks(tmp_path)] == [file.stem]


def test_a_lock_that_is_held_counts_though_no_such_process_is_seen(tmp_path: Path) -> None:
    """Containers of one machine do not see each other's processes, but their locks."""
    gone = replace(Process.this(), started=1.0)
    running = running_operations.begin(tmp_path, gone)
    running.file.write_text(json.dumps({"status": "running", "operation_id": "x"}))
    running_operations.conclude_dead(tmp_path, Process.this())
    assert read(tmp_path).status is Status.RUNNING
    running.close(is_over=False)
    running_operations.conclude_dead(tmp_path, Process.this())
    assert read(tmp_path).status is Status.FAILED


def test_a_process_of_another_machine_is_not_judged(tmp_path: Path) -> None:
    with living(tmp_path) as process:
        process.kill()
        process.wait()
    [file], [lock] = files(tmp_path), locks(tmp_path)
    process_of = json.loads(lock.read_bytes())
    lock.write_text(json.dumps(process_of | {"host": "elsewhere", "boot": "another"}))
    start(tmp_path).end(GOOD)
    record = read_operation(file)
    assert record is not None
    assert record.status is Status.RUNNING
    assert locks(tmp_path) == [lock]
    lock.write_text(json.dumps(process_of | {"boot": "another"}))  # this machine has restarted
    start(tmp_path).end(GOOD)
    record = read_operation(file)
    assert record is not None
    assert record.status is Status.FAILED


def test_a_process_without_a_lock_counts_as_long_as_it_lives(tmp_path: Path) -> None:
    """Where a file system has no locks, the process itself is the proof."""
    start(tmp_path).end(GOOD)
    [file] = files(tmp_path)
    file.write_text(json.dumps({"status": "running", "operation_id": "x"}))
    lock = file.parent / "running" / f"{file.stem}.lock"
    lock.write_text(json.dumps(asdict(Process.this())))
    running_operations.conclude_dead(tmp_path, Process.this())
    assert lock.exists()
    lock.write_text(json.dumps(asdict(replace(Process.this(), started=1.0))))  # a later process has its pid
    running_operations.conclude_dead(tmp_path, Process.this())
    assert not lock.exists()
    record = read_operation(file)
    assert record is not None
    assert record.status is Status.FAILED


@pytest.mark.parametrize("content", ["", "[]", "{", "{}", '{"pid": 1, "later": 2}'])
def test_a_lock_that_names_no_process_is_removed_unless_a_later_dvt_wrote_it(
    tmp_path: Path, content: str
) -> None:
    start(tmp_path).end(GOOD)
    lock = tmp_path / ".dvt" / "operations" / "running" / "operation_x.lock"
    lock.write_text(content)
    running_operations.conclude_dead(tmp_path, Process.this())
    assert lock.exists() == content.startswith(("{}", '{"'))


def test_what_ended_before_its_lock_was_removed_stays_as_it_is(tmp_path: Path) -> None:
    start(tmp_path).end(GOOD)
    [file] = files(tmp_path)
    content = file.read_bytes()
    lock = file.parent / "running" / f"{file.stem}.lock"
    lock.write_text(json.dumps(asdict(replace(Process.this(), started=1.0))))
    running_operations.conclude_dead(tmp_path, Process.this())
    assert file.read_bytes() == content
    assert not lock.exists()


def test_an_operation_whose_last_write_failed_is_concluded_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = start(tmp_path)
    wait_for(lambda: files(tmp_path))

    def fail(*_: Any) -> None:
        raise OSError(28, "no space")

    with monkeypatch.context() as patch:
        patch.setattr(operation_recorder, "write_private", fail)
        recorder.end(GOOD)
    assert read(tmp_path).status is Status.RUNNING
    assert len(locks(tmp_path)) == 1


def test_a_project_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / ".dvt").write_text("a file")
    recorder = begin(tmp_path, OperationRecord())
    recorder.expects(NODES)
    recorder.end(GOOD)
    assert (tmp_path / ".dvt").read_text() == "a file"


def test_a_folder_that_somebody_removes_stays_removed(tmp_path: Path, quick: None) -> None:
    recorder = start(tmp_path)
    wait_for(lambda: files(tmp_path))
    while (tmp_path / ".dvt").exists():
        shutil.rmtree(tmp_path / ".dvt", ignore_errors=True)
    time.sleep(0.3)
    recorder.end(GOOD)
    assert not (tmp_path / ".dvt").exists()


@pytest.mark.slow
def test_ten_thousand_old_files_are_not_looked_at(tmp_path: Path) -> None:
    start(tmp_path).end(GOOD)
    [old] = files(tmp_path)
    for n in range(10_000):
        (old.parent / f"operation_{n}.json").write_bytes(b"")
    before = time.process_time()
    start(tmp_path).end(GOOD)
    assert time.process_time() - before < 0.1
