"""Has connections of dbt-postgres noticed when they freeze, as dvt's own are."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from dbt.adapters.contracts.connection import ConnectionState
from dbt.adapters.exceptions.connection import FailedToConnectError
from dbt_common.exceptions import DbtDatabaseError

from dvt.core.errors import ConnectFailed, ConnectionFrozen, DvtError
from dvt.dbt_bridge.outputs.target_type import TargetType
from dvt.dbt_bridge.session import Session

logger = logging.getLogger(__name__)


_DELAY = 2.0
"""Seconds after which a new connection is watched: before, nothing can have been silent for long, and many a
command has ended, without dvt's driver, which takes time to import."""


def open_connection(original: Callable[..., Any], session: Session, cls: Any, connection: Any) -> Any:
    """Open a connection as dbt-postgres does, and have it watched soon; an error names the output."""
    was_open = connection.state == ConnectionState.OPEN
    output = _output(session, connection.credentials)
    try:
        opened = original(cls, connection)
    except FailedToConnectError as error:
        if session.plain:
            raise
        failure = ConnectFailed(output, connection.credentials.host, str(error).strip())
        raise FailedToConnectError(str(failure)) from error
    if not was_open and opened.state == ConnectionState.OPEN:
        arguments = (session, opened.handle, output)
        threading.Thread(target=_watch, args=arguments, name="dvt-watch", daemon=True).start()
    return opened


def _watch(session: Session, handle: Any, output: str) -> None:
    """Watch a connection until it is closed, and have the system ask a silent peer."""
    from psycopg2.extensions import connection

    time.sleep(_DELAY)
    if not isinstance(handle, connection) or handle.closed:
        return  # dbt records or replays what it sends, or is done
    from dvt.drivers.postgres import parse, watch_connection

    try:
        settings = parse(output, session.outputs.output(output))
    except DvtError as error:  # dbt accepts keys that dvt's own connections refuse
        logger.debug("connections to %s are not watched: %s", output, error)
        return
    watch_connection(handle, output, settings, keep_alive=True)


@contextmanager
def exception_handler(
    original: Callable[..., AbstractContextManager[None]], session: Session, self: Any, sql: Any
) -> Iterator[None]:
    """Handle errors as dbt-postgres does; that of a connection which was ended for its silence says so."""
    try:
        with original(self, sql):
            yield
    except DbtDatabaseError as error:
        from dvt.drivers.network.silence import seconds_of_silence

        output = _output(session, self.profile.credentials)
        seconds = seconds_of_silence(output)
        connection = self.get_if_exists()
        if seconds is None or connection is None or not getattr(connection.handle, "closed", False):
            raise
        frozen = ConnectionFrozen(output, "running a statement", seconds)
        raise DbtDatabaseError(str(frozen)) from error


def _output(session: Session, credentials: Any) -> str:
    """Return the name of the output that these credentials are of."""
    kind = credentials.type
    return kind.target if isinstance(kind, TargetType) else session.default
