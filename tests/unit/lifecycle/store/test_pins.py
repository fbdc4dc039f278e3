"""Pins: what somebody has ordered to stay."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dvt.core.errors import NotRecordable, PinUseless
from dvt.lifecycle.store import EventFilter, Store
from dvt.lifecycle.store.present import now
from tests.unit.lifecycle.store.making import ANA

HOUR = 3600 * 10**9


class TestPins:
    def test_a_pin_is_valid_until_its_time_is_over(self, store: Store, opened: Callable[..., Store]):
        until = now() + HOUR
        pin = store.pin_table.add("/ops/a*\\x0a", ANA, "case 17 " + "x" * 32_000, until=until)
        lasting = store.pin_table.add("shop_*", ANA, "ours", kind="pipeline")
        assert opened().pins() == (pin, lasting)
        assert store.pins(until - 1) == (pin, lasting)
        assert store.pins(until) == (lasting,)
        assert (pin.by, pin.kind, pin.until, lasting.until) == ("ana", "file", until, None)

    def test_a_pin_is_taken_off_once(self, store: Store):
        pin = store.pin_table.add("/ops/a", ANA, "case 17")
        assert store.pin_table.remove(pin.id, ANA, "case closed")
        assert not store.pin_table.remove(pin.id, ANA, "again")
        assert store.pins() == ()
        assert not store.pin_table.remove("unknown", ANA, "x")

    def test_pins_are_on_record(self, store: Store):
        pin = store.pin_table.add("/ops/a", ANA, "case 17", kind="tag")
        store.pin_table.remove(pin.id, ANA, "case closed")
        (pinned,) = store.records.events(EventFilter(key="pinned"))
        (unpinned,) = store.records.events(EventFilter(key="unpinned"))
        assert (pinned.details["id"], pinned.details["kind"]) == (pin.id, "tag")
        assert unpinned.details == {"id": pin.id, "reason": "case closed"}

    @pytest.mark.parametrize(
        ("pattern", "kind", "until"),
        [("/ops/a", "folder", None), ("nul\0", "file", None), ("\udc80", "file", None), ("a", "file", 2**63)],
    )
    def test_a_pin_that_the_store_cannot_hold_is_refused(
        self, pattern: str, kind: str, until: int | None, store: Store
    ):
        with pytest.raises(NotRecordable):
            store.pin_table.add(pattern, ANA, "case 17", kind=kind, until=until)
        assert store.pins() == ()
        assert store.verify_chain().rows == 0

    def test_a_pin_that_would_keep_nothing_is_refused(self, store: Store):
        with pytest.raises(PinUseless, match="should be valid is over"):
            store.pin_table.add("/ops/a", ANA, "case 17", until=now() - 1)
        with pytest.raises(PinUseless, match="it has no pattern"):
            store.pin_table.add(" ", ANA, "case 17")
