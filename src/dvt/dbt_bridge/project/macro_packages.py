"""Remembers, from one parse of a project to the next, which adapters' macros it needs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FILE = "dvt_adapter_types.json"
"""Name of a file in the target folder: `clean` deletes it together with the partial-parse file."""


def remembered(config: Any) -> set[str]:
    """Return the adapter types that the project's nodes were built on when it was last parsed."""
    try:
        kinds = json.loads((Path(config.project_target_path) / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return set()
    return {str(kind) for kind in kinds} if isinstance(kinds, list) else set()


def remember(config: Any, kinds: set[str]) -> None:
    """Write the adapter types to the file, so that the next invocation parses the project only once."""
    if kinds == remembered(config):
        return
    file = Path(config.project_target_path) / FILE
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(sorted(kinds)), encoding="utf-8")
