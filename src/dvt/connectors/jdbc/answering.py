"""Sends queries, and yields their answers; a failure elsewhere in the extraction stops them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from dvt.connectors.jdbc.server import Server
from dvt.core.queries import ExtractedColumn, SourceQuery, Sql, TablePlace
from dvt.drivers.duckdb import as_dvt_errors
from dvt.drivers.jdbc import Answer, Facts, Session
from dvt.drivers.side_by_side import Extraction

_NAME_OR_NUMBER = re.compile(r""" "(?:[^"]|"")*" | '(?:[^']|'')*' | [\d.]+ """, re.VERBOSE)
"""Matches a quoted name, a text, or a number."""
_HIGHEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Answering:
    """The answers of one extraction: a failure stops those that are under way. Thread-safe."""

    server: Server
    extraction: Extraction

    @contextmanager
    def answer(self, session: Session, query: SourceQuery, doing: str) -> Iterator[Answer]:
        """Send a query; its answer is under way within the `with`, and what is raised there is its error."""
        tables = [self.server.names[ref] for ref in query.tables]
        sql = written(query, tables, session.facts, self.server.product.wide_number)
        self.extraction.check(doing)
        answer = Answer(
            session, sql, columns=query.columns, tables=query.tables, limit=query.limit, doing=doing
        )
        try:
            with (
                answer,
                self.server.running.query(self.extraction.batch, answer.stop, doing),
                self.extraction.stopping(answer.stop, doing),
                as_dvt_errors(connection=query.connection, doing=doing, where=query.about),
            ):
                yield answer
        except Exception as error:
            if answer.error is not None:
                raise answer.error from error
            raise

    def ask(
        self, session: Session, query: SourceQuery, columns: Sequence[ExtractedColumn], doing: str
    ) -> list[object]:
        """Return the values of aggregates over a query's rows, as Arrow's scalars."""
        with self.answer(session, replace(query, columns=tuple(columns)), doing) as answer:
            table = answer.reader().read_all()
            return [table.column(number)[0] for number in range(len(columns))]


def written(query: SourceQuery, tables: Sequence[str], facts: Facts, wide_number: str) -> str:
    """Return the query as its database writes it; its driver limits the rows, not the SQL."""
    if query.source == (TablePlace(0),) and query.group_by is None:
        names = (
            extracted.column.read.format(facts.quoted(extracted.column.name)) for extracted in query.columns
        )
        query = replace(query, select=tuple(names))
    if wide_number:
        query = replace(query, where=tuple(_with_wide(part, wide_number) for part in query.where))
    return replace(query, limit=None).sql(tables)


def _with_wide(condition: Sql, template: str) -> Sql:
    """Return a condition with its numbers of more than 64 bits as `template` writes them."""

    def as_written(found: re.Match[str]) -> str:
        text = found[0]
        return template.format(text) if text.isdigit() and int(text) > _HIGHEST else text

    if isinstance(condition, str):
        return _NAME_OR_NUMBER.sub(as_written, condition)
    return tuple(
        _NAME_OR_NUMBER.sub(as_written, part) if isinstance(part, str) else part for part in condition
    )
