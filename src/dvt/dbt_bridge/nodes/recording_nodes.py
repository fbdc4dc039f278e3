"""Puts the nodes of a command on record before any of them runs."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from dvt.core.operation_record import NodeRecord
from dvt.core.places import Place

if TYPE_CHECKING:
    from dvt.dbt_bridge.session import Session

logger = logging.getLogger(__name__)


def record_nodes(session: Session, task: Any) -> None:
    """Note the nodes that a task of dbt's will run; never an error."""
    try:
        nodes = [_record(session, node) for node in task._flattened_nodes or ()]  # noqa: SLF001
        session.recorder.expects(sorted(nodes, key=lambda node: node.unique_id))
    except Exception:
        logger.debug("the nodes were not put on record", exc_info=True)


def _record(session: Session, node: Any) -> NodeRecord:
    unique_id = str(node.unique_id)
    placement = session.placement(unique_id)
    depends_on = getattr(node, "depends_on", None)
    path = "native" if placement is None else placement.path.value
    return NodeRecord(
        unique_id=unique_id,
        name=str(node.name),
        resource_type=str(node.resource_type),
        path=path,
        place=Place.NATIVE.value if path == Place.NATIVE else "",
        target=session.output_of(unique_id),
        dependencies=tuple(map(str, getattr(depends_on, "nodes", ()))),
    )
