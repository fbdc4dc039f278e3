"""What the passes of the planner work on: one model's SQL, and all that is known of it so far."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlglot import ErrorLevel, Token, exp

from dvt.core.plan import LoadColumn
from dvt.core.ports.engines import CollationFunctions, Value
from dvt.core.queries import Need, NotPushed, SourceQuery, Sql
from dvt.core.reports import Notice
from dvt.core.requests import Input, NodeRequest
from dvt.core.tables import Column, StageColumn, Table

Bind = Callable[[str, Mapping[str, Sequence[StageColumn]], Sequence[str]], tuple[StageColumn, ...]]
Evaluate = Callable[[Sequence[str]], Sequence[Value | None]]
LoadTypes = Callable[[Sequence[StageColumn]], tuple[LoadColumn, ...]]

NUMBER = "dvt"
"""Meta key under which every node of the tree has its number; copies keep it."""
SETTLED = "dvt_settled"
"""Meta key of what the planner itself has put there, or has as_written all there is to say of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanContext:
    """What the planner asks of others: dialects by connection, the engine, the target's types."""

    dialects: Mapping[str, str]
    bind: Bind
    evaluate: Evaluate
    """Values of constant expressions in the engine, None for one that fails."""
    load: LoadTypes
    now: datetime
    """The run's moment: every now() of every model is this one."""
    engine: str
    """Dialect of the compute engine."""
    collations: Mapping[str, CollationFunctions] = field(default_factory=dict)
    """Collations that the engine can compare by."""


@dataclass(slots=True, kw_only=True)
class TableScan:
    """One place in the SQL where a table of a source is read."""

    number: int
    marker: str
    input: Input
    table: Table
    node: exp.Table
    no_pushdown: str = ""
    """Why no predicate may pass into it (a sample, a pivot), else empty."""
    columns: dict[str, Column] = field(default_factory=dict)
    """By the name the transform has for them."""
    needed: set[str] = field(default_factory=set)
    candidates: list[Candidate] = field(default_factory=list)
    kept: list[NotPushed] = field(default_factory=list)
    alias: str = ""
    """Of its staged table."""

    @property
    def key(self) -> str:
        """Name of the table while the SQL is analysed."""
        return f"dvt_source_{self.number}"


@dataclass(slots=True)
class Candidate:
    """A condition that every row of a scan must meet to be of any use."""

    condition: exp.Expr
    """Over the scan's columns and constants alone."""
    as_written: str
    """As the model says it."""


@dataclass(slots=True, kw_only=True)
class PlanState:
    """A plan in the making; every pass adds its part."""

    request: NodeRequest
    tables: Mapping[str, Table]
    context: PlanContext
    tree: exp.Query
    """The model's SQL, rewritten step by step into the transform."""
    tokens: Sequence[Token] = ()
    """Of the model's SQL."""
    names: list[str | None] = field(default_factory=list)
    """Output names; None where the engine's own name is the right one."""
    scans: list[TableScan] = field(default_factory=list)
    asked: list[SourceQuery] = field(default_factory=list)
    """Queries for one value each, which placeholders of their aliases stand for."""
    needs: dict[tuple[Sql, Column], Need] = field(default_factory=dict)
    """Values that conditions are waiting for, by what they are and what they are compared with."""
    analysed: exp.Query | None = None
    """A qualified and typed copy of the tree; None when SQLGlot cannot make one."""
    no_pruning: str = ""
    """Why columns cannot be told apart, so that whole tables are read, else empty."""
    original_names: dict[str, str] = field(default_factory=dict)
    """What a renamed name was before."""
    as_written: dict[int, str] = field(default_factory=dict)
    """Conditions as the model says them, by their numbers."""
    named: dict[int, frozenset[int]] = field(default_factory=dict)
    """The columns that each of these conditions names, all by their numbers."""
    unresolved: set[str] = field(default_factory=set)
    """Unqualified names that SQLGlot took for something else than a table's column."""
    queries: list[SourceQuery] = field(default_factory=list)
    functions: set[str] = field(default_factory=set)
    """The engine's functions for collations that the tree calls."""
    sql: Sql = ""
    outputs: tuple[StageColumn, ...] = ()
    loads: tuple[LoadColumn, ...] = ()
    notices: list[Notice] = field(default_factory=list)

    @property
    def dialect(self) -> str:
        """Dialect the model is written in."""
        return self.request.dialect

    def in_engine(self, node: exp.Expr) -> str:
        """A tree as the engine writes it. What SQLGlot itself has to say about it is of no help."""
        return str(node.sql(dialect=self.context.engine, comments=False, unsupported_level=ErrorLevel.IGNORE))

    def warn(self, code: str, message: str, hint: str = "") -> None:
        """Add a notice once."""
        notice = Notice(code, message, hint)
        if notice not in self.notices:
            self.notices.append(notice)


GIVEN = frozenset({"request", "tables", "context", "tree", "tokens"})
"""Fields of the state that are there before the first pass."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Which fields of the state a pass reads and which it changes; it may read the latter, too.

    Fields of scans are written `scans.needed`. Every pass may ask for `request`, `tables` and `context`, and
    may add to `notices`.
    """

    needs: frozenset[str]
    gives: frozenset[str]


Pass = Callable[[PlanState], None]
_REACHES: dict[Pass, Reach] = {}


def plan_pass(*, gives: str, needs: str = "") -> Callable[[Pass], Pass]:
    """Declare which fields a pass needs and gives, by their names; a test holds it to that."""

    def declare(run: Pass) -> Pass:
        _REACHES[run] = Reach(frozenset(needs.split()), frozenset(gives.split()))
        return run

    return declare


def reach_of(run: Pass) -> Reach:
    """What was declared of a pass."""
    return _REACHES[run]
