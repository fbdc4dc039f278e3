"""The table of proofs, which the proof run writes: by pair of a model's dialect and an engine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

from dvt.federation.plan.proven.classes import MIXED, QUOTIENT

_TABLES = files("dvt.federation.plan.proven") / "tables"
"""Folder with a file for each pair, `<engine>-<dialect>.json`."""


@dataclass(frozen=True, slots=True)
class ProofTable:
    """What is proven of a dialect in an engine."""

    results: Mapping[str, str] = field(default_factory=dict)
    """Key of a proven construct → class of its values, empty for parts of queries."""
    differs: Mapping[str, str] = field(default_factory=dict)
    """Key of a construct whose proof failed → the first difference."""
    limits: Mapping[str, str] = field(default_factory=dict)
    """Key of a proven construct → an error that only one side has."""
    evaluations: int = 0
    """Values that both sides have computed."""

    def result(self, key: str) -> str | None:
        """Return the class of a construct's values; None if it is not proven.

        What holds for quotients holds for decimals of mixed scales, of which there are fewer.
        """
        if key in self.results or MIXED not in key:
            return self.results.get(key)
        class_ = self.results.get(key.replace(MIXED, QUOTIENT))
        return MIXED if class_ == QUOTIENT else class_


@cache
def proof_table(engine: str, dialect: str) -> ProofTable | None:
    """Return the table of a pair; None if nothing of it has been tried."""
    file = _TABLES / f"{engine}-{dialect}.json"
    if not file.is_file():
        return None
    data = json.loads(file.read_text(encoding="utf-8"))
    return ProofTable(
        results=data["proven"],
        differs=data["differs"],
        limits=data["limits"],
        evaluations=data["evaluations"],
    )
