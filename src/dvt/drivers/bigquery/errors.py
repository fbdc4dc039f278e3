"""Turns the errors of Google's client into dvt's; never with credentials."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

import duckdb

from dvt.core.errors import (
    Cancelled,
    ConnectFailed,
    ConnectionLost,
    DvtError,
    LoginRefused,
    QueryFailed,
    RowRefused,
    ValueLost,
)
from dvt.drivers.duckdb import errors as duckdb_errors

_CHANGE_HINT = "change the value in the model, or cast the column to another type"
_FOOTER = re.compile(r"\s*(?:; reason: \w+, .*|(?:Location: .*)?\n*Job ID: .*)\Z", re.DOTALL)
"""Matches what the client adds to a job's message."""
_REQUEST = re.compile(r"\A(?:\d+ )?(?:GET|POST|PUT|DELETE|PATCH) \S+: ")
"""Matches the request that the client puts before a message."""
_NULL = re.compile(r"required field|null value|cannot be null|required column", re.IGNORECASE)
"""Matches messages about a NULL where the table has none."""
_VALUE = re.compile(
    r"out of range|overflow|too long|maximum length|invalid (?:numeric|bignumeric|date|time|value)|precision",
    re.IGNORECASE,
)
"""Matches messages about a value."""
_DENIED = re.compile(r"denied|does not have|permission", re.IGNORECASE)
"""Matches messages about what a user may not do."""
_PERMISSION = re.compile(r"\b(?:bigquery|storage)\.[a-z]+\.[a-zA-Z]+")
"""Matches the name of a permission."""
_OF_PROJECT = "gcloud projects add-iam-policy-binding PROJECT --member=user:YOU --role=roles/bigquery."
_GRANTS = {
    "bigquery.jobs.": f"{_OF_PROJECT}jobUser",
    "bigquery.tables.get": f"{_OF_PROJECT}dataViewer",
    "bigquery.datasets.get": f"{_OF_PROJECT}dataViewer",
    "bigquery.tables.": f"{_OF_PROJECT}dataEditor",
    "storage.": (
        "gcloud storage buckets add-iam-policy-binding gs://BUCKET --member=user:YOU"
        " --role=roles/storage.objectAdmin"
    ),
}
"""First letters of a permission → the command that gives it, the narrowest first."""
_STOPPED = "stopped"
"""Reason of a job that was cancelled."""
_NO_REASON = ""


def client_errors() -> tuple[type[BaseException], ...]:
    """Return the classes of what the client raises, and those of connections that end."""
    from concurrent.futures import TimeoutError as FuturesTimeout

    from google.api_core.exceptions import GoogleAPIError
    from google.auth.exceptions import GoogleAuthError
    from google.resumable_media.common import InvalidResponse

    return (GoogleAPIError, GoogleAuthError, InvalidResponse, FuturesTimeout, OSError, ValueError)


def refusals() -> tuple[type[BaseException], ...]:
    """Return the classes of the service's own answers that a query cannot be run."""
    from google.api_core.exceptions import BadRequest, Forbidden, NotFound

    return (BadRequest, Forbidden, NotFound)


def connect_error(name: str, where: str, error: BaseException) -> DvtError:
    """Return dvt's error for credentials or a client that could not be had."""
    from google.auth.exceptions import GoogleAuthError, TransportError

    message = reason(error)
    if isinstance(error, ValueError | OSError) or (
        isinstance(error, GoogleAuthError) and not isinstance(error, TransportError)
    ):
        return LoginRefused(name, where, message)
    return ConnectFailed(name, where, message)


def translate(error: BaseException, *, name: str, doing: str, where: str = "") -> DvtError:
    """Return dvt's error for the client's or DuckDB's."""
    if isinstance(error, DvtError):
        return error
    if isinstance(error, duckdb.Error):
        return duckdb_errors.translate(error, connection=name, doing=doing, where=where)
    from google.api_core.exceptions import GoogleAPICallError, RetryError
    from google.auth.exceptions import GoogleAuthError, TransportError

    if isinstance(error, RetryError) and error.cause is not None:
        return translate(error.cause, name=name, doing=doing, where=where)
    if isinstance(error, GoogleAPICallError):
        return _answered(error, name, doing, where)
    if isinstance(error, GoogleAuthError) and not isinstance(error, TransportError):
        return LoginRefused(name, where or name, reason(error))
    return ConnectionLost(name, doing, reason(error))


@contextmanager
def as_dvt_errors(*, name: str, doing: str, where: str = "") -> Iterator[None]:
    """Raise errors of the client and of DuckDB within the `with` as dvt's."""
    try:
        yield
    except DvtError:
        raise
    except (duckdb.Error, *client_errors()) as error:
        # The client's own error shows the request.
        raise translate(error, name=name, doing=doing, where=where) from None


def reason(error: BaseException) -> str:
    """Return an error's first words, without the request and without the job's address."""
    text = _REQUEST.sub("", str(getattr(error, "message", "") or error))
    lines = _FOOTER.sub("", text).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def code_of(error: Any) -> str:
    """Return BigQuery's own word for what went wrong: `invalidQuery`, `notFound`, `stopped`; empty: none."""
    for detail in getattr(error, "errors", None) or ():
        if isinstance(detail, dict) and detail.get("reason"):
            return str(detail["reason"])
    return _NO_REASON


def _answered(error: Any, name: str, doing: str, where: str) -> DvtError:
    status, message = int(error.code or 0), reason(error)
    if code_of(error) == _STOPPED:
        return Cancelled(doing)
    if status == HTTPStatus.UNAUTHORIZED:
        return LoginRefused(name, where or name, message)
    if status in {HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT}:
        return ConnectionLost(name, doing, message)
    if _NULL.search(message):
        return RowRefused(where or name, message)
    if _VALUE.search(message):
        return ValueLost(where or name, message, _CHANGE_HINT)
    return QueryFailed(name, doing, message, _grant(message))


def _grant(message: str) -> str:
    """Return the command that gives what a message says is lacking; empty where it says nothing of that."""
    if not _DENIED.search(message):
        return ""
    permission = _PERMISSION.search(message)
    if permission is None:
        return ""
    commands = (command for start, command in _GRANTS.items() if permission[0].startswith(start))
    return next(commands, "")
