"""Translates what drivers report into dvt's errors, by SQLSTATE; their texts are shown without secrets."""

from __future__ import annotations

from collections.abc import Sequence

from dvt.core.errors import (
    Cancelled,
    ConnectFailed,
    ConnectionLost,
    DvtError,
    JdbcDriverMissing,
    LoginRefused,
    QueryFailed,
)
from dvt.core.masking import masked
from dvt.drivers.jdbc.settings import JdbcSettings

_LOGIN = ("28",)
"""Classes of SQLSTATE of a login that is refused."""
_LOGIN_STATES = frozenset({"08004", "1045"})
"""SQLSTATEs of the same, of servers that have others: 08004 is Derby's."""
_CONNECTION = ("08",)
"""Classes of SQLSTATE of a connection that is gone."""
_SHUT_DOWN = frozenset({"57P01", "57P02", "57P03", "70100", "90067", "90098", "90121"})
"""SQLSTATEs of the same: a server that shuts down, or an administrator who ends the session."""
_PASSING = ("40", "53")
"""Classes of SQLSTATE of failures that may pass: a transaction that was rolled back, as by a deadlock; too
little memory, space or connections."""
_PASSING_STATES = frozenset({"HYT00", "HYT01"})
"""SQLSTATEs of the same: a time limit, as of a lock that another session holds."""
_HINT = "the text is its driver's"


class QueryInterrupted(QueryFailed):
    """A query failed for a reason that may pass."""

    transient = True


def may_pass(error: DvtError) -> bool:
    """Return whether what failed may go well if it is done again, over another connection.

    An error of the query itself comes again: without a SQLSTATE that says otherwise, it is taken for one.
    """
    return isinstance(error, ConnectionLost | ConnectFailed | QueryInterrupted)


def translated(
    reply: Sequence[str | None], *, name: str, settings: JdbcSettings, doing: str, connecting: bool = False
) -> DvtError:
    """Return dvt's error for a failed request: kind, SQLSTATE, number, text, whether the connection lives."""
    kind, state, _, text, alive = [*(part or "" for part in reply), "", "", "", ""][:5]
    reason = _short(masked(text, settings.secrets)) + (f" (SQLSTATE {state})" if state else "")
    if kind == "driver":
        return JdbcDriverMissing(name, reason, "look at `jar` and `driver` of this output in profiles.yml")
    if connecting:
        return _refused(name, settings, state, reason)
    if state.startswith(_CONNECTION) or state in _SHUT_DOWN or alive == "dead":
        return ConnectionLost(name, doing, reason)
    failure = QueryInterrupted if state.startswith(_PASSING) or state in _PASSING_STATES else QueryFailed
    return failure(name, doing, reason, _HINT if kind == "sql" else "")


def _refused(name: str, settings: JdbcSettings, state: str, reason: str) -> DvtError:
    if state.startswith(_LOGIN) or state in _LOGIN_STATES:
        return LoginRefused(name, settings.where, reason)
    return ConnectFailed(
        name, settings.where, reason, "is the database up, and is `url` right in profiles.yml?"
    )


def cancelled(doing: str) -> DvtError:
    """Return the error for a query that was stopped."""
    return Cancelled(doing)


def _short(text: str) -> str:
    """Return the text in one line, cut to 500 characters."""
    line = " ".join(text.split())
    return line if len(line) <= 500 else line[:500] + "…"  # noqa: PLR2004  as the docstring says
