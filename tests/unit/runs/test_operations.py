"""Records of runs: a living run is left alone, a dead one lists what it may have made."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime

import psutil
import pytest

from dvt.core.names import TableRef
from dvt.runs.operations import begin, dead, known

STAGE = TableRef(connection="wh", database="db", schema="ma rts", identifier="dvt_x_1")
LIVING_RUN = """
import sys, time
from pathlib import Path
from dvt.core.names import TableRef
from dvt.runs.operations import begin
run = begin(Path(sys.argv[1]), spill=[Path(sys.argv[2])])
run.will_make(TableRef(connection="wh", database="db", schema="ma rts", identifier="dvt_x_1"))
run.will_make(TableRef(connection="wh", schema="s", identifier="dvt_x_2"))
run.is_gone(TableRef(connection="wh", schema="s", identifier="dvt_x_2"))
print(run.run, flush=True)
time.sleep(60)
"""


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "operations"


@pytest.fixture
def other_run(folder, tmp_path):
    """Start a run in another process; yield a function that kills it and returns the run's name."""
    process = subprocess.Popen(
        [sys.executable, "-c", LIVING_RUN, str(folder), str(tmp_path / "fast")],
        stdout=subprocess.PIPE,
        text=True,
    )
    run = process.stdout.readline().strip()

    def kill():
        process.send_signal(signal.SIGKILL)
        process.wait(60)
        return run

    yield kill
    kill()
    process.stdout.close()


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_name_of_a_run_begins_with_its_day(folder):
    before = datetime.now(UTC)
    with closing(begin(folder)) as run, closing(begin(folder)) as other:
        assert run.run[:8] in (f"{before:%Y%m%d}", f"{datetime.now(UTC):%Y%m%d}")
        assert run.run[8:] != other.run[8:]


def test_a_run_is_on_record_until_it_ends(folder):
    run = begin(folder)
    assert run.run.isalnum()
    assert run.run == run.run.lower()
    assert len(run.run) == 18
    assert names(folder) == [f"{run.run}.json", f"{run.run}.lock"]
    record = json.loads((folder / f"{run.run}.json").read_text())
    assert record["pid"] == os.getpid()
    assert record["started"] == psutil.Process().create_time()
    run.close()
    run.close()
    assert names(folder) == []


def test_a_stage_table_is_on_disk_before_it_is_made(folder):
    run = begin(folder)
    run.will_make(STAGE)
    record = json.loads((folder / f"{run.run}.json").read_text())
    assert [TableRef(**fields) for fields in record["stage_tables"]] == [STAGE]
    run.is_gone(STAGE)
    run.close()
    assert names(folder) == []


def test_living_runs_of_this_and_other_processes_are_left_alone(folder, other_run):
    own = begin(folder)
    assert list(dead(folder)) == []
    assert len(names(folder)) == 4
    own.close()


def test_a_killed_run_is_dead_and_tells_what_it_may_have_made(folder, other_run, tmp_path):
    run = other_run()
    spilled = tmp_path / "fast" / f"dvt-{run}" / "x"
    spilled.mkdir(parents=True)
    [record] = dead(folder)
    assert (record.run, record.stage_tables) == (run, (STAGE,))
    assert list(dead(folder)) == []  # this run holds the record now: no other run sweeps it too
    record.is_gone(STAGE)
    record.close()
    assert names(folder) == []
    assert list((tmp_path / "fast").iterdir()) == []


def test_a_stage_table_that_could_not_be_swept_waits_for_the_next_run(folder, other_run):
    other_run()
    [record] = dead(folder)
    record.close()
    [again] = dead(folder)
    assert again.stage_tables == (STAGE,)
    again.close()


def test_a_closed_runs_stage_table_is_swept_while_its_process_lives_on(folder):
    run = begin(folder)
    run.will_make(STAGE)
    run.close()
    [record] = dead(folder)
    assert record.stage_tables == (STAGE,)
    record.close()


def edit(folder, run, **changes):
    file = folder / f"{run}.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def test_another_machines_run_is_never_judged(folder, other_run):
    edit(folder, other_run(), host="elsewhere", boot="another-boot")
    assert list(dead(folder)) == []
    assert len(names(folder)) == 2


def test_a_machine_that_restarted_has_no_living_runs(folder, other_run):
    edit(folder, other_run(), boot="before-the-restart")
    assert len(list(dead(folder))) == 1


def test_a_process_that_still_runs_is_not_dead_even_where_locks_do_not_hold(folder, other_run):
    edit(folder, other_run(), pid=os.getpid(), started=psutil.Process().create_time())
    assert list(dead(folder)) == []


def test_a_reused_process_id_does_not_keep_a_run_alive(folder, other_run):
    edit(folder, other_run(), pid=os.getpid(), started=psutil.Process().create_time() - 1000)
    assert len(list(dead(folder))) == 1


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"run": 1'])
def test_a_record_that_cannot_be_read_is_left_alone(folder, other_run, text):
    (folder / f"{other_run()}.json").write_text(text)
    assert list(dead(folder)) == []
    assert len(names(folder)) == 2


def test_a_half_written_record_of_a_killed_run_is_removed_too(folder, other_run):
    run = other_run()
    (folder / f".{run}.json.new").write_text('{"run"')
    [record] = dead(folder)
    record.is_gone(STAGE)
    (folder / f".{run}.json.new").write_text('{"run"')
    record.close()
    assert names(folder) == []


def test_a_lock_without_a_record_is_tidied_up(folder, other_run):
    run = other_run()
    (folder / f"{run}.json").unlink()
    (folder / f".{run}.json.new").write_text('{"run"')
    assert list(dead(folder)) == []
    assert names(folder) == []


def test_a_lock_on_a_file_that_was_swept_meanwhile_does_not_count(folder, other_run, monkeypatch):
    run, locking = other_run(), fcntl.flock

    def late(descriptor, operation):
        (folder / f"{run}.lock").unlink()
        locking(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", late)
    assert list(dead(folder)) == []


def test_only_folders_named_after_the_run_are_removed(folder, other_run, tmp_path):
    precious = tmp_path / "precious"
    precious.mkdir()
    edit(folder, other_run(), folders=[str(precious)])
    [record] = dead(folder)
    record.remove_folders()
    record.close()
    assert precious.exists()


def test_many_runs_begin_at_once_while_others_look_for_the_dead(folder):
    code = (
        "import sys\nfrom pathlib import Path\nfrom dvt.runs.operations import begin, dead\n"
        "f = Path(sys.argv[1])\n"
        "for _ in range(20):\n run = begin(f)\n"
        " assert not list(dead(f))\n assert (f / f'{run.run}.json').exists()\n run.close()\n"
    )
    runs = [
        subprocess.Popen([sys.executable, "-W", "ignore", "-c", code, str(folder)], stderr=subprocess.PIPE)
        for _ in range(4)
    ]
    errors = [run.communicate(timeout=250)[1] for run in runs]
    assert errors == [b""] * 4
    assert names(folder) == []


def test_who_is_alive_is_told_without_a_change_of_any_record(folder, other_run):
    own = begin(folder)
    (folder / "halfwritten.lock").touch()
    (other,) = {file.stem for file in folder.glob("*.json")} - {own.run}
    assert known(folder) == {own.run: True, other: True, "halfwritten": True}
    assert other_run() == other
    before = {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}
    assert known(folder) == {own.run: True, other: False, "halfwritten": True}
    assert {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()} == before
    assert [operation.run for operation in closed(dead(folder))] == [other]
    own.close()


def closed(operations):
    """Return operations, each closed."""
    all_operations = list(operations)
    for operation in all_operations:
        operation.close()
    return all_operations
