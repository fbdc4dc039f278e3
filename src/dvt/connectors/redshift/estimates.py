"""Estimates from the cluster's own planner, by EXPLAIN."""

from __future__ import annotations

import re
from collections.abc import Sequence

from dvt.connectors.redshift.server import Server
from dvt.core.estimates import Estimate
from dvt.core.queries import SourceQuery
from dvt.drivers.redshift import Session, as_dvt_errors, relation
from dvt.drivers.redshift.errors import client_errors

_SIZE = re.compile(r"rows=(\d+) width=(\d+)")
"""Matches what the first line of a plan says of the whole answer."""


def estimated(server: Server, queries: Sequence[SourceQuery]) -> list[Estimate | None]:
    """Return what the cluster expects of each query; None for one that it refuses."""
    with server.session() as session, as_dvt_errors(name=server.name, doing="estimating"):
        return [_estimated(session, query, server.settings.schema_) for query in queries]


def _estimated(session: Session, query: SourceQuery, schema: str) -> Estimate | None:
    try:
        return expected_of(session, query.sql([relation(table, schema) for table in query.tables]))
    except client_errors() as error:
        if not isinstance(error.args[0] if error.args else None, dict):
            raise  # the connection has ended
        return None  # the server's own refusal: extracting it will say what is wrong


def expected_of(session: Session, sql: str) -> Estimate | None:
    """Return what the cluster expects of a query; None where its plan does not say."""
    plan = session.rows(f"EXPLAIN {sql}")
    size = _SIZE.search(str(plan[0][0])) if plan else None
    if size is None:
        return None
    rows, width = int(size[1]), int(size[2])
    return Estimate(rows, rows * width)
