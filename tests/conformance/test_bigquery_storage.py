"""BigQuery's answers arrive by the Storage Read API, on a stand-in: the service was never asked."""

from __future__ import annotations

import threading

import pytest

from dvt.core.errors import Cancelled, QueryFailed
from dvt.core.ports.connectors import Job
from dvt.testing.background import wait_until
from dvt.testing.connectors import Bench
from dvt.testing.suites import ServerSuite
from tests.databases.bigquery_storage import storage_reads
from tests.databases.bigquery_types import READ_CASES

pytestmark = [
    pytest.mark.slow,
    pytest.mark.long,
    # The client of BigQuery itself calls what that of the API plans to deprecate.
    pytest.mark.filterwarnings("ignore:Retrieving Arrow record batches:PendingDeprecationWarning"),
]

_REPEATED = "a request that is cut off is sent again, and a job goes on without connections"


@pytest.fixture
def service(bigquery):
    pytest.importorskip("google.cloud.bigquery_storage_v1")
    with storage_reads(bigquery.jobs) as service:
        yield service


@pytest.fixture
def bench_with(bigquery, service, tmp_path):
    benches = []

    def make(limit=4, **settings):
        folder = tmp_path / f"bench-{len(benches)}"
        folder.mkdir()
        own = {"reads": "storage_api", "storage_api_endpoint": service.endpoint, "bulk_rows": 0} | settings
        benches.append(Bench(bigquery, folder, limit, **own))
        return benches[-1]

    yield make
    for bench in benches:
        bench.close()


class TestBigQueryByStreams(ServerSuite):
    """Every connector's promises."""

    read_cases = READ_CASES
    never = {
        "test_a_connection_cut_amid_a_query_is_an_error_that_says_so": _REPEATED,
        "test_a_cut_amid_rows_never_passes_for_their_end": _REPEATED,
    }

    @pytest.fixture
    def database(self, bigquery):
        return bigquery

    @pytest.fixture
    def bench_with(self, bench_with):
        return bench_with


def test_rows_arrive_by_several_streams_and_none_twice(bench_with, service):
    bench = bench_with(limit=3)
    dataset = bench.read_table(bench.filled("streamed", 60_000))
    totals = "SELECT count(*), count(DISTINCT c0), sum(c0) FROM t"
    assert bench.first_row(totals, dataset) == (60_000, 60_000, 1_800_030_000)
    (session,) = service.sessions
    assert session.max_stream_count == 3
    assert len(set(service.streams)) == 3


def test_little_arrives_by_the_client_and_a_route_says_why(bench_with, service):
    bench = bench_with(bulk_rows=1000)
    little, much = (bench.describe(bench.filled(f"of_{rows}", rows)) for rows in (1000, 1001))
    by = [bench.connector.read_route(bench.extraction(table)).by for table in (little, much)]
    assert by == ["rows of the client", "Storage Read API"]
    assert [bench.read_table(table.ref).rows for table in (little, much)] == [1000, 1001]
    assert len(service.sessions) == 1


def test_rows_that_do_not_arrive_are_an_error(bench_with, service):
    bench = bench_with()
    table = bench.describe(bench.filled("lost", 50_000))
    service.loses_rows = True
    with pytest.raises(QueryFailed, match="rows of 50000 arrived"):
        bench.read(bench.extraction(table))
    assert bench.staged() == []


def test_streams_that_are_silent_are_cancelled(bench_with, service):
    bench = bench_with()
    query = bench.extraction(bench.describe(bench.filled("silent", 50_000)))
    service.answers.clear()
    caught = []

    def extract():
        with bench.connector.snapshot() as snapshot:
            try:
                snapshot.extract([Job(query, bench.sink())], lambda *_: None)
            except Cancelled as error:
                caught.append(error)

    thread = threading.Thread(target=extract)
    thread.start()
    assert wait_until(lambda: bool(service.streams), 30)
    bench.connector.cancel()
    thread.join(30)
    assert not thread.is_alive()
    assert len(caught) == 1
