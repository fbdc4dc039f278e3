"""Turns errors of SQLAlchemy and of its drivers into dvt's, once and without a password."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from dvt.core.errors import DvtError, NotRecordable, StoreFailed, StoreRefused, StoreUnreachable
from dvt.lifecycle.store.addresses import Address

_BUSY = frozenset({"55P03", "57014", "40001", "40P01"})
"""SQLSTATEs of statements that waited for too long, or that others came in the way of."""
_REFUSED = re.compile(
    r"authentication failed|no password supplied|pg_hba\.conf|role .* does not exist|permitted to log in"
    r"|permission denied|must be owner|readonly database|read-only|unable to open database file",
    re.IGNORECASE,
)
_UNREACHABLE = re.compile(
    r"could not connect|connection (?:to server|refused|reset|timed out)|terminating connection"
    r"|server closed the connection|connection already closed|connection not open|could not translate"
    r"|SSL SYSCALL|the database system is|remaining connection slots|too many clients|cursor already closed"
    r"|database (?:is|table is) locked|disk is full|disk I/O error|could not (?:receive|send) data",
    re.IGNORECASE,
)

_FULL = re.compile(r"disk is full|disk I/O error", re.IGNORECASE)
_NEEDED = 2**17
"""Bytes that SQLite writes beside a file before it reads it, and some more."""


def _is_full(file: Path) -> bool:
    with suppress(OSError):
        status = os.statvfs(file.parent)
        return status.f_bavail * status.f_frsize < _NEEDED
    return False


@contextmanager
def as_dvt_errors(place: Address) -> Iterator[None]:
    """Raise errors of SQLAlchemy within the `with` as dvt's."""
    try:
        yield
    except SQLAlchemyError as error:
        translated = translate(error, place)
        if any(secret in str(error) for secret in place.secrets):
            raise translated from None
        raise translated from error
    except (OverflowError, UnicodeEncodeError) as error:
        # Drivers say so themselves of values that no column can hold.
        raise NotRecordable("a value", str(error)) from error


def translate(error: SQLAlchemyError, place: Address) -> DvtError:
    """Return dvt's error for one of SQLAlchemy's."""
    original = error.orig if isinstance(error, DBAPIError) else None
    if place.file is not None and _FULL.search(str(original)) and _is_full(place.file):
        full = StoreUnreachable(place.label, "its disk is full")
        full.hint = "make some room there first, of which a megabyte is enough; then clean up"
        return full
    reason = _reason(str(original or error), place)
    state = str(getattr(original, "pgcode", None) or "")
    if isinstance(error, PoolTimeout) or state in _BUSY or state[:2] in {"08", "53"} or state == "57P01":
        return StoreUnreachable(place.label, reason)
    if state[:2] in {"28", "42"} and _REFUSED.search(reason):
        return StoreRefused(place.label, reason)
    if state[:2] == "22":
        return NotRecordable("a value", reason)
    if isinstance(error, DBAPIError) and (error.connection_invalidated or _UNREACHABLE.search(reason)):
        # libpq begins its texts about logins in the same way: connection to server at … failed: FATAL: …
        return (StoreRefused if _REFUSED.search(reason) else StoreUnreachable)(place.label, reason)
    return (StoreRefused if _REFUSED.search(reason) else StoreFailed)(place.label, reason)


def _reason(text: str, place: Address) -> str:
    """Return the first line of a message, without secrets."""
    for secret in place.secrets:
        text = text.replace(secret, "***")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[0] if lines else "no message"
