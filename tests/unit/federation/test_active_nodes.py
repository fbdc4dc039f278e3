"""Nodes that have begun, and a run that is stopped amid them."""

from __future__ import annotations

import threading

import pytest

from dvt.core.errors import Cancelled
from dvt.core.names import TableRef
from dvt.core.requests import NodeRequest
from dvt.federation.active_nodes import ActiveNodes

REQUEST = NodeRequest(
    unique_id="model.shop.sales",
    name="sales",
    file="models/sales.sql",
    sql="SELECT 1",
    dialect="duckdb",
    inputs={},
    stage=TableRef(connection="wh", schema="main", identifier="dvt_sales"),
)


def test_no_node_begins_in_a_stopped_run_and_the_error_names_it() -> None:
    nodes = ActiveNodes()
    nodes.stop(lambda: None)
    with pytest.raises(Cancelled, match=r"sales \(models/sales.sql\)"), nodes.begun(REQUEST):
        raise AssertionError("it has begun")
    assert nodes.are_idle


def test_a_stop_cancels_until_no_node_is_active(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dvt.federation.active_nodes._CANCEL_INTERVAL", 0.01)
    nodes, third = ActiveNodes(), threading.Event()
    rounds: list[int] = []

    def cancel() -> None:
        rounds.append(len(rounds))
        if len(rounds) == 3:
            third.set()

    with nodes.begun(REQUEST):
        nodes.stop(cancel)
        assert third.wait(30)
        with pytest.raises(Cancelled, match="computing"):
            nodes.raise_if_stopped("computing")
    for thread in threading.enumerate():
        if thread.name == "dvt-cancel":
            thread.join(30)
            assert not thread.is_alive()
    assert nodes.are_idle


def test_a_run_is_not_idle_while_any_node_is_active() -> None:
    nodes = ActiveNodes()
    with nodes.begun(REQUEST):
        with nodes.begun(REQUEST):
            pass
        assert not nodes.are_idle
    assert nodes.are_idle
