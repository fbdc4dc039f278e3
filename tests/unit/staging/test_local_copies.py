"""A bucket that DuckDB cannot reach: DuckDB reads and writes local copies of its objects."""

from __future__ import annotations

from pathlib import Path

import pytest

from dvt.core.tables import StageColumn
from dvt.core.types import INTEGER
from dvt.drivers.duckdb import MemoryInstance
from dvt.drivers.duckdb.staging import check, scan, write
from dvt.staging.local_copies import LocalCopies
from dvt.staging.shared import Staging
from dvt.testing.memory_bucket import InMemoryBucket
from dvt.testing.suites import BucketSuite, LocalConsumerSuite
from tests.local_bucket import local_bucket


class Remote:
    """A bucket on a file system that hides its paths from DuckDB."""

    consumers = frozenset({"hadoop"})

    def __init__(self, folder):
        self._bucket = local_bucket(folder)
        self.address = "remote:here"
        self.read = []

    def __getattr__(self, name):
        return getattr(self._bucket, name)

    def get(self, key):
        self.read.append(key)
        return self._bucket.get(key)

    def uri_for(self, consumer, key):
        if consumer not in self.consumers:
            raise ValueError(f"{consumer!r} cannot reach it")
        return f"remote://{key}"


@pytest.fixture
def remote(tmp_path):
    return Remote(tmp_path / "remote")


@pytest.fixture
def bucket(remote, tmp_path):
    return LocalCopies(remote, "duckdb", tmp_path / "scratch")


@pytest.mark.slow
class TestLocalCopiesOfAnotherFolder(BucketSuite, LocalConsumerSuite):
    """The promises of every bucket, of copies around a bucket with a consumer of its own."""


class TestLocalCopiesOfMemory(BucketSuite, LocalConsumerSuite):
    """The promises of every bucket, of copies around a bucket without consumers."""

    @pytest.fixture
    def bucket(self, tmp_path):
        return LocalCopies(InMemoryBucket(), "duckdb", tmp_path / "scratch")


@pytest.fixture
def cursor(tmp_path):
    instance = MemoryInstance(threads=1, spill=tmp_path / "spill")
    yield instance.cursor()
    instance.close()


def staged(bucket, cursor, rows=3):
    sink = Staging(bucket, "run").claim("crm", "k1").sink
    written = write(cursor, f"SELECT i::INTEGER AS a FROM range({rows}) r(i)", sink)
    return sink.commit((StageColumn("a", INTEGER),), written)


def test_what_duckdb_writes_is_in_the_bucket(bucket, remote, cursor):
    dataset = staged(bucket, cursor)
    assert dict(remote.list("run"))[dataset.keys[0]] == dataset.bytes > 0


def test_duckdb_reads_its_own_copy_and_fetches_that_of_others_once(bucket, remote, cursor, tmp_path):
    dataset = staged(bucket, cursor)
    check(cursor, "t", dataset)
    assert cursor.execute(f"SELECT sum(a) FROM ({scan(dataset)})").fetchone() == (3,)
    assert remote.read == []
    elsewhere = LocalCopies(remote, "duckdb", tmp_path / "other-machine")
    for _ in range(2):
        path = elsewhere.uri_for("duckdb", dataset.keys[0])
        assert cursor.execute(f"SELECT sum(a) FROM read_parquet('{path}')").fetchone() == (3,)
    assert remote.read == [dataset.keys[0]]


def test_a_part_whose_writer_failed_is_not_in_the_bucket(bucket, remote):
    def write_half():
        with bucket.writing("duckdb", "run/part") as uri:
            Path(uri).write_bytes(b"half")
            raise OSError(5, "gone")

    with pytest.raises(OSError, match="gone"):
        write_half()
    assert list(remote.list("run")) == []


def test_copies_are_deleted_with_their_originals(bucket, cursor, tmp_path):
    staged(bucket, cursor)
    bucket.delete("run")
    assert not [path for path in (tmp_path / "scratch").rglob("*") if path.is_file()]
    assert list(bucket.list("run")) == []


def test_other_consumers_reach_the_original_bucket(bucket):
    assert bucket.uri_for("hadoop", "run/x") == "remote://run/x"
    assert bucket.consumers == {"duckdb", "hadoop"}
