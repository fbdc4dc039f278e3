"""One connection: what is settled, what is read again, and when a snapshot is closed."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import duckdb
import pytest

from dvt.core.errors import Cancelled, ConnectionLost
from dvt.core.names import TableRef
from dvt.core.ports.connectors import Capabilities
from dvt.core.ports.staging import Dataset
from dvt.core.queries import ExtractedColumn, SourceQuery
from dvt.core.tables import Column, Table
from dvt.core.types import INTEGER
from dvt.federation.connections import Connection, Connections
from dvt.federation.extract import Extractor
from dvt.federation.kept import KeptTables
from dvt.resolution.output_types import output_type
from dvt.staging.shared import Staging
from tests.local_bucket import local_bucket, one_bucket

A = TableRef(connection="pg", schema="s", identifier="a")
B = TableRef(connection="pg", schema="s", identifier="b")
V = TableRef(connection="pg", schema="s", identifier="v")
NODE, OTHER = object(), object()
COLUMN = Column(name="id", native="int", stage=INTEGER)


class Recorder:
    """A connector without a database, which records calls and fails where a test tells it to."""

    def __init__(self, *, snapshot=True):
        self.capabilities = Capabilities(snapshot=snapshot)
        self.described: list[TableRef] = []
        self.open: list[int] = []
        self.snapshot_count = 0
        self.read_from: list[tuple[int, str]] = []
        self.failures: list[Exception] = []
        self.while_beginning = lambda: None
        self.cancelled = threading.Event()

    def describe(self, tables):
        self.described += tables
        return {ref: Table(ref=ref, columns=(COLUMN,), scannable=ref != V) for ref in tables}

    @contextmanager
    def snapshot(self):
        self.snapshot_count += 1
        number = self.snapshot_count
        self.open.append(number)
        self.while_beginning()
        try:
            yield Snapshot(self, number)
        finally:
            self.open.remove(number)

    def cancel(self):
        self.cancelled.set()

    def close(self):
        pass


class Snapshot:
    def __init__(self, connector, number):
        self.connector, self.number = connector, number

    def extract(self, jobs, finished):
        for job in jobs:
            if self.connector.failures:
                raise self.connector.failures.pop(0)
            self.connector.read_from.append((self.number, job.query.tables[0].identifier))
            finished(job, Dataset(job.sink.location, (), job.query.staged, 0, 0))


@pytest.fixture
def connector():
    return Recorder()


@pytest.fixture
def connection(connector):
    return Connection("pg", connector, output_type("postgres"))


def table(connection, ref):
    return connection.tables.describe([ref])[ref]


def test_tables_are_described_once_until_they_are_written(connection, connector):
    for _ in range(2):
        assert set(connection.tables.describe([A, B])) == {A, B}
    connection.wrote(A)
    connection.tables.describe([A, B])
    assert connector.described == [A, B, A]
    connection.wrote(None)
    connection.tables.describe([A, B])
    assert connector.described == [A, B, A, A, B]


def test_a_write_changes_the_key_of_what_it_touches_and_of_views(connection):
    before = {ref: connection.writes.generation([table(connection, ref)]) for ref in (A, B, V)}
    connection.wrote(TableRef(connection="pg", schema="OTHER", identifier="A"))
    after = {ref: connection.writes.generation([table(connection, ref)]) for ref in (A, B, V)}
    assert {ref for ref in before if before[ref] != after[ref]} == {A, V}
    connection.wrote(None)
    last = {ref: connection.writes.generation([table(connection, ref)]) for ref in (A, B, V)}
    assert {ref for ref in after if after[ref] != last[ref]} == {A, B, V}


def test_a_write_before_the_snapshot_began_is_settled(connection):
    connection.wrote(A)
    assert connection.snapshot.is_settled([table(connection, A)])
    with connection.reading(NODE, fresh=False):
        assert connection.snapshot.is_settled([table(connection, A)])
        connection.wrote(A)
        assert not connection.snapshot.is_settled([table(connection, A)])
        assert not connection.snapshot.is_settled([table(connection, V)])
        assert connection.snapshot.is_settled([table(connection, B)])


def test_a_write_while_the_snapshot_begins_may_not_be_in_it(connection, connector):
    connector.while_beginning = lambda: connection.wrote(A)
    with connection.reading(NODE, fresh=False):
        assert not connection.snapshot.is_settled([table(connection, A)])


def test_the_runs_snapshot_stays_open_and_fresh_ones_do_not(connection, connector):
    with connection.reading(NODE, fresh=False) as first:
        pass
    with connection.reading(NODE, fresh=True) as fresh:
        assert connector.open == [1, 2]
    with connection.reading(NODE, fresh=False) as again:
        pass
    assert (first.idled, fresh.idled, again.idled) == (False, False, True)
    assert again.snapshot is first.snapshot
    assert connector.open == [1]
    connection.close()
    assert connector.open == []


def test_a_write_of_unknown_extent_ends_the_snapshot_once_nobody_reads_from_it(connection, connector):
    with connection.reading(NODE, fresh=False) as old:
        connection.wrote(None)
        assert connector.open == [1]
        with connection.reading(NODE, fresh=False) as new:
            assert new.snapshot is not old.snapshot
    assert connector.open == [2]
    connection.wrote(None)
    assert connector.open == []


def test_a_snapshot_that_was_overtaken_while_it_began_is_begun_again(connection, connector):
    writes = iter([None])
    connector.while_beginning = lambda: [connection.wrote(write) for write in writes]
    with connection.reading(NODE, fresh=False):
        assert connector.open == [2]


def test_after_a_lost_connection_the_next_reader_begins_a_new_snapshot(connection, connector):
    with pytest.raises(ConnectionLost), connection.reading(NODE, fresh=False):
        raise ConnectionLost("pg", "reading", "on purpose")
    assert connector.open == []
    with connection.reading(NODE, fresh=False):
        assert connector.open == [2]


def test_a_snapshot_that_cannot_begin_is_tried_again_by_the_next_reader(connection, connector):
    failures = iter([ConnectionLost("pg", "beginning", "on purpose")])

    def fail_once():
        for error in failures:
            raise error

    connector.while_beginning = fail_once
    with pytest.raises(ConnectionLost), connection.reading(NODE, fresh=False):
        pass
    with connection.reading(NODE, fresh=False):
        assert connector.snapshot_count == 2


def test_without_snapshots_nothing_is_held(connector):
    connector.capabilities = Capabilities(snapshot=False)
    connection = Connection("my", connector, output_type("mysql"))
    with connection.reading(NODE, fresh=False):
        assert connector.open == [1]
    assert connector.open == []


def test_a_node_stops_only_its_own_extractions(connection, connector):
    with connection.reading(NODE, fresh=True):
        with connection.reading(OTHER, fresh=True):
            connection.in_flight.cancel_own(NODE)
            assert not connector.cancelled.is_set()
        connection.in_flight.cancel_own(OTHER)
        assert not connector.cancelled.is_set()
        connection.in_flight.cancel_own(NODE)
        assert connector.cancelled.is_set()


def test_a_load_of_another_node_is_not_stopped_either(connection, connector):
    with connection.reading(NODE, fresh=True), connection.in_flight.loading():
        connection.in_flight.cancel_own(NODE)
    assert not connector.cancelled.is_set()


def test_a_description_that_another_node_waits_for_is_not_stopped_either(connection, connector):
    describing, stopped = threading.Event(), threading.Event()

    def describe(tables):
        describing.set()
        assert stopped.wait(30)
        return {ref: Table(ref=ref, columns=()) for ref in tables}

    connector.describe = describe
    with ThreadPoolExecutor(1) as pool, connection.reading(NODE, fresh=True):
        description = pool.submit(connection.describe, [A])
        assert describing.wait(30)
        connection.in_flight.cancel_own(NODE)
        stopped.set()
        assert set(description.result(30)) == {A}
    assert not connector.cancelled.is_set()


def test_a_write_is_known_to_every_output_that_is_the_same_database(connector):
    outputs = {"reader": "one", "owner": "one", "other": "two"}
    type_ = output_type("postgres")
    connections = Connections(lambda name: connector, lambda name: type_, outputs.__getitem__)
    ref = {name: replace(A, connection=name) for name in outputs}
    tables = connections.describe([ref["reader"], ref["other"]])
    before = {name: connections[name].writes.generation([tables[ref[name]]]) for name in ("reader", "other")}
    connections.wrote("owner", ref["owner"])
    connections.wrote("owner", None)
    after = {name: connections[name].writes.generation([tables[ref[name]]]) for name in ("reader", "other")}
    assert after == {"reader": 2, "other": 0}
    assert before == {"reader": 0, "other": 0}


def test_no_connection_is_opened_after_the_end():
    connections = Connections(lambda name: Recorder(), output_type)
    connections.close()
    with pytest.raises(Cancelled):
        connections["pg"]


def extraction(ref, alias="x"):
    return SourceQuery(
        alias=alias,
        connection="pg",
        tables=(ref,),
        select=("id",),
        columns=(ExtractedColumn(name="id", column=COLUMN),),
    )


@pytest.fixture
def extractor(connector, tmp_path):
    connections = Connections(lambda name: connector, output_type)
    buckets = one_bucket(Staging(local_bucket(tmp_path), "run"))
    kept = KeptTables(buckets, duckdb.connect, refresh=False)
    return Extractor(connections, buckets, lambda: False, kept)


def extract(extractor, *refs):
    tables = extractor.connections.describe(refs)
    queries = [extraction(ref, f"x{index}") for index, ref in enumerate(refs)]
    return extractor.extract(queries, tables, lambda moved: None)


def test_an_idle_snapshot_that_is_gone_is_begun_anew_once(extractor, connector):
    extract(extractor, A)
    connector.failures = [ConnectionLost("pg", "reading", "idle for too long")]
    assert set(extract(extractor, A, B)) == {"x0", "x1"}
    assert connector.read_from == [(1, "a"), (2, "b")]
    connector.failures = [ConnectionLost("pg", "reading", "idle")] * 2
    with pytest.raises(ConnectionLost):
        extract(extractor, V)


def test_a_new_connection_that_is_lost_is_not_tried_again(extractor, connector):
    connector.failures = [ConnectionLost("pg", "reading", "killed")]
    with pytest.raises(ConnectionLost):
        extract(extractor, A)
    assert connector.read_from == []


def test_equal_queries_of_one_model_are_run_once(extractor, connector):
    assert set(extract(extractor, A, A)) == {"x0", "x1"}
    assert connector.read_from == [(1, "a")]


def test_a_models_own_table_is_read_anew_by_each_of_its_batches(extractor, connector):
    tables = extractor.connections.describe([A])
    own = replace(extraction(A), this=True)
    for _ in range(2):
        assert set(extractor.extract([own], tables, lambda moved: None)) == {"x"}
    assert connector.read_from == [(1, "a"), (2, "a")]
    assert connector.open == []


def test_a_written_table_is_read_from_a_new_snapshot(extractor, connector):
    extract(extractor, A, B)
    extractor.connections.wrote("pg", A)
    extract(extractor, A, B)
    assert connector.read_from == [(1, "a"), (1, "b"), (2, "a")]
    assert connector.open == [1]
