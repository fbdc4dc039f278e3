"""Which adapters' macros a project needs: found by parsing it, remembered for the next time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FILE = "dvt_adapter_types.json"
"""Lies beside the partial-parse file: both go when the target folder is cleaned."""


def remembered(config: Any) -> set[str]:
    """Adapter types that nodes of this project were built on when it was last parsed."""
    try:
        found = json.loads((Path(config.project_target_path) / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return set()
    return {str(one) for one in found} if isinstance(found, list) else set()


def remember(config: Any, kinds: set[str]) -> None:
    """Keep them for the next invocation, which then parses once."""
    if kinds == remembered(config):
        return
    file = Path(config.project_target_path) / FILE
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(sorted(kinds)), encoding="utf-8")
