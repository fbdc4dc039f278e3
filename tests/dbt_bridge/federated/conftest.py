"""Fixtures: a project whose default target is a DuckDB file or a PostgreSQL schema, sources elsewhere."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.databases.mariadb import USER
from tests.databases.postgres import USER as POSTGRES_USER
from tests.dbt_bridge.federated.project import HOUSE, LITE, OTHER, SOURCES, Project, fill_sources


@pytest.fixture(autouse=True)
def in_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compute in the engine whatever would cost less; `test_on_target` and `test_auto` say otherwise."""
    monkeypatch.setenv("DVT_COMPUTE", "duckdb")


@pytest.fixture
def duck_shop(tmp_path: Path) -> Iterator[Project]:
    """Yield a project whose default target is a DuckDB file."""
    yield from _shop(tmp_path, HOUSE)


@pytest.fixture
def pg_shop(tmp_path: Path, postgres: Any) -> Iterator[Project]:
    """Yield a project whose default target is a schema of its own on PostgreSQL."""
    yield from _shop(tmp_path, postgres.settings(schema=f"t_{uuid4().hex[:8]}"))


@pytest.fixture
def my_shop(tmp_path: Path, mariadb: Any) -> Iterator[Project]:
    """Yield a project whose default target is a schema of its own on MariaDB."""
    with _mariadb_schema(mariadb) as schema:
        yield from _shop(tmp_path, mariadb.settings(schema=schema))


@contextmanager
def _mariadb_schema(server: Any) -> Iterator[str]:
    """Make a schema of dvt's user, who may also make another for what dbt keeps of tests."""
    schema = f"t_{uuid4().hex[:8]}"
    for name in (schema, f"{schema}_kept"):
        server.execute(f"grant all on `{name}`.* to '{USER}'@'127.0.0.1' with grant option")
    server.execute(f"create schema `{schema}`")
    yield schema
    server.execute(f"drop schema `{schema}`", f"drop schema if exists `{schema}_kept`")


@pytest.fixture(params=["duckdb", "postgres", "mariadb"])
def shop(request: pytest.FixtureRequest) -> Project:
    """Return a project on each target in turn, for tests that must hold on every target."""
    name = {"duckdb": "duck_shop", "postgres": "pg_shop", "mariadb": "my_shop"}[request.param]
    project: Project = request.getfixturevalue(name)
    return project


@pytest.fixture
def duck_pair(tmp_path: Path) -> Iterator[Project]:
    """Yield a project on a DuckDB file, whose sources are all in another one."""
    yield from _pair(tmp_path, HOUSE, OTHER)


@pytest.fixture(scope="session")
def second_database(postgres: Any) -> str:
    """Return the name of a second database of PostgreSQL's."""
    name = "elsewhere"
    postgres.execute(f'create database {name} owner "{POSTGRES_USER}" template template0 encoding utf8')
    return name


@pytest.fixture
def pg_pair(tmp_path: Path, postgres: Any, second_database: str) -> Iterator[Project]:
    """Yield a project on PostgreSQL, whose sources are all in another database of it."""
    schema = f"t_{uuid4().hex[:8]}"
    there = postgres.settings(dbname=second_database, schema=schema)
    with closing(postgres.owner(second_database)) as connection:
        connection.cursor().execute(f'create schema {schema} authorization "{POSTGRES_USER}"')
    yield from _pair(tmp_path, postgres.settings(schema=schema), there)


@pytest.fixture
def my_pair(tmp_path: Path, databases: Callable[[str], Any]) -> Iterator[Project]:
    """Yield a project on MariaDB, whose sources are all on another server of it."""
    here, there = databases("mariadb"), databases("usual_mariadb")
    with _mariadb_schema(here) as schema, _mariadb_schema(there) as other:
        yield from _pair(tmp_path, here.settings(schema=schema), there.settings(schema=other))


def _pair(root: Path, house: Any, there: Any) -> Iterator[Project]:
    """Yield a project whose sources are on one output, of the target's type; tests call it `lite`, too."""
    project = Project(root, {"house": house, "other": there, "lite": there}, "house")
    on_other = {"schema": there["schema"], "config": {"connection": "other"}}
    sources = [{**source, **on_other} for source in SOURCES["sources"]]
    project.write("models/sources.yml", {**SOURCES, "sources": sources})
    yield from _filled(project)


def _shop(root: Path, house: Any) -> Iterator[Project]:
    yield from _filled(Project(root, {"house": house, "other": OTHER, "lite": LITE}, "house"))


def _filled(project: Project) -> Iterator[Project]:
    fill_sources(project)
    yield project
    project.forget()
    gc.collect()  # dbt leaves thread pools and log files open; Python warns when it collects them


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave tests to `make test-long` that much the same tests on other targets stand for.

    On MariaDB these are all but those that `OFTEN_ON_MARIADB` of their file names; in a DuckDB file those
    that a file has from another one, where they run in a DuckDB file as well.
    """
    for item in items:
        if isinstance(item, pytest.Function) and _is_rare(item):
            item.add_marker(pytest.mark.long)


def _is_rare(item: pytest.Function) -> bool:
    target = item.callspec.params.get("shop") if hasattr(item, "callspec") else None
    often = getattr(item.module, "OFTEN_ON_MARIADB", None)
    if target == "mariadb":
        return often is not None and item.originalname not in often
    return target == "duckdb" and item.function.__module__ != item.module.__name__
