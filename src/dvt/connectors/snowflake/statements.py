"""Statements that move data between Snowflake and a bucket."""

from __future__ import annotations

from pathlib import Path

from dvt.core.ports.transfers import BucketAccess
from dvt.drivers.snowflake import literal, quoted

NOW = "SELECT TO_VARCHAR(CONVERT_TIMEZONE('UTC', CURRENT_TIMESTAMP()), 'YYYY-MM-DD HH24:MI:SS.FF3')"
"""Query of the service's own time; its past is told apart by milliseconds."""
_FILE_BYTES = 128 * 2**20
"""Highest size of a file that COPY INTO writes; its own default is an eighth of it."""


def as_of(relation: str, moment: str) -> str:
    """Return the FROM item of a table's rows at a moment of UTC; an alias may follow it.

    Example:
        >>> print(as_of('"DB"."S"."T"', "2024-02-29 10:00:00.123"))
        "DB"."S"."T" AT (TIMESTAMP => '2024-02-29 10:00:00.123 +00:00'::TIMESTAMP_TZ)
    """
    return f"{relation} AT (TIMESTAMP => {literal(f'{moment} +00:00')}::TIMESTAMP_TZ)"


def unload(sql: str, uri: str, login: str) -> str:
    """Return the statement that writes a query's answer to files whose names begin with `uri`.

    Example:
        >>> print(unload("SELECT 'a' AS c0", "s3://lake/t/", integration("Lake")))
        COPY INTO 's3://lake/t/' FROM (SELECT 'a' AS c0) STORAGE_INTEGRATION = "Lake" FILE_FORMAT = (TYPE = PARQUET COMPRESSION = SNAPPY) HEADER = TRUE MAX_FILE_SIZE = 134217728
    """  # noqa: E501
    # With HEADER, the columns keep their names.
    return (
        f"COPY INTO {literal(uri)} FROM ({sql}) {login}"
        f" FILE_FORMAT = (TYPE = PARQUET COMPRESSION = SNAPPY) HEADER = TRUE MAX_FILE_SIZE = {_FILE_BYTES}"
    )


def put(folder: Path, stage: str) -> str:
    """Return the statement by which the client uploads a folder's files to a place of Snowflake's own."""
    return f"PUT {literal(f'file://{folder}/*')} {stage} SOURCE_COMPRESSION = NONE AUTO_COMPRESS = FALSE"


def copy(table: str, source: str, login: str = "") -> str:
    """Return the statement that fills a table with the rows of files, by the names of their columns.

    Example:
        >>> print(copy("DVT_LOAD", "@%DVT_LOAD"))
        COPY INTO DVT_LOAD FROM @%DVT_LOAD FILE_FORMAT = (TYPE = PARQUET NULL_IF = ()) MATCH_BY_COLUMN_NAME = CASE_SENSITIVE
        >>> print(copy("DVT_LOAD", "'gcs://lake/t/'", integration("gcs_int")))
        COPY INTO DVT_LOAD FROM 'gcs://lake/t/' STORAGE_INTEGRATION = gcs_int FILE_FORMAT = (TYPE = PARQUET NULL_IF = ()) MATCH_BY_COLUMN_NAME = CASE_SENSITIVE
    """  # noqa: E501
    # Without NULL_IF, the text of a backslash and N would become NULL.
    place = f"{source} {login}" if login else source
    return (
        f"COPY INTO {table} FROM {place} FILE_FORMAT = (TYPE = PARQUET NULL_IF = ())"
        " MATCH_BY_COLUMN_NAME = CASE_SENSITIVE"
    )


def credentials(access: BucketAccess) -> str:
    """Return the part of a statement by which Snowflake reaches a bucket; empty if nothing can be given.

    Example:
        >>> print(credentials(BucketAccess(access_key_id="K", secret_access_key="S", session_token="T")))
        CREDENTIALS = (AWS_KEY_ID = 'K' AWS_SECRET_KEY = 'S' AWS_TOKEN = 'T')
        >>> print(credentials(BucketAccess(sas_token="sv=1&sig=x")))
        CREDENTIALS = (AZURE_SAS_TOKEN = 'sv=1&sig=x')
    """
    keys = {
        "AWS_KEY_ID": access.access_key_id,
        "AWS_SECRET_KEY": access.secret_access_key,
        "AWS_TOKEN": access.session_token,
        "AZURE_SAS_TOKEN": access.sas_token,
    }
    given = " ".join(f"{key} = {literal(value)}" for key, value in keys.items() if value)
    return f"CREDENTIALS = ({given})" if given else ""


def integration(name: str) -> str:
    """Return the part of a statement that names a storage integration.

    Without quotes, Snowflake makes a name upper case: one that has both cases keeps them by quotes.

    Example:
        >>> integration("s3_int"), integration("Lake")
        ('STORAGE_INTEGRATION = s3_int', 'STORAGE_INTEGRATION = "Lake"')
    """
    plain = name.replace("_", "a").isalnum() and name.isascii() and not name[0].isdigit()
    is_folded = plain and name in (name.lower(), name.upper())
    return f"STORAGE_INTEGRATION = {name if is_folded else quoted(name)}"
