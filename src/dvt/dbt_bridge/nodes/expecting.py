"""Tells the federation, before any node runs, which federated nodes will run.

Each is compiled as a copy. A node whose Jinja runs statements cannot be compiled twice, and what reads a
table that is not built yet may compile differently later: what the federation is told is a forecast.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from dbt.compilation import Compiler
from dbt.node_types import NodeType
from dbt.task.run import ModelRunner
from dbt.task.test import TestRunner

from dvt.dbt_bridge.jinja.compiling import fresh_copy
from dvt.dbt_bridge.nodes.request import node_request

if TYPE_CHECKING:
    from dvt.core.requests import NodeRequest
    from dvt.dbt_bridge.session import Session

logger = logging.getLogger(__name__)

_RUNNERS = (ModelRunner, TestRunner)
"""dbt's runners of the nodes that are federated; others only compile, or run batch by batch."""


def expect_nodes(session: Session, task: Any) -> None:
    """Tell the federation of the task's federated nodes, if there are several."""
    nodes = [node for node in task._flattened_nodes or () if _is_federated(session, task, node)]  # noqa: SLF001
    if len(nodes) < 2:  # noqa: PLR2004
        return
    session.forecasting = True
    try:
        requests = [request for node in nodes for request in _forecast(session, task, node)]
    finally:
        session.forecasting = False
    if len(requests) > 1:
        session.federator().expect(requests)


def _is_federated(session: Session, task: Any, node: Any) -> bool:
    if node.resource_type not in {NodeType.Model, NodeType.Test} or not session.is_federated(node.unique_id):
        return False
    return not node.is_ephemeral_model and task.get_runner_type(node) in _RUNNERS


def _forecast(session: Session, task: Any, node: Any) -> Iterator[NodeRequest]:
    """Yield the node's request as it would be now; none if it cannot be made without running statements."""
    target = session.output_of(node.unique_id)
    copied = fresh_copy(copy.deepcopy(node))
    try:
        with _connected(session, target, node.name):
            compiler = Compiler(session.targets.config(target))
            compiled = compiler.compile_node(copied, task.manifest, {}, write=False)
            # A contract changes no query; its macros may warn, which they do when the node runs.
            compiled.contract = None
            yield node_request(session, compiled, task.manifest, session.federator().run)
    except Exception as error:  # noqa: BLE001 - whatever is wrong, the node tells it when it runs
        logger.debug("no forecast of %s: %s", node.unique_id, error)


@contextmanager
def _connected(session: Session, target: str, name: str) -> Iterator[None]:
    """Connect this thread to a target that is not the default one, where dbt is connected already."""
    if target == session.default:
        yield
        return
    with session.targets.adapter(target).connection_named(f"dvt forecast of {name}"):
        yield
