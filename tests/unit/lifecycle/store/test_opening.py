"""Opening a store: without any set-up, for its owner alone, and never with a password in a message."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

import dvt.lifecycle.store as package
from dvt.core.errors import DvtError, StoreRefused, StoreTooNew, StoreUnusable
from dvt.lifecycle.store import Store, open_store
from dvt.lifecycle.store.addresses import address
from dvt.lifecycle.store.database import Database
from dvt.lifecycle.store.migrating import VERSIONS, migrate
from dvt.lifecycle.store.tables import METADATA, VERSION_TABLE
from tests.unit.lifecycle.store.making import ANA

OPEN = """
import sys
from pathlib import Path
from dvt.lifecycle.store import open_store
with open_store(sys.argv[1], state=Path(sys.argv[2]), actor="ana") as store:
    store.audit.note(__import__("dvt.core.retention").core.retention.Asking(actor="ana"), "opened", {})
"""


def test_a_new_store_is_for_its_owner_alone(store: Store, file: Path):
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    store.audit.note(ANA, "hello", {})
    for other in file.parent.iterdir():
        assert stat.S_IMODE(other.stat().st_mode) == 0o600, other


@pytest.mark.parametrize("name", ["a?b=c", "50%20", "#", "Größe 😀", "a:b@c", "x\udcff"])
def test_a_store_may_be_in_a_folder_of_any_name(name: str, tmp_path: Path):
    file = tmp_path / name / "lifecycle.db"
    with open_store(file, state=tmp_path / name / "state", actor="ana") as store:
        store.audit.note(ANA, "hello", {})
    assert file.stat().st_size > 0
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_question_mark_in_an_address_is_refused(tmp_path: Path):
    with pytest.raises(StoreUnusable, match="question mark"):
        open_store(f"sqlite:///{tmp_path}/a?b/lifecycle.db", state=tmp_path / "state", actor="ana")
    assert list(tmp_path.iterdir()) == []


def test_a_store_in_a_linked_file_is_refused(file: Path, url: str, state: Path, tmp_path: Path):
    file.parent.mkdir()
    file.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreUnusable, match="it is a link"):
        open_store(url, state=state, actor="ana")
    assert not (tmp_path / "elsewhere").exists()


def test_a_file_that_is_no_database_stays_as_it_is(file: Path, url: str, state: Path):
    file.parent.mkdir()
    file.write_text("something else, and long enough to be a header of a database" * 100)
    with pytest.raises(DvtError, match="file is not a database"):
        open_store(url, state=state, actor="ana")
    assert file.read_text().startswith("something else")


@pytest.mark.parametrize(
    "url",
    ["sqlite://", "sqlite:///:memory:", "mysql://u:s3cret@h/d", "s3cret", "postgresql://u:s3cret@h:x/d"],
)
def test_an_address_of_no_store_is_refused_without_its_password(url: str, state: Path):
    with pytest.raises(StoreUnusable) as raised:
        open_store(url, state=state, actor="ana")
    assert "s3cret" not in str(raised.value)
    assert raised.value.__cause__ is None


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_file_of_somebody_else_is_refused(file: Path, url: str, state: Path):
    file.parent.mkdir()
    file.touch(0o400)
    with pytest.raises(StoreRefused):
        open_store(url, state=state, actor="ana")


def test_the_label_of_an_address_has_no_password_and_no_options():
    place = address("postgres://ana:s3cret@db:5433/dagster?password=0ther&sslmode=require")
    assert place.label == "postgresql://db:5433/dagster"
    assert set(place.secrets) == {"s3cret", "0ther"}


@pytest.mark.slow
def test_an_open_store_outlives_others_of_its_process_and_of_others(file: Path, url: str, state: Path):
    """To close any descriptor of a file drops all of a process's locks on it, those of SQLite too."""
    with open_store(file, state=state, actor="ana") as store:
        for number in range(3):
            store.audit.note(ANA, f"before {number}", {})
            open_store(file, state=state, actor="ana").close()
            # The last one that closes a database removes its log; this one is not the last.
            subprocess.run([sys.executable, "-c", OPEN, url, state], check=True)
            assert file.with_name(f"{file.name}-wal").exists()
            store.audit.note(ANA, f"after {number}", {})
        assert store.verify_chain().is_whole
        keys = [event.key for event in store.records.events()]
    assert keys == [key for number in range(3) for key in (f"before {number}", "opened", f"after {number}")]


class TestSchema:
    def test_a_store_of_a_newer_dvt_is_refused(
        self, store: Store, sql: Callable[..., Any], opened: Callable[..., Store]
    ):
        sql(f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
        with pytest.raises(StoreTooNew, match="9999"):
            opened()

    def test_the_migrations_make_the_tables_that_statements_use(self, url: str):
        database = Database(address(url))
        migrate(database)
        with database.reading() as connection:
            context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
            differences = [
                difference
                for difference in map(tuple, compare_metadata(context, METADATA))
                if str(difference[0]) in {"add_table", "remove_table", "add_column", "remove_column"}
            ]
        database.close()
        assert differences == []

    @pytest.mark.slow
    def test_many_processes_open_a_new_store_at_once(
        self, url: str, state: Path, opened: Callable[..., Store]
    ):
        command = [sys.executable, "-c", OPEN, url, str(state)]
        processes = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(6)]
        for process in processes:
            _, errors = process.communicate(timeout=120)
            assert process.returncode == 0, errors.decode()
        assert opened().verify_chain().rows == 6

    def test_a_migration_that_fails_leaves_the_database_as_it_was(
        self, url: str, sql: Callable[..., Any], state: Path
    ):
        sql("CREATE TABLE cleanup_pins (something_else INTEGER)", "SELECT 1")
        with pytest.raises(DvtError, match="cleanup_pins"):
            open_store(url, state=state, actor="ana")
        sql("DROP TABLE cleanup_pins", "SELECT 1")
        with open_store(url, state=state, actor="ana") as store:
            assert store.policies() == {}


def test_the_last_version_is_the_head_of_the_migrations():
    config = Config()
    config.set_main_option("script_location", str(Path(package.__file__).parent / "migrations"))
    scripts = ScriptDirectory.from_config(config)
    assert scripts.get_heads() == [VERSIONS[-1]]
    assert {script.revision for script in scripts.walk_revisions()} == set(VERSIONS)


def test_a_store_of_the_original_schema_keeps_its_rows(file: Path, url: str, state: Path):
    file.parent.mkdir()
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.executescript("""
            CREATE TABLE cleanup_policies (data_type VARCHAR(50) PRIMARY KEY, retention_days INTEGER NOT NULL,
                enabled BOOLEAN DEFAULT true, description TEXT,
                created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
                updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP);
            CREATE TABLE cleanup_audit (id INTEGER PRIMARY KEY, data_type VARCHAR(50) NOT NULL,
                cleanup_type VARCHAR(20) NOT NULL, records_deleted INTEGER DEFAULT 0,
                space_freed_bytes BIGINT DEFAULT 0, executed_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
                executed_by VARCHAR(100) DEFAULT 'system');
            INSERT INTO cleanup_policies (data_type, retention_days, enabled)
                VALUES ('a', 3, 1), ('b', 4, NULL);
            INSERT INTO cleanup_audit (data_type, cleanup_type, records_deleted) VALUES ('a', 'manual', 7);
        """)
    with open_store(url, state=state, actor="ana") as store:
        policies = store.policies()
        assert {name: (p.rule.days, p.rule.enabled, p.version) for name, p in policies.items()} == {
            "a": (3, True, 1),
            "b": (4, False, 1),
        }
        assert store.records.stats()[0]["total_cleaned"] == 7
        assert store.policy_table.revert("a", 1, ANA, "as before") == policies["a"]
