"""What cleanups have done and seen, as simulations read it from the record."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from dvt.core.past import Deleted, Looked, Restored
from dvt.core.retention import Hold, HoldCode, ItemKind, Result, RunStatus, Status, Tally
from dvt.lifecycle.store import Store
from dvt.lifecycle.store.present import now
from tests.unit.lifecycle.store.making import ANA, BEGAN, outcomes, plan, planned


class TestPast:
    def test_what_was_taken_away_is_read_with_all_that_was_known_of_it(self, store: Store):
        run = store.audit.begin(plan(temp_files=Tally(items=9, files=9, bytes=900)), "a", ANA, BEGAN)
        entries = planned(
            "/ops/a\udce4\x00",
            group="daily",
            kind=ItemKind.FOLDER,
            status=Status.FAILED,
            tags=("finance",),
            recorded=BEGAN - 3,
            modified=BEGAN - 2,
            changed=BEGAN - 1,
            holds=(Hold(HoldCode.OPEN, "it was open"),),
        )
        run.planned(entries)
        run.ended(outcomes(entries, Result.QUARANTINED))
        run.close(RunStatus.COMPLETED)
        (deleted,) = store.past.changes("temp_files")
        assert isinstance(deleted, Deleted)
        assert (deleted.item, deleted.result) == (entries[0].item, Result.QUARANTINED)
        assert store.past.looks() == [
            Looked(BEGAN - 10**9, {"temp_files": Tally(items=9, files=9, bytes=900)})
        ]

    def test_what_has_stayed_and_other_data_types_are_left_out(self, store: Store):
        run = store.audit.begin(plan(), "a", ANA, BEGAN)
        for result in Result:
            entries = planned(f"/ops/{result}")
            run.planned(entries)
            run.ended(outcomes(entries, result))
        other = planned("/ops/other", data_type="dbt_logs")
        run.planned(other)
        run.ended(outcomes(other))
        changes = [of for of in store.past.changes("temp_files") if isinstance(of, Deleted)]
        assert [of.result for of in changes] == [
            Result.DELETED,
            Result.ARCHIVED,
            Result.COMPRESSED,
            Result.QUARANTINED,
        ]

    def test_what_was_restored_is_read_in_its_order(self, store: Store):
        run = store.audit.begin(plan(), "a", ANA, BEGAN)
        entries = planned("/ops/a")
        for _ in range(2):
            run.planned(entries)
            run.ended(outcomes(entries))
            told = [{"key": "/ops/a", "result": "restored"}, {"key": "/ops/b", "result": "failed"}]
            store.audit.note(ANA, "restored", {"items": told})
        kinds = [type(of) for of in store.past.changes("temp_files")]
        assert kinds == [Deleted, Restored, Deleted, Restored]

    def test_an_end_that_another_run_has_told_is_that_of_the_item(self, store: Store):
        killed = store.audit.begin(plan(), "killed", ANA, BEGAN)
        entries = planned("/ops/a", modified=BEGAN - 5)
        killed.planned(entries)
        store.audit.begin(plan(), "next", ANA, BEGAN).ended(outcomes(entries))
        (deleted,) = store.past.changes("temp_files")
        assert isinstance(deleted, Deleted)
        assert deleted.item.modified == BEGAN - 5

    def test_what_was_never_planned_has_no_times(self, store: Store):
        store.audit.begin(plan(), "a", ANA, BEGAN).ended(outcomes(planned("/ops/a", modified=BEGAN)))
        (deleted,) = store.past.changes("temp_files")
        assert isinstance(deleted, Deleted)
        assert (deleted.item.bytes, deleted.item.modified) == (100, None)

    def test_cleanups_of_other_projects_in_the_store_are_left_out(
        self, store: Store, opened: Callable[..., Store], tmp_path: Path
    ):
        other = opened(state=tmp_path / "other")
        run = other.audit.begin(plan(temp_files=Tally(items=1, bytes=100)), "b", ANA, BEGAN)
        entries = planned("/ops/a")
        run.planned(entries)
        run.ended(outcomes(entries))
        assert list(store.past.changes("temp_files")) == []
        assert store.past.looks() == []
        assert len(list(other.past.changes("temp_files"))) == 1

    def test_a_long_record_is_read_in_pages(self, store: Store):
        run = store.audit.begin(plan(), "a", ANA, BEGAN)
        entries = planned(*(f"/ops/{number}" for number in range(1200)))
        run.planned(entries)
        run.ended(outcomes(entries))
        assert [of.item.key for of in store.past.changes("temp_files") if isinstance(of, Deleted)] == [
            f"/ops/{number}" for number in range(1200)
        ]


class TestPinsEver:
    def test_pins_that_are_over_are_told_with_their_end(self, store: Store):
        end = now() + 500_000_000
        lasting = store.pin_table.add("/ops/a", ANA, "case 17")
        over = store.pin_table.add("/ops/b", ANA, "case 18", until=end)
        taken_off = store.pin_table.add("/ops/c", ANA, "case 19")
        store.pin_table.remove(taken_off.id, ANA, "closed")
        time.sleep(max(0.0, (end - now()) / 10**9))
        assert store.pins() == (lasting,)
        ever = {pin.id: pin for pin in store.pin_table.ever()}
        assert (ever[lasting.id], ever[over.id]) == (lasting, over)
        taken = ever[taken_off.id].until
        assert taken is not None
        assert taken >= taken_off.made
