"""Explains why an extraction failed: the scanner drops the server's message, so the server is asked again."""

from __future__ import annotations

import re

import duckdb

from dvt.core.errors import Cancelled, ConnectionFrozen, ConnectionLost, DvtError, QueryFailed
from dvt.core.queries import SourceQuery
from dvt.drivers.duckdb import translate
from dvt.drivers.mysql import MySQLSettings, RunningQuery, connect_watched
from dvt.drivers.network.silence import seconds_of_silence

_SCANNER_ERROR = re.compile(r"^IO Error: (Failed to|Could not) .{0,40}(MySQL|result row)")
"""Matches the scanner's own messages, which hide the server's."""
_NO_REASON = (
    "the server ended it without a reason "
    "(connection cut, query killed, or a time limit of the server reached)"
)


def explained(
    error: duckdb.Error,
    *,
    name: str,
    settings: MySQLSettings,
    query: SourceQuery,
    running: RunningQuery,
    sent: str,
) -> DvtError:
    """Return dvt's error for the failed statement `sent`; it never repeats the scanner's own text."""
    doing = f"extracting {query.about}"
    if running.stopped.is_set():
        return Cancelled(doing)
    if not _SCANNER_ERROR.match(str(error)):
        return translate(error, connection=name, doing=doing, where=query.about)
    if (seconds := seconds_of_silence(name)) is not None:
        return ConnectionFrozen(name, doing, seconds)
    try:
        with connect_watched(name, settings) as side:
            side.rows("PREPARE dvt FROM %s", [sent], doing=doing)
    except (QueryFailed, ConnectionLost) as refusal:
        return refusal
    except DvtError as no_connection:
        return ConnectionLost(name, doing, no_connection.message)
    return ConnectionLost(name, doing, _NO_REASON)
