"""The original system's database: its script works by itself, and what it made is upgraded without a loss."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dvt.core.retention import RunStatus, Tally
from dvt.lifecycle.policies.defaults import DEFAULTS
from dvt.lifecycle.store import Store
from tests.architecture.sources import ROOT
from tests.conformance.lifecycle.store.conftest import Place
from tests.unit.lifecycle.store.making import ANA, BEGAN, outcomes, plan, planned

pytestmark = pytest.mark.slow

SCRIPT = ROOT / "config" / "postgres" / "init_cleanup.sql"
OLD_SCHEMA = """
CREATE TABLE cleanup_policies (
    data_type VARCHAR(50) PRIMARY KEY, retention_days INTEGER NOT NULL, enabled BOOLEAN DEFAULT true,
    description TEXT, created_at TIMESTAMP DEFAULT NOW(), updated_at TIMESTAMP DEFAULT NOW()
);
CREATE TABLE cleanup_audit (
    id SERIAL PRIMARY KEY, data_type VARCHAR(50) NOT NULL, cleanup_type VARCHAR(20) NOT NULL,
    records_deleted INTEGER DEFAULT 0, space_freed_bytes BIGINT DEFAULT 0,
    executed_at TIMESTAMP DEFAULT NOW(), executed_by VARCHAR(100) DEFAULT 'system'
);
CREATE FUNCTION update_updated_at_column() RETURNS TRIGGER AS
    $$ BEGIN NEW.updated_at = NOW(); RETURN NEW; END; $$ LANGUAGE plpgsql;
CREATE TRIGGER update_cleanup_policies_updated_at BEFORE UPDATE ON cleanup_policies
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
CREATE FUNCTION get_cleanup_stats() RETURNS TABLE(data_type VARCHAR(50), retention_days INTEGER,
    enabled BOOLEAN, last_cleanup TIMESTAMP, total_cleaned INTEGER, space_saved BIGINT)
    AS $$ SELECT NULL::VARCHAR, 1, true, now()::TIMESTAMP, 1, 1::BIGINT $$ LANGUAGE sql;
CREATE FUNCTION update_retention_policy(p_data_type VARCHAR(50), p_retention_days INTEGER,
    p_enabled BOOLEAN DEFAULT true) RETURNS BOOLEAN AS $$ SELECT true $$ LANGUAGE sql;
INSERT INTO cleanup_policies (data_type, retention_days, enabled, description)
    VALUES ('temp_files', 3, true, 'ours'), ('odd', 9, NULL, NULL);
INSERT INTO cleanup_audit (data_type, cleanup_type, records_deleted, space_freed_bytes, executed_at)
    SELECT 'temp_files', 'automatic', n, n * 1000, timestamp '2025-01-01' + n * interval '1 day'
    FROM generate_series(1, 500) AS n;
"""


@pytest.fixture
def psql(place: Place) -> Callable[..., str]:
    """Runs psql as the server's owner; an error of the script is one of the test."""

    def run(*arguments: str) -> str:
        completed = subprocess.run(
            ["psql", "--no-psqlrc", "-v", "ON_ERROR_STOP=1", "-qAt", *arguments],
            env={"PATH": os.environ["PATH"], **place.environment()},
            capture_output=True,
            text=True,
            check=False,
        )
        assert completed.returncode == 0, completed.stderr
        assert completed.stderr == ""
        return completed.stdout

    return run


def _policies(place: Place) -> list[tuple[Any, ...]]:
    return place.sql("SELECT data_type, retention_days, enabled FROM cleanup_policies ORDER BY data_type")


def _defaults() -> list[tuple[Any, ...]]:
    return sorted((name, policy.rule.days, True) for name, policy in DEFAULTS.items())


def test_the_script_makes_an_empty_database_ready_again_and_again(place: Place, psql: Callable[..., str]):
    for _ in range(3):
        psql("-f", str(SCRIPT))
        assert _policies(place) == _defaults()


def test_the_script_changes_no_policy_that_is_there(place: Place, psql: Callable[..., str]):
    psql("-f", str(SCRIPT))
    assert psql("-c", "SELECT update_retention_policy('temp_files', 5, false)") == "t\n"
    assert psql("-c", "SELECT update_retention_policy('unknown', 5)") == "f\n"
    psql("-f", str(SCRIPT))
    assert ("temp_files", 5, False) in _policies(place)


@pytest.mark.parametrize("upgraded", [False, True])
def test_truncate_and_the_script_restore_the_defaults(
    upgraded: bool, place: Place, psql: Callable[..., str], opened: Callable[..., Store]
):
    psql("-f", str(SCRIPT))
    place.sql(
        f'ALTER TABLE cleanup_policies OWNER TO "{_USER}"', f'ALTER TABLE cleanup_audit OWNER TO "{_USER}"'
    )
    _give_functions(place)
    if upgraded:
        opened().policy_table.disable_all(ANA, "stop")
    psql("-c", "UPDATE cleanup_policies SET retention_days = 77", "-c", "TRUNCATE cleanup_policies")
    psql("-f", str(SCRIPT))
    assert _policies(place) == _defaults()
    if upgraded:
        store = opened()
        assert {name: policy.rule.days for name, policy in store.policies().items()} == {
            name: policy.rule.days for name, policy in DEFAULTS.items()
        }
        changes = store.policy_table.history("temp_files")
        assert [change.version for change in changes] == [5, 4, 3, 2, 1]
        assert [change.after is None for change in changes] == [False, True, False, False, False]
        assert store.policy_table.revert("temp_files", 3, ANA, "as it was").rule.days == 77


def test_updated_at_moves_with_every_change_and_is_in_utc(place: Place, psql: Callable[..., str]):
    psql("-f", str(SCRIPT))
    psql("-c", "UPDATE cleanup_policies SET retention_days = 3 WHERE data_type = 'temp_files'")
    ((moved, now),) = place.sql(
        "SELECT updated_at > created_at, "
        "abs(extract(epoch FROM updated_at - (now() AT TIME ZONE 'UTC'))) < 9 "
        "FROM cleanup_policies WHERE data_type = 'temp_files'"
    )
    assert (moved, now) == (True, True)


def test_the_function_for_operations_deletes_nothing_and_says_that_it_was_called(
    place: Place, psql: Callable[..., str]
):
    psql("-f", str(SCRIPT))
    call = "SELECT * FROM cleanup_pipeline_operations('manual', 'ana')"
    assert psql("-c", call) == "pipeline_operations|0|0\n"
    audit = "SELECT data_type, cleanup_type, records_deleted, executed_by FROM cleanup_audit"
    assert psql("-c", audit) == "pipeline_operations|manual|0|ana\n"
    psql("-c", "UPDATE cleanup_policies SET enabled = false")
    assert psql("-c", call) == "pipeline_operations|0|0\n"
    assert psql("-c", audit).count("\n") == 1


def test_totals_of_the_stats_function_stay_within_its_types(place: Place, psql: Callable[..., str]):
    psql("-f", str(SCRIPT))
    rows = "SELECT 'temp_files', 'manual', 2147483647, 9223372036854775807 FROM generate_series(1, 3)"
    place.sql(
        f"INSERT INTO cleanup_audit (data_type, cleanup_type, records_deleted, space_freed_bytes) {rows}",
        "SELECT 1",
    )
    stats = psql(
        "-c", "SELECT total_cleaned, space_saved FROM get_cleanup_stats() WHERE data_type = 'temp_files'"
    )
    assert stats == "2147483647|9223372036854775807\n"


_USER = "shop user"
_FUNCTIONS = (
    "get_cleanup_stats()",
    "update_retention_policy(VARCHAR, INTEGER, BOOLEAN)",
    "cleanup_pipeline_operations(VARCHAR, VARCHAR)",
    "update_updated_at_column()",
)


def _give_functions(place: Place) -> None:
    existing = {
        name
        for (name,) in place.sql("SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace")
    }
    for function in _FUNCTIONS:
        if function.partition("(")[0] in existing:
            place.sql(f'ALTER FUNCTION {function} OWNER TO "{_USER}"')
    place.sql(f'GRANT ALL ON SCHEMA public TO "{_USER}"')


@pytest.fixture
def old(place: Place) -> None:
    """The original's database, with rows."""
    place.sql(OLD_SCHEMA, "SELECT 1")
    for table in ("cleanup_policies", "cleanup_audit"):
        place.sql(f'ALTER TABLE {table} OWNER TO "{_USER}"')
    _give_functions(place)


@pytest.mark.usefixtures("old")
def test_a_database_of_the_original_keeps_every_row(place: Place, opened: Callable[..., Store]):
    query = "SELECT md5(string_agg(t::text, '|' ORDER BY id)) FROM cleanup_audit AS t"
    before = place.sql(query), _policies(place)
    store = opened()
    assert (place.sql(query), _policies(place)) == before
    policies = store.policies()
    assert {name: (p.rule.days, p.rule.enabled, p.description) for name, p in policies.items()} == {
        "temp_files": (3, True, "ours"),
        "odd": (9, False, ""),
    }
    stats = {row["data_type"]: row for row in store.records.stats()}
    assert stats["temp_files"]["total_cleaned"] == 500 * 501 // 2
    assert stats["temp_files"]["last_cleanup"] == "2026-05-16T00:00:00Z"


@pytest.mark.usefixtures("old")
def test_the_original_functions_agree_with_what_the_store_says(place: Place, opened: Callable[..., Store]):
    store = opened()
    store.policy_table.restore_defaults(ANA, "first")
    run = store.audit.begin(plan(dbt_logs=Tally()), "20261128run0000001", ANA, BEGAN)
    run.ended(outcomes(planned("/ops/a", "/ops/b", bytes=2**50)))
    run.close(RunStatus.COMPLETED)
    rows = place.sql("SELECT * FROM get_cleanup_stats()")
    assert [
        (
            row["data_type"],
            row["retention_days"],
            row["enabled"],
            row["last_cleanup"],
            row["total_cleaned"],
            row["space_saved"],
        )
        for row in store.records.stats()
    ] == [
        (name, days, bool(enabled), at and f"{at.isoformat(timespec='seconds')}Z", total, saved)
        for name, days, enabled, at, total, saved in rows
    ]
    place.sql("SELECT update_retention_policy('odd', 2, true)")
    assert store.policies()["odd"].rule.days == 2
    assert store.policy_table.history("odd", limit=1)[0].by == "postgres"


@pytest.mark.usefixtures("old")
def test_a_new_row_of_the_original_kind_is_in_utc_after_the_upgrade(
    place: Place, opened: Callable[..., Store]
):
    opened()
    place.sql("INSERT INTO cleanup_audit (data_type, cleanup_type) VALUES ('x', 'manual')", "SELECT 1")
    assert place.sql(
        "SELECT abs(extract(epoch FROM executed_at - (now() AT TIME ZONE 'UTC'))) < 60 "
        "FROM cleanup_audit WHERE data_type = 'x'"
    ) == [(True,)]


def test_the_script_is_what_the_code_says():
    from dvt.lifecycle.store.scripts import init_cleanup_sql

    assert Path(SCRIPT).read_text(encoding="utf-8") == init_cleanup_sql()
