"""Policies in the store: nothing is lost of them, and each change is a version."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dvt.core.errors import NotRecordable, PolicyOutdated
from dvt.core.retention import Action, AgeBy, Match, Policy, Rule, Status
from dvt.lifecycle.policies.defaults import DEFAULTS
from dvt.lifecycle.store import Store
from dvt.lifecycle.store.encoding import canonical, days_column, policy_from, settings_of
from tests.unit.lifecycle.store.making import ANA

FULL = Policy(
    data_type="dbt_logs",
    rule=Rule(
        days=0.1,
        enabled=False,
        action=Action.QUARANTINE,
        min_keep=0,
        keep_last=3,
        keep_daily=2**60,
        max_total_bytes=2**70 + 1,
        age_by=frozenset({AgeBy.MODIFIED}),
        grace=timedelta(days=2, microseconds=1),
        quarantine_days=1e-9,
    ),
    description="Größe 😀 'quoted' \\x0a\n",
    special=(
        (Match(glob=("*.log", "a'b"), status=frozenset({Status.FAILED}), larger_than=2**63), Rule(days=1)),
        (Match(regex="^x$", tag=("t",), pipeline=("p*",), smaller_than=0), Rule(days=365.25)),
    ),
    protect=("keep/*",),
    max_delete_share=1 / 3,
    max_delete_items=7,
    max_delete_bytes=2**65,
)
_RULES = st.builds(
    Rule,
    days=st.floats(0, 1e12) | st.integers(0, 10**6),
    enabled=st.booleans(),
    action=st.sampled_from(Action),
    min_keep=st.integers(0),
    max_total_bytes=st.none() | st.integers(0),
    age_by=st.frozensets(st.sampled_from(AgeBy)),
    grace=st.timedeltas(timedelta(0)),
    quarantine_days=st.floats(0, 1e9),
)
_MATCHES = st.builds(
    Match,
    glob=st.lists(st.text()).map(tuple),
    regex=st.text(),
    status=st.frozensets(st.sampled_from(Status)),
    tag=st.lists(st.text()).map(tuple),
    larger_than=st.none() | st.integers(0),
)


class TestPolicies:
    def test_a_new_store_has_no_policies_so_that_nothing_is_due(self, store: Store):
        assert store.policies() == {}

    def test_a_policy_comes_back_as_it_was_saved(self, store: Store, opened: Callable[..., Store]):
        saved = store.policy_table.save(FULL, ANA, "a reason")
        assert saved == replace(FULL, version=1)
        assert opened().policies() == {"dbt_logs": saved}

    def test_defaults_are_restored_where_there_is_no_policy(self, store: Store):
        store.policy_table.save(FULL, ANA, "ours")
        added = store.policy_table.restore_defaults(ANA, "first")
        assert sorted(added) == sorted(DEFAULTS.keys() - {"dbt_logs"})
        assert store.policies()["failed_operations"].rule == Rule(days=14)
        assert store.policies()["dbt_logs"].rule == FULL.rule
        assert store.policy_table.restore_defaults(ANA, "again") == ()

    def test_each_change_has_a_version_with_who_when_and_why(self, store: Store):
        reason = "x" * 32_000 + "\0 ü"
        first = store.policy_table.save(DEFAULTS["temp_files"], ANA, "first")
        second = store.policy_table.save(replace(first, rule=Rule(days=3)), ANA, reason)
        assert second.version == 2
        newest, oldest = store.policy_table.history("temp_files")
        assert (newest.version, newest.by, newest.before, newest.after) == (2, "ana", first, second)
        assert newest.reason == reason.replace("\0", "\\x00")
        assert (oldest.version, oldest.before, oldest.after) == (1, None, first)
        assert 0 < oldest.at < newest.at
        assert store.policy_table.history("temp_files", limit=5, before=newest.id) == (oldest,)
        note = next(event for event in store.records.events() if event.details.get("reason") == reason)
        assert note.details["policies"]["temp_files"]["before"]["rule"]["days"] == 1

    def test_a_save_that_changes_nothing_is_no_version(self, store: Store):
        first = store.policy_table.save(FULL, ANA, "first")
        assert store.policy_table.save(first, ANA, "again") == first
        assert len(store.policy_table.history()) == 1

    def test_a_change_of_an_outdated_policy_is_refused(self, store: Store):
        first = store.policy_table.save(FULL, ANA, "first", based_on=0)
        second = store.policy_table.save(replace(first, protect=()), ANA, "second", based_on=1)
        with pytest.raises(PolicyOutdated, match="expected in version 1; its version is 2"):
            store.policy_table.save(replace(first, description="mine"), ANA, "third", based_on=1)
        assert store.policies() == {"dbt_logs": second}

    def test_a_policy_returns_to_the_content_of_a_version(self, store: Store):
        first = store.policy_table.save(FULL, ANA, "first")
        store.policy_table.save(DEFAULTS["dbt_logs"], ANA, "second")
        assert store.policy_table.revert("dbt_logs", 1, ANA, "back") == replace(first, version=3)
        assert store.policies()["dbt_logs"] == replace(first, version=3)
        with pytest.raises(PolicyOutdated):
            store.policy_table.revert("dbt_logs", 9, ANA, "back")

    def test_a_removed_policy_can_return(self, store: Store):
        store.policy_table.save(FULL, ANA, "first")
        assert store.policy_table.remove("dbt_logs", ANA, "away")
        assert not store.policy_table.remove("dbt_logs", ANA, "away")
        assert store.policies() == {}
        change = store.policy_table.history()[0]
        assert (change.version, change.after, change.by) == (2, None, "ana")
        assert store.policy_table.revert("dbt_logs", 1, ANA, "back").version == 3

    def test_all_are_disabled_and_those_enabled_that_were(self, store: Store):
        store.policy_table.restore_defaults(ANA, "first")
        off = store.policies()["temp_files"]
        store.policy_table.save(replace(off, rule=replace(off.rule, enabled=False)), ANA, "not wanted")
        stopped = store.policy_table.disable_all(ANA, "stop")
        assert len(stopped) == 5
        assert not any(policy.rule.enabled for policy in store.policies().values())
        assert store.policy_table.disable_all(ANA, "again") == ()
        assert sorted(store.policy_table.enable_all(ANA, "go on")) == sorted(stopped)
        enabled = {name for name, policy in store.policies().items() if policy.rule.enabled}
        assert enabled == set(stopped)

    def test_what_a_person_decides_while_all_are_disabled_stays(self, store: Store):
        store.policy_table.restore_defaults(ANA, "first")
        store.policy_table.disable_all(ANA, "stop")
        store.policy_table.save(store.policies()["temp_files"], ANA, "shall stay off")
        assert "temp_files" not in store.policy_table.enable_all(ANA, "go on")
        assert not store.policies()["temp_files"].rule.enabled

    def test_a_stop_by_sql_is_undone_where_that_is_wanted(self, store: Store, sql: Callable[..., Any]):
        store.policy_table.restore_defaults(ANA, "first")
        off = store.policies()["temp_files"]
        store.policy_table.save(replace(off, rule=replace(off.rule, enabled=False)), ANA, "not wanted")
        sql("UPDATE cleanup_policies SET enabled = false")
        assert store.policy_table.enable_all(ANA, "go on") == ()
        enabled = store.policy_table.enable_all(ANA, "go on", by_sql=True)
        assert sorted(enabled) == sorted(DEFAULTS.keys() - {"temp_files"})
        assert {name for name, policy in store.policies().items() if policy.rule.enabled} == set(enabled)

    def test_a_change_by_sql_counts_and_is_a_version(self, store: Store, sql: Callable[..., Any]):
        store.policy_table.save(replace(FULL, rule=replace(FULL.rule, enabled=True)), ANA, "first")
        sql("UPDATE cleanup_policies SET enabled = false")
        sql("UPDATE cleanup_policies SET retention_days = 9 WHERE data_type = 'dbt_logs'")
        policy = store.policies()["dbt_logs"]
        assert policy == replace(FULL, rule=replace(FULL.rule, days=9), version=3)
        newest, middle, _ = store.policy_table.history()
        assert (newest.after, newest.before, newest.reason) == (policy, middle.after, "changed by SQL")
        sql("INSERT INTO cleanup_policies (data_type, retention_days) VALUES ('new', 5)")
        assert store.policies()["new"].version == 1
        sql("DELETE FROM cleanup_policies")
        removed = store.policy_table.history(limit=2)
        assert [(change.after, change.reason) for change in removed] == [(None, "changed by SQL")] * 2

    def test_an_update_by_sql_that_changes_nothing_is_no_version(self, store: Store, sql: Callable[..., Any]):
        store.policy_table.save(FULL, ANA, "first")
        sql("UPDATE cleanup_policies SET enabled = enabled")
        assert store.policies()["dbt_logs"].version == 1

    def test_an_update_by_sql_moves_updated_at(self, store: Store, sql: Callable[..., Any]):
        store.policy_table.save(FULL, ANA, "first")
        before = sql("SELECT updated_at FROM cleanup_policies")
        sql("UPDATE cleanup_policies SET retention_days = 77")
        assert sql("SELECT updated_at FROM cleanup_policies") > before

    @pytest.mark.parametrize("days", [float("inf"), float("nan")])
    def test_days_that_are_no_number_are_refused(self, days: float, store: Store):
        with pytest.raises(NotRecordable):
            store.policy_table.save(replace(FULL, rule=Rule(days=days)), ANA, "first")
        assert store.policies() == {}

    @pytest.mark.parametrize("name", ["", "x" * 51, "nul\0"])
    def test_a_name_that_the_table_cannot_hold_is_refused(self, name: str, store: Store):
        with pytest.raises(NotRecordable):
            store.policy_table.save(replace(FULL, data_type=name), ANA, "first")


class _Row:
    def __init__(self, policy: Policy) -> None:
        self.data_type, self.description = policy.data_type, policy.description
        self.enabled, self.version = policy.rule.enabled, policy.version
        self.retention_days = days_column(policy.rule.days)
        self.settings = canonical(settings_of(policy))


@given(rule=_RULES, special=st.lists(st.tuples(_MATCHES, _RULES), max_size=3), share=st.floats(0, 1))
@settings(max_examples=300, deadline=None)
@pytest.mark.slow
def test_any_policy_comes_back_from_its_row(rule: Rule, special: list[tuple[Match, Rule]], share: float):
    policy = Policy(data_type="x", rule=rule, special=tuple(special), max_delete_share=share)
    assert policy_from(_Row(policy)) == policy


def test_the_original_column_never_says_fewer_days():
    assert [days_column(days) for days in (0, 0.1, 1, 1.0000001, 3e9)] == [0, 1, 1, 2, 2**31 - 1]
