"""Statements that read from BigQuery."""

from __future__ import annotations

import re

from dvt.core.queries import Sql
from dvt.drivers.bigquery import literal

_HIGHEST = 2**63 - 1
"""The highest whole number that a literal of digits alone can be."""
_NAME_OR_NUMBER = re.compile(r""" `(?:[^`\\]|\\.)*` | '(?:[^'\\]|\\.)*' | [\w.]+ """, re.VERBOSE | re.DOTALL)
"""Matches a quoted name, a text, or a word or number."""


def export(sql: str, uri: str) -> str:
    """Return the statement that writes a query's answer to Parquet files in a folder of a bucket.

    Example:
        >>> print(export("SELECT 'a' AS `c0`", "gs://lake/t/rows"))
        EXPORT DATA OPTIONS (uri = 'gs://lake/t/rows/*.parquet', format = 'PARQUET', compression = 'SNAPPY', overwrite = false) AS SELECT 'a' AS `c0`
    """  # noqa: E501
    options = (
        f"uri = {literal(f'{uri}/*.parquet')}, format = 'PARQUET', compression = 'SNAPPY', overwrite = false"
    )
    return f"EXPORT DATA OPTIONS ({options}) AS {sql}"


def as_of(relation: str, moment: str) -> str:
    """Return the FROM item of a table's rows at a moment; an alias may follow it.

    Example:
        >>> print(as_of("`p`.`d`.`t`", "2024-02-29 10:00:00.123456+00"))
        (SELECT * FROM `p`.`d`.`t` FOR SYSTEM_TIME AS OF TIMESTAMP '2024-02-29 10:00:00.123456+00')
    """
    # The clause stands after an alias, which is the planner's to give.
    return f"(SELECT * FROM {relation} FOR SYSTEM_TIME AS OF TIMESTAMP {literal(moment)})"


NOW = "SELECT FORMAT_TIMESTAMP('%E4Y-%m-%d %H:%M:%E6S+00', CURRENT_TIMESTAMP(), 'UTC')"
"""Query of the server's own time."""


def with_wide_numbers(condition: Sql) -> Sql:
    """Return a condition with its whole numbers of more than 64 bits as literals of a type that has them.

    Example:
        >>> print(with_wide_numbers("`99999999999999999999` < 99999999999999999999"))
        `99999999999999999999` < BIGNUMERIC '99999999999999999999'
    """

    def written(found: re.Match[str]) -> str:
        text = found[0]
        return f"BIGNUMERIC '{text}'" if text.isdigit() and int(text) > _HIGHEST else text

    if isinstance(condition, str):
        return _NAME_OR_NUMBER.sub(written, condition)
    return tuple(_NAME_OR_NUMBER.sub(written, part) if isinstance(part, str) else part for part in condition)
