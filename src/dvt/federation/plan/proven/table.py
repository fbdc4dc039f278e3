"""The table of proofs, which the proof run writes: by pair of a model's dialect and an engine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

_TABLES = files("dvt.federation.plan.proven") / "tables"
"""Folder with a file for each pair, `<engine>-<dialect>.json`."""


@dataclass(frozen=True, slots=True)
class ProofTable:
    """What is proven of a dialect in an engine."""

    results: Mapping[str, str] = field(default_factory=dict)
    """Key of a proven construct → class of its values, empty for parts of queries."""
    differs: Mapping[str, str] = field(default_factory=dict)
    """Key of a construct whose proof failed → the first difference."""


@cache
def proof_table(engine: str, dialect: str) -> ProofTable | None:
    """Return the table of a pair; None if nothing of it has been tried."""
    file = _TABLES / f"{engine}-{dialect}.json"
    if not file.is_file():
        return None
    data = json.loads(file.read_text(encoding="utf-8"))
    return ProofTable(results=data["proven"], differs=data["differs"])
