"""Snowflake's connector keeps every connector's promises, on an emulator: the service was never asked."""

from __future__ import annotations

import pytest

from dvt.buckets.s3 import S3Bucket
from dvt.config.bucket_types import BucketEntry
from dvt.connectors.snowflake import SnowflakeConnector
from dvt.core.errors import RowRefused, TableNotFound
from dvt.core.plan import Load
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
        "test_extractions_of_one_snapshot_agree_while_others_write": "it has no snapshot of several tables",
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
