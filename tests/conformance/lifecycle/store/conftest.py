"""A store in a database of its own on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest
from sqlalchemy import URL

from tests.databases.postgres import OWNER, OWNER_PASSWORD, PASSWORD, USER
from tests.unit.lifecycle.store.conftest import opened, state, store  # noqa: F401

_NUMBERS = count()


@dataclass
class Place:
    """A database on the server."""

    server: Any
    name: str

    def url(self, user: str = USER, password: str = PASSWORD, port: int | None = None) -> str:
        """Return the store's address."""
        url = URL.create("postgresql", user, password, "127.0.0.1", port or self.server.port, self.name)
        return url.render_as_string(hide_password=False)

    def sql(self, *statements: str) -> list[tuple[Any, ...]]:
        """Run statements as the server's owner."""
        with closing(self.server.owner(self.name)) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall()) if cursor.description else []

    def environment(self) -> dict[str, str]:
        """Return what psql needs to be the owner in this database."""
        return {
            "PGHOST": "127.0.0.1",
            "PGPORT": str(self.server.port),
            "PGUSER": OWNER,
            "PGPASSWORD": OWNER_PASSWORD,
            "PGDATABASE": self.name,
        }


@pytest.fixture
def place(postgres: Any) -> Iterator[Place]:
    """An empty database."""
    name = f"lifecycle_{next(_NUMBERS)}"
    with closing(postgres.owner("postgres")) as connection, connection.cursor() as cursor:
        cursor.execute(f'CREATE DATABASE {name} OWNER "{USER}" TEMPLATE template0 ENCODING utf8')
        yield Place(postgres, name)
        cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def url(place: Place) -> str:
    """The store's address."""
    return place.url()


@pytest.fixture
def sql(place: Place) -> Callable[..., list[tuple[Any, ...]]]:
    """Runs statements on the store's database as whoever has a client of it does."""
    return place.sql


@pytest.fixture
def tampering(place: Place) -> Callable[..., None]:
    """Changes what is on record, as whoever owns the tables can."""

    def change(*statements: str) -> None:
        place.sql("ALTER TABLE cleanup_events DISABLE TRIGGER USER", *statements, "SELECT 1")

    return change
