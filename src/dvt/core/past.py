"""What cleanups of the past have done and seen, as it is on record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from dvt.core.retention import Item, Moment, Result, Tally


class Deleted(NamedTuple):
    """An item that a cleanup has taken away, or put a compressed copy in the place of."""

    item: Item
    at: Moment
    result: Result


class Restored(NamedTuple):
    """An item that was brought back; its data type is not on record."""

    key: str
    at: Moment


class Looked(NamedTuple):
    """What a cleanup has found, by data type."""

    at: Moment
    found: Mapping[str, Tally]
