"""Plans: what is due, written down and signed; and runs of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from fastapi import Query
from fastapi.responses import StreamingResponse
from pydantic import Field

from dvt.lifecycle.plan.plan_file import Plan
from dvt.lifecycle.reports import plans as reports
from dvt.lifecycle.reports.spreadsheets import csv_line
from dvt.web.access.gates import Operator, Viewer
from dvt.web.api.runs import Run, shape
from dvt.web.api.shapes import (
    Amount,
    Body,
    DataType,
    Id,
    Kind,
    Limit,
    Shape,
    Text,
    api_router,
    example,
    kind_of,
)
from dvt.web.runs import Order, RunState

router = api_router("plans")


class OfDataType(Shape):
    """What a plan says of a data type."""

    data_type: str
    found: Amount
    due: Amount
    kept: Mapping[str, Amount]
    """By the reason."""
    policy_version: int | None


class PlanShape(Shape):
    """What a plan says, but for its items."""

    plan: str
    made: str
    actor: str
    cleanup_type: str
    data_types: list[OfDataType]
    refusals: list[str]
    """Why an automatic run would not run it."""
    problems: list[str]
    """What could not be looked at."""


class PlannedItem(Shape):
    """An item that is due."""

    data_type: str
    file_path: str
    group: str
    file_size: int
    status: str | None
    decision: str
    reason: str
    text: str
    due: bool
    due_at: str | None


class PlanItems(Shape):
    """Items of a page."""

    items: list[PlannedItem]
    next: int | None
    """`after` of the next page; null: this is the last."""


class PlanRequest(Body):
    """What to plan."""

    model_config = example({"cleanup_type": "manual", "data_types": ["dbt_logs"]}) | Body.model_config
    cleanup_type: Kind = "manual"
    data_types: list[DataType] = Field(default=[], max_length=100)
    """Only these; all if none is named."""


class LeftOut(Body):
    """An item of a plan that stays."""

    data_type: DataType
    file_path: Text


class PlanRun(Body):
    """How to run a plan."""

    model_config = (
        example({"excluded": [{"data_type": "dbt_logs", "file_path": "/shop/logs/dbt.log.7"}]})
        | Body.model_config
    )
    cleanup_type: Kind | None = None
    """As the plan's, if it is left out."""
    excluded: list[LeftOut] = Field(default=[], max_length=10_000)
    """Items that stay, though the plan has them."""
    runtime: Annotated[float, Field(gt=0, le=1e6)] | None = None
    """Seconds after which nothing is begun."""


@router.get("/plans")
def list_plans(call: Viewer, limit: Limit = 20) -> list[PlanShape]:
    """Return the newest plans, but for those that cannot be used, such as another version's."""
    with call.system() as system:
        return [_shape(call, plan) for plan in system.plans.newest(limit)]


@router.post("/plans", status_code=201)
def make_plan(call: Operator, wanted: PlanRequest | None = None) -> PlanShape:
    """Look at everything, and write down what is due. Nothing else is changed."""
    asked = wanted or PlanRequest()
    with call.system() as system:
        return _shape(call, system.plan(kind_of(asked.cleanup_type), asked.data_types))


@router.get("/plans/{plan_id}")
def get_plan(call: Viewer, plan_id: Id) -> PlanShape:
    """Return a plan."""
    with call.system() as system:
        return _shape(call, system.plans.read(plan_id))


@router.get("/plans/{plan_id}/items")
def plan_items(
    call: Viewer,
    plan_id: Id,
    *,
    data_type: DataType | None = None,
    text: Text | None = None,
    after: Annotated[int, Query(ge=0, le=2**53)] = 0,
    limit: Limit = 100,
) -> PlanItems:
    """Return items of a plan, each with the reason. `text` is looked for in paths, whatever its case."""
    words = (text or "").casefold()
    items: list[dict[str, Any]] = []
    with call.system() as system:
        plan = system.plans.read(plan_id)
        at: int | None = after
        while at is not None and len(items) < limit:
            found, at = plan.page(at, limit - len(items))
            items += [
                reports.item_object(of.item, of.decision)
                for of in found
                if data_type in {None, of.item.data_type} and words in of.item.key.casefold()
            ]
    return PlanItems.model_validate({"items": items, "next": at})


@router.get(
    "/plans/{plan_id}/report",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/csv": {}}, "description": "What is due, and why."}},
)
def plan_report(call: Viewer, plan_id: Id) -> StreamingResponse:
    """Return all items of a plan, each with the reason, as a CSV file."""
    with call.system() as system:
        plan = system.plans.read(plan_id)
    name = f'attachment; filename="plan_{plan_id}.csv"'
    media = "text/csv; charset=utf-8"
    return StreamingResponse(_csv(plan), media_type=media, headers={"Content-Disposition": name})


def _csv(plan: Plan) -> Iterator[str]:
    columns = tuple(PlannedItem.model_fields)
    yield csv_line(columns)
    for of in plan.items():
        item = reports.item_object(of.item, of.decision)
        yield csv_line(item[name] for name in columns)


@router.post("/plans/{plan_id}/run", status_code=202)
def run_plan(call: Operator, plan_id: Id, wanted: PlanRun | None = None) -> Run:
    """Start a run of a plan: what is still what it was, and not excluded, is backed up and deleted."""
    asked = wanted or PlanRun()
    with call.system() as system:
        kind = system.plans.read(plan_id).head.asking.cleanup_type
    order = Order(
        plan=plan_id,
        cleanup_type=kind_of(asked.cleanup_type) if asked.cleanup_type else kind,
        by=call.caller.name,
        source=call.caller.source,
        leave_out=frozenset((of.data_type, of.file_path) for of in asked.excluded),
        budget=asked.runtime,
    )
    record = call.project.runs.start(order)
    return shape(call, RunState(record=record, is_alive=True, is_here=True))


def _shape(call: Viewer, plan: Plan) -> PlanShape:
    told = reports.as_object(plan.head)
    told["problems"] = list(map(call.project.mask().text, told["problems"]))
    return PlanShape.model_validate(told)
