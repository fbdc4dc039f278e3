"""Orders the indexed columns of a table without a key, by whose ranges it may be read.

A range is a query of its own, and each sees another state. A row whose column changes between two of them
would arrive twice or never, so a time of the last change, which changes with every other column, is never
chosen.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_TIME = "(at|on|date|time|timestamp|ts)"
_CREATED = re.compile(
    f"(created?|creation|insert(ed)?|load(ed)?|ingested){_TIME}|(date|time)(created|inserted|loaded)|created"
)
"""Matches names, without underscores, of times at which a row was made: there are many, and they stay."""
_CHANGED = re.compile(
    f"(last)?(updated?|modified|modification|changed?){_TIME}|(date|time)(updated|modified|changed)"
    "|(last)?(updated|modified)|last(update|change|changed)|systemmodstamp"
)
"""Matches names, without underscores, of times at which a row was last changed."""


def in_order(unique: Sequence[str], others: Sequence[str]) -> tuple[str, ...]:
    """Return the columns that may be chosen, best first.

    Args:
        unique: columns that have a unique index each.
        others: first columns of the other indexes.

    Example:
        >>> in_order(["ORDER_NO"], ["STATUS", "UPDATED_AT", "CREATED_AT"])
        ('ORDER_NO', 'CREATED_AT', 'STATUS')
    """
    made = [name for name in others if _CREATED.fullmatch(_plain(name))]
    ordered = dict.fromkeys((*unique, *made, *others))
    return tuple(name for name in ordered if not _CHANGED.fullmatch(_plain(name)))


def _plain(name: str) -> str:
    return name.casefold().replace("_", "")
