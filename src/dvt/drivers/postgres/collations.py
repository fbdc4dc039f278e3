"""Tells by what a server compares a column's text, from the catalog's row of its collation."""

from __future__ import annotations

import json

_BYTEWISE = frozenset({"C", "POSIX", "C.UTF-8", "C.utf8", "C.UTF8"})
"""Locales of libc that sort text by its bytes in UTF-8."""
_EVERYWHERE = frozenset({"C", "POSIX", "ucs_basic"})
"""Collations that every server has."""
_LIBC = "c"
"""Provider of collations: the operating system."""
_BUILTIN = "b"
"""Provider of collations: PostgreSQL itself, which sorts by code points."""
_LOCALES = {
    "c": ("datcollate", "collcollate"),
    "i": ("datlocale", "daticulocale", "colllocale", "colliculocale"),
}
"""Provider → columns of pg_database or pg_collation that have the locale, in any version of the server."""


def collation_of(row: str) -> tuple[str | None, bool]:
    """Return a collation's name, None if it compares bytes; and whether it decides nothing but the order.

    `row` is the row of pg_collation or, for the default of the database, of pg_database, as JSON.

        >>> collation_of('{"datcollate": "en_US.UTF-8", "datlocprovider": "c"}')
        ('en_US.UTF-8', True)
        >>> collation_of('{"collname": "ci", "collprovider": "i", "collisdeterministic": false}')
        ('ci', False)
        >>> collation_of('{"collname": "C", "collprovider": "c", "collcollate": "C"}')
        (None, True)
    """
    facts = json.loads(row) if row else {}
    provider = facts.get("datlocprovider") or facts.get("collprovider") or _LIBC
    locale = next((facts[key] for key in _LOCALES.get(provider, ()) if facts.get(key)), "")
    is_bytewise = not facts or provider == _BUILTIN or (provider == _LIBC and locale in _BYTEWISE)
    name = None if is_bytewise else str(facts.get("collname") or locale)
    return name, bool(facts.get("collisdeterministic", True))


def own_collate(row: str) -> str:
    """Return the DDL of a column's own collation; empty for the database's default, or one of a server's own.

    >>> own_collate('{"collname": "C", "collprovider": "c", "collcollate": "C"}')
    'COLLATE "C"'
    """
    name = (json.loads(row) if row else {}).get("collname")
    return f'COLLATE "{name}"' if name in _EVERYWHERE else ""
