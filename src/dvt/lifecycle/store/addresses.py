"""Where a store is: its address, and how it is called where people read it, without a password."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from dvt.core.errors import StoreUnusable

_POSTGRES = frozenset({"postgres", "postgresql", "postgresql+psycopg2"})
_SQLITE = frozenset({"sqlite", "sqlite+pysqlite"})
_SECRET = re.compile(r"pass|secret|key", re.IGNORECASE)
"""Matches names of options whose values nobody else should read."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a store is."""

    url: URL = field(repr=False)
    label: str
    """What people read: without user, password and options."""
    file: Path | None = None
    """The file of a SQLite store."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """Texts that no message may contain."""
        options = (value for name, value in self.url.query.items() if _SECRET.search(name))
        given = [self.url.password, *(value for value in options if isinstance(value, str))]
        return tuple(secret for secret in given if secret)


def address(text: str | Path) -> Address:
    """Return the address that a text is, or a file's; StoreUnusable if no store can be there."""
    if isinstance(text, Path):
        return _of_file(URL.create("sqlite", database=str(text)))
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        # The text may hold a password, and so may the error's.
        raise StoreUnusable("there", "the address is not written as one") from None
    if url.drivername in _SQLITE:
        if "?" in text:
            # What follows would be taken for options, and another file for the store.
            raise StoreUnusable("there", "an address of a file has no options, and its path no question mark")
        return _of_file(url)
    if url.drivername not in _POSTGRES:
        raise StoreUnusable("there", f"{url.drivername} is neither sqlite nor postgresql")
    port = f":{url.port}" if url.port else ""
    label = f"postgresql://{url.host or ''}{port}/{url.database or ''}"
    return Address(url.set(drivername="postgresql+psycopg2"), label)


def _of_file(url: URL) -> Address:
    if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        raise StoreUnusable("in memory", "what it says must outlive this process")
    file = Path(url.database).absolute()
    return Address(url.set(drivername="sqlite", database=str(file)), f"sqlite:///{file}", file)
