"""Snowflake's connector keeps every connector's promises, on an emulator: the service was never asked."""

from __future__ import annotations

import pytest

from dvt.buckets.s3 import S3Bucket
from dvt.config.bucket_types import BucketEntry
from dvt.connectors.snowflake import SnowflakeConnector
from dvt.testing.connectors import Bench
from dvt.testing.suites import ServerSuite
from tests.databases.snowflake_types import READ_CASES
from tests.databases.transfers import through

pytestmark = [pytest.mark.slow, pytest.mark.long]


_IN_ONE_PIECE = "the emulator answers in one piece, of which it makes some thousand rows a second"


class _Snowflake(ServerSuite):
    read_cases = READ_CASES
    never = {
        "test_extractions_of_one_snapshot_agree_while_others_write": "it has no snapshot of several tables",
        "test_a_query_is_cancelled_amid_its_rows": _IN_ONE_PIECE,
        "test_a_cut_amid_rows_never_passes_for_their_end": _IN_ONE_PIECE,
        "test_every_row_of_a_large_table_arrives_once": _IN_ONE_PIECE,
    }

    @pytest.fixture
    def database(self, databases):
        return databases("snowflake")


class TestSnowflakeConnector(_Snowflake):
    """There is no bucket, so all moves as rows of the client."""


class TestSnowflakeThroughABucket(_Snowflake):
    """All moves by COPY INTO."""

    @pytest.fixture
    def bench_with(self, database, stores, tmp_path):
        store = stores("minio")
        database.control(state={"endpoint": store.endpoint})
        entry = BucketEntry("lake", "s3", store.settings(store.new_bucket(), prefix="staging"))
        benches: list[Bench] = []
        with through(entry, S3Bucket, SnowflakeConnector) as connector:

            def make(limit: int = 4, **settings):
                folder = tmp_path / f"bench-{len(benches)}"
                folder.mkdir()
                own = {"bucket": "lake", "bulk_rows": 0} | settings
                benches.append(Bench(database, folder, limit, connector, **own))
                return benches[-1]

            yield make
            for bench in benches:
                bench.close()
