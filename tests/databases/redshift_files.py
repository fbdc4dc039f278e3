"""Files of the stand-in for Redshift: what UNLOAD writes to a bucket, and COPY reads from one."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import duckdb

FILE_ROWS = 40_000
"""Rows of one unloaded file."""
_PAIRS = {
    "integer": "INTEGER",
    "bigint": "BIGINT",
    "real": "FLOAT",
    "double precision": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "varchar": "VARCHAR",
}
"""Type of a table's column → type that a file's column must have, as the documentation pairs them."""


class CopyFailed(Exception):
    """What Redshift would refuse."""


def store(rest: str, endpoint: str) -> Any:
    """Return a client of the store, with the statement's credentials."""
    keys = dict(re.findall(r"(ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN) '([^']+)'", rest))
    if "FORMAT PARQUET" not in rest:
        raise CopyFailed("this stand-in knows FORMAT PARQUET alone")
    if "IAM_ROLE" in rest:
        keys = {"ACCESS_KEY_ID": "dvt-tests", "SECRET_ACCESS_KEY": "pl4nted-s3cret/+minio"}
    if not keys:
        raise CopyFailed("authorization is required: IAM_ROLE, or ACCESS_KEY_ID and SECRET_ACCESS_KEY")
    session = boto3.session.Session(
        aws_access_key_id=keys["ACCESS_KEY_ID"],
        aws_secret_access_key=keys["SECRET_ACCESS_KEY"],
        aws_session_token=keys.get("SESSION_TOKEN"),
    )
    return session.client("s3", endpoint_url=endpoint, region_name="us-east-1")


def unloaded(
    csv: Path, columns: list[tuple[str, str]], uri: str, rest: str, endpoint: str
) -> list[Callable[[], Any]]:
    """Put a query's answer into a bucket as Parquet files, as UNLOAD names them; none for no rows.

    Returns what deletes each of them.
    """
    client = store(rest, endpoint)
    bucket, _, prefix = uri.removeprefix("s3://").partition("/")
    if client.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1).get("KeyCount"):
        raise CopyFailed(f"Specified unload destination on S3 is not empty: {uri}")
    deletes = []
    types = ", ".join(f"'{name}': '{type_}'" for name, type_ in columns)
    with duckdb.connect() as database, tempfile.TemporaryDirectory() as folder:
        database.execute(
            f"CREATE TABLE t AS SELECT * FROM read_csv('{csv}', header=false, delim=',', quote='\"', "
            f"escape='\"', nullstr='', allow_quoted_nulls=false, columns={{{types}}}, "
            "max_line_size=20000000, auto_detect=false)"
        )
        (rows,) = database.execute("SELECT count(*) FROM t").fetchone()
        for number, begin in enumerate(range(0, rows, FILE_ROWS)):
            file = Path(folder) / f"{number:04}_part_00.parquet"
            part = f"SELECT * FROM t LIMIT {FILE_ROWS} OFFSET {begin}"
            database.execute(f"COPY ({part}) TO '{file}' (FORMAT parquet)")
            client.upload_file(str(file), bucket, prefix + file.name)
            deletes.append(partial(client.delete_object, Bucket=bucket, Key=prefix + file.name))
    return deletes


def copied(csv: Path, uri: str, rest: str, endpoint: str, definition: str) -> None:
    """Write the rows of all files below an address to a CSV for PostgreSQL; CopyFailed if types differ."""
    client = store(rest, endpoint)
    bucket, _, prefix = uri.removeprefix("s3://").partition("/")
    listed = client.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
    if not listed:
        raise CopyFailed(f"The specified S3 prefix '{prefix}' does not exist")
    with duckdb.connect() as database, tempfile.TemporaryDirectory() as folder:
        for number, entry in enumerate(listed):
            client.download_file(bucket, entry["Key"], f"{folder}/{number:04}.parquet")
        source = f"read_parquet('{folder}/*.parquet')"
        _check(database.execute(f"DESCRIBE SELECT * FROM {source}").fetchall(), definition)
        database.execute(
            f"COPY (SELECT * FROM {source}) TO '{csv}' (FORMAT csv, HEADER false, NULLSTR '', FORCE_QUOTE *)"
        )


def _check(file: list[tuple[Any, ...]], definition: str) -> None:
    columns = re.split(r", (?![^(]*\))", definition)
    if len(columns) != len(file):
        raise CopyFailed(f"Unmatched number of columns between table and file: {len(columns)}, {len(file)}")
    for column, (name, type_, *_) in zip(columns, file, strict=True):
        native = re.sub(r'^(?:"(?:[^"]|"")*"|\S+) ', "", column)
        kind = re.sub(r"\(.*", "", native)
        wanted = native.replace("numeric", "DECIMAL") if kind == "numeric" else _PAIRS.get(kind)
        if wanted is None or wanted != type_:
            raise CopyFailed(f"has an incompatible Parquet schema for column {name}: {native}, {type_}")
