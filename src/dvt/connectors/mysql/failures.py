"""Why an extraction failed: the scanner loses the server's words, so the server is asked again."""

from __future__ import annotations

import re

import duckdb

from dvt.core.errors import Cancelled, ConnectionLost, DvtError, QueryFailed
from dvt.core.queries import SourceQuery
from dvt.drivers.duckdb import translate
from dvt.drivers.mysql import MySQLSettings, Running, connect

_SCANNERS = re.compile(r"^IO Error: (Failed to|Could not) .{0,40}(MySQL|result row)")
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
    running: Running,
    sent: str,
) -> DvtError:
    """Our error for what stopped the statement `sent`; the scanner's own text is never repeated."""
    doing = f"extracting {query.about}"
    if running.stopped.is_set():
        return Cancelled(doing)
    if not _SCANNERS.match(str(error)):
        return translate(error, connection=name, doing=doing, where=query.about)
    try:
        with connect(name, settings) as side:
            side.rows("PREPARE dvt FROM %s", [sent], doing=doing)
    except (QueryFailed, ConnectionLost) as why:
        return why
    except DvtError as down:
        return ConnectionLost(name, doing, down.message)
    return ConnectionLost(name, doing, _NO_REASON)
