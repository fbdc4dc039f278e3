"""Snowflake's connector keeps every connector's promises, on an emulator: the service was never asked."""

from __future__ import annotations

import pytest

from dvt.buckets.s3 import S3Bucket
from dvt.config.bucket_types import BucketEntry
from dvt.connectors.snowflake import SnowflakeConnector
from dvt.core.errors import QueryFailed, RowRefused, TableNotFound
from dvt.core.plan import Load
from dvt.core.ports.connectors import Job
from dvt.core.tables import StageColumn
from dvt.core.types import BIGINT, VARCHAR
from dvt.testing.connectors import Bench
from dvt.testing.suites import ServerLoadingSuite, ServerSuite
from tests.databases.snowflake_types import LOAD_CASES, READ_CASES
from tests.databases.transfers import through

pytestmark = [pytest.mark.slow, pytest.mark.long]


_NO_LENGTHS = "the emulator's texts have no lengths"
_NO_CHECKS = "a contract has no CHECK there, and keys are not enforced"
_IN_ONE_PIECE = "the emulator answers in one piece, of which it makes some thousand rows a second"


class _Snowflake(ServerSuite, ServerLoadingSuite):
    read_cases = READ_CASES
    load_cases = LOAD_CASES
    never = {
        "test_a_query_is_cancelled_amid_its_rows": _IN_ONE_PIECE,
        "test_a_cut_amid_rows_never_passes_for_their_end": _IN_ONE_PIECE,
        "test_every_row_of_a_large_table_arrives_once": _IN_ONE_PIECE,
        "test_a_stage_table_holds_what_was_staged": "a whole number is one of 38 digits there",
        "test_a_text_too_long_for_its_column_is_refused_and_not_cut": _NO_LENGTHS,
        "test_rows_are_loaded_by_name_into_the_contracts_columns": _NO_CHECKS,
        "test_a_row_that_breaks_a_constraint_leaves_no_table": _NO_CHECKS,
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


class TestMoments:
    """What only Snowflake does."""

    @pytest.fixture
    def database(self, databases):
        return databases("snowflake")

    @pytest.fixture
    def bench_with(self, database, tmp_path):
        benches = []

        def make(**settings):
            folder = tmp_path / f"bench-{len(benches)}"
            folder.mkdir()
            benches.append(Bench(database, folder, **settings))
            return benches[-1]

        yield make
        for bench in benches:
            bench.close()

    def test_without_time_travel_each_query_reads_what_is_there(self, bench_with, database):
        bench = bench_with(time_travel=False)
        ref = bench.filled("untravelled", 10)
        table, rows = bench.describe(ref), []
        assert not bench.connector.capabilities.snapshot
        with bench.connector.snapshot() as snapshot:
            for _ in range(2):
                job = Job(bench.extraction(table), bench.sink())
                snapshot.extract([job], lambda _, dataset: rows.append(dataset.rows))
                database.execute(f"insert into {database.quoted(ref)} values (11, 'x')")
        assert rows == [10, 11]

    def test_views_and_tables_without_a_past_are_read_as_they_are(self, bench_with, database):
        bench = bench_with()
        ref, view = bench.filled("BELOW_VIEW", 10), database.table("THE_VIEW")
        database.execute(
            f"create or replace view {database.quoted(view)} as select * from {database.quoted(ref)}"
        )
        database.control(clear=True)
        assert bench.read_table(view).rows == bench.read_table(ref).rows == 10
        of_view, of_table = [text for text in database.sent() if text.startswith('SELECT "n" AS')]
        assert "TIMESTAMP =>" not in of_view
        assert "BELOW_VIEW\" AT (TIMESTAMP => '" in of_table
        assert bench.connector.without_past([ref, view]) == [view]

    def test_a_table_that_is_replaced_meanwhile_is_an_error_with_a_way_out(self, bench_with, database):
        bench = bench_with()
        tables = [bench.describe(bench.filled(name, 10)) for name in ("kept", "replaced")]
        with bench.connector.snapshot() as snapshot:
            snapshot.extract([Job(bench.extraction(tables[0]), bench.sink())], lambda *_: None)
            bench.filled("replaced", 11)
            with pytest.raises(QueryFailed, match="Time travel data is not available") as caught:
                snapshot.extract([Job(bench.extraction(tables[1]), bench.sink())], lambda *_: None)
        assert "time_travel: false" in caught.value.hint

    def test_partitions_that_conditions_leave_out_are_not_in_an_estimate(self, bench_with):
        bench = bench_with()
        table = bench.describe(bench.filled("PARTITIONED", 10_000))
        queries = [
            bench.extraction(table, where=(where,)) for where in ('"n" < 900', '"n" > 99999', '"n" > 0')
        ]
        few, nothing, whole = bench.connector.estimate(queries)
        assert (few.rows, nothing.rows, whole.rows) == (1000, 0, 3333)


def test_a_contract_gives_the_columns_and_refuses_nulls(databases, tmp_path):
    database = databases("snowflake")
    bench = Bench(database, tmp_path)
    try:
        columns = [StageColumn("ID", BIGINT), StageColumn("WORD", VARCHAR)]
        ref = database.table("DVT_CONTRACTED")
        definition = "(WORD varchar(5) not null, ID number(38,0))"
        load = Load(stage=ref, columns=bench.loader.columns(columns), definition=definition)
        assert bench.loader.fill(load, bench.stage("SELECT 7 AS ID, 'w' AS WORD", columns)) == 1
        assert database.as_text(ref) == [("w", "7")]
        bench.loader.drop(ref)
        with pytest.raises(RowRefused, match="DVT_CONTRACTED"):
            bench.loader.fill(load, bench.stage("SELECT 7 AS ID, NULL AS WORD", columns))
        with pytest.raises(TableNotFound):
            bench.describe(ref)
    finally:
        bench.close()
