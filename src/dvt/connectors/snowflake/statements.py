"""Statements that move data between Snowflake and a bucket."""

from __future__ import annotations

from pathlib import Path

from dvt.core.ports.transfers import S3Access
from dvt.drivers.snowflake import literal, quoted

_FILE_BYTES = 128 * 2**20
"""Highest size of a file that COPY INTO writes; its own default is an eighth of it."""


def unload(sql: str, uri: str, access: S3Access, integration: str | None) -> str:
    """Return the statement that writes a query's answer to files whose names begin with `uri`.

    Example:
        >>> print(unload("SELECT 'a' AS c0", "s3://lake/t/", S3Access(access_key_id="K", secret_access_key="S"), None))
        COPY INTO 's3://lake/t/' FROM (SELECT 'a' AS c0) CREDENTIALS = (AWS_KEY_ID = 'K' AWS_SECRET_KEY = 'S') FILE_FORMAT = (TYPE = PARQUET COMPRESSION = SNAPPY) HEADER = TRUE MAX_FILE_SIZE = 134217728
        >>> print(unload("SELECT 1 AS c0", "s3://lake/t/", S3Access(), "Lake"))
        COPY INTO 's3://lake/t/' FROM (SELECT 1 AS c0) STORAGE_INTEGRATION = "Lake" FILE_FORMAT = (TYPE = PARQUET COMPRESSION = SNAPPY) HEADER = TRUE MAX_FILE_SIZE = 134217728
    """  # noqa: E501
    # With HEADER, the columns keep their names.
    return (
        f"COPY INTO {literal(uri)} FROM ({sql}) {login_of(access, integration)}"
        f" FILE_FORMAT = (TYPE = PARQUET COMPRESSION = SNAPPY) HEADER = TRUE MAX_FILE_SIZE = {_FILE_BYTES}"
    )


def put(folder: Path, stage: str) -> str:
    """Return the statement by which the client uploads a folder's files to a place of Snowflake's own."""
    return f"PUT {literal(f'file://{folder}/*')} {stage} SOURCE_COMPRESSION = NONE AUTO_COMPRESS = FALSE"


def copy(table: str, source: str, login: str = "") -> str:
    r"""Return the statement that fills a table with the rows of files, by the names of their columns.

    Example:
        >>> print(copy("DVT_LOAD", "@%DVT_LOAD"))
        COPY INTO DVT_LOAD FROM @%DVT_LOAD FILE_FORMAT = (TYPE = PARQUET NULL_IF = ()) MATCH_BY_COLUMN_NAME = CASE_SENSITIVE
        >>> print(copy("DVT_LOAD", "'s3://lake/t/'", login_of(S3Access(), "s3_int")))
        COPY INTO DVT_LOAD FROM 's3://lake/t/' STORAGE_INTEGRATION = s3_int FILE_FORMAT = (TYPE = PARQUET NULL_IF = ()) MATCH_BY_COLUMN_NAME = CASE_SENSITIVE
    """  # noqa: E501
    # Without NULL_IF, the text \N would become NULL.
    place = f"{source} {login}" if login else source
    return (
        f"COPY INTO {table} FROM {place} FILE_FORMAT = (TYPE = PARQUET NULL_IF = ())"
        " MATCH_BY_COLUMN_NAME = CASE_SENSITIVE"
    )


def login_of(access: S3Access, integration: str | None) -> str:
    """Return the part of a statement by which Snowflake reaches a bucket."""
    if integration is not None:
        return f"STORAGE_INTEGRATION = {integration_name(integration)}"
    keys = {
        "AWS_KEY_ID": access.access_key_id,
        "AWS_SECRET_KEY": access.secret_access_key,
        "AWS_TOKEN": access.session_token,
    }
    return f"CREDENTIALS = ({' '.join(f'{key} = {literal(value)}' for key, value in keys.items() if value)})"


def integration_name(name: str) -> str:
    """Return the name of an integration in SQL: one in one letter case is what Snowflake makes upper case.

    Example:
        >>> integration_name("s3_int"), integration_name("Lake")
        ('s3_int', '"Lake"')
    """
    plain = name.replace("_", "a").isalnum() and name.isascii() and not name[0].isdigit()
    return name if plain and name in (name.lower(), name.upper()) else quoted(name)
