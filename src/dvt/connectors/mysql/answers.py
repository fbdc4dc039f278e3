"""Answers of whole models: read as a table made of the SELECT would hold them.

The server refuses to write what a SELECT only warns of: a division by zero, a text that is no number, a date
that no calendar has. So the answer comes with the number of warnings. Where there are any, the server is
asked to make the table, and its error is the model's.
"""

from __future__ import annotations

from collections.abc import Sequence

from dvt.core.estimates import ExtractLimits
from dvt.core.queries import SourceQuery, rendered
from dvt.drivers.mysql import LOAD_TIMEOUT, RunningQuery, SideConnection, make_as_table

WITHOUT_WARNINGS = " WHERE dvt_warnings = 0"
"""DuckDB SQL: keeps the rows of an answer without warnings; each row has the number of all of them."""
COUNT_WARNINGS = {"sql_notes": "0", "max_error_count": "64"}
"""Settings in which warnings are counted, and notes are not."""
_ALL = 2**64 - 1
"""Highest number of rows of a LIMIT that is none."""


def counting(query: SourceQuery, tables: Sequence[str], limits: ExtractLimits) -> str:
    """Return a model's query with a column `dvt_warnings`.

    The LIMIT makes the server compute the answer before it sends a row of it, so that the first row knows
    the number.
    """
    most = [_ALL if query.limit is None else query.limit, _ALL if limits.rows is None else limits.rows + 1]
    answer = f"(SELECT * FROM {rendered(query.source, tables)} LIMIT {min(most)}) AS dvt_answer"
    return f"SELECT {', '.join(query.select)}, @@warning_count AS dvt_warnings FROM {answer}"


def compute_as_table(
    side: SideConnection, query: SourceQuery, tables: Sequence[str], running: RunningQuery
) -> bool:
    """Return whether a table made of a model has rows; raise the server's error if it makes none."""
    limit = "" if query.limit is None else f" LIMIT {query.limit}"
    # By the second SELECT the columns may be NULL, and need no defaults: that of a date is the zero date.
    nothing = f"SELECT {', '.join(['NULL'] * len(query.columns))} FROM DUAL WHERE FALSE"
    select = f"(SELECT * FROM {rendered(query.source, tables)}{limit}) UNION ALL {nothing}"
    return make_as_table(side, select, dict(query.settings), running.mark, LOAD_TIMEOUT)
