"""Over JDBC a lost query is sent again where it sees a state of its own anyway; never in one transaction."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from dvt.core.errors import Cancelled, ConnectionLost, DvtError, QueryFailed
from dvt.core.extraction import Extraction
from dvt.core.reports import Notice
from dvt.testing.background import BackgroundCall, wait_until
from dvt.testing.connectors import Bench
from tests.databases.proxy import Proxy, proxy

pytestmark = pytest.mark.slow

ROWS = 20_000
AMID = 400_000
"""Bytes after which a connection is lost: a fifth of the table."""


@pytest.fixture
def h2(databases):
    return databases("jdbc")


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch) -> None:
    monkeypatch.setattr("dvt.connectors.jdbc.reading.pause", lambda attempt: 0.1 * (attempt + 1))


@pytest.fixture
def line(h2) -> Iterator[Proxy]:
    with proxy(h2.port) as line:
        yield line


def reading(h2, line: Proxy, tmp_path, **settings) -> tuple[Bench, list[Notice]]:
    """A bench whose connections go through a proxy, and the notices of what it reads."""
    notices: list[Notice] = []
    url = h2.url.replace(str(h2.port), str(line.port))
    bench = Bench(h2, tmp_path, url=url, **settings)
    bench.connector._server.warn = notices.append  # type: ignore[attr-defined]
    return bench, notices


def rows_of(bench: Bench, dataset) -> tuple[int, int, int]:
    return bench.first_row("SELECT count(*), count(DISTINCT c0), sum(c0)::BIGINT FROM t", dataset)


@pytest.mark.parametrize("partitions", [5, pytest.param(1, marks=pytest.mark.long)])
def test_a_query_whose_connection_is_cut_is_read_again_and_each_row_is_there_once(
    h2, line, tmp_path, partitions
):
    bench, notices = reading(h2, line, tmp_path, consistent_reads=False, fetch_size=100)
    query = bench.extraction(bench.describe(bench.filled("again", ROWS)))
    query = replace(query, extraction=Extraction(partition_column="n", partitions=partitions))
    line.freeze_after(AMID, "to_client")
    call = BackgroundCall(lambda: bench.read(query))
    assert line.frozen.wait(30)
    line.thaw()
    assert call.finish() is None
    (dataset,) = call.answer
    assert rows_of(bench, dataset) == (ROWS, ROWS, ROWS * (ROWS + 1) // 2)
    assert len(dataset.keys) == partitions
    assert {notice.code for notice in notices} == {"DVT037"}
    assert ("a range of it" in notices[0].message) == (partitions > 1)
    bench.close()


@pytest.mark.long
def test_a_server_that_stays_away_is_an_error_after_the_last_attempt(h2, line, tmp_path):
    bench, notices = reading(h2, line, tmp_path, consistent_reads=False, fetch_size=100)
    query = bench.extraction(bench.describe(bench.filled("again", ROWS)))
    line.freeze_after(AMID, "to_client")
    call = BackgroundCall(lambda: bench.read(query))
    assert line.frozen.wait(30)
    line.close()
    error = call.finish()
    assert isinstance(error, DvtError)
    assert error.code == "DVT130"
    assert len(notices) == 5
    assert "attempt 6 of 6" in notices[-1].message
    assert bench.staged() == []
    bench.close()


def test_in_one_transaction_a_lost_connection_is_an_error(h2, line, tmp_path):
    bench, notices = reading(h2, line, tmp_path, fetch_size=100)
    query = bench.extraction(bench.describe(bench.filled("again", ROWS)))
    line.freeze_after(AMID, "to_client")
    call = BackgroundCall(lambda: bench.read(query))
    assert line.frozen.wait(30)
    line.thaw()
    assert isinstance(call.finish(), ConnectionLost)
    assert (notices, bench.staged()) == ([], [])
    bench.close()


def test_an_error_of_the_query_itself_is_not_asked_for_again(h2, line, tmp_path):
    bench, notices = reading(h2, line, tmp_path, consistent_reads=False)
    table = bench.describe(bench.filled("again", 3))
    with pytest.raises(QueryFailed):
        bench.read(bench.extraction(table, where=('1 / ("n" - 2) > 0',)))
    assert notices == []
    bench.close()


@pytest.mark.long
def test_a_pause_before_another_attempt_ends_with_ctrl_c(h2, line, tmp_path, monkeypatch):
    monkeypatch.setattr("dvt.connectors.jdbc.reading.pause", lambda _: 60.0)
    bench, notices = reading(h2, line, tmp_path, consistent_reads=False, fetch_size=100)
    query = bench.extraction(bench.describe(bench.filled("again", ROWS)))
    line.freeze_after(AMID, "to_client")
    call = BackgroundCall(lambda: bench.read(query))
    assert line.frozen.wait(30)
    line.thaw()
    assert wait_until(lambda: bool(notices))
    bench.connector.cancel()
    assert isinstance(call.finish(), Cancelled)
    assert bench.staged() == []
    bench.close()
