"""Databases over JDBC, and warehouses, are read and filled by models of Spark as by models of DuckDB."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb
import py4j
import pyspark
import pytest
import yaml

from dvt.testing.databases import ReadCase
from tests.acceptance.project import Project
from tests.acceptance.spark import COMPUTES
from tests.acceptance.test_bigquery import Warehouse
from tests.acceptance.test_spark_values import COMPUTED_BY, is_held
from tests.databases import bigquery_types, jdbc_types, redshift_types, snowflake_types, trino_types

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(900)]

CASES: Mapping[str, Sequence[ReadCase]] = {
    "jdbc": jdbc_types.H2_READ_CASES,
    "trino": trino_types.READ_CASES,
    "redshift": redshift_types.READ_CASES,
    "snowflake": snowflake_types.READ_CASES,
    "bigquery": bigquery_types.READ_CASES,
}
STORES = {"redshift": ("minio", "s3"), "snowflake": ("minio", "s3"), "bigquery": ("fake_gcs", "gcs")}
"""Warehouse → the tests' store of its bucket, and the bucket's type."""


class WithSpark(Warehouse):
    """A project of BigQuery, whose own environment is lent PySpark by the tests'."""

    def start(self, *args: str, **options: Any) -> Any:
        lent = self.root / "lent"
        lent.mkdir(exist_ok=True)
        for module in (py4j, pyspark):
            folder = Path(module.__file__).parent
            with suppress(FileExistsError):
                (lent / folder.name).symlink_to(folder)
        path = os.pathsep.join([str(lent), *filter(None, [os.environ.get("PYTHONPATH")])])
        return super().start(*args, **{**options, "env": {"PYTHONPATH": path}})


@pytest.mark.parametrize("kind", CASES)
def test_every_value_passes_through_spark_as_through_duckdb(
    kind: str, databases: Callable[[str], Any], stores: Callable[[str], Any], tmp_path: Path
) -> None:
    server = databases(kind)
    cases = {f"c{number}": case for number, case in enumerate(filter(is_held, CASES[kind]))}
    named = str.upper if kind == "snowflake" else str
    columns = [("id", server.integer_type), *((name, case.type) for name, case in cases.items())]
    columns = [(named(name), native) for name, native in columns]
    rows = [["1", *(case.literal for case in cases.values())], ["2", *("null" for _ in cases)]]
    server.create(server.table(named("every_type")), columns, rows)
    project = project_of(kind, server, stores, tmp_path)
    filtered = f"SELECT id, {', '.join(cases)} FROM {{{{ source('far', 'every_type') }}}} WHERE id < 2"
    for compute, dialect in COMPUTED_BY.items():
        config = {"materialized": "table", "compute": compute, "dialect": dialect}
        project.model(f"by_{compute}", filtered, **config)
        if kind in STORES:
            project.model(f"there_{compute}", filtered, target="there", **config)
    project.dvt("run", "--threads", "4", timeout=800).ok()
    with duckdb.connect(str(tmp_path / "near.duckdb"), read_only=True) as near:
        here = [
            near.execute(f"SELECT CAST(COLUMNS(*) AS VARCHAR) FROM by_{compute}").fetchall()
            for compute in COMPUTED_BY
        ]
    assert differing(cases, *here) == {}
    if kind in STORES:
        there = [server.as_text(server.table(named(f"there_{compute}"))) for compute in COMPUTED_BY]
        assert differing(cases, *there) == {}


def project_of(kind: str, server: Any, stores: Callable[[str], Any], folder: Path) -> Project:
    """Make a project whose warehouse is DuckDB, with the server as source, and as target through a bucket."""
    outputs = {"near": {"type": "duckdb", "path": str(folder / "near.duckdb")}, "far": settings_of(server)}
    lake = None
    if kind in STORES:
        name, type_ = STORES[kind]
        store = stores(name)
        lake = {"type": type_, "prefix": "of dvt", **store.settings(store.new_bucket())}
        # A model that reads its own output alone is that database's own matter.
        outputs["far"] = outputs["there"] = server.settings(bucket="lake", bulk_rows=0)
        serve(server, store.endpoint)
    project = (WithSpark if kind == "bigquery" else Project)(folder, outputs, default="near")
    project.file("computes.yml", COMPUTES)
    if lake is not None:
        project.file("buckets.yml", yaml.safe_dump({"shop": {"target": "local", "buckets": {"lake": lake}}}))
    keys = {"database": server.table("x").database} if server.table("x").database else {}
    project.source("far", "far", ["every_type"], schema=server.schema, **keys)
    return project


def settings_of(server: Any) -> dict[str, Any]:
    """Return an output's keys; Trino's are those of JDBC, since dbt's adapter for it is not here."""
    keys: dict[str, Any] = server.settings()
    if server.name == "trino":
        url = f"jdbc:trino://{keys['host']}:{keys['port']}/{keys['database']}"
        return {"type": "jdbc", "url": url, "user": keys["user"], "jar": keys["jar"]}
    return keys


def serve(server: Any, endpoint: str) -> None:
    """Tell a stand-in where its bucket is."""
    if server.name == "redshift":
        server.proxy.endpoint = endpoint
    elif server.name == "bigquery":
        server.jobs.endpoint = endpoint
    else:
        server.control(state={"endpoint": endpoint, "loses_files": False, "paused": False}, clear=True)


def differing(
    cases: Mapping[str, ReadCase], by_spark: list[tuple[Any, ...]], by_duckdb: list[tuple[Any, ...]]
) -> dict[str, tuple[Any, Any]]:
    """Return the values of two tables of one row that are not equal, by case."""
    ((_, *first),), ((_, *second),) = by_spark, by_duckdb
    assert sum(value is not None for value in first) > len(cases) / 2
    values = zip(cases.values(), first, second, strict=True)
    return {case.id: (one, other) for case, one, other in values if one != other}
