"""Statements that read from BigQuery."""

from __future__ import annotations

from dvt.drivers.bigquery import literal


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
