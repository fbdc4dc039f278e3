"""`dvt init`: dbt's starter project, in which every source has to say where it lives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

FLAGS = """
# Every source says which output it lives on: `config: {{connection: NAME}}`.
flags:
  require_source_connections: true
"""
"""Braces are doubled: dbt fills in the project's name by str.format."""


def copy_starter_repo(original: Callable[..., Any], self: Any, project_name: str) -> None:
    """Copy the starter project, with dvt's flag in its dbt_project.yml."""
    original(self, project_name)
    file = Path(project_name) / "dbt_project.yml"
    text = file.read_text(encoding="utf-8")
    if "\nflags:" not in text:
        file.write_text(text + FLAGS, encoding="utf-8")
