"""The REST API: a file for each noun."""

from __future__ import annotations

from fastapi import APIRouter

from dvt.web.api import (
    cleanup,
    health,
    plans,
    runs,
)

router = APIRouter()
for _part in (cleanup, plans, runs, health):
    router.include_router(_part.router)
