"""The state that the planner's passes work on: a model's SQL, and what the passes have added to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlglot import ErrorLevel, Token, exp

from dvt.core.errors import SqlInvalid
from dvt.core.plan import Binding, LoadColumn, PlannedCopy, RepeatedRead, TransformTable
from dvt.core.ports.engines import CollationFunctions, Value
from dvt.core.queries import Need, NotPushed, SourceQuery, Sql
from dvt.core.relation_names import NamePlace
from dvt.core.reports import Notice
from dvt.core.requests import Input, NodeRequest
from dvt.core.tables import Column, StageColumn, Table
from dvt.federation.plan.proven.classes import ValueType
from dvt.federation.plan.proven.table import ProofTable, proof_table

Bind = Callable[[Sql, Sequence[TransformTable], Sequence[str]], Binding]
"""Binds SQL on empty tables, as `Engine.bind` does."""
Narrowed = Callable[[Sql, Sequence[TransformTable], Sequence[str]], Sequence[str]]
"""Tells the conversions that lose digits, as `Engine.narrowed` does."""
Evaluate = Callable[[Sequence[str]], Sequence[Value | None]]
"""Evaluates constant expressions, as `Engine.evaluate` does."""
LoadTypes = Callable[[Sequence[StageColumn]], tuple[LoadColumn, ...]]
"""Gives the target's types for outputs, as `CanLoad.columns` does."""
OwnType = Callable[[Column, str], str | None]
"""Gives the target's type for a column of a database of a dialect, as `CanCompute.own_type` does."""
NUMBER = "dvt"
"""Meta key under which every node of the tree has its number; copies keep it."""
SETTLED = "dvt_settled"
"""Meta key of nodes that later passes leave as they are: the planner has made or rewritten them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanContext:
    """Services that the planner calls: dialects by connection, the engine, the target's types."""

    dialects: Mapping[str, str]
    bind: Bind
    narrowed: Narrowed
    evaluate: Evaluate
    bind_own: Bind | None = None
    """Binds SQL of the model's own dialect, if that is another engine's: outputs have the names and the types
    that it gives. None: they have those that the compute engine gives."""
    load: LoadTypes
    kept_name: Callable[[str], str] = str
    """Returns a name as the target keeps it, which cuts off long ones."""
    started_at: datetime
    """When the run started, in the session's time zone: every now() of every model gives this time."""
    time_zone: str = "UTC"
    """IANA name of the session's time zone."""
    engine: str
    """Dialect of the compute engine."""
    collations: Mapping[str, CollationFunctions] = field(default_factory=dict)
    """Collations that the engine can compare by."""
    own_type: OwnType = lambda _column, _dialect: None
    """Gives the target's type that keeps all of a column, as `CanCompute.own_type` does."""
    elsewhere: str = "compute the model where its dialect is spoken (`compute: target`)"
    """Hint: what to do to have the model computed where its dialect is spoken."""
    proofs: Callable[[str, str], ProofTable | None] = proof_table
    """Engine's dialect and model's dialect → what is proven of their pair; None if nothing was tried."""


@dataclass(slots=True, kw_only=True)
class TableScan:
    """A place in the SQL where a table of a source is read."""

    number: int
    place: int
    """Index of its place in the model's SQL."""
    input: Input
    table: Table
    node: exp.Table
    no_pushdown: str = ""
    """Why no predicate may pass into it (a sample, a pivot), else empty."""
    columns: dict[str, Column] = field(default_factory=dict)
    """name in the transform → column."""
    needed: set[str] = field(default_factory=set)
    """Names of the columns that the engine reads."""
    is_skipped: bool = False
    """True if the engine reads no row of it, as below `LIMIT 0`."""
    candidates: list[Candidate] = field(default_factory=list)
    not_pushed: list[NotPushed] = field(default_factory=list)
    limit: int | None = None
    """Highest number of its rows that are of use, any of those that meet all its candidates; None: all."""
    alias: str = ""
    """Alias of the query that answers it."""
    compared: dict[str, None] = field(default_factory=dict)
    """Names of the columns that are compared with other columns by equality."""

    @property
    def why_whole(self) -> str:
        """Why its source applies no condition and no limit, else empty."""
        kept = "its rows are kept for later runs, all of them" if self.input.extraction.keeps else ""
        return self.no_pushdown or kept

    @property
    def name(self) -> str:
        """The table's name in the model's SQL, by which columns may be qualified."""
        return self.input.name[-1]

    @property
    def key(self) -> str:
        """Name of the table while the SQL is analysed."""
        return f"dvt_source_{self.number}"


@dataclass(slots=True)
class Candidate:
    """A condition that the rows of a scan must meet to be of any use."""

    condition: exp.Expr
    """Over the scan's columns and constants alone."""
    as_written: str
    """SQL of the condition as written in the model."""


@dataclass(frozen=True, slots=True)
class Unproven:
    """A construct of a model of which nobody has proven that the engine answers as the model's dialect."""

    construct: str
    """SQL of the construct as written."""
    line: int | None
    """Line of the compiled SQL; None if it is not known."""
    why: str


@dataclass(slots=True, kw_only=True)
class PlanState:
    """A plan in the making; every pass adds its part."""

    request: NodeRequest
    tables: Mapping[str, Table]
    context: PlanContext
    tree: exp.Query
    """The model's SQL as SQLGlot reads it, with markers for relations; rewritten only to be translated."""
    tokens: Sequence[Token] = ()
    """Tokens of the model's SQL."""
    places: Sequence[NamePlace] = ()
    """Where the model's SQL names relations."""
    unread: SqlInvalid | None = None
    """Why SQLGlot could not read the SQL, so that the tree is not of it; None if it could."""
    is_frozen: bool = False
    """True if literals stand in the tree for calls of now() and its like."""
    names: list[str | None] = field(default_factory=list)
    """Output names; None where the engine's own name is the right one."""
    scans: list[TableScan] = field(default_factory=list)
    spans: dict[tuple[int, int], exp.Expr] = field(default_factory=dict)
    """Offsets in the model's SQL of each scalar subquery that is queried first, and of each constant that
    gets a type → what stands for it."""
    samples: dict[str, str] = field(default_factory=dict)
    """Alias of a query for one value → text of some value of its type."""
    scalar_queries: list[SourceQuery] = field(default_factory=list)
    """Queries for one value each, which placeholders of their aliases stand for."""
    needs: dict[tuple[Sql, Column], Need] = field(default_factory=dict)
    """Values that conditions need, by the value's SQL and the column it is compared with."""
    analysed: exp.Query | None = None
    """A qualified and typed copy of the tree; None when SQLGlot cannot make one."""
    unclear: str = ""
    """Why SQLGlot cannot tell which columns are meant where, else empty."""
    original_names: dict[str, str] = field(default_factory=dict)
    """new name → the name that it replaced."""
    as_written: dict[int, str] = field(default_factory=dict)
    """condition's number → SQL of the condition as written in the model."""
    named: dict[int, frozenset[int]] = field(default_factory=dict)
    """condition's number → numbers of the columns that it names."""
    is_rewritten: bool = False
    """True if the tree, and no longer the model's own text, is what the engine has to run."""
    queries: list[SourceQuery] = field(default_factory=list)
    value_types: dict[int, ValueType] = field(default_factory=dict)
    """node's number → class of its values, in a model whose translation is proven."""
    unproven: tuple[Unproven, ...] = ()
    """Constructs of a translated model of which nothing is proven."""
    functions: set[str] = field(default_factory=set)
    """The engine's functions for collations that the tree calls."""
    sql: Sql = ""
    """The transform's SQL, or the target's."""
    own_sql: Sql = ""
    """The transform in the model's own text, where another engine tells its outputs (`bind_own`)."""
    copies: tuple[PlannedCopy, ...] = ()
    repeated: tuple[RepeatedRead, ...] = ()
    transform_tables: tuple[TransformTable, ...] = ()
    outputs: tuple[StageColumn, ...] = ()
    loads: tuple[LoadColumn, ...] = ()
    definition: str = ""
    """The stage table's DDL after its name, where outputs have types that a load would not choose."""
    notices: list[Notice] = field(default_factory=list)

    @property
    def dialect(self) -> str:
        """Dialect the model is written in."""
        return self.request.dialect

    def in_engine(self, node: exp.Expr) -> str:
        """Render a tree in the engine's SQL, without warnings of SQLGlot's."""
        copy = node.copy()
        for bracket in copy.find_all(exp.Bracket):
            for index in (part for expression in bracket.expressions for part in expression.walk()):
                index.type = None  # SQLGlot would shift an index whose type it knows
        return str(
            copy.sql(
                dialect=self.context.engine, comments=False, copy=False, unsupported_level=ErrorLevel.IGNORE
            )
        )

    def with_same_analysis(self) -> PlanState:
        """Return a state for other passes, which read the tree and its analysis and change neither."""
        scans = [
            replace(scan, needed=set(), candidates=[], not_pushed=[], compared={}) for scan in self.scans
        ]
        return replace(
            self,
            names=[*self.names],
            scans=scans,
            needs={},
            queries=[],
            functions=set(),
            notices=[*self.notices],
        )

    def warn(self, code: str, message: str, hint: str = "", *, output: str = "") -> None:
        """Add a warning, unless it was added before; `output` is that of Notice."""
        notice = Notice(code, message, hint, output)
        if notice not in self.notices:
            self.notices.append(notice)


GIVEN = frozenset({"request", "tables", "context", "tree", "tokens", "places", "unread"})
"""Fields of the state that are set before the first pass."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Fields of the state that a pass reads, and fields that it changes and may read, too.

    Fields of scans are written `scans.needed`. Every pass may ask for `request`, `tables` and `context`, and
    may add to `notices`.
    """

    needs: frozenset[str]
    gives: frozenset[str]


Pass = Callable[[PlanState], None]
_REACHES: dict[Pass, Reach] = {}
"""Every pass → what it has declared."""


def plan_pass(*, gives: str, needs: str = "") -> Callable[[Pass], Pass]:
    """Declare which fields a pass needs and gives, by their names; a test holds it to that."""

    def declare(run: Pass) -> Pass:
        _REACHES[run] = Reach(frozenset(needs.split()), frozenset(gives.split()))
        return run

    return declare


def reach_of(run: Pass) -> Reach:
    """Return what `plan_pass` declared of a pass."""
    return _REACHES[run]
