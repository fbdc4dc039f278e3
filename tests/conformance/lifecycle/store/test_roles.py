"""Users of the roles can do what they are for, and nothing else."""

from __future__ import annotations

import os
import secrets
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from dvt.core.access import Role
from dvt.core.errors import CleanerAtWork, StoreRefused, StoreUnreachable
from dvt.core.retention import RunStatus, Tally
from dvt.lifecycle.policies.defaults import DEFAULTS
from dvt.lifecycle.store import Store, open_store, without_store
from dvt.lifecycle.store.schedules import ScheduleRow
from dvt.runs.operations import Process
from tests.architecture.sources import ROOT
from tests.conformance.lifecycle.store.conftest import Place
from tests.databases.postgres import USER
from tests.unit.lifecycle.store.making import ANA, BEGAN, outcomes, plan, planned
from tests.unit.lifecycle.store.test_locks import holder

pytestmark = pytest.mark.slow

SCRIPT = ROOT / "config" / "postgres" / "roles.sql"
TABLES = (
    "cleanup_policies",
    "cleanup_policy_history",
    "cleanup_audit",
    "cleanup_events",
    "cleanup_runs",
    "cleanup_run_ends",
    "cleanup_pins",
    "cleanup_schema_version",
)
RECORDS = ("cleanup_audit", "cleanup_events", "cleanup_runs", "cleanup_run_ends")


@dataclass
class User:
    """A user in one of the roles."""

    place: Place
    name: str
    password: str

    @property
    def url(self) -> str:
        """Return the store's address for this user."""
        return self.place.url(self.name, self.password)

    def run(self, statement: str) -> list[tuple[Any, ...]]:
        """Run a statement as this user."""
        connection = psycopg2.connect(
            host="127.0.0.1",
            port=self.place.server.port,
            user=self.name,
            password=self.password,
            dbname=self.place.name,
        )
        with closing(connection), connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall()) if cursor.description else []


@pytest.fixture
def users(place: Place, store: Store) -> Iterator[Callable[[str], User]]:
    """Makes users in a role, after the store was opened and used by its owner."""
    store.policy_table.restore_defaults(ANA, "first")
    run = store.audit.begin(plan(temp_files=Tally()), "20261128run0000001", ANA, BEGAN)
    run.close(RunStatus.COMPLETED)
    for _ in range(2):
        _run_script(place)
    made: list[str] = []

    def make(role: str) -> User:
        user = User(place, f"user_{secrets.token_hex(4)}", secrets.token_hex(8))
        place.sql(f"CREATE ROLE {user.name} LOGIN PASSWORD '{user.password}' IN ROLE {role}")
        made.append(user.name)
        return user

    yield make
    for name in made:
        place.sql(f"DROP OWNED BY {name}", f"DROP ROLE {name}")
    for role in ("dvt_server", "dvt_cleaner", "dvt_viewer"):
        place.sql(f"DROP OWNED BY {role}")
        with suppress(psycopg2.Error):
            place.sql(f"DROP ROLE {role}")


def _run_script(place: Place) -> None:
    completed = subprocess.run(
        ["psql", "--no-psqlrc", "-v", "ON_ERROR_STOP=1", "-q", "-f", str(SCRIPT)],
        env={"PATH": os.environ["PATH"], **place.environment()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (completed.returncode, completed.stderr) == (0, "")


def _whole_run(store: Store) -> None:
    with store.one_cleaner():
        run = store.audit.begin(plan(temp_files=Tally()), "20261128run0000002", ANA, BEGAN)
        entries = planned("/ops/a")
        run.planned(entries)
        run.ended(outcomes(entries))
        run.close(RunStatus.COMPLETED)


def test_a_cleaner_puts_runs_on_record(users: Callable[[str], User], state: Path, store: Store):
    with open_store(users("dvt_cleaner").url, state=state, actor="nightly") as own:
        assert own.policies().keys() == DEFAULTS.keys()
        assert own.pins() == ()
        _whole_run(own)
        assert own.verify_chain().is_whole
    assert store.records.run("20261128run0000002")
    assert {row["total_cleaned"] for row in store.records.stats()} == {0, 1}


def test_a_cleaner_keeps_the_schedule(users: Callable[[str], User], state: Path, store: Store):
    with open_store(users("dvt_cleaner").url, state=state, actor="nightly") as own:
        own.schedules.begin("0 2 * * *", "UTC", 1000)
        assert own.schedules.claim(2000)
        assert not own.schedules.claim(2000)
        own.schedules.set(finished=2000, heartbeat=3000)
    assert store.schedules.read() == own_row(claimed=2000, finished=2000, heartbeat=3000)
    viewer = open_store(users("dvt_viewer").url, state=state, actor="eve")
    with viewer, pytest.raises(StoreRefused):
        viewer.schedules.set(alive=False)


def own_row(**values: int) -> ScheduleRow:
    host = Process.this().host
    return ScheduleRow(host=host, cron="0 2 * * *", zone="UTC", began=1000, alive=True, **values)


def test_a_cleaner_is_told_which_other_user_is_at_work(
    users: Callable[[str], User], tmp_path: Path, url: str
):
    told = pytest.raises(CleanerAtWork, match=r"bob@\S+, since 20\d\d-\d\d-\d\dT")
    with holder(url, tmp_path / "other"):
        nightly = open_store(users("dvt_cleaner").url, state=tmp_path / "state", actor="nightly")
        with nightly as own, told, own.one_cleaner():
            pass


@pytest.mark.parametrize("role", ["dvt_cleaner", "dvt_viewer"])
@pytest.mark.parametrize("table", TABLES)
def test_nobody_changes_deletes_or_drops_anything(role: str, table: str, users: Callable[[str], User]):
    user = users(role)
    column = user.run(
        f"SELECT column_name FROM information_schema.columns WHERE table_name = '{table}' LIMIT 1"
    )[0][0]
    for statement in (
        f"UPDATE {table} SET {column} = {column}",
        f"DELETE FROM {table}",
        f"TRUNCATE {table}",
        f"DROP TABLE {table}",
        f"ALTER TABLE {table} DISABLE TRIGGER USER",
        f"ALTER TABLE {table} ADD COLUMN x INTEGER",
        f"CREATE TRIGGER x BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION cleanup_refuse_change()",
    ):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            user.run(statement)


@pytest.mark.parametrize(
    ("role", "table"),
    [("dvt_viewer", table) for table in TABLES]
    + [("dvt_cleaner", table) for table in TABLES if table not in RECORDS],
)
def test_nobody_adds_what_is_not_theirs_to_add(role: str, table: str, users: Callable[[str], User]):
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        users(role).run(f"INSERT INTO {table} DEFAULT VALUES")


@pytest.mark.parametrize("role", ["dvt_cleaner", "dvt_viewer"])
def test_nobody_changes_policies_by_a_function(role: str, users: Callable[[str], User], store: Store):
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        users(role).run("SELECT update_retention_policy('temp_files', 0, true)")
    assert store.policies()["temp_files"].rule.days == 1


def test_a_viewer_reads_all_and_writes_nothing(users: Callable[[str], User], state: Path, store: Store):
    viewer = users("dvt_viewer")
    with open_store(viewer.url, state=state, actor="auditor") as own:
        assert own.policies() == store.policies()
        assert own.records.runs() == store.records.runs()
        assert own.records.stats() == store.records.stats()
        assert own.verify_chain() == store.verify_chain()
        for write in (
            lambda: _whole_run(own),
            lambda: own.audit.note(ANA, "x", {}),
            lambda: own.policy_table.save(DEFAULTS["temp_files"], ANA, "x"),
            lambda: own.policy_table.disable_all(ANA, "x"),
            lambda: own.pin_table.add("/ops", ANA, "x"),
        ):
            with pytest.raises(StoreRefused, match=r"DVT202.*permission denied"):
                write()
    assert len(viewer.run("SELECT * FROM get_cleanup_stats()")) == len(DEFAULTS)


def test_a_viewer_opens_the_store_though_something_waits_to_be_synced(
    users: Callable[[str], User], state: Path, place: Place
):
    without = without_store(StoreUnreachable("there", "down"), state=state, actor="ana")
    without.audit.note(ANA, "restored", {})
    without.close()
    with open_store(users("dvt_viewer").url, state=state, actor="auditor") as own:
        assert own.synced.events == 0
        assert "permission denied" in own.synced.problem
    with open_store(place.url(), state=state, actor="ana") as own:
        assert own.synced == (1, (), "")


def test_the_roles_have_no_login_and_no_other_power(users: Callable[[str], User], place: Place):
    users("dvt_viewer")
    assert place.sql(
        "SELECT bool_or(rolcanlogin OR rolsuper OR rolcreatedb OR rolcreaterole OR rolbypassrls) "
        "FROM pg_roles WHERE rolname IN ('dvt_cleaner', 'dvt_viewer')"
    ) == [(False,)]


def test_a_user_without_a_role_sees_nothing(users: Callable[[str], User], place: Place, state: Path):
    outsider = users("dvt_viewer")
    place.sql(f"REVOKE dvt_viewer FROM {outsider.name}")
    with pytest.raises(StoreRefused):
        open_store(outsider.url, state=state, actor="eve")


def test_the_owner_still_changes_policies(users: Callable[[str], User], store: Store):
    users("dvt_viewer")
    assert USER
    assert store.policy_table.disable_all(ANA, "stop")


def test_a_server_changes_policies_pins_and_tokens_and_not_the_record(users, tmp_path):
    server = users("dvt_server")
    with open_store(server.url, state=tmp_path, actor="web") as store:
        secret, token = store.tokens.add("ana", Role.OPERATOR, ANA)
        assert store.tokens.of(secret).last_used
        assert [of.id for of in store.tokens.revoke("ana", ANA)] == [token.id]
        policy = store.policies()["temp_files"]
        store.policy_table.save(replace(policy, description="short-lived"), ANA, "why not")
        pin = store.pin_table.add("x", ANA, "dispute")
        assert store.pin_table.remove(pin.id, ANA, "over")
        assert store.verify_chain().is_whole
    for statement in (
        "DELETE FROM cleanup_events",
        "UPDATE cleanup_runs SET actor = 'x'",
        "DELETE FROM cleanup_tokens",
    ):
        with pytest.raises(psycopg2.Error):
            server.run(statement)


@pytest.mark.parametrize("role", ["dvt_cleaner", "dvt_viewer"])
def test_others_do_not_see_tokens(users, role):
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        users(role).run("SELECT * FROM cleanup_tokens")
