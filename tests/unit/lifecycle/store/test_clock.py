"""The clock check: what an automatic run must not trust."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dvt.lifecycle.store import ClockFacts, Store, clock_refusals
from dvt.lifecycle.store.present import now
from tests.unit.lifecycle.store.making import ANA, plan

SECOND = 10**9
HOUR = 3600 * SECOND
NOW = 1_800_000_000 * SECOND
QUIET = ClockFacts(
    now=NOW,
    boot="b",
    uptime=100 * HOUR,
    database=NOW,
    last_run=NOW - 24 * HOUR,
    last_boot="b",
    last_uptime=76 * HOUR,
)


@pytest.mark.parametrize(
    "facts",
    [
        QUIET,
        ClockFacts(now=NOW, boot="b", uptime=HOUR),
        replace(QUIET, database=NOW - 300 * SECOND),
        replace(QUIET, database=NOW + 300 * SECOND),
        replace(QUIET, last_run=NOW - 48 * HOUR),
        replace(QUIET, last_boot="other", last_uptime=0, last_run=NOW + 300 * SECOND),
        replace(QUIET, last_boot="other", last_uptime=0, last_run=NOW - 1000 * HOUR),
        replace(QUIET, boot="", last_boot="", last_run=NOW - 1000 * HOUR),
    ],
)
def test_a_clock_within_bounds_is_trusted(facts: ClockFacts):
    assert clock_refusals(facts) == ()


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        (
            replace(QUIET, last_run=NOW + SECOND, last_uptime=QUIET.uptime),
            "the clock is 1 s before the beginning of the last run on record",
        ),
        (
            replace(QUIET, last_boot="other", last_run=NOW + 301 * SECOND),
            "the clock is 5 min 1 s before the beginning of the last run on record",
        ),
        (
            replace(QUIET, last_run=NOW - 48 * HOUR - SECOND),
            "the clock was set forward by 24 h 1 s since the last run",
        ),
        (
            replace(QUIET, last_uptime=QUIET.uptime - 50 * HOUR),
            "the clock was set back by 26 h since the last run",
        ),
        (replace(QUIET, database=NOW - 301 * SECOND), "the clock is 5 min 1 s ahead of the database's"),
        (replace(QUIET, database=NOW + 90 * 60 * SECOND), "the clock is 1 h 30 min behind the database's"),
    ],
)
def test_a_clock_out_of_bounds_is_told(facts: ClockFacts, sentence: str):
    assert clock_refusals(facts) == (sentence,)


def test_every_reason_is_told_at_once():
    facts = replace(QUIET, now=NOW - 1000 * HOUR)
    assert len(clock_refusals(facts)) == 3


class TestFacts:
    def test_a_new_store_has_no_last_run(self, store: Store):
        facts = store.clock_facts()
        assert (facts.last_run, facts.last_boot) == (None, "")
        assert clock_refusals(facts) == ()

    def test_the_last_run_is_that_which_began_last(self, store: Store):
        began = now()
        store.audit.begin(plan(), "20261128run0000001", ANA, began)
        store.audit.begin(plan(), "20261128run0000002", ANA, began - 24 * HOUR)
        facts = store.clock_facts()
        assert facts.last_run == began
        assert facts.last_boot == facts.boot != ""
        assert 0 < facts.last_uptime < facts.uptime
        assert clock_refusals(facts) == ()

    def test_a_clock_that_goes_back_or_far_ahead_is_noticed(self, store: Store):
        began = now()
        store.audit.begin(plan(), "20261128run0000001", ANA, began)
        assert clock_refusals(store.clock_facts(began - SECOND))
        assert clock_refusals(store.clock_facts(began + 25 * HOUR))
