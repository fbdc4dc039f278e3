"""The pages that people look at: the run monitor, and the cleanup."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter

from dvt.web.pages import cleanup, keeping, policies, runs, simulation

STATIC = Path(__file__).parent / "static"
"""Folder of the style sheet, the script and the icon."""
router = APIRouter()
for of in (runs, cleanup, simulation, policies, keeping):
    router.include_router(of.router)
