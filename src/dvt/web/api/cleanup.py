"""The five addresses of the original system, with its shapes: numbers, policies, a run, and files.

Policies are in `policies`; what its answers lack, such as the reason of each decision, is added to them.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import Field

from dvt.core.reports import count, size
from dvt.lifecycle.plan.plan_file import Plan
from dvt.lifecycle.reports.plans import total
from dvt.web.access.gates import Operator, Viewer
from dvt.web.api.shapes import Body, Cursor, DataType, Kind, Limit, Shape, Text, api_router, example, kind_of
from dvt.web.runs import Order

router = api_router("cleanup")


class OfPolicy(Shape):
    """What was deleted under a policy."""

    data_type: str
    retention_days: float
    enabled: bool
    last_cleanup: str | None
    total_cleaned: int
    space_saved: int


class Deleted(Shape):
    """What a run has deleted of a data type."""

    id: int
    data_type: str
    cleanup_type: str
    records_deleted: int
    space_freed: int
    executed_at: str | None
    executed_by: str | None


class Stats(Shape):
    """What was deleted, by policies, and by the last runs."""

    success: Literal[True] = True
    stats: list[OfPolicy]
    history: list[Deleted]


@router.get("/stats")
def stats(
    call: Viewer, limit: Limit = 50, before: Annotated[int | None, Query(ge=0, le=2**31 - 1)] = None
) -> Stats:
    """Return what was deleted under each policy, and by the last runs; `before` an `id` of the history."""
    with call.system() as system:
        records = system.store.records
        return Stats.model_validate(
            {"stats": records.stats(), "history": records.history(limit=limit, before=before)}
        )


class RunRequest(Body):
    """A plan that is made and, unless it is only to be seen, run."""

    model_config = example({"cleanup_type": "manual", "dry_run": True}) | Body.model_config
    cleanup_type: Kind = "manual"
    dry_run: bool = True
    data_types: list[DataType] = Field(default=[], max_length=100)


class RunStarted(Shape):
    """A plan that was made, or a run that was started."""

    success: Literal[True] = True
    message: str
    cleanup_type: str
    dry_run: bool
    process_id: str
    """Id of the run; of the plan where it is only to be seen."""
    plan: str


@router.post("/run")
def run(call: Operator, wanted: RunRequest | None = None) -> RunStarted:
    """Make a plan; unless `dry_run` is false, only that. /api/cleanup/runs/{process_id} tells of a run."""
    asked = wanted or RunRequest()
    kind = kind_of(asked.cleanup_type)
    with call.system() as system:
        made = system.plan(kind, asked.data_types)
    process = made.head.id
    if not asked.dry_run:
        order = Order(plan=process, cleanup_type=kind, by=call.caller.name, source=call.caller.source)
        process = call.project.runs.start(order).id
    return RunStarted(
        message=_message(made, is_dry=asked.dry_run),
        cleanup_type=kind.value,
        dry_run=asked.dry_run,
        process_id=process,
        plan=made.head.id,
    )


def _message(made: Plan, *, is_dry: bool) -> str:
    due = total(made.head.due)
    amount = f"{count(due.items, 'item')}, {size(due.bytes)}"
    return f"{amount} would be deleted" if is_dry else f"deleting {amount}"


class File(Shape):
    """A file, or another item, and what is decided of it."""

    file_path: str
    file_size: int
    created_at: str | None
    """The youngest of the times that its policy counts."""
    age_days: float | None
    status: str | None
    pipeline_name: str
    data_type: str
    decision: str
    """`keep`, or what becomes of it."""
    reason: str
    text: str
    due: bool
    due_at: str | None
    policy: str | None
    policy_version: int | None


class Files(Shape):
    """Files of a page."""

    success: Literal[True] = True
    total_files: int
    """Of all pages, without a search."""
    total_bytes: int
    operations: list[File]
    next: str | None
    """The `cursor` of the next page; null: this is the last."""


@router.get("/files")
def files(
    call: Viewer,
    *,
    due: bool | None = None,
    data_type: DataType | None = None,
    text: Text | None = None,
    cursor: Cursor | None = None,
    limit: Limit = 100,
) -> Files:
    """Return all files of all data types with what is decided of them, or those that are due (or not).

    `text` is looked for in paths, without regard to case.
    """
    words = (text or "").casefold()

    def wanted(item: dict[str, Any]) -> bool:
        return (
            due in {None, item["due"]}
            and data_type in {None, item["data_type"]}
            and words in item["file_path"].casefold()
        )

    with call.system() as system:
        page = call.project.inventory.page(system, wanted, cursor=cursor, limit=limit)
    amount = page.snapshot.amount(due=due, data_type=data_type)
    return Files.model_validate(
        {
            "total_files": amount.items,
            "total_bytes": amount.bytes,
            "operations": page.items,
            "next": page.next,
        }
    )
