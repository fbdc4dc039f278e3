"""The REST API: a file for each noun."""

from __future__ import annotations

from fastapi import APIRouter

from dvt.web.api import (
    audit,
    backups,
    cleanup,
    disk,
    explain,
    health,
    operations,
    pins,
    plans,
    policies,
    runs,
    simulations,
    tokens,
)

router = APIRouter()
for _part in (
    cleanup,
    policies,
    simulations,
    plans,
    runs,
    explain,
    backups,
    pins,
    audit,
    disk,
    operations,
    tokens,
    health,
):
    router.include_router(_part.router)
router.include_router(health.open_router)
