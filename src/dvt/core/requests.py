"""A federated node as the bridge hands it over: its SQL, the tables that it names, its configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from dvt.core.errors import DvtError
from dvt.core.estimates import UNLIMITED, ExtractLimits
from dvt.core.extraction import FULL, Extraction
from dvt.core.names import TableRef
from dvt.core.raw_lines import raw_line


class Pushdown(StrEnum):
    """How much of a federated model may run inside its sources."""

    AUTO = "auto"
    MAX = "max"
    OFF = "off"


class TextComparison(StrEnum):
    """How a federated model compares text of columns whose databases compare by a collation."""

    UNSET = "unset"
    """Byte by byte, as the engine does, with a warning."""
    ENGINE = "engine"
    """Byte by byte, as configured: without a warning."""
    SOURCE = "source"
    """As the columns' collations do."""


class Translate(StrEnum):
    """What happens to constructs of another dialect than the engine's of which no translation is proven."""

    PROVEN = "proven"
    """They are an error."""
    BEST_EFFORT = "best_effort"
    """They are translated as well as is known, with a warning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """A relation that a federated model's SQL names."""

    table: TableRef
    unique_id: str
    name: tuple[str, ...]
    """Its name as the SQL has it, without quotes: database, schema and identifier, or the last two."""
    bucket: str = ""
    """Name of the bucket in which its config wants its rows staged; empty if it has none."""
    extraction: Extraction = FULL
    """Whether its rows are kept for later runs, and how it is told that they are still the same."""
    this: bool = False
    """The model's own table (`{{ this }}`), as the last run left it."""
    is_source: bool = False
    """A source of dbt's, rather than what a node builds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """The columns and constraints that an enforced contract demands of a model's table."""

    columns: tuple[ContractColumn, ...]
    definition: str
    """The part of the DDL after `CREATE TABLE <name>`: columns and constraints, in brackets."""


@dataclass(frozen=True, slots=True)
class ContractColumn:
    """One column of a contract."""

    name: str
    native: str
    """Its type as the target spells it."""
    type: str | None
    """The type in the engine's spelling, which the engine may not know. None if it has no such type: then
    only the target converts the model's values."""
    any_number: bool = False
    """True if the column holds numbers of any precision and scale."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRequest:
    """A federated node: compiled SQL, the tables that it names, and its configuration."""

    unique_id: str
    name: str
    file: str
    """The model's file, for messages."""
    sql: str
    """Compiled SQL."""
    dialect: str
    """SQLGlot name of the dialect the SQL is written in."""
    inputs: Mapping[str, Input]
    """Relations that the SQL may name, by unique id; no two have the same name in it."""
    stage: TableRef
    """The new table to fill on the node's target."""
    pushdown: Pushdown = Pushdown.AUTO
    comparing: TextComparison = TextComparison.UNSET
    translate: Translate = Translate.PROVEN
    contract: Contract | None = None
    """What an engine's answer has to fulfil; None where no contract is enforced, or only dbt checks it."""
    compute: str | None = None
    """Where it is to be computed: a word of `places.RESERVED`, or an entry of computes.yml. None: the default
    of computes.yml."""
    hooked: frozenset[str] = frozenset()
    """Unique ids of other relations that the target needs as a whole, because hooks name them."""
    changes_this: bool = False
    """True if hooks may change `{{ this }}` before the target computes the model."""
    only_on_target: str = ""
    """Why nothing but the node's own target can compute it (its materialization), else empty."""
    not_in_engine: str = ""
    """Why no engine can compute it, but a database of the target's kind can (a snapshot), else empty."""
    in_own_session: str = ""
    """What the user runs in the target's session before the SQL, which may change its meaning; else empty."""
    extract_limits: ExtractLimits = UNLIMITED
    """How much one query may move."""
    limit: int | None = None
    """Highest number of rows that are wanted, any of them; None: all rows."""
    bucket: str = ""
    """Name of the bucket that the answer is staged in, and what the model reads, where that has no bucket of
    its own; empty: the run's default."""
    raw: str = ""
    """The text of the model's file, before Jinja; empty if it has none."""

    def bucket_of(self, read: Input) -> str:
        """Return the name of the bucket in which the rows of a relation are staged."""
        return read.bucket or self.bucket

    def about(self, error: DvtError) -> DvtError:
        """Return the error with the node, its file, and the line in it."""
        if error.sql_line is not None and error.raw_line is None and self.raw:
            error.raw_line = raw_line(self.raw, self.sql, error.sql_line)
        return error.about(self.name, self.file)
