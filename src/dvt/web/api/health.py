"""Whether the server is well: for those who watch it."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends

from dvt.web.access.gates import project
from dvt.web.api.shapes import Shape
from dvt.web.project import Project

router = APIRouter(tags=["health"])


class Health(Shape):
    """How the server is."""

    status: Literal["ok"] = "ok"


@router.get("/healthz")
def healthz(served: Annotated[Project, Depends(project)]) -> Health:
    """Return whether the server is well."""
    served.store().records.latest_run()
    return Health()
