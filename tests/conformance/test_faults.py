"""Servers that are down or silent, networks that break, slow sinks: clear errors, bounded memory."""

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
from tests.conformance.measure import measured
from tests.databases.ports import free_port
from tests.databases.proxy import proxy, silent_port

pytestmark = pytest.mark.slow

BOUND, GROWTH = 512, 256
"""Megabytes: at the peak, and more than with a twentieth of the rows."""
AT_ONCE = 30.0
"""Seconds within which whatever is wrong with a server is said."""


def refused(bench: Bench) -> DvtError:
    """The error of whoever looks at a table, which comes at once and shows no secret."""
    started = time.monotonic()
    with pytest.raises(DvtError) as found:
        bench.describe(bench.database.table("any"))
    assert time.monotonic() - started < AT_ONCE
    without_secrets(bench.database, found.value)
    return found.value


def without_secrets(database: Any, error: BaseException | None) -> None:
    while error is not None:
        said = f"{error!r} {error} {vars(error)}"
        assert not [secret for secret in database.secrets if secret in said], said
        error = error.__cause__ or error.__context__


def test_a_server_that_is_down(server: Any, another: Callable[..., Bench]) -> None:
    port = free_port()
    error = refused(another(port=port))
    assert error.code == "DVT130"
    assert str(port) in str(error)


def test_a_server_that_says_nothing(server: Any, another: Callable[..., Bench]) -> None:
    with silent_port() as port:
        assert refused(another(port=port)).code == "DVT130"


def test_a_wrong_password(server: Any, another: Callable[..., Bench]) -> None:
    key = "pass" if "pass" in server.settings() else "password"
    error = refused(another(**{key: "wr0ng-s3cret"}))
    assert error.code == "DVT131"
    assert "wr0ng" not in str(error)


def test_a_network_that_breaks_amid_rows(server: Any, another: Callable[..., Bench]) -> None:
    with proxy(server.port) as network:
        bench = another(port=network.port)
        ref = server.table("broken_network")
        server.fill(ref, 1_500_000)
        extraction = bench.extraction(bench.describe(ref))
        before = network.received
        reading = BackgroundCall(lambda: bench.read(extraction))
        while network.received - before < 20_000_000 and reading.is_alive():
            time.sleep(0.005)
        network.cut()
        error = reading.finish()
        assert isinstance(error, DvtError)
        assert error.code == "DVT132", error
        without_secrets(server, error)
        assert bench.staged() == []


def test_a_server_that_is_killed_amid_rows(server: Any, bench: Bench) -> None:
    ref = server.table("killed")
    server.fill(ref, 1_500_000)
    reading = BackgroundCall(lambda: bench.read(bench.extraction(bench.describe(ref))))
    while not any(path.stat().st_size for path in bench.staged()) and reading.is_alive():
        time.sleep(0.005)
    server.kill()
    try:
        error = reading.finish()
        assert isinstance(error, DvtError)
        assert error.code in {"DVT130", "DVT132"}, error
        assert refused(bench).code == "DVT130"
    finally:
        server.start_again()
    assert bench.read_table(ref).rows == 1_500_000


def stands_still(count: Callable[[], int]) -> bool:
    """True when nothing is added within two seconds."""
    before = count()
    time.sleep(2)
    return count() == before


class PipedBucket(FilesystemBucket):
    """Takes what is written only as fast as somebody reads the pipe."""

    def __init__(self, bucket: Bucket, pipe: Path) -> None:
        self.__dict__.update(vars(bucket))
        self._pipe = pipe

    @contextmanager
    def writing(self, consumer: str, key: str) -> Iterator[str]:
        yield str(self._pipe)


def piped(sink: Sink, pipe: Path) -> Sink:
    place = sink.location
    return ParquetSink(replace(place, bucket=PipedBucket(place.bucket, pipe)))


def test_a_slow_sink_holds_the_source_back_and_can_be_stopped(
    server: Any, another: Callable[..., Bench], tmp_path: Path
) -> None:
    ref = server.table("held_back")
    server.fill(ref, 3_000_000)
    with proxy(server.port) as network:
        bench = another(port=network.port, limit=2)
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)
        table = bench.describe(ref)
        done: list[Dataset] = []

        def read() -> None:
            with bench.connector.snapshot() as snapshot:
                job = Job(bench.extraction(table), piped(bench.sink(), pipe))
                snapshot.extract([job], lambda _, dataset: done.append(dataset))

        before = network.received
        reading = BackgroundCall(read)
        with pipe.open("rb") as slow:
            slow.read(100_000)
            enough = 250_000_000
            assert wait_until(lambda: stands_still(lambda: network.received), 120), (
                "it reads what nobody takes"
            )
            assert network.received - before < enough
            started = time.monotonic()
            stopping = BackgroundCall(bench.connector.cancel)
            while server.running():
                assert time.monotonic() - started < 30, "the server still works for nobody"
        # What hangs in a write to a file can only end with it.
        assert isinstance(reading.finish(), Cancelled)
        assert stopping.finish() is None
        assert done == []


@pytest.mark.never("duckdb", reason="its file belongs to one process")
def test_memory_does_not_grow_with_the_table(database: Any, bench: Bench) -> None:
    peaks = []
    for rows in (200_000, 4_000_000):
        ref = database.table(f"grown_{rows}")
        database.fill(ref, rows)
        extraction = bench.extraction(bench.describe(ref))
        found = measured(database, bench.folder / f"measured-{rows}", extraction)
        assert found.rows == rows
        peaks.append(found.megabytes)
    assert peaks[1] < BOUND, peaks
    assert peaks[1] - peaks[0] < GROWTH, peaks


@pytest.mark.never("duckdb", reason="its file belongs to one process")
def test_memory_does_not_grow_with_the_load(target: Any, bench: Bench) -> None:
    peaks = []
    columns = [StageColumn("a", BIGINT), StageColumn("b", VARCHAR)]
    for rows in (200_000, 4_000_000):
        ref = target.table("dvt_grown")
        bench.connector.drop(ref)
        dataset = bench.stage(
            f"SELECT i AS a, md5(i::VARCHAR) || md5((i + 1)::VARCHAR) AS b FROM range({rows}) r(i)", columns
        )
        load = Load(stage=ref, columns=bench.connector.columns(columns))
        found = measured(target, bench.folder, (load, dataset))
        assert found.rows == rows
        peaks.append(found.megabytes)
    assert peaks[1] < BOUND, peaks
    assert peaks[1] - peaks[0] < GROWTH, peaks
