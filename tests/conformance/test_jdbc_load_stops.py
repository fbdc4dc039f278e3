"""A load over JDBC ends when it is stopped, also while its database is busy with a batch."""

from __future__ import annotations

import time

import pytest

from dvt.core.errors import Cancelled, TableNotFound
from dvt.core.plan import Load
from dvt.core.tables import StageColumn
from dvt.core.types import BIGINT
from dvt.testing.background import BackgroundCall, wait_until
from dvt.testing.connectors import Bench
from dvt.testing.suites.loading import new_load

pytestmark = [pytest.mark.slow, pytest.mark.long]

_SLOW = "octet_length(hash('SHA256', stringtoutf8(cast(\"a\" as varchar)), 80000))"
"""H2's SQL that takes some 20 ms: 4,000 rows take more than a minute, and H2 cannot stop within a batch."""
_SECONDS = 12.0
"""Less than it takes to give up a driver that was not asked to stop."""


def test_a_batch_under_way_is_stopped_and_leaves_no_table(databases, tmp_path):
    server = databases("jdbc")
    bench = Bench(server, tmp_path)
    try:
        columns = [StageColumn("a", BIGINT)]
        load, dataset = new_load(bench, "dvt_busy", "SELECT i AS a FROM range(4000) r(i)", columns)
        slow = f'("a" bigint, "slow" integer generated always as ({_SLOW}))'
        loading = BackgroundCall(
            lambda: bench.loader.fill(Load(stage=load.stage, columns=load.columns, definition=slow), dataset)
        )
        assert wait_until(lambda: _is_there(server, load), 30)
        loading.join(3)
        begin = time.monotonic()
        assert isinstance(loading.stop_by(bench.connector.cancel), Cancelled)
        assert time.monotonic() < begin + _SECONDS
        with pytest.raises(TableNotFound):
            bench.describe(load.stage)
    finally:
        bench.close()


def _is_there(server, load):
    return bool(server.session.tables(None, load.stage.schema, load.stage.identifier))
