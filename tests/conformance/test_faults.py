"""Servers that are down or silent, broken networks, slow sinks: clear errors and bounded memory."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dvt.buckets.filesystem import FilesystemBucket
from dvt.core.errors import Cancelled, DvtError
from dvt.core.plan import Load
from dvt.core.ports.connectors import Job
from dvt.core.ports.staging import Bucket, Dataset, Sink
from dvt.core.tables import StageColumn
from dvt.core.types import BIGINT, VARCHAR
from dvt.staging.parquet import ParquetSink
from dvt.testing.background import BackgroundCall, wait_until
from dvt.testing.connectors import Bench
from tests.conformance.measure import measure
from tests.databases.ports import free_port
from tests.databases.proxy import proxy, silent_port

pytestmark = pytest.mark.slow

PEAK_MEGABYTES = 512
"""Peak memory of a process that moves all rows, at most."""
GROWTH_MEGABYTES = 256
"""Its growth over the peak of a process that moves a twentieth of the rows, at most."""
ERROR_TIMEOUT = 60.0
"""Seconds until the error of an unusable server, at most; without a timeout of dvt's it never comes."""


def connection_error(bench: Bench) -> DvtError:
    """Return the error of describing a table; assert that it comes in time and shows no secret."""
    started = time.monotonic()
    with pytest.raises(DvtError) as caught:
        bench.describe(bench.database.table("any"))
    assert time.monotonic() - started < ERROR_TIMEOUT
    assert_shows_no_secret(bench.database, caught.value)
    return caught.value


def assert_shows_no_secret(database: Any, error: BaseException | None) -> None:
    """Assert that neither the error nor its causes contain a password."""
    while error is not None:
        text = f"{error!r} {error} {vars(error)}"
        assert not [secret for secret in database.secrets if secret in text], text
        error = error.__cause__ or error.__context__


@pytest.mark.never("bigquery", reason="it has one address; requests to it are repeated for a minute")
def test_the_error_of_a_server_that_is_down_names_its_port(
    server: Any, another: Callable[..., Bench]
) -> None:
    port = free_port()
    error = connection_error(another(port=port))
    assert error.code == "DVT130"
    assert str(port) in str(error)


@pytest.mark.never("bigquery", reason="it has one address; the test of its driver has a server of its own")
@pytest.mark.rarely("redshift")
def test_a_silent_server_is_a_clear_error_within_a_minute(server: Any, another: Callable[..., Bench]) -> None:
    with silent_port() as port:
        assert connection_error(another(port=port)).code == "DVT130"


@pytest.mark.never("bigquery", reason="it has tokens, of which its own suite asks the same")
def test_the_error_of_a_wrong_password_does_not_show_it(server: Any, another: Callable[..., Bench]) -> None:
    key = "pass" if "pass" in server.settings() else "password"
    error = connection_error(another(**{key: "wr0ng-s3cret"}))
    assert error.code == "DVT131"
    assert "wr0ng" not in str(error)


@pytest.mark.rarely("redshift")
@pytest.mark.never("bigquery", reason="a job goes on without connections")
def test_a_network_that_breaks_during_an_extraction_is_one_clear_error(
    server: Any, another: Callable[..., Bench]
) -> None:
    with proxy(server.settings()["port"]) as network:
        bench = another(port=network.port)
        ref = server.table("broken_network")
        server.fill(ref, 1_500_000)
        extraction = bench.extraction(bench.describe(ref))
        initial = network.received
        read_thread = BackgroundCall(lambda: bench.read(extraction))
        while network.received - initial < 20_000_000 and read_thread.is_alive():
            time.sleep(0.005)
        network.cut()
        error = read_thread.finish()
        assert isinstance(error, DvtError)
        assert error.code == "DVT132", error
        assert_shows_no_secret(server, error)
        assert bench.staged() == []


@pytest.mark.rarely("redshift")
@pytest.mark.never("bigquery", reason="its stand-in is no process of its own")
def test_a_server_killed_during_an_extraction_is_one_clear_error(server: Any, bench: Bench) -> None:
    ref = server.table("killed")
    server.fill(ref, 1_500_000)
    read_thread = BackgroundCall(lambda: bench.read(bench.extraction(bench.describe(ref))))
    while not any(path.stat().st_size for path in bench.staged()) and read_thread.is_alive():
        time.sleep(0.005)
    server.kill()
    try:
        error = read_thread.finish()
        assert isinstance(error, DvtError)
        assert error.code in {"DVT130", "DVT132"}, error
        assert connection_error(bench).code == "DVT130"
    finally:
        server.start_again()
    assert bench.read_table(ref).rows == 1_500_000


def is_constant(count: Callable[[], int]) -> bool:
    """Return whether the count stays the same for two seconds."""
    initial = count()
    time.sleep(2)
    return count() == initial


class PipedBucket(FilesystemBucket):
    """A bucket whose files are one pipe: writing is as slow as its reader."""

    def __init__(self, bucket: Bucket, pipe: Path) -> None:
        self.__dict__.update(vars(bucket))
        self._pipe = pipe

    @contextmanager
    def writing(self, consumer: str, key: str) -> Iterator[str]:
        yield str(self._pipe)


def to_pipe(sink: Sink, pipe: Path) -> Sink:
    """Return a sink like this one that writes into the pipe."""
    location = sink.location
    return ParquetSink(replace(location, bucket=PipedBucket(location.bucket, pipe)))


@pytest.mark.never("bigquery", reason="it has one address; it sends pages that are asked for")
@pytest.mark.rarely("redshift")
def test_a_slow_sink_slows_the_source_and_can_be_cancelled(
    server: Any, another: Callable[..., Bench], tmp_path: Path
) -> None:
    ref = server.table("held_back")
    server.fill(ref, 3_000_000)
    with proxy(server.settings()["port"]) as network:
        bench = another(port=network.port, limit=2)
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)
        table = bench.describe(ref)
        datasets: list[Dataset] = []

        def read() -> None:
            with bench.connector.snapshot() as snapshot:
                job = Job(bench.extraction(table), to_pipe(bench.sink(), pipe))
                snapshot.extract([job], lambda _, dataset: datasets.append(dataset))

        initial = network.received
        read_thread = BackgroundCall(read)
        with pipe.open("rb") as reader:
            reader.read(100_000)
            assert wait_until(lambda: is_constant(lambda: network.received), 120), "the source is still read"
            assert network.received - initial < 250_000_000
            cancel_thread = BackgroundCall(bench.connector.cancel)
            assert wait_until(lambda: not server.running()), "the server works on a cancelled query"
        # A write that hangs ends only when its file is closed.
        assert isinstance(read_thread.finish(), Cancelled)
        assert cancel_thread.finish() is None
        assert datasets == []


@pytest.mark.rarely("redshift", "jdbc")
@pytest.mark.never("duckdb", reason="its file belongs to one process")
@pytest.mark.never("bigquery", reason="its stand-in is in the process that is measured")
@pytest.mark.never("trino", reason="the tests' server holds its tables in memory, of which it has 256 MB")
def test_memory_does_not_grow_with_the_table(database: Any, bench: Bench) -> None:
    peaks = []
    for rows in (200_000, 4_000_000):
        ref = database.table(f"grown_{rows}")
        database.fill(ref, rows)
        extraction = bench.extraction(bench.describe(ref))
        measurement = measure(database, bench.folder, extraction)
        assert measurement.rows == rows
        peaks.append(measurement.megabytes)
    assert peaks[1] < PEAK_MEGABYTES, peaks
    assert peaks[1] - peaks[0] < GROWTH_MEGABYTES, peaks


@pytest.mark.rarely("redshift", "bigquery")
@pytest.mark.never("duckdb", reason="its file belongs to one process")
def test_memory_does_not_grow_with_the_load(target: Any, bench: Bench) -> None:
    peaks = []
    columns = [StageColumn("a", BIGINT), StageColumn("b", VARCHAR)]
    by_statements = target.name in {"clickhouse", "trino"}  # which take some thousand rows a second
    for rows in (40_000, 400_000) if by_statements else (200_000, 4_000_000):
        ref = target.table("dvt_grown")
        bench.connector.drop(ref)
        dataset = bench.stage(
            f"SELECT i AS a, md5(i::VARCHAR) || md5((i + 1)::VARCHAR) AS b FROM range({rows}) r(i)", columns
        )
        load = Load(stage=ref, columns=bench.connector.columns(columns))
        measurement = measure(target, bench.folder, (load, dataset))
        assert measurement.rows == rows
        peaks.append(measurement.megabytes)
    assert peaks[1] < PEAK_MEGABYTES, peaks
    assert peaks[1] - peaks[0] < GROWTH_MEGABYTES, peaks
