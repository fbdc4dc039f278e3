"""Pins: orders that items stay."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Query
from pydantic import Field

from dvt.core.errors import NotThere
from dvt.lifecycle.reports import policies as reports
from dvt.lifecycle.reports.times import day_moment
from dvt.web.access.gates import Operator, Viewer
from dvt.web.api.shapes import Body, Id, Reason, Shape, Text, Time, api_router, example, moment_of

router = api_router("pins")


class PinShape(Shape):
    """A pin."""

    pin: str
    pattern: str
    kind: str
    reason: str
    by: str
    made: str
    until: str | None


class NewPin(Body):
    """An order that items stay."""

    model_config = example({"pattern": "operation_42*", "reason": "audit 2026-17"}) | Body.model_config
    pattern: Annotated[Text, Field(min_length=1)]
    kind: Literal["file", "pipeline", "tag"] = "file"
    """What the pattern is of: paths or their last parts, groups such as pipelines, or tags."""
    reason: Reason
    until: Time | None = None
    """A day, to its end, or a time; without it, until it is removed."""


@router.get("/pins")
def list_pins(call: Viewer) -> list[PinShape]:
    """Return the pins that are valid."""
    with call.system() as system:
        return [PinShape.model_validate(reports.pin_object(pin)) for pin in system.store.pins()]


@router.post("/pins", status_code=201)
def add(call: Operator, wanted: NewPin) -> PinShape:
    """Pin the items that a pattern fits."""
    until = moment_of("until", wanted.until, day_moment)
    with call.system() as system:
        pin = system.store.pin_table.add(
            wanted.pattern, system.asking(), wanted.reason, kind=wanted.kind, until=until
        )
    return PinShape.model_validate(reports.pin_object(pin))


@router.delete("/pins/{pin_id}", status_code=204)
def remove(call: Operator, pin_id: Id, reason: Annotated[Reason, Query()] = "removed by the API") -> None:
    """Take a pin off."""
    with call.system() as system:
        if not system.store.pin_table.remove(pin_id, system.asking(), reason):
            raise NotThere(f"pin {pin_id}")
