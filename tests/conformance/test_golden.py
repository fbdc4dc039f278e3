"""What each warehouse is asked for one table read and one loaded through a bucket, word for word.

A reader who knows the service can judge by the files in `golden/` what it would make of that; the services
themselves were never asked. `DVT_TEST_WRITE_GOLDEN=1` writes the files anew.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from dvt.buckets.gcs import GCSBucket
from dvt.buckets.s3 import S3Bucket
from dvt.config.bucket_types import BucketEntry
from dvt.connectors.bigquery import BigQueryConnector
from dvt.connectors.redshift import RedshiftConnector
from dvt.connectors.snowflake import SnowflakeConnector
from dvt.core.tables import StageColumn
from dvt.core.types import BIGINT, TIMESTAMP, VARCHAR, decimal
from dvt.testing.connectors import Bench
from dvt.testing.suites.loading import new_load
from tests.databases.transfers import through

pytestmark = [pytest.mark.slow, pytest.mark.long]

GOLDEN = Path(__file__).with_name("golden")
COLUMNS = [
    StageColumn("id", BIGINT),
    StageColumn("word", VARCHAR),
    StageColumn("paid", decimal(9, 2)),
    StageColumn("seen", TIMESTAMP),
]
ROW = "SELECT 7 AS id, 'w' AS word, 1.5::DECIMAL(9,2) AS paid, TIMESTAMP '2024-02-29 10:00:00' AS seen"


class _Redshift:
    store, bucket, kind, connector = "minio", S3Bucket, "s3", RedshiftConnector

    def __init__(self, request):
        self.database = request.getfixturevalue("redshift")

    def prepare(self, endpoint):
        self.database.proxy.endpoint = endpoint

    def clear(self):
        self.database.proxy.statements.clear()

    def sent(self):
        return list(self.database.proxy.statements)


class _Snowflake:
    store, bucket, kind, connector = "minio", S3Bucket, "s3", SnowflakeConnector

    def __init__(self, request):
        self.database = request.getfixturevalue("databases")("snowflake")

    def prepare(self, endpoint):
        self.database.control(state={"endpoint": endpoint})

    def clear(self):
        self.database.control(clear=True)

    def sent(self):
        return self.database.sent()


class _BigQuery:
    store, bucket, kind, connector = "fake_gcs", GCSBucket, "gcs", BigQueryConnector

    def __init__(self, request):
        self.database = request.getfixturevalue("bigquery")

    def prepare(self, endpoint):
        self.database.jobs.endpoint = endpoint

    def clear(self):
        self.database.api.requests.clear()

    def sent(self):
        return [_body(*request) for request in self.database.api.requests]


def _body(method, path, data):
    shown = {key: value for key, value in data.items() if key != "jobReference"}
    return f"{method} {path}\n{json.dumps(shown, indent=2)}" if shown else f"{method} {path}"


@pytest.mark.parametrize(
    "service", [_Redshift, _Snowflake, _BigQuery], ids=["redshift", "snowflake", "bigquery"]
)
def test_what_is_sent_is_as_in_the_golden_file(service, request, stores, tmp_path):
    warehouse = service(request)
    store = stores(service.store)
    warehouse.prepare(store.endpoint)
    name = store.new_bucket()
    entry = BucketEntry("lake", service.kind, store.settings(name, prefix="staging"))
    with through(entry, service.bucket, service.connector) as connector:
        bench = Bench(warehouse.database, tmp_path, 1, connector, bucket="lake", bulk_rows=0)
        try:
            column = warehouse.database.name_of("n")
            table = bench.describe(bench.filled("golden", 100))
            warehouse.clear()
            (dataset,) = bench.read(bench.extraction(table, where=(f"{column} > 90",)))
            read = warehouse.sent()
            load, rows = new_load(bench, "dvt_golden", ROW, COLUMNS)
            warehouse.clear()
            assert bench.loader.fill(load, rows) == 1
            loaded = warehouse.sent()
            assert dataset.rows == 10
        finally:
            bench.close()
    found = "\n".join(["-- Read", *read, "", "-- Load", *loaded, ""]).replace(name, "‹bucket›")
    found = _without_chance(found)
    assert not [secret for secret in (*warehouse.database.secrets, "pl4nted") if secret in found]
    golden = GOLDEN / f"{warehouse.database.name}.txt"
    if os.environ.get("DVT_TEST_WRITE_GOLDEN"):
        golden.write_text(found)
    assert found == golden.read_text()


def _without_chance(text):
    """Return what was sent without moments, places of files, and secrets."""
    text = re.sub(r"(KEY_ID|ACCESS_KEY|SECRET_KEY|TOKEN)( = | )'[^']*'", r"\1\2'***'", text)
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3,6} ?\+00(:00)?", "‹moment›", text)
    text = re.sub(r'"expirationTime": "\d+"', '"expirationTime": "‹in a day›"', text)
    text = re.sub(r"(‹bucket›)/[^'\"*]*?/rows", r"\1/‹place›/rows", text)
    text = re.sub(r"(\"DVT_LOAD)\w*", r"\1", text)
    return re.sub(r"pg_cancel_backend\(\d+\)|file://[^']*", "‹…›", text)
