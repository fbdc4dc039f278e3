"""Reports of a run: figures that add up, and warnings that name the column."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from contextvars import ContextVar

from dvt.core.names import TableRef
from dvt.core.plan import FederationPlan, Load, LoadColumn, Transform
from dvt.core.ports.connectors import Capabilities
from dvt.core.queries import ExtractedColumn, SourceQuery
from dvt.core.reports import Moved, Notice, Totals
from dvt.core.tables import Column
from dvt.core.types import TIME, UUID
from dvt.federation.connections import Connections
from dvt.federation.metrics import NodeMetrics, RunMetrics
from dvt.federation.notices import warnings
from dvt.resolution.output_types import output_type

NODE: ContextVar[str] = ContextVar("node", default="none")


class Reporter:
    def __init__(self):
        self.entries = []

    def moved(self, node, moved):
        self.entries.append((node, NODE.get(), moved.what))

    def notice(self, node, notice):
        self.entries.append((node, NODE.get(), notice.code))


def moved(what, *, rows=10, reused=False):
    return Moved(what=what, connection="pg", rows=rows, bytes=rows * 8, seconds=0.1, reused=reused)


def test_totals_count_what_came_out_and_went_in_once():
    run = RunMetrics(Reporter())
    first, second = NodeMetrics(run, "one"), NodeMetrics(run, "two")
    first.moved(moved("extract"))
    second.moved(moved("extract", reused=True))
    for node in (first, second):
        node.moved(moved("compute", rows=7))
        node.moved(moved("load", rows=3))
        node.moved(moved("publish", rows=3))
    assert run.totals == Totals(10, 80, 6, 48)
    assert [stage.what for stage in second.outcome.moved] == ["extract", "compute", "load", "publish"]


def test_reports_of_other_threads_run_in_the_nodes_own_context():
    reports = Reporter()
    NODE.set("m")
    node = NodeMetrics(RunMetrics(reports), "model.shop.m")
    NODE.set("none")
    threads = [threading.Thread(target=node.moved, args=(moved("extract"),)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    node.notice(Notice("DVT020", "x"))
    assert reports.entries == [("model.shop.m", "m", "extract")] * 8 + [("model.shop.m", "m", "DVT020")]


class Source:
    def __init__(self, snapshot):
        self.capabilities = Capabilities(snapshot=snapshot, snapshot_by="lock: on")

    def close(self):
        pass


class WithPast(Source):
    """A source whose snapshot leaves out the table `view`."""

    def __init__(self):
        super().__init__(snapshot=True)

    def without_past(self, tables):
        return [table for table in tables if table.identifier == "view"]


def extraction(connection, table):
    column = Column(name="At", native="time", stage=TIME)
    return SourceQuery(
        alias=table,
        connection=connection,
        tables=(TableRef(connection=connection, identifier=table),),
        select=("1",),
        columns=(ExtractedColumn(name="at", column=column),),
    )


def plan(*extractions, notices=()):
    stage = TableRef(connection="wh", identifier="dvt_run_1")
    return FederationPlan(
        node="model.shop.m",
        file="models/m.sql",
        queries=extractions,
        transform=Transform(dialect="duckdb", sql="SELECT 1", columns=()),
        load=Load(stage=stage, columns=(LoadColumn(name="b", stage=UUID, native="text"),)),
        notices=notices,
    )


@contextmanager
def connections():
    made = {"pg": lambda: Source(snapshot=True), "bq": WithPast}
    opened = Connections(lambda name: made.get(name, lambda: Source(snapshot=False))(), output_type)
    yield opened
    opened.close()


def codes(planned):
    with connections() as opened:
        return [notice.code for notice in warnings(planned, opened)]


def test_two_tables_without_a_common_snapshot_are_a_warning():
    assert codes(plan(extraction("my", "a"), extraction("my", "b"))) == ["DVT020"]
    assert codes(plan(extraction("my", "a"), extraction("pg", "b"))) == []
    assert codes(plan(extraction("pg", "a"), extraction("pg", "b"))) == []


def test_a_table_that_a_snapshot_leaves_out_is_named():
    assert codes(plan(extraction("bq", "a"), extraction("bq", "b"))) == []
    assert codes(plan(extraction("bq", "view"))) == []
    with connections() as opened:
        (notice,) = warnings(plan(extraction("bq", "a"), extraction("bq", "view")), opened)
    assert (notice.code, notice.message) == (
        "DVT020",
        "bq:view: read at a slightly later moment than the other tables",
    )


def test_the_hint_names_the_setting_that_gives_a_snapshot():
    with connections() as opened:
        (notice,) = warnings(plan(extraction("my", "a"), extraction("my", "b")), opened)
    assert "set lock: on on this output" in notice.hint


def test_the_planners_own_warnings_come_first():
    notices = (Notice("DVT003", "translated"),)
    assert codes(plan(extraction("my", "a"), extraction("my", "b"), notices=notices)) == ["DVT003", "DVT020"]
