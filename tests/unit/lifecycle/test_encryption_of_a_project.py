"""A project whose backups are encrypted: the commands, the API, the pages, and what is no file."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pyrage
import pytest
from click.testing import CliRunner

from dvt.cli.lifecycle import command
from dvt.config.lifecycle_file import load_lifecycle
from dvt.core.access import Role
from dvt.core.ports.lifecycle import Surroundings
from dvt.core.retention import CleanupType, Result, RunStatus
from dvt.lifecycle.restore import Wanted
from dvt.lifecycle.system import System
from tests.unit.lifecycle.projects import DAY
from tests.unit.lifecycle.test_staged import Staged
from tests.unit.web.serving import Served
from tests.unit.web.test_original import finish

pytestmark = pytest.mark.slow

KEY = pyrage.x25519.Identity.generate()
TO = str(KEY.to_public())
NO_KEY = "{{ env_var('BACKUP_KEY', '') }}"
ENCRYPTED = f'{{encrypt_to: {TO}, identity: "{NO_KEY}"}}'
POLICIES = ("completed_operations: {days: 90}", "dbt_logs: {days: 7}")


@pytest.fixture
def dvt(project, monkeypatch):
    monkeypatch.chdir(project.folder)
    monkeypatch.delenv("BACKUP_KEY", raising=False)

    def dvt(*args, code=0):
        result = CliRunner().invoke(command(), list(args), catch_exceptions=False)
        assert result.exit_code == code, result.output
        assert "SECRET-KEY" not in result.output.upper()
        return result.output

    return dvt


def test_the_commands_delete_without_the_key_and_restore_with_it(project, dvt, monkeypatch):
    dvt("init")
    before = project.log("dbt.log.1", 800)
    dvt("run", "--yes")
    project.settings(*POLICIES, backups=ENCRYPTED)
    file = project.log("dbt.log.2", 800)
    dvt("run", "--yes")
    assert not before.exists()
    assert not file.exists()
    doctor = dvt("doctor")
    assert f"OK    encryption of backups: new ones are, to {TO}; they cannot be read here" in doctor
    assert "1 that are there are plain; 1 that are there are encrypted, and cannot be read here" in doctor
    told = dvt("verify-backups")
    assert "1 are encrypted, and are as they were written; they were not decrypted: lifecycle.yml" in told
    assert "2 backups are right, 0 are not" in told
    as_json = {"right": 2, "not_decrypted": 1, "wrong": []}
    assert json.loads(dvt("verify-backups", "--json")) == as_json
    assert dvt("restore", "--list").count(", encrypted\n") == 1
    told = dvt("restore", "*", code=2)
    assert "is encrypted, and cannot be read here: lifecycle.yml names no `backups.identity`" in told
    assert before.exists()
    assert not file.exists()
    monkeypatch.setenv("BACKUP_KEY", str(KEY))
    assert "they can be read here" in dvt("doctor")
    assert dvt("verify-backups") == "2 backups are right, 0 are not\n"
    dvt("restore", "*")
    assert file.read_text() == "a line\n" * 10
    monkeypatch.setenv("BACKUP_KEY", str(pyrage.x25519.Identity.generate()))
    assert "FAIL  encryption of backups" in dvt("doctor", code=1)
    assert "it is whole, but cannot be read here: no key here" in dvt("verify-backups", code=1)
    for path in project.folder.rglob("*"):
        assert not path.is_file() or b"SECRET-KEY" not in path.read_bytes().upper(), path


def test_a_file_of_keys_that_others_may_read_ends_a_run_before_anything_is_deleted(project, dvt):
    dvt("init")
    key_file = project.folder / "key"
    key_file.write_text(f"{KEY}\n")
    key_file.chmod(0o644)
    project.settings(*POLICIES, backups=f"{{encrypt_to: {TO}, identity_file: key}}")
    file = project.log("dbt.log.2", 800)
    result = CliRunner().invoke(command(), ["run", "--yes"])
    assert result.exit_code == 1
    assert "DVT215" in result.output
    assert "others than its owner may read it: chmod 600" in result.output
    assert file.exists()
    assert "FAIL  encryption of backups" in dvt("doctor", code=1)
    key_file.chmod(0o600)
    dvt("run", "--yes")
    assert not file.exists()
    dvt("restore", "*")
    assert file.exists()


def test_the_api_and_the_page_say_what_cannot_be_restored_here(tmp_path):
    served = Served(tmp_path / "shop")
    served.files.settings(*POLICIES, backups=f"{{encrypt_to: {TO}, identity_file: {tmp_path}/key}}")
    file = served.files.log("dbt.log.1", 8)
    client = served.client(Role.OPERATOR)
    run = client.post("/api/cleanup/run", json={"dry_run": False}).json()["process_id"]
    finish(served, run)
    assert not file.exists()
    (backup,) = client.get("/api/cleanup/backups").json()["backups"]
    assert backup["encrypted"] is True
    checked = client.post("/api/cleanup/backups/verify").json()
    assert checked == {"verified": 1, "not_decrypted": 1, "damaged": 0, "problems": []}
    answer = client.post("/api/cleanup/restore", json={"run": run}).json()
    assert (answer["restored"], answer["failed"]) == (0, 1)
    assert "cannot be read here: …/key is not there" in answer["outcomes"][0]["detail"]
    page = client.get("/pipeline-management/backups").text
    assert "<td>yes</td>" in page
    assert "1 is encrypted, and cannot be restored here: …/key is not there." in page
    os.close(os.open(tmp_path / "key", os.O_CREAT, 0o600))
    (tmp_path / "key").write_text(f"{KEY}\n")
    assert "cannot be restored here" not in client.get("/pipeline-management/backups").text
    checked = client.post("/api/cleanup/backups/verify").json()
    assert checked == {"verified": 1, "damaged": 0, "problems": []}
    answer = client.post("/api/cleanup/restore", json={"run": run}).json()
    assert (answer["restored"], answer["failed"]) == (1, 0)
    assert file.exists()
    served.project.close()


def test_the_page_shows_backups_though_the_keys_cannot_be_used(tmp_path):
    served = Served(tmp_path / "shop")
    served.files.settings(*POLICIES, backups=f"{{encrypt_to: {TO}}}")
    served.files.log("dbt.log.1", 8)
    client = served.client(Role.OPERATOR)
    finish(served, client.post("/api/cleanup/run", json={"dry_run": False}).json()["process_id"])
    (tmp_path / "key").write_text(str(KEY))
    (tmp_path / "key").chmod(0o644)
    served.files.settings(*POLICIES, backups=f"{{encrypt_to: {TO}, identity_file: {tmp_path}/key}}")
    page = client.get("/pipeline-management/backups")
    assert page.status_code == 200
    assert "others than its owner may read it" in page.text
    assert str(tmp_path / "key") not in page.text
    (problem,) = client.post("/api/cleanup/backups/verify").json()["problems"]
    assert "others than its owner may read it" in problem
    served.project.close()


@pytest.mark.parametrize("where", ["filesystem", "memory"])
def test_datasets_are_encrypted_and_come_back_whole(project, tmp_path, where, monkeypatch):
    monkeypatch.delenv("BACKUP_KEY", raising=False)
    staged = Staged(tmp_path / "lake" if where == "filesystem" else None)
    project.settings("staging: {days: 30, min_keep: 0}", backups=ENCRYPTED)
    staged.dataset("run1/crm/aa", 50)
    before = staged.contents()

    def opened():
        return System(load_lifecycle(project.folder), surroundings=Surroundings(staged=lambda: [staged]))

    with opened() as system:
        system.apply_policies("test")
        assert system.run(system.plan(), CleanupType.MANUAL).status is RunStatus.COMPLETED
        assert "run1/crm/aa/_committed.json" not in staged.contents()
        _require_encrypted(system, b"run1/crm/aa")
        (outcome,) = system.restore(Wanted(patterns=("*aa",)))
        assert outcome.result is Result.FAILED
    monkeypatch.setenv("BACKUP_KEY", str(KEY))
    with opened() as system:
        (outcome,) = system.restore(Wanted(patterns=("*aa",)))
        assert (outcome.result, outcome.detail) == (Result.RESTORED, "")
    assert staged.contents() == before


def test_rows_are_encrypted_and_come_back(project, tmp_path, monkeypatch):
    monkeypatch.delenv("BACKUP_KEY", raising=False)
    database = tmp_path / "other.db"
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("CREATE TABLE events (id INTEGER PRIMARY KEY, at TEXT, body TEXT)")
        rows = [(number, "2020-01-01 00:00:00", f"secret {number}") for number in range(300)]
        connection.executemany("INSERT INTO events VALUES (?, ?, ?)", rows)
    sql = f"{{events: {{url: 'sqlite:///{database}', table: events, time: at}}}}"
    project.settings("events: {days: 30, min_keep: 0}", backups=ENCRYPTED, sql=sql)

    def there():
        with closing(sqlite3.connect(database)) as connection:
            return connection.execute("SELECT * FROM events ORDER BY id").fetchall()

    with System(load_lifecycle(project.folder)) as system:
        system.apply_policies("test")
        assert system.run(system.plan(), CleanupType.MANUAL).status is RunStatus.COMPLETED
        assert there() == []
        _require_encrypted(system, b"secret ")
        (outcome,) = system.restore(Wanted(patterns=("*/events/7",)))
        assert outcome.result is Result.FAILED
    monkeypatch.setenv("BACKUP_KEY", str(KEY))
    with System(load_lifecycle(project.folder)) as system:
        assert {of.result for of in system.restore(Wanted(patterns=("*",)))} == {Result.RESTORED}
    assert there() == rows


def _require_encrypted(system: System, content: bytes) -> None:
    entries = list(system.verify_backups())
    assert entries
    assert all(entry.ciphertext for entry in entries)
    for path in Path(system.settings.backups).glob("*/*/*"):
        assert content not in path.read_bytes()


def test_recipients_and_keys_are_in_no_plan_and_no_record(project, monkeypatch):
    monkeypatch.setenv("BACKUP_KEY", str(KEY))
    project.settings(*POLICIES, backups=ENCRYPTED)
    file = project.log("dbt.log.2", 800)
    os.utime(file, (1, 1 + DAY))
    with System(load_lifecycle(project.folder)) as system:
        assert "SECRET-KEY" not in repr(system.settings).upper()
        list(system.finders())
        system.apply_policies("test")
        system.run(system.plan(), CleanupType.MANUAL)
    for path in project.folder.rglob("*"):
        if path.is_file() and path.name != "lifecycle.yml":
            assert str(KEY).encode() not in path.read_bytes(), path
