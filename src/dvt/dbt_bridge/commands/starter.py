"""Changes `dvt init`: in the starter project, every source must name its connection."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

FLAGS = """
# Every source says which output it lives on: `config: {{connection: NAME}}`.
flags:
  require_source_connections: true
"""
"""Text added to dbt_project.yml. Braces are doubled, since dbt formats the file with the project's name."""


def copy_starter_repo(original: Callable[..., Any], self: Any, project_name: str) -> None:
    """Copy dbt's starter project, and add dvt's flag to its dbt_project.yml."""
    original(self, project_name)
    file = Path(project_name) / "dbt_project.yml"
    text = file.read_text(encoding="utf-8")
    if "\nflags:" not in text:
        file.write_text(text + FLAGS, encoding="utf-8")
