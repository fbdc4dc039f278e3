"""Every error and warning dvt gives: a code to search for, a sentence, a hint.

A class builds its sentence from facts and keeps them as attributes. `docs/reference/errors.md` is
generated from this file. Codes follow the requirements' appendix A (DVT001…, DVT100…); newer
warnings start at DVT020 and newer errors at DVT110.
"""

from __future__ import annotations

import difflib
import textwrap
from collections.abc import Collection, Mapping
from typing import ClassVar

WARNINGS: Mapping[str, str] = {
    "DVT001": "A view that needs federation is built as a table.",
    "DVT002": "A value of this type cannot survive the way to its target unchanged.",
    "DVT003": "A construct or incremental strategy is translated and may answer differently.",
    "DVT020": "Tables of one connection were read at slightly different moments.",
    "DVT023": "What a dead run left behind could not be swept yet.",
    "DVT024": "A database takes rows in a slower way than it could.",
    "DVT025": "Text that its database compares by a collation is compared byte by byte here.",
    "DVT026": "Conditions stay in the compute engine, since only the engine can read the SQL.",
}
"""Warning code → its meaning."""


class DvtError(Exception):
    """What went wrong, with a stable code to search for and a hint what to do next."""

    code: ClassVar[str] = "DVT000"
    transient: ClassVar[bool] = False
    """True for errors that may pass: trying again later may work."""
    registry: ClassVar[dict[str, type[DvtError]]] = {}

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "code" not in cls.__dict__:
            return
        taken = cls.registry.setdefault(cls.code, cls)
        if taken is not cls or cls.code in WARNINGS:
            msg = f"{cls.__name__} reuses {cls.code}, which belongs to {taken.__name__}"
            raise TypeError(msg)

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.node: str | None = None
        self.file: str | None = None
        self.sql_line: int | None = None
        """Line of the node's compiled SQL that the error is about, if it is about one."""
        self.raw_line: int | None = None
        """The same line in the node's file, if it can be told."""

    def about(self, node: str, file: str) -> DvtError:
        """Return the error with the node that it happened to, and its file, unless it has a node already."""
        if self.node is None:
            self.node, self.file = node, file
        return self

    def __str__(self) -> str:
        head = f"{self.code} {self.message}"
        if self.node is not None:
            head = f"{self.code} {self.node} ({self.file}{self._at_line}): {self.message}"
        return f"{head}\n  hint: {self.hint}" if self.hint else head

    @property
    def _at_line(self) -> str:
        if self.raw_line is not None:
            return f", line {self.raw_line}"
        return f", line {self.sql_line} of the compiled SQL" if self.sql_line is not None else ""


def nearest(name: str, known: Collection[str]) -> str:
    """Return a hint: the closest known name, and all of them."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1)
    guess = f"did you mean {close[0]!r}? " if close else ""
    return f"{guess}known: {', '.join(names) or 'none'}"


# --- what users wrote -------------------------------------------------------------------------


class SeveralErrors(DvtError):
    """A project has more than one error in its configuration; each is listed with its own code."""

    code = "DVT109"

    def __init__(self, errors: Collection[DvtError]) -> None:
        self.errors = tuple(errors)
        listed = "".join("\n\n" + textwrap.indent(str(error), "  ") for error in self.errors)
        super().__init__(f"the project has {len(self.errors)} errors, and nothing was run:{listed}")


class ComputesInvalid(DvtError):
    """computes.yml is there but cannot be used."""

    code = "DVT100"

    def __init__(self, file: str, line: int | None, problem: str) -> None:
        self.path, self.line = file, line
        at = f"{file}, line {line}" if line else file
        super().__init__(
            f"{at}: {problem}",
            hint="see docs/reference/computes.md for every key, or remove the file",
        )


class UnknownCompute(DvtError):
    """A compute was named that computes.yml does not define."""

    code = "DVT101"

    def __init__(self, name: str, known: Collection[str], file: str | None) -> None:
        self.name = name
        where = file or "there is no computes.yml, so only the embedded 'duckdb'"
        super().__init__(f"no compute named {name!r} ({where})", hint=nearest(name, known))


class ConnectionRequired(DvtError):
    """A source does not name its connection, in a project that uses dvt."""

    code = "DVT102"

    def __init__(self, source: str, file: str, known: Collection[str]) -> None:
        self.source = source
        super().__init__(
            f"source {source!r} ({file}) does not say which connection it lives on",
            hint=f"add `config: {{connection: NAME}}` to the source; outputs: {', '.join(sorted(known))}",
        )


class ConflictingConnections(DvtError):
    """A source names two different connections."""

    code = "DVT103"

    def __init__(self, source: str, file: str, connections: Mapping[str, str]) -> None:
        self.source, self.connections = source, dict(connections)
        both = ", ".join(f"{place}: {name}" for place, name in connections.items())
        super().__init__(
            f"source {source!r} ({file}) names different connections ({both})",
            hint="keep one of them",
        )


class SnapshotFederated(DvtError):
    """A snapshot reads another database than its own."""

    code = "DVT104"

    def __init__(self, name: str, target: str, elsewhere: Mapping[str, str]) -> None:
        self.name, self.target, self.elsewhere = name, target, dict(elsewhere)
        reads = ", ".join(f"{what} on {where}" for what, where in elsewhere.items())
        where = sorted(set(elsewhere.values()))
        super().__init__(
            f"snapshot {name!r} lives on {target} but reads {reads}, and an engine makes no snapshots",
            hint=f"(1) compute it on {target}: config(compute='target'); (2) put the snapshot there: "
            f"config(target='{where[0]}'); (3) build a table model on {target}, and snapshot that",
        )


class TestFederated(DvtError):
    """A test reads other databases than its own, which its config forbids."""

    code = "DVT105"
    __test__ = False

    def __init__(self, name: str, reads: Mapping[str, str]) -> None:
        self.name, self.reads = name, dict(reads)
        places = ", ".join(f"{what} on {where}" for what, where in reads.items())
        super().__init__(
            f"test {name!r} has `federate: false` but needs federation: it reads {places}",
            hint="leave `federate` out, and it runs like a federated model; or test a model that joins them",
        )


class SelfReference(DvtError):
    """A model reads itself without being incremental."""

    code = "DVT106"

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            f"model {name!r} reads its own table but is not incremental",
            hint="use {{ this }} in an incremental model, guarded by is_incremental()",
        )


class SameName(DvtError):
    """Two tables that a federated model reads have one name in its SQL."""

    code = "DVT143"

    def __init__(self, name: str, table: str, tables: tuple[str, str]) -> None:
        self.name, self.table, self.tables = name, table, tables
        super().__init__(
            f"in the SQL of {name!r} the name {table} would mean both {tables[0]} and {tables[1]}",
            hint="give one of them another schema or alias, or read it through a view of another name",
        )


class SchemaChanged(DvtError):
    """The table that is kept has columns of other types, or more columns, than the model."""

    code = "DVT107"

    def __init__(self, model: str, changes: Collection[str]) -> None:
        self.model, self.changes = model, list(changes)
        super().__init__(
            f"schema change detected for model {model!r}: {'; '.join(self.changes)}",
            hint="use --full-refresh to apply schema changes",
        )


class UnknownConnection(DvtError):
    """A connection was named that is no output of the profile."""

    code = "DVT110"

    def __init__(self, what: str, name: str, known: Collection[str]) -> None:
        self.what, self.name = what, name
        super().__init__(
            f"{what} names connection {name!r}, which is no output of the profile",
            hint=nearest(name, known),
        )


class EphemeralFederated(DvtError):
    """An ephemeral model without a target would have to be computed on several databases."""

    code = "DVT111"

    def __init__(self, name: str, elsewhere: Collection[str]) -> None:
        self.name = name
        super().__init__(
            f"ephemeral model {name!r} reads {', '.join(sorted(elsewhere))}, so it needs federation",
            hint="materialize it (table), or give it a target: config(target='NAME'), and it is inlined",
        )


class UnknownMaterialization(DvtError):
    """A model over several databases has a materialization that its place of computing cannot build."""

    code = "DVT112"

    def __init__(self, name: str, materialized: str) -> None:
        self.name, self.materialized = name, materialized
        super().__init__(
            f"model {name!r} reads other databases, and materialization {materialized!r} cannot be built so",
            hint="an engine builds table, incremental and view (as a table); config(compute='target') builds "
            "every materialization that does not read its inputs again later",
        )


class DriverMissing(DvtError):
    """The package that talks to this database is not installed."""

    code = "DVT115"

    def __init__(self, what: str, install: str) -> None:
        self.what, self.install = what, install
        super().__init__(f"{what} is not installed", hint=install)


class UnknownType(DvtError):
    """An output has a type that neither dvt nor an installed dbt adapter knows."""

    code = "DVT113"

    def __init__(self, output: str, place: str, kind: str, known: Collection[str]) -> None:
        self.output, self.kind = output, kind
        of_output = f" of output {output!r} ({place})" if output else ""
        super().__init__(
            f"type {kind!r}{of_output} is unknown",
            hint=f"{nearest(kind, known)}; a type of another dbt adapter is known once that is installed",
        )


class UnknownTarget(DvtError):
    """A node names a target that is no output of the profile."""

    code = "DVT116"

    def __init__(self, what: str, file: str, name: str, known: Collection[str]) -> None:
        self.what, self.name = what, name
        super().__init__(
            f"{what} ({file}) has target {name!r}, which is no output of the profile",
            hint=nearest(name, known),
        )


class NotATarget(DvtError):
    """An output that can only be read was named as a target."""

    code = "DVT117"

    def __init__(self, what: str, name: str, kind: str, can: Collection[str]) -> None:
        self.what, self.name, self.kind = what, name, kind
        super().__init__(
            f"{what} cannot be built on output {name!r}: type {kind} is a source only",
            hint=f"outputs that can be targets: {', '.join(sorted(can)) or 'none'}",
        )


class BadConfig(DvtError):
    """A dvt setting has a value it cannot have."""

    code = "DVT118"

    def __init__(self, where: str, key: str, value: object, allowed: Collection[str]) -> None:
        self.where, self.key = where, key
        super().__init__(f"{where}: {key} cannot be {value!r}", hint=f"one of: {', '.join(sorted(allowed))}")


class ProfilesInvalid(DvtError):
    """profiles.yml is not there, or what it says of a profile cannot be used."""

    code = "DVT129"

    def __init__(self, file: str, line: int | None, problem: str, hint: str = "") -> None:
        self.path, self.line = file, line
        at = f"{file}, line {line}" if line else file
        super().__init__(
            f"{at}: {problem}", hint=hint or "docs/reference/outputs.md says what may stand there"
        )


class BadOutput(DvtError):
    """An output in profiles.yml lacks a key, or has one that its connector cannot honour."""

    code = "DVT119"

    def __init__(self, output: str, kind: str, problem: str, hint: str = "") -> None:
        self.output, self.kind = output, kind
        super().__init__(
            f"output {output!r} (type {kind}) in profiles.yml: {problem}",
            hint=hint or f"docs/reference/outputs.md lists what type {kind} takes",
        )


# --- planning ---------------------------------------------------------------------------------


class TableNotFound(DvtError):
    """A source table does not exist, or its user may not see it."""

    code = "DVT120"

    def __init__(self, table: str, connection: str, known: Collection[str] = ()) -> None:
        self.table, self.connection = table, connection
        super().__init__(
            f"there is no table {table} on connection {connection!r}, or its user may not see it",
            hint=nearest(table.rsplit(".", 1)[-1], known) if known else "check schema, name and grants",
        )


class ColumnNotFound(DvtError):
    """The SQL names a column that no table it reads has."""

    code = "DVT121"

    def __init__(self, column: str, known: Collection[str], detail: str = "") -> None:
        self.column = column
        super().__init__(
            f"no column {column!r} in the tables it could come from{detail}",
            hint=nearest(column, known),
        )


class SqlInvalid(DvtError):
    """The model's SQL does not parse in its dialect, or does not bind."""

    code = "DVT122"

    def __init__(self, dialect: str, problem: str, line: int | None = None, hint: str = "") -> None:
        super().__init__(
            f"the SQL is not valid {dialect}: {problem}",
            hint=hint or "correct it; or name its dialect, if it is written in another: config(dialect='…')",
        )
        self.dialect, self.problem, self.sql_line = dialect, problem, line


class AnswerUntyped(SqlInvalid):
    """The types of the SQL's columns are not known before there are data, or cannot be staged."""

    code = "DVT154"

    def __init__(self, problem: str, hint: str = "") -> None:
        DvtError.__init__(self, f"the compute engine cannot stage the answer: {problem}", hint=hint)
        self.problem = problem


class TranslationWrong(DvtError):
    """A construct of the model's SQL is not proven to answer in the compute engine as in its own dialect."""

    code = "DVT123"

    def __init__(
        self, expression: str, dialect: str, why: str, way_out: str, line: int | None = None
    ) -> None:
        self.expression = expression
        super().__init__(f"{expression} ({dialect}) cannot be translated: {why}", hint=way_out)
        self.sql_line = line


class OutputsClash(DvtError):
    """Two columns have one name, or names that differ only in case, where that is the same name."""

    code = "DVT124"

    def __init__(self, names: Collection[str], table: str = "", target: str = "") -> None:
        self.names = list(names)
        listed = ", ".join(self.names)
        if table:
            super().__init__(
                f"columns {listed} of {table} have the same name on {target!r}, which needs a copy of them",
                hint="rename one of them at its source, or read the table through a view that does",
            )
        else:
            super().__init__(
                f"output columns {listed} have the same name for the compute engine",
                hint="give them aliases that differ in more than case",
            )


class SeveralConnections(DvtError):
    """A query of a federated model's Jinja reads relations of several connections."""

    code = "DVT125"

    def __init__(self, connections: Collection[str]) -> None:
        self.connections = sorted(connections)
        super().__init__(
            f"a run_query or statement reads relations of {', '.join(self.connections)} at once",
            hint="a query that runs while compiling goes to one connection; query each of them by itself",
        )


class ContractBroken(DvtError):
    """The SELECT's columns are not those the enforced contract demands."""

    code = "DVT126"

    def __init__(self, differences: Collection[str]) -> None:
        self.differences = list(differences)
        super().__init__(
            f"the model's columns differ from its contract: {'; '.join(self.differences)}",
            hint="change the SELECT or the contract's columns and data_types",
        )


class NamesTooLong(DvtError):
    """A column, table or constraint has a longer name than its target can keep; nothing has moved yet."""

    code = "DVT145"

    def __init__(self, connection: str, names: Mapping[str, str], table: str = "") -> None:
        self.names = dict(names)
        cuts = "; ".join(f"{name} would be {kept}" for name, kept in self.names.items())
        if table:
            super().__init__(
                f"names of columns of {table} are longer than a copy on {connection!r} can keep: {cuts}",
                hint="compute the model in an engine (`compute: duckdb`), with an alias for each of them",
            )
        else:
            super().__init__(
                f"names are longer than {connection!r} can keep: {cuts}",
                hint="give each of them a shorter name: a column by an alias, the table by config `alias`",
            )


class IntrospectionUnsupported(DvtError):
    """Jinja asks a database a question that only a dbt adapter could answer."""

    code = "DVT127"

    def __init__(self, what: str, connection: str, kind: str) -> None:
        self.connection, self.kind = connection, kind
        super().__init__(
            f"{what} reads connection {connection!r}, and there is no dbt adapter for type {kind} to run it",
            hint="it answers queries, adapter.get_columns_in_relation and adapter.get_relation",
        )


# --- running ----------------------------------------------------------------------------------


class ConnectFailed(DvtError):
    """No connection could be opened: the server is down, unreachable, or refuses."""

    code = "DVT130"
    transient = True

    def __init__(
        self, connection: str, where: str, reason: str, hint: str = "", *, refused: bool = False
    ) -> None:
        """`refused`: the server itself said no, so it is up."""
        self.connection, self.where, self.refused = connection, where, refused
        super().__init__(
            f"cannot connect to {connection!r} ({where}): {reason}",
            hint=hint or "is the server up, and are host and port right in profiles.yml?",
        )


class LoginRefused(DvtError):
    """The server refused the user or the password."""

    code = "DVT131"

    def __init__(self, connection: str, where: str, reason: str) -> None:
        self.connection, self.where = connection, where
        super().__init__(
            f"{connection!r} ({where}) refused the login: {reason}",
            hint="check user and password of this output in profiles.yml",
        )


class ConnectionLost(DvtError):
    """The server went away in the middle."""

    code = "DVT132"
    transient = True

    def __init__(self, connection: str, doing: str, reason: str) -> None:
        self.connection, self.doing = connection, doing
        super().__init__(
            f"lost the connection to {connection!r} while {doing}: {reason}",
            hint="nothing was published; run it again when the server is back (dvt retry)",
        )


class ConnectionFrozen(ConnectionLost):
    """Nothing arrived for longer than `read_timeout`, though the server computed nothing."""

    code = "DVT149"

    def __init__(self, connection: str, doing: str, seconds: float) -> None:
        super().__init__(
            connection,
            doing,
            f"not a byte arrived for {seconds:g} s (read_timeout), and its server is paused, out of reach,"
            " or computes nothing for it",
        )
        self.seconds = seconds
        self.hint = (
            "is a firewall between that drops idle connections, or a server that is paused?"
            " run it again when it answers (dvt retry); read_timeout of this output sets how long dvt waits"
        )


class QueryFailed(DvtError):
    """A database refused a query, or failed while running it."""

    code = "DVT133"

    def __init__(self, connection: str, doing: str, reason: str, hint: str = "") -> None:
        self.connection, self.doing, self.reason = connection, doing, reason
        super().__init__(f"{connection!r} failed while {doing}: {reason}", hint=hint)


class ValueLost(DvtError):
    """A value cannot be represented on its way; the run stops instead of changing it."""

    code = "DVT134"

    def __init__(self, where: str, problem: str, hint: str) -> None:
        self.where, self.problem = where, problem
        super().__init__(f"{where}: {problem}", hint=hint)


class RowRefused(DvtError):
    """A row breaks a constraint that the model's contract puts on its table."""

    code = "DVT128"

    def __init__(self, where: str, problem: str) -> None:
        self.where, self.problem = where, problem
        super().__init__(
            f"{where}: {problem}", hint="correct the rows in the SELECT, or the constraint in the contract"
        )


class DiskFull(DvtError):
    """There is no space left for staged data, spilled data or a database file."""

    code = "DVT135"

    def __init__(self, place: str, doing: str) -> None:
        self.place = place
        super().__init__(
            f"no space left in {place} while {doing}",
            hint="free space there, or stage elsewhere; nothing was published",
        )


class FileLocked(DvtError):
    """Another process holds this database file."""

    code = "DVT136"
    transient = True

    def __init__(self, path: str, holder: str, hint: str = "") -> None:
        self.path, self.holder = path, holder
        super().__init__(
            f"{path} is locked by another process ({holder})",
            hint=hint or "close that process; a DuckDB file has one writing process at a time",
        )


class FileTooNew(DvtError):
    """A newer version wrote this database file."""

    code = "DVT137"

    def __init__(self, path: str, ours: str, theirs: str) -> None:
        self.path = path
        super().__init__(
            f"{path} was written by {theirs}, which DuckDB {ours} cannot read",
            hint="export it with the newer version, or write it there with an older STORAGE_VERSION",
        )


class FileUnreadable(DvtError):
    """A database or data file is not there or not what its output says."""

    code = "DVT138"

    def __init__(self, connection: str, path: str, problem: str) -> None:
        self.connection, self.path = connection, path
        super().__init__(f"connection {connection!r}: {path} {problem}", hint="check the output's path")


class FileInDoubt(DvtError):
    """A data file can be read in more than one way, or does not go with the others of its table."""

    code = "DVT144"

    def __init__(self, path: str, problem: str, way_out: str) -> None:
        self.path = path
        super().__init__(f"{path}: {problem}", hint=f"{way_out} (docs/reference/outputs-files.md)")


class Cancelled(DvtError):
    """A query was stopped, because the run was stopped."""

    code = "DVT139"

    def __init__(self, doing: str) -> None:
        super().__init__(f"stopped while {doing}")


class DbtUnsupported(DvtError):
    """The installed dbt-core is not what this version of dvt was made for."""

    code = "DVT140"

    def __init__(self, symbol: str, installed: str) -> None:
        self.symbol = symbol
        super().__init__(
            f"this dbt-core has another {symbol} than dvt expects ({installed})",
            hint="install a supported one: pip install 'dbt-core>=1.11,<1.13'",
        )


class NotFederable(DvtError):
    """A node that needs federation is of a kind that cannot be federated."""

    code = "DVT141"

    def __init__(self, what: str, why: str, hint: str) -> None:
        super().__init__(f"{what} needs federation, but {why}", hint=hint)


class ComparingUnsupported(DvtError):
    """With `collation: source`, text is compared in a way that the compute engine cannot copy."""

    code = "DVT142"

    def __init__(self, expression: str, columns: Collection[str], why: str, known: Collection[str]) -> None:
        self.expression, self.columns = expression, sorted(columns)
        super().__init__(
            f"{expression} compares {', '.join(self.columns)}: {why}",
            hint="let the target compare it: config(compute='target'), or compare byte by byte:"
            " config(collation='engine');"
            f" collations that can be copied: {', '.join(sorted(known)) or 'none'}",
        )


class OutOfMemory(DvtError):
    """The compute engine needs more memory than it may use, and cannot spill enough of it."""

    code = "DVT150"

    def __init__(self, doing: str, limit: str) -> None:
        self.doing, self.limit = doing, limit
        super().__init__(
            f"the compute engine ran out of memory while {doing} (memory_limit {limit})",
            hint="raise memory_limit in computes.yml, run fewer --threads, or give temp_directory more room",
        )


class StagingUnusable(DvtError):
    """The folder for staged data and records of runs cannot be written."""

    code = "DVT151"

    def __init__(self, place: str, reason: str) -> None:
        self.place = place
        super().__init__(
            f"cannot write in {place}: {reason}",
            hint="dvt stages data in .dvt/ of the project; let this user write there",
        )


class StagingDamaged(DvtError):
    """Staged files do not hold what was committed."""

    code = "DVT152"

    def __init__(self, what: str, expected: int, actual: int) -> None:
        self.expected, self.actual = expected, actual
        super().__init__(
            f"staged {what} should hold {expected} rows but holds {actual}",
            hint="something else wrote in .dvt/staging or the disk is failing; run it again",
        )


class ExtractTooLarge(DvtError):
    """A query would move more rows or bytes than the model's config allows, or has moved more."""

    code = "DVT146"

    def __init__(self, table: str, connection: str, amount: str, config: str) -> None:
        self.table, self.connection, self.config = table, connection, config
        super().__init__(
            f"extracting {table} {amount}; the limit is {config}",
            hint=f"let the model read fewer rows or columns of it; or filter and aggregate in a model on "
            f"{connection!r} (config(target='{connection}')) and read that; or raise the limit",
        )


class EngineMissing(DvtError):
    """A compute's type has no engine in this version."""

    code = "DVT153"

    def __init__(self, compute: str, kind: str, known: Collection[str]) -> None:
        self.compute, self.kind = compute, kind
        super().__init__(
            f"compute {compute!r} is of type {kind}, which this version of dvt cannot run",
            hint=f"computes that can run here have type: {', '.join(sorted(known))}",
        )


class PlaceImpossible(DvtError):
    """A model cannot be computed where its `compute` says."""

    code = "DVT147"

    def __init__(self, what: str, place: str, why: str, way_out: str) -> None:
        self.what, self.place, self.why = what, place, why
        super().__init__(f"{what} cannot be computed {place}: {why}", hint=way_out)
