"""Errors of one model: its SQL, the tables that it reads, where it may be computed, and what it gives."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from dvt.core.errors.error import DvtError, nearest


class SchemaChanged(DvtError):
    """The table that is kept has columns of other types, or more columns, than the model."""

    code = "DVT107"

    def __init__(self, model: str, changes: Collection[str]) -> None:
        self.model, self.changes = model, list(changes)
        super().__init__(
            f"schema change detected for model {model!r}: {'; '.join(self.changes)}",
            hint="use --full-refresh to apply schema changes",
        )


class TableNotFound(DvtError):
    """A source table does not exist, or its user may not see it."""

    code = "DVT120"

    def __init__(
        self,
        table: str,
        connection: str,
        known: Collection[str] = (),
        check: str = "check schema, name and grants",
    ) -> None:
        self.table, self.connection = table, connection
        super().__init__(
            f"there is no table {table} on connection {connection!r}, or its user may not see it",
            hint=nearest(table.rsplit(".", 1)[-1], known) if known else check,
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
    names_twice = "give each of its columns a name of its own"
    """Hint for a SELECT of which no table can be made, because two of its columns have one name."""

    def __init__(
        self, dialect: str, problem: str, line: int | None = None, hint: str = "", *, is_known: bool = True
    ) -> None:
        """`is_known`: False where a name is meant that another database may know."""
        super().__init__(
            f"the SQL is not valid {dialect}: {problem}",
            hint=hint or "correct it; or name its dialect, if it is written in another: config(dialect='…')",
        )
        if not is_known:
            self.message = f"the compute engine does not know a name of the SQL: {problem}"
        self.dialect, self.problem, self.sql_line, self.is_known = dialect, problem, line, is_known
        self.way_out = hint
        """The hint, where it is one of this error's own."""


class NotOneQuery(SqlInvalid):
    """The model's SQL is not one SELECT."""

    def __init__(self, dialect: str, problem: str, hint: str) -> None:
        super().__init__(dialect, problem, hint=hint)
        self.message = f"the SQL of a model is one SELECT: {problem}"


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


class PlaceImpossible(DvtError):
    """A model cannot be computed where its `compute` says."""

    code = "DVT147"

    def __init__(self, what: str, place: str, why: str, way_out: str) -> None:
        self.what, self.place, self.why = what, place, why
        super().__init__(f"{what} cannot be computed {place}: {why}", hint=way_out)
