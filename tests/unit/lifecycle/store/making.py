"""What tests of the store put on record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dvt.core.retention import (
    Action,
    Asking,
    CleanupType,
    Decision,
    Item,
    Outcome,
    PlanHead,
    PlannedItem,
    Reason,
    Result,
    Source,
    Tally,
)

ANA = Asking(actor="ana", source=Source.UI)
CRON = Asking(actor="cron", source=Source.SCHEDULER, cleanup_type=CleanupType.AUTOMATIC)
BEGAN = 1_795_882_648_449_884_047
"""A moment of which no database's own type holds every digit."""


def plan(**found: Tally) -> PlanHead:
    """Return a plan that has found this, by data type."""
    return PlanHead(
        id="20261128abcdefghij",
        made=BEGAN - 10**9,
        asking=ANA,
        policies={},
        roots=("/ops",),
        found=found,
        due={},
        kept={},
    )


def planned(*keys: str, **item: Any) -> list[PlannedItem]:
    """Return items that are due, with these keys."""
    fields = {"data_type": "temp_files", "identity": "1:2:3", "bytes": 100, **item}
    decision = Decision(reason=Reason.OLD, text="2 days old, older than 1", action=Action.DELETE)
    return [PlannedItem(item=Item(key=key, **fields), decision=decision) for key in keys]


def outcomes(entries: Sequence[PlannedItem], result: Result = Result.DELETED, **fields: Any) -> list[Outcome]:
    """Return what became of items."""
    return [Outcome(item=entry.item, result=result, **fields) for entry in entries]
