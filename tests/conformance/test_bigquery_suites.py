"""BigQuery's connector keeps every connector's promises, on its stand-in: the service was never asked."""

from __future__ import annotations

import pytest

from dvt.buckets.gcs import GCSBucket
from dvt.config.bucket_types import BucketEntry
from dvt.connectors.bigquery import BigQueryConnector
from dvt.core.errors import LoginRefused, RowRefused, TableNotFound, ValueLost
from dvt.core.plan import Load
from dvt.core.ports.connectors import Job
from dvt.core.tables import StageColumn
from dvt.core.types import BIGINT, DOUBLE, VARCHAR
from dvt.testing.connectors import Bench
from dvt.testing.suites import ServerLoadingSuite, ServerSuite
from dvt.testing.suites.loading import CONTRACTED, CONTRACTED_ROWS, new_load
from tests.databases.bigquery_types import LOAD_CASES, READ_CASES
from tests.databases.transfers import through

pytestmark = [pytest.mark.slow, pytest.mark.long]

_REPEATED = "a request that is cut off is sent again, and a job goes on without connections"


class _BigQuery(ServerSuite, ServerLoadingSuite):
    read_cases = READ_CASES
    load_cases = LOAD_CASES
    never = {
        "test_a_connection_cut_amid_a_query_is_an_error_that_says_so": _REPEATED,
        "test_a_cut_amid_rows_never_passes_for_their_end": _REPEATED,
        "test_a_load_whose_connection_is_cut_leaves_no_table": _REPEATED,
        "test_a_stage_table_holds_what_was_staged": "its name has a quotation mark, which no table's has",
        "test_a_row_that_breaks_a_constraint_leaves_no_table": "no constraint but NOT NULL is enforced",
        "test_rows_are_loaded_by_name_into_the_contracts_columns": "its DDL has constraints of its own",
        "test_a_text_too_long_for_its_column_is_refused_and_not_cut": "there is no varchar",
    }

    @pytest.fixture
    def database(self, bigquery):
        return bigquery


class TestBigQueryConnector(_BigQuery):
    """There is no bucket, so all moves by the client."""


class TestBigQueryThroughABucket(_BigQuery):
    """All moves by EXPORT DATA and load jobs of files in a bucket."""

    @pytest.fixture
    def bench_with(self, database, stores, tmp_path):
        store = stores("fake_gcs")
        database.jobs.endpoint = store.endpoint
        entry = BucketEntry("lake", "gcs", store.settings(store.new_bucket(), prefix="staging"))
        benches: list[Bench] = []
        with through(entry, GCSBucket, BigQueryConnector) as connector:

            def make(limit: int = 4, **settings):
                folder = tmp_path / f"bench-{len(benches)}"
                folder.mkdir()
                own = {"bucket": "lake", "bulk_rows": 0} | settings
                benches.append(Bench(database, folder, limit, connector, **own))
                return benches[-1]

            yield make
            for bench in benches:
                bench.close()


@pytest.mark.parametrize("bulk", [False, True], ids=["uploaded", "in a bucket"])
class TestOwnLoads:
    """What the suites ask of other databases, by names and DDL that BigQuery has."""

    @pytest.fixture
    def bench(self, bulk, bigquery, stores, tmp_path):
        if not bulk:
            bench = Bench(bigquery, tmp_path)
            yield bench
            bench.close()
            return
        store = stores("fake_gcs")
        bigquery.jobs.endpoint = store.endpoint
        entry = BucketEntry("lake", "gcs", store.settings(store.new_bucket(), prefix="staging"))
        with through(entry, GCSBucket, BigQueryConnector) as connector:
            bench = Bench(bigquery, tmp_path, 4, connector, bucket="lake", bulk_rows=0)
            yield bench
            bench.close()

    def test_a_stage_table_holds_what_was_staged(self, bench):
        columns = [StageColumn("Id", BIGINT), StageColumn("the word", VARCHAR), StageColumn("select", DOUBLE)]
        sql = """SELECT i AS "Id", 'w' || i AS "the word", i / 4 AS "select" FROM range(100000) r(i)"""
        load, dataset = new_load(bench, "dvt_Stage one", sql, columns)
        assert bench.loader.fill(load, dataset) == 100_000
        table = bench.describe(load.stage)
        assert [(column.name, column.stage) for column in table.columns] == [
            (column.name, column.type) for column in columns
        ]
        totals = "SELECT count(*), sum(c0), count(DISTINCT c1), sum(c2) FROM t"
        expected = (100_000, 4999950000, 100_000, 1249987500.0)
        assert bench.first_row(totals, bench.read_table(load.stage)) == expected

    def test_rows_are_loaded_by_name_into_the_contracts_columns(self, bench, bigquery):
        load = _contracted(bench, "dvt_contracted")
        rows = bench.stage(CONTRACTED_ROWS.format(count=1000), CONTRACTED)
        assert bench.loader.fill(load, rows) == 1000
        names = [column.name for column in bench.describe(load.stage).columns]
        assert names == ["total", "word", "the id"]
        loaded = sorted(bigquery.as_text(load.stage), key=lambda row: int(str(row[2])))
        assert loaded[7] == ("1.75", "word 7", "7")

    @pytest.mark.parametrize(
        ("row", "error"),
        [
            ("SELECT NULL AS \"the id\", 'a' AS word, 2 AS total", RowRefused),
            ("SELECT 1 AS \"the id\", 'much too long a word' AS word, 2 AS total", ValueLost),
        ],
        ids=["null", "long"],
    )
    def test_a_row_that_the_contract_refuses_leaves_no_table(self, bench, row, error):
        load = _contracted(bench, "dvt_refused")
        with pytest.raises(error, match="dvt_refused"):
            bench.loader.fill(load, bench.stage(row, CONTRACTED))
        with pytest.raises(TableNotFound):
            bench.describe(load.stage)


def _contracted(bench, name):
    ref = bench.database.table(name)
    bench.loader.drop(ref)
    columns = bench.loader.columns(CONTRACTED)
    types = {"the id": "INT64 not null", "word": "STRING(12) not null", "total": "NUMERIC(9,2)"}
    lines = [f"`{column.name}` {types[column.name]}" for column in reversed(columns)]
    definition = f"({', '.join(lines)}, primary key (`the id`) not enforced)"
    return Load(stage=ref, columns=columns, definition=definition)


class TestReads:
    """What only BigQuery does."""

    @pytest.fixture
    def bench_with(self, bigquery, tmp_path):
        benches = []

        def make(**settings):
            folder = tmp_path / f"bench-{len(benches)}"
            folder.mkdir()
            benches.append(Bench(bigquery, folder, **settings))
            return benches[-1]

        yield make
        for bench in benches:
            bench.close()

    def test_without_time_travel_each_query_reads_what_is_there(self, bench_with, bigquery):
        bench = bench_with(time_travel=False)
        ref = bench.filled("untravelled", 10)
        table, rows = bench.describe(ref), []
        assert not bench.connector.capabilities.snapshot
        with bench.connector.snapshot() as snapshot:
            for _ in range(2):
                job = Job(bench.extraction(table), bench.sink())
                snapshot.extract([job], lambda _, dataset: rows.append(dataset.rows))
                bigquery.execute(f"insert into {bigquery.quoted(ref)} values (11, 'x')")
        assert rows == [10, 11]

    def test_partitions_that_conditions_leave_out_are_not_in_an_estimate(self, bench_with, bigquery):
        bench = bench_with()
        ref = bench.filled("partitioned", 10_000)
        table = bench.describe(ref)
        few, absent = (bench.extraction(table, ["word"], (where,)) for where in ("`n` < 900", "`n` > 99999"))
        whole = bench.connector.estimate([few])[0]
        bigquery.jobs.tables.found(("dvt-tests", "shop", "partitioned")).partitioned = "n // 1000"
        pruned, nothing = bench.connector.estimate([few, absent])
        assert (whole.rows, nothing.rows) == (3333, 0)
        assert 900 < pruned.rows < 1200
        assert 95 < pruned.bytes / pruned.rows < 100
        assert not [job for job in bigquery.jobs.all.values() if "dryRun" in job.configuration]

    def test_what_is_not_a_plain_table_is_estimated_by_nothing(self, bench_with, bigquery):
        bench = bench_with()
        ref = bench.filled("below_sized", 10)
        view = bigquery.table("sized_view")
        bigquery.jobs.tables.drop(("dvt-tests", "shop", "sized_view"))
        bigquery.execute(f"create view {bigquery.quoted(view)} as select n from {bigquery.quoted(ref)}")
        assert bench.connector.estimate([bench.extraction(bench.describe(view))]) == [None]

    def test_a_view_is_read_as_it_is(self, bench_with, bigquery):
        bench = bench_with()
        ref = bench.filled("below_view", 10)
        view = bigquery.table("the_view")
        bigquery.jobs.tables.drop(("dvt-tests", "shop", "the_view"))
        bigquery.execute(f"create view {bigquery.quoted(view)} as select n from {bigquery.quoted(ref)}")
        assert bench.read_table(view).rows == 10
        assert "SYSTEM_TIME" not in bigquery.statements[-1]

    def test_a_number_of_more_than_64_bits_is_compared(self, bench_with):
        bench = bench_with()
        table = bench.describe(bench.filled("compared", 10))
        where = ("`n` < 99999999999999999999", "`n` > -99999999999999999999")
        (dataset,) = bench.read(bench.extraction(table, where=where))
        assert dataset.rows == 10

    def test_what_one_may_not_read_or_be_is_told(self, bench_with, bigquery):
        bench = bench_with(token="ya29.an-0ther")
        with pytest.raises(LoginRefused) as caught:
            bench.describe(bigquery.table("orders"))
        assert "ya29" not in f"{caught.value} {caught.value.__context__}"
        facts = bench_with().connector
        assert facts.server_facts(None).has_schema
        assert not facts.server_facts("nowhere").has_schema

    def test_keys_of_the_output_are_in_every_job(self, bench_with, bigquery):
        keys = {
            "priority": "batch", "maximum_bytes_billed": 10**9, "timeout_seconds": 77,
            "execution_project": "payer", "reservation": "projects/p/locations/eu/reservations/r",
        }  # fmt: skip
        bench = bench_with(**keys)
        bench.read_table(bench.filled("configured", 5))
        sent = bigquery.api.requests[-1][2]
        query = sent["configuration"]["query"]
        assert (query["priority"], query["maximumBytesBilled"]) == ("BATCH", str(10**9))
        assert sent["configuration"]["jobTimeoutMs"] == "77000"
        assert sent["configuration"]["reservation"] == keys["reservation"]
        assert sent["jobReference"]["projectId"] == "payer"
        assert sent["jobReference"]["location"] == "EU"
