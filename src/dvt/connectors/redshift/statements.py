"""Statements that move data between Redshift and a bucket."""

from __future__ import annotations

from dvt.core.ports.transfers import BucketAccess
from dvt.drivers.redshift import literal


def unload(sql: str, uri: str, access: BucketAccess, role: str | None) -> str:
    """Return the statement that writes a query's answer to files whose names begin with `uri`.

    Example:
        >>> print(unload("SELECT 'a' AS c0", "s3://lake/t/part-", BucketAccess(region="eu-west-1"), "default"))
        UNLOAD ('SELECT * FROM (SELECT ''a'' AS c0) AS q') TO 's3://lake/t/part-' IAM_ROLE default FORMAT PARQUET REGION 'eu-west-1'
    """  # noqa: E501
    # UNLOAD takes no LIMIT in the outermost SELECT.
    query = literal(f"SELECT * FROM ({sql}) AS q")
    return f"UNLOAD ({query}) TO {literal(uri)} {_credentials(access, role)} FORMAT PARQUET{_region(access)}"


def copy(table: str, uri: str, access: BucketAccess, role: str | None) -> str:
    """Return the statement that fills a table with the rows of files whose names begin with `uri`.

    Example:
        >>> print(copy('"shop"."t"', "s3://lake/t/part-", BucketAccess(access_key_id="K", secret_access_key="S"), None))
        COPY "shop"."t" FROM 's3://lake/t/part-' ACCESS_KEY_ID 'K' SECRET_ACCESS_KEY 'S' FORMAT PARQUET
    """  # noqa: E501
    # Columns of the file and of the table go together by their places.
    return f"COPY {table} FROM {literal(uri)} {_credentials(access, role)} FORMAT PARQUET{_region(access)}"


def _credentials(access: BucketAccess, role: str | None) -> str:
    if role is not None:
        return "IAM_ROLE default" if role == "default" else f"IAM_ROLE {literal(role)}"
    keys = {
        "ACCESS_KEY_ID": access.access_key_id,
        "SECRET_ACCESS_KEY": access.secret_access_key,
        "SESSION_TOKEN": access.session_token,
    }
    return " ".join(f"{name} {literal(value)}" for name, value in keys.items() if value)


def _region(access: BucketAccess) -> str:
    return f" REGION {literal(access.region)}" if access.region else ""
