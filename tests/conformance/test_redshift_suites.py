"""Redshift's connector keeps every connector's promises, on its stand-in: the service was never asked."""

from __future__ import annotations

import pytest

from dvt.buckets.s3 import S3Bucket
from dvt.config.bucket_types import BucketEntry
from dvt.connectors.redshift import RedshiftConnector
from dvt.core.ports.connectors import Job
from dvt.testing.connectors import Bench
from dvt.testing.suites import ServerLoadingSuite, ServerSuite
from tests.databases.redshift_types import LOAD_CASES, READ_CASES
from tests.databases.transfers import through

pytestmark = [pytest.mark.slow, pytest.mark.long]

_UNTIL_THE_CALL_ENDS = "a transaction would hold locks on what it has read, so it ends with the call"
_ONE_BY_ONE = "all queries of a snapshot run in one transaction, one after the other"


class _Redshift(ServerSuite, ServerLoadingSuite):
    read_cases = READ_CASES
    load_cases = LOAD_CASES
    never = {
        "test_extractions_of_one_snapshot_agree_while_others_write": _UNTIL_THE_CALL_ENDS,
        "test_no_more_queries_read_a_table_at_once_than_its_config_allows": _ONE_BY_ONE,
        "test_the_first_failure_ends_the_others_and_leaves_nothing": _ONE_BY_ONE,
    }

    @pytest.fixture
    def database(self, redshift):
        return redshift


class TestRedshiftConnector(_Redshift):
    """There is no bucket, so all moves as rows of the client."""


class TestRedshiftThroughABucket(_Redshift):
    """All moves by UNLOAD and COPY."""

    @pytest.fixture
    def bench_with(self, database, stores, tmp_path):
        store = stores("minio")
        database.proxy.endpoint = store.endpoint
        entry = BucketEntry("lake", "s3", store.settings(store.new_bucket(), prefix="staging"))
        benches: list[Bench] = []
        with through(entry, S3Bucket, RedshiftConnector) as connector:

            def make(limit: int = 4, **settings):
                folder = tmp_path / f"bench-{len(benches)}"
                folder.mkdir()
                own = {"bucket": "lake", "bulk_rows": 0} | settings
                benches.append(Bench(database, folder, limit, connector, **own))
                return benches[-1]

            yield make
            for bench in benches:
                bench.close()


def test_what_was_read_may_be_dropped_while_the_run_goes_on(redshift, tmp_path):
    bench = Bench(redshift, tmp_path)
    try:
        ref = bench.filled("dropped", 10)
        with bench.connector.snapshot() as snapshot:
            snapshot.extract([Job(bench.extraction(bench.describe(ref)), bench.sink())], lambda *_: None)
            redshift.execute("set lock_timeout = '5s'", f"drop table {redshift.quoted(ref)}")
    finally:
        bench.close()


def test_two_tables_of_one_call_are_of_one_state(redshift, tmp_path):
    bench = Bench(redshift, tmp_path)
    try:
        refs = [bench.filled(name, 10) for name in ("first_side", "second_side")]
        tables = bench.connector.describe(refs)
        rows = []

        def finished(job, dataset):
            rows.append(dataset.rows)
            redshift.execute(*(f"insert into {redshift.quoted(ref)} values (11, 'x')" for ref in refs))

        with bench.connector.snapshot() as snapshot:
            jobs = [Job(bench.extraction(tables[ref]), bench.sink()) for ref in refs]
            snapshot.extract(jobs, finished)
        assert rows == [10, 10]
    finally:
        bench.close()
