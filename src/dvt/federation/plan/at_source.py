"""A model that is computed at its source: its whole SQL as one query, of which only the answer moves."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlglot import Token, TokenType, exp

from dvt.core.names import TableRef
from dvt.core.plan import Load
from dvt.core.queries import Need, SourceQuery, Sql, TablePlace, filled, joined
from dvt.core.surrogates import surrogates
from dvt.core.tables import Column
from dvt.federation.plan.dialects.languages import language
from dvt.federation.plan.kept_names import refuse_long_names
from dvt.federation.plan.loads import table_for
from dvt.federation.plan.parse import Parsed, has_bare_offset, other_tables
from dvt.federation.plan.source_queries import relation, selected
from dvt.federation.plan.state import PlanContext
from dvt.federation.plan.this_at_source import ThisValues

ALIAS = "dvt_answer"
"""Name of the model's SQL in the query, and of its staged answer."""
_OF_A_SESSION = frozenset(
    {
        "connection_id", "current_database", "current_query", "current_schema", "current_schemas",
        "current_setting", "currval", "database", "found_rows", "get_lock", "getenv", "getvariable", "glob",
        "is_free_lock", "is_used_lock", "last_insert_id", "lastval", "load_file", "nextval", "query",
        "query_table", "release_all_locks", "release_lock", "row_count", "schema", "session_user",
        "set_config", "setval", "system_user", "ts_rewrite", "ts_stat", "user", "uuid_short", "version",
    }
)  # fmt: skip
"""Functions that tell of a server, a session or their files, or run a text as SQL, and sequences: on another
database they answer otherwise."""
_OF_A_SERVER = re.compile(
    r"(?:pg|txid|inet_client|inet_server|lo|has|dblink|read|parquet|sniff|sqlite|mysql|postgres|duckdb|pragma|query_to|table_to|"
    r"schema_to|database_to|cursor_to|master|gtid|binlog|wsrep)_|to_reg|(?:st_)?read\Z"
)
"""Matches the names of further ones."""
_BARE = frozenset({"current_catalog", "current_role", "current_schema", "current_user", "session_user"})
"""Such functions that are called without brackets."""
_OF_FILES = re.compile(r"(?:read|parquet|sniff)_|(?:glob|getenv)\(")
"""Matches what reads files and variables of this machine, alike from every database in this process."""
_PARAMETERS = frozenset({TokenType.PARAMETER, TokenType.SESSION_PARAMETER})
"""Tokens that begin the names of variables."""


def depends_on(parsed: Parsed) -> str:
    """Return what a model's SQL means on one database alone; empty if it means the same on all of a kind."""
    if parsed.problem is not None:
        return f"what it reads is not known: {parsed.problem.problem}"
    if any(map(_follows_data, parsed.tree.find_all(exp.Pivot))):
        return "a PIVOT without IN takes its columns from the data, which may change before it is read"
    if language(parsed.request.dialect).ignores_bare_offset and has_bare_offset(parsed.tree):
        return "it has an OFFSET without a LIMIT, which the database ignores in a query within a query"
    others = next(other_tables(parsed.tree, parsed.request.dialect), "")
    if others:
        return f"it reads {others}, which is no ref() and no source()"
    local = next(_of_a_session(parsed.tokens, parsed.request.dialect), "")
    return f"{local} tells of the session or the server" if local else ""


def of_its_database(parsed: Parsed) -> str:
    """Return a function or variable by which a model asks its database about itself; empty without one.

    Another database in this process answers otherwise, but reads the same files.
    """
    words = _of_a_session(parsed.tokens, parsed.request.dialect)
    return next((word for word in words if not _OF_FILES.match(word)), "")


def called_functions(parsed: Parsed, names: Collection[str]) -> list[str]:
    """Return those of the names, in lower case, that the model calls as functions."""
    pairs = zip(parsed.tokens, parsed.tokens[1:], strict=False)
    called = {token.text.casefold() for token, after in pairs if after.token_type is TokenType.L_PAREN}
    return sorted(called.intersection(names))


def _follows_data(pivot: exp.Pivot) -> bool:
    on = [*pivot.args.get("fields", []), *pivot.expressions]
    return not pivot.args.get("unpivot") and not any(isinstance(column, exp.In) for column in on)


def _of_a_session(tokens: Sequence[Token], dialect: str) -> Iterator[str]:
    own = language(dialect).local_words
    for before, token, after in zip((None, *tokens), tokens, (*tokens[1:], None), strict=False):
        word = token.text.casefold()
        if token.token_type in _PARAMETERS:
            yield f"a variable ({token.text}{after.text if after else ''})"
        if token.token_type is TokenType.STRING:
            continue
        is_quoted = token.token_type is TokenType.IDENTIFIER
        is_called = after is not None and after.token_type is TokenType.L_PAREN
        follows_dot = before is not None and before.token_type is TokenType.DOT
        if is_called and (word in _OF_A_SESSION or word in _BARE or _OF_A_SERVER.match(word)):
            yield f"{word}()"
        if not is_called and not is_quoted and (word in own or (word in _BARE and not follows_dot)):
            yield word


@dataclass(frozen=True, slots=True)
class ModelText:
    """A model's SQL for its source."""

    sql: Sql
    """It has a place for each relation that it names there, and for each value of `{{ this }}`."""
    tables: tuple[TableRef, ...]
    """The relations' tables."""
    needs: tuple[Need, ...]
    """The values of `{{ this }}`."""

    @property
    def described(self) -> Sql:
        """The SQL that has the same answer's types: without the values."""
        return filled(self.sql, {need.name: "NULL" for need in self.needs})


def text_of(parsed: Parsed, this: ThisValues) -> ModelText:
    """Return a model's SQL for its source."""
    request = parsed.request
    tables = tuple(dict.fromkeys(read.table for read in parsed.inputs.values() if not read.this))
    changes: list[tuple[int, int, Sql | TablePlace]] = list(this.changes)
    for place in parsed.places:
        if not request.inputs[place.key].this:
            number = tables.index(request.inputs[place.key].table)
            changes.append((place.start, place.end, TablePlace(number)))
    pieces: list[Sql | TablePlace] = []
    end = 0
    for start, after, piece in sorted(changes, key=lambda change: change[:2]):
        pieces += [request.sql[end:start], piece]
        end = after
    return ModelText(joined(*pieces, request.sql[end:]), tables, this.needs)


def query_at_source(
    parsed: Parsed, text: ModelText, columns: Sequence[Column], dialect: str, settings: Mapping[str, str]
) -> SourceQuery:
    """Return the query for a model's answer, of which the database has described the columns."""
    tables, extracted = text.tables, surrogates(columns)
    return SourceQuery(
        alias=ALIAS,
        connection=tables[0].connection,
        tables=tables,
        names=tuple(relation(table, dialect) for table in tables),
        select=tuple(selected(column, dialect) for column in extracted),
        source=joined("(", text.sql, f"\n) AS {ALIAS}"),
        needs=text.needs,
        limit=parsed.request.limit,
        rows=1 if _is_aggregate(parsed.tree) else None,
        columns=tuple(extracted),
        settings=tuple(sorted(settings.items())),
        model=parsed.request.name,
        bucket=parsed.request.bucket,
    )


def _is_aggregate(tree: exp.Query) -> bool:
    """Return True for a SELECT of aggregates over all rows, whose answer is one row."""
    if not isinstance(tree, exp.Select) or tree.args.get("group"):
        return False
    aggregates = (node for output in tree.expressions for node in output.find_all(exp.AggFunc))
    return any(node.parent_select is tree and not node.find_ancestor(exp.Window) for node in aggregates)


def load_of_answer(
    parsed: Parsed, query: SourceQuery, names: Sequence[str], dialect: str, context: PlanContext
) -> Load:
    """Return the table for the answer of a query to a database of `dialect`, with these names."""
    request = parsed.request
    refuse_long_names(request, context, names)
    columns, definition = table_for(query.columns, names, dialect, request, context)
    return Load(stage=request.stage, columns=columns, definition=definition, bucket=request.bucket)
