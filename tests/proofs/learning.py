"""What proofs teach: the table of what is proven, row after row."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from dvt.federation.plan.proven.classes import DECIMALS
from dvt.federation.plan.proven.shapes import UNKNOWN
from tests.proofs.proving import Outcome, Prover
from tests.proofs.rows import Row


def prove_all(prover: Prover, rows: Iterable[Row]) -> list[Outcome]:
    """Prove rows in their order; later ones may use what earlier ones have shown.

    What a failed row has of its own is not proven, unless another key of it is missing, which explains it.
    """
    outcomes = _learned(prover, list(rows))
    # A row over a construct that a later row has proven.
    again = iter(_learned(prover, [outcome.row for outcome in outcomes if _is_unclear(outcome)]))
    outcomes = [next(again) if _is_unclear(outcome) else outcome for outcome in outcomes]
    for outcome in outcomes:
        is_different = outcome.difference and not outcome.is_loud
        if is_different and all(key in prover.proven for key in outcome.keys.own):
            for key in outcome.keys.own[:1]:
                del prover.proven[key]
    return outcomes


def _is_unclear(outcome: Outcome) -> bool:
    return any(UNKNOWN in key for key in (*outcome.keys.own, *outcome.keys.parts))


def _learned(prover: Prover, rows: Sequence[Row]) -> list[Outcome]:
    """Prove rows, and note what they have shown."""
    outcomes = []
    for first in range(0, len(rows), prover.engine.batch):
        for outcome in prover.prove_all(rows[first : first + prover.engine.batch]):
            _learn(prover, outcome)
            outcomes.append(outcome)
    return outcomes


def _learn(prover: Prover, outcome: Outcome) -> None:
    if outcome.difference or _is_unclear(outcome):
        return
    for key in (*outcome.keys.own, *outcome.keys.parts):
        prover.proven.setdefault(key, "")
    for key in outcome.keys.own[:1]:
        prover.proven[key] = max(prover.proven[key], outcome.result, key=_rank)


def _rank(class_: str) -> int:
    """Rank classes of one construct's values: the widest of them holds."""
    if class_ in DECIMALS:
        return DECIMALS.index(class_)
    return -1 if class_ else -2


def table_of(prover: Prover, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Return the table of proofs as it is kept in the package."""
    differs: dict[str, str] = {}
    limits: dict[str, str] = {}
    for outcome in outcomes:
        keys = (*outcome.keys.own, *outcome.keys.parts)
        missing = [key for key in keys if key not in prover.proven]
        if outcome.difference and missing:
            differs.setdefault(missing[0], outcome.difference)
        if outcome.limit:
            limits.setdefault(keys[0], outcome.limit)
    return {
        "proven": dict(sorted(prover.proven.items())),
        "differs": dict(sorted(differs.items())),
        "limits": dict(sorted((key, limit) for key, limit in limits.items() if key in prover.proven)),
        "evaluations": sum(outcome.evaluations for outcome in outcomes),
    }


def write_table(file: Path, table: dict[str, Any]) -> None:
    """Write a table of proofs."""
    file.write_text(json.dumps(table, indent=0, ensure_ascii=False) + "\n", encoding="utf-8")
