"""Connections are the same for later runs only if they certainly answer the same."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from dvt.app import identities
from dvt.app.identities import resumable_identities
from dvt.core.ports.bridge import RunContext

PG = {
    "type": "postgres",
    "host": "db.example.com",
    "port": 5432,
    "user": "dvt",
    "dbname": "shop",
    "pass": "x",
}


@dataclass
class Outputs:
    """Settings of outputs."""

    outputs: dict = field(default_factory=dict)

    def output(self, name):
        return self.outputs[name]


def identity(settings, *, written=frozenset(), project="/a", **others):
    outputs = Outputs({"crm": settings, **others})
    context = RunContext(
        project_dir=Path(project),
        profiles_dir=Path(project),
        outputs=outputs,
        reporter=None,
        profile="shop",
        written=written,
    )
    return resumable_identities(context)("crm")


@pytest.fixture
def another_machine(monkeypatch):
    def move():
        monkeypatch.setattr(identities, "_machine", lambda: ("other", "boot"))

    return move


def test_a_password_and_the_number_of_threads_change_no_answer():
    assert identity(PG) == identity({**PG, "pass": "y", "threads": 8})


@pytest.mark.parametrize(
    "other", [{"user": "other"}, {"host": "db2.example.com"}, {"dbname": "b"}, {"search_path": "x"}]
)
def test_any_other_setting_may_change_an_answer(other):
    assert identity(PG) != identity({**PG, **other})


def test_a_server_of_a_full_name_is_the_same_on_every_machine(another_machine):
    here = identity(PG)
    another_machine()
    assert identity(PG, project="/b") == here


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "postgres", "/var/run"])
def test_a_server_of_a_short_name_is_a_machines_own(host, another_machine):
    here = identity({**PG, "host": host})
    another_machine()
    assert identity({**PG, "host": host}) != here


def test_a_file_is_that_of_one_project_on_one_machine(another_machine):
    file = {"type": "sqlite", "path": "crm.sqlite"}
    here = identity(file)
    assert (identity(file), identity(file, project="/b") == here) == (here, False)
    another_machine()
    assert identity(file) != here


def test_a_database_that_the_project_writes_to_has_none():
    """By whatever output: another one may be the same database."""
    twin = {**PG, "user": "loader"}
    assert identity(PG, written=frozenset({"crm"})) is None
    assert identity(PG, written=frozenset({"twin"}), twin=twin) is None
    assert identity(PG, written=frozenset({"twin"}), twin={**twin, "dbname": "b"}) is not None
    assert identity(PG, written=None) is None
