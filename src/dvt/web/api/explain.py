"""Explanations: why one file is kept, or when it is due."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from pydantic import Field

from dvt.core.errors import NotThere
from dvt.lifecycle.reports import plans as reports
from dvt.lifecycle.reports.files import file_object
from dvt.web.access.gates import Viewer
from dvt.web.api.cleanup import File
from dvt.web.api.shapes import Text, api_router

router = api_router("files")


class Explanation(File):
    """A file, what is decided of it, and why, for people."""

    lines: list[str]


@router.get("/explain")
def explain(call: Viewer, file_path: Annotated[Text, Query(), Field(min_length=1)]) -> Explanation:
    """Say why a file is kept, or when it is due; 404 for what is no item: nothing is ever done to it."""
    with call.system() as system:
        for of in system.explain(lambda item: item.key == file_path):
            told = file_object(of.item, of.decision, of.policy, of.now)
            lines = list(reports.explained(of.item, of.decision, of.policy, of.now))
            return Explanation.model_validate({**told, "lines": lines})
    raise NotThere(f"item {call.project.mask().path(file_path)}")
