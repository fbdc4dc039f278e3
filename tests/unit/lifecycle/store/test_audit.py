"""The audit: all is on record before this returns, nobody can change it, and whoever does is found out."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dvt.core.errors import DvtError, NotRecordable
from dvt.core.file_names import as_text
from dvt.core.ports.lifecycle import Audit, RunAudit
from dvt.core.retention import Asking, Result, RunStatus, Tally
from dvt.lifecycle.store import EventFilter, EventKind, Store
from dvt.lifecycle.store.events import Event
from tests.unit.lifecycle.store.making import ANA, BEGAN, CRON, outcomes, plan, planned

pytestmark = pytest.mark.slow

APPEND = """
import sys
from pathlib import Path
from dvt.core.retention import Asking
from dvt.lifecycle.store import open_store
with open_store(sys.argv[1], state=Path(sys.argv[2]), actor="ana") as store:
    for number in range(int(sys.argv[4])):
        store.audit.note(Asking(actor=sys.argv[3]), "written", {"number": number})
"""
HOSTILE = (
    as_text(b"/ops/a\n\xff\\.json"),
    "/ops/-rf 'x'; DROP TABLE cleanup_events; --",
    "/ops/" + "x" * 20_000,
    "/ops/Größe 😀 \u202e\u2028",
    "%s %(a)s :a ?",
    "nul\0 and half \udc80 a character",
    "",
)


def _whole_run(store: Store, run: str = "20261128run0000001", asking: Asking = ANA) -> None:
    recorded = store.audit.begin(plan(temp_files=Tally(items=9), dbt_logs=Tally()), run, asking, BEGAN)
    entries = planned("/ops/a", "/ops/b", "/ops/c", bytes=2**54 + 1)
    recorded.planned(entries)
    recorded.ended(outcomes(entries[:2], sha256="ab" * 32, backup="x/a.backup"))
    recorded.ended(outcomes(entries[2:], Result.FAILED, detail="no space"))
    recorded.close(RunStatus.PARTIAL, "one file stayed")


class TestRuns:
    def test_the_audit_is_what_the_interface_says(self, store: Store):
        audit: Audit = store.audit
        run: RunAudit = audit.begin(plan(), "20261128run0000001", ANA, BEGAN)
        run.close(RunStatus.COMPLETED)

    def test_a_run_is_on_record_with_all_its_items(self, store: Store, opened: Callable[..., Store]):
        _whole_run(store)
        events = list(opened().records.events(EventFilter(run="20261128run0000001")))
        assert [(event.kind.value, event.key, event.result) for event in events] == [
            ("run_began", None, None),
            ("planned", "/ops/a", "planned"),
            ("planned", "/ops/b", "planned"),
            ("planned", "/ops/c", "planned"),
            ("outcome", "/ops/a", "deleted"),
            ("outcome", "/ops/b", "deleted"),
            ("outcome", "/ops/c", "failed"),
            ("run_ended", None, "partial"),
        ]
        assert all(event.asking == ANA for event in events)
        assert events[0].at == BEGAN
        assert events[1].details["decision"]["text"] == "2 days old, older than 1"
        assert events[1].details["item"]["bytes"] == 2**54 + 1
        assert events[4].details["backup"] == "x/a.backup"

    def test_a_run_has_its_results_by_data_type(self, store: Store):
        _whole_run(store)
        (record,) = store.records.runs()
        assert record == store.records.run("20261128run0000001")
        assert (record.status, record.detail, record.began) == (RunStatus.PARTIAL, "one file stayed", BEGAN)
        assert record.asking == ANA
        assert record.results == {
            "temp_files": {
                Result.DELETED: Tally(items=2, files=2, bytes=2**55 + 2),
                Result.FAILED: Tally(items=1, files=1, bytes=2**54 + 1),
            },
            "dbt_logs": {},
        }

    def test_a_run_without_an_end_is_running(self, store: Store):
        store.audit.begin(plan(), "20261128run0000001", CRON, BEGAN)
        (record,) = store.records.runs()
        assert (record.status, record.ended, record.asking) == (RunStatus.RUNNING, None, CRON)

    def test_a_killed_run_is_ended_with_what_it_has_not_said(self, store: Store):
        recorded = store.audit.begin(plan(), "20261128run0000001", ANA, BEGAN)
        entries = planned("/ops/a", "/ops/b", bytes=7)
        recorded.planned(entries)
        recorded.ended(outcomes(entries[:1]))
        ((record, left),) = store.unfinished()
        assert [(item.key, item.bytes, item.identity) for item in left] == [("/ops/b", 7, "1:2:3")]
        store.end(record, outcomes(entries[1:], Result.FAILED))
        assert store.unfinished() == []
        ended = store.records.run("20261128run0000001")
        assert (ended.status, ended.detail) == (RunStatus.FAILED, "its process ended without a word")
        one = Tally(items=1, files=1, bytes=7)
        assert ended.results == {"temp_files": {Result.DELETED: one, Result.FAILED: one}}

    def test_runs_of_other_places_are_theirs_to_end(
        self, store: Store, opened: Callable[..., Store], tmp_path: Path
    ):
        elsewhere = opened(state=tmp_path / "elsewhere")
        for number, of in enumerate((store, elsewhere)):
            of.audit.begin(plan(), f"20261128run000000{number}", ANA, BEGAN).planned(planned("/ops/a"))
        assert [record.id for record, _ in store.unfinished()] == ["20261128run0000000"]
        assert [record.id for record, _ in elsewhere.unfinished()] == ["20261128run0000001"]

    def test_a_run_that_was_killed_is_taken_up_again(self, store: Store):
        store.audit.begin(plan(temp_files=Tally()), "20261128run0000001", ANA, BEGAN)
        _whole_run(store)
        (record,) = store.records.runs()
        assert record.status is RunStatus.PARTIAL

    def test_runs_are_listed_newest_first_page_by_page(self, store: Store):
        runs = [f"20261128run000000{number}" for number in range(7)]
        for run in runs:
            store.audit.begin(plan(), run, ANA, BEGAN)
        found: list[str] = []
        while page := store.records.runs(limit=3, before=found[-1] if found else None):
            assert len(page) <= 3
            found += [record.id for record in page]
        assert found == runs[::-1]
        assert store.records.run("unknown") is None

    def test_the_original_table_says_what_was_deleted_of_each_data_type(
        self, store: Store, sql: Callable[..., Any]
    ):
        store.policy_table.restore_defaults(ANA, "first")
        _whole_run(store)
        _whole_run(store, "20261128run0000002", CRON)
        columns = "data_type, cleanup_type, records_deleted, space_freed_bytes, executed_by"
        assert sorted(sql(f"SELECT {columns} FROM cleanup_audit")) == [
            ("dbt_logs", "automatic", 0, 0, "cron"),
            ("dbt_logs", "manual", 0, 0, "ana"),
            ("temp_files", "automatic", 2, 2**55 + 2, "cron"),
            ("temp_files", "manual", 2, 2**55 + 2, "ana"),
        ]
        stats = {row["data_type"]: row for row in store.records.stats()}
        assert stats.keys() == store.policies().keys()
        assert stats["temp_files"]["total_cleaned"] == 4
        assert stats["temp_files"]["space_saved"] == 2**56 + 4
        assert stats["dbt_logs"]["last_cleanup"].endswith("Z")
        assert stats["system_logs"] == {
            "data_type": "system_logs",
            "retention_days": 30,
            "enabled": True,
            "last_cleanup": None,
            "total_cleaned": 0,
            "space_saved": 0,
        }
        newest, *_, oldest = store.records.history()
        assert newest.keys() - {"id"} == {
            "data_type",
            "cleanup_type",
            "records_deleted",
            "space_freed",
            "executed_at",
            "executed_by",
        }
        assert (newest["executed_by"], oldest["executed_by"]) == ("cron", "ana")
        assert store.records.history(limit=9, before=newest["id"])[-1] == oldest

    def test_what_frees_no_space_is_not_counted_as_freed(self, store: Store):
        store.policy_table.restore_defaults(ANA, "first")
        recorded = store.audit.begin(plan(), "20261128run0000001", ANA, BEGAN)
        for result in Result:
            recorded.ended(outcomes(planned(f"/ops/{result}", bytes=1), result))
        recorded.close(RunStatus.COMPLETED)
        stats = {row["data_type"]: row for row in store.records.stats()}
        assert (stats["temp_files"]["total_cleaned"], stats["temp_files"]["space_saved"]) == (3, 2)

    def test_a_refused_run_deletes_nothing_in_the_original_table(self, store: Store, sql: Callable[..., Any]):
        recorded = store.audit.begin(plan(temp_files=Tally()), "20261128run0000001", CRON, BEGAN)
        recorded.close(RunStatus.REFUSED, "the clock")
        assert sql("SELECT count(*) FROM cleanup_audit") == [(0,)]

    def test_numbers_that_columns_cannot_hold_stay_at_the_largest(self, store: Store):
        store.policy_table.restore_defaults(ANA, "first")
        for number in range(2):
            recorded = store.audit.begin(plan(), f"20261128run000000{number}", ANA, BEGAN)
            recorded.ended(outcomes(planned("/ops/a", bytes=2**70, files=2**40)))
            recorded.close(RunStatus.COMPLETED)
        stats = {row["data_type"]: row for row in store.records.stats()}
        assert stats["temp_files"]["total_cleaned"] == 2**31 - 1
        assert stats["temp_files"]["space_saved"] == 2**63 - 1
        assert store.records.runs()[0].results["temp_files"][Result.DELETED].bytes == 2**70


class TestEvents:
    @pytest.mark.parametrize("key", HOSTILE, ids=range(len(HOSTILE)))
    def test_any_text_comes_back_as_it_was(self, key: str, store: Store):
        reason = key + "r" * 32_000
        recorded = store.audit.begin(plan(), "20261128run0000001", ANA, BEGAN)
        entries = planned(key, group=key, tags=(key,), modified=2**63, bytes=2**60 + 1)
        recorded.planned(entries)
        recorded.ended(outcomes(entries, Result.FAILED, detail=reason))
        intent, outcome = store.records.events(EventFilter(key=key))
        assert intent.key == key
        assert intent.details["item"]["tags"] == [key]
        assert intent.details["item"]["modified"] == 2**63
        assert outcome.details["detail"] == reason
        assert store.verify_chain().is_whole

    def test_a_value_that_is_no_json_is_refused_and_nothing_is_written(self, store: Store):
        for value in (object(), float("nan"), {1, 2}):
            with pytest.raises(NotRecordable):
                store.audit.note(ANA, "odd", {"value": value})
        assert store.verify_chain().rows == 0

    def test_a_moment_that_no_column_holds_is_refused(self, store: Store):
        with pytest.raises(NotRecordable, match="after 2262"):
            store.audit.begin(plan(), "20261128run0000001", ANA, 2**63)

    def test_what_is_noted_of_a_run_is_told(self, store: Store):
        _whole_run(store)
        store.audit.note(ANA, "stop", {}, run="20261128run0000001")
        assert store.records.has_note("20261128run0000001", "stop")
        assert not store.records.has_note("20261128run0000002", "stop")
        assert not store.records.has_note("20261128run0000001", "restored")
        assert store.verify_chain().is_whole

    def test_events_are_found_by_what_they_say(self, store: Store):
        _whole_run(store)
        _whole_run(store, "20261128run0000002", CRON)
        store.audit.note(ANA, "restored", {"files": 3})

        def count(**wanted: Any) -> int:
            return sum(1 for _ in store.records.events(EventFilter(**wanted)))

        assert count() == 17
        assert count(run="20261128run0000002", kind=EventKind.PLANNED) == 3
        assert count(key="/ops/b") == 4
        assert count(data_type="temp_files", result="failed") == 2
        assert count(actor="cron") == 8
        assert count(key="restored", kind=EventKind.NOTE) == 1
        assert count(until=BEGAN + 1) == 2
        assert count(since=BEGAN) == 17

    def test_events_are_read_page_by_page(self, store: Store):
        store.audit.begin(plan(), "20261128run0000001", ANA, BEGAN).planned(
            planned(*(f"/ops/{number}" for number in range(2500)))
        )
        everything = list(store.records.events())
        assert [event.id for event in everything] == list(range(1, 2502))
        assert list(store.records.events(limit=1500)) == everything[:1500]
        assert list(store.records.events(after=1500)) == everything[1500:]
        assert list(store.records.events(after=1500, limit=7)) == everything[1500:1507]
        assert list(store.records.events(limit=0)) == []

    @pytest.mark.slow
    def test_reading_takes_constant_memory(self, store: Store):
        run = store.audit.begin(plan(), "20261128run0000001", ANA, BEGAN)
        for page in range(10):
            run.planned(planned(*(f"/ops/{page}/{number}" for number in range(2000))))
        tracemalloc.start()
        assert sum(1 for _ in store.records.events()) == 20_001
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 12 * 2**20


class TestChain:
    def test_a_chain_is_whole_and_its_head_is_known(self, store: Store, sql: Callable[..., Any]):
        assert store.verify_chain().head == "0" * 64
        _whole_run(store)
        check = store.verify_chain()
        assert (check.rows, check.broken) == (8, None)
        assert sql("SELECT hash FROM cleanup_events WHERE id = 8") == [(check.head,)]

    def test_the_format_is_as_it_is_written_down(self, store: Store, sql: Callable[..., Any]):
        _whole_run(store)
        previous = "0" * 64
        for number, body, digest in sql("SELECT id, body, hash FROM cleanup_events ORDER BY id"):
            assert json.loads(body)["id"] == number
            assert body == json.dumps(json.loads(body), sort_keys=True, separators=(",", ":"))
            assert body.isascii()
            assert digest == hashlib.sha256(f"{previous}\n{body}".encode()).hexdigest()
            previous = digest

    @pytest.mark.parametrize("table", ["events", "runs", "run_ends", "audit", "policy_history"])
    @pytest.mark.parametrize("statement", ["DELETE FROM cleanup_{}", "UPDATE cleanup_{} SET id = id + 100"])
    def test_rows_on_record_cannot_be_changed(
        self, statement: str, table: str, store: Store, sql: Callable[..., Any]
    ):
        store.policy_table.restore_defaults(ANA, "first")
        _whole_run(store)
        before = sql(f"SELECT * FROM cleanup_{table} ORDER BY id")
        assert before
        with pytest.raises(Exception, match="append-only"):
            sql(statement.format(table))
        assert sql(f"SELECT * FROM cleanup_{table} ORDER BY id") == before

    def test_the_store_says_so_when_rows_cannot_be_changed(self, store: Store):
        from sqlalchemy import text

        _whole_run(store)
        with pytest.raises(DvtError, match=r"DVT204.*append-only"), store._database.writing() as connection:
            connection.execute(text("DELETE FROM cleanup_events"))

    @pytest.mark.parametrize(
        ("change", "broken", "reason"),
        [
            ("UPDATE cleanup_events SET body = replace(body, '/ops/b', '/ops/x') WHERE id = 3", 3, "hash"),
            ("UPDATE cleanup_events SET key = '/ops/x' WHERE id = 3", 3, "in key"),
            ("UPDATE cleanup_events SET actor = 'eve' WHERE id = 1", 1, "in actor"),
            ("UPDATE cleanup_events SET at = at + 1 WHERE id = 8", 8, "in at"),
            ("DELETE FROM cleanup_events WHERE id = 4", 4, "missing"),
            ("DELETE FROM cleanup_events WHERE id = 1", 1, "missing"),
            ("UPDATE cleanup_events SET id = 100 WHERE id = 8", 8, "missing"),
            ("UPDATE cleanup_events SET hash = '" + "0" * 64 + "' WHERE id = 5", 5, "hash"),
        ],
    )
    def test_the_first_broken_row_is_named(
        self, change: str, broken: int, reason: str, store: Store, tampering: Callable[..., None]
    ):
        _whole_run(store)
        tampering(change)
        check = store.verify_chain()
        assert (check.broken, check.rows) == (broken, broken - 1)
        assert reason in check.reason

    def test_rows_that_were_cut_off_show_by_the_head_that_somebody_has_kept(
        self, store: Store, tampering: Callable[..., None]
    ):
        _whole_run(store)
        head = store.verify_chain().head
        tampering("DELETE FROM cleanup_events WHERE id > 5")
        check = store.verify_chain()
        assert check.is_whole
        assert check.head != head

    @pytest.mark.slow
    def test_writers_at_once_do_not_fork_the_chain(self, url: str, state: Path, store: Store):
        command = [sys.executable, "-c", APPEND, url, str(state)]
        writers = [
            subprocess.Popen([*command, f"writer {number}", "40"], stderr=subprocess.PIPE)
            for number in range(5)
        ]
        for number in range(40):
            store.audit.note(ANA, "written", {"number": number})
        for writer in writers:
            _, errors = writer.communicate(timeout=120)
            assert writer.returncode == 0, errors.decode()
        assert store.verify_chain().rows == 240
        for number in range(5):
            events = store.records.events(EventFilter(actor=f"writer {number}"))
            assert [event.details["number"] for event in events] == list(range(40))

    def test_an_event_is_appended_once_however_often_it_is_synced(self, store: Store):
        events = [Event(at=BEGAN, kind=EventKind.NOTE, asking=ANA, key=str(number)) for number in range(5)]
        assert store._chain.append_new(events[:3]) == 3
        assert store._chain.append_new(events) == 2
        assert [event.event for event in store.records.events()] == [event.event for event in events]
