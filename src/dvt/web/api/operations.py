"""Operations: what the project's commands are doing, and did."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import Path, Query
from pydantic import ConfigDict

from dvt.core.errors import NotThere
from dvt.core.operation_record import OperationRecord
from dvt.runs.operation_files import as_bytes, node_text
from dvt.web.access.gates import Viewer
from dvt.web.api.shapes import Shape, api_router
from dvt.web.masking import Mask
from dvt.web.operations import Operations as Files

router = api_router("operations")


class Operation(Shape):
    """An operation; docs/reference/operations.md has all keys."""

    model_config = ConfigDict(extra="allow")
    operation_id: str
    pipeline_name: str
    status: str
    start_time: str | None
    end_time: str | None
    progress: int
    message: str
    completed: bool


class OperationWithNodes(Operation):
    """An operation with its nodes."""

    nodes: list[dict[str, Any]]


class Operations(Shape):
    """Operations of a page, those whose files were written last first."""

    operations: list[Operation]
    next: int | None
    """`before` of the next page; null: this is the last."""


@router.get("/operations")
def list_operations(
    call: Viewer,
    before: Annotated[int | None, Query(ge=0, le=2**63 - 1)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Operations:
    """Return the operations of the project's commands, without their nodes."""
    known = Files(call.project.folder)
    records = known.recent(limit + 1, before)
    mask = call.project.mask()
    shown = [_object(record, mask) for record in records[:limit]]
    for operation in shown:
        del operation["nodes"]
    following = known.written(records[limit - 1].operation_id) if len(records) > limit else None
    return Operations.model_validate({"operations": shown, "next": following})


@router.get("/operations/{operation_id}")
def get_operation(
    call: Viewer, operation_id: Annotated[str, Path(pattern="^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,127}$")]
) -> OperationWithNodes:
    """Return an operation, with its nodes."""
    record = Files(call.project.folder).get(operation_id)
    if record is None:
        raise NotThere(f"operation {operation_id}")
    return OperationWithNodes.model_validate(_object(record, call.project.mask()))


def _object(record: OperationRecord, mask: Mask) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(as_bytes(record, map(node_text, record.nodes)))
    return {key: mask.all(value) for key, value in content.items()}
