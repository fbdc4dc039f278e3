"""What `dvt explain` reports of a node: its target, how it would run and why, and its plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dvt.core.places import Choice
from dvt.core.plan import CopyPlan, FederationPlan, SourcePlan


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedIn:
    """Where what a node extracts is staged, and what of it is there already."""

    bucket: str
    """Name of the bucket of its answer, and of all that names no other."""
    address: str
    """The project's folder in it; empty for a bucket that cannot be used."""
    extractions: int
    """Queries that the plan has."""
    reused: Mapping[str, str] = field(default_factory=dict)
    """Alias of a query → the run that has left the answer, which the next run would take."""
    elsewhere: Mapping[str, str] = field(default_factory=dict)
    """Alias of a query → name of the bucket, where that is another one."""
    notes: tuple[str, ...] = ()
    """Why it is not known what is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One node, explained; nothing of it was run."""

    unique_id: str
    name: str
    kind: str
    file: str
    target: str
    """The output it is built on."""
    path: str
    """`native` or `federated`; `inlined` for an ephemeral model."""
    why: str
    materialized: str = ""
    compute: str | None = None
    """The entry of the computes that computes it; None where a database does, or nothing is planned."""
    plan: FederationPlan | None = None
    """None for a node that a database computes, and where `unbuilt` or `problem` says why."""
    copies: CopyPlan | None = None
    """What is copied for a node that its target computes."""
    at_source: SourcePlan | None = None
    """The query of a node that its source computes."""
    choice: Choice | None = None
    """Where a federated node is computed, and what the other places would cost."""
    staged: StagedIn | None = None
    """Where what it extracts is staged; None where nothing is planned."""
    unbuilt: tuple[str, ...] = ()
    """Relations that it reads and no run has built yet: the plan is known once they exist."""
    problem: str | None = None
