"""dbt's own suite for adapters, run through dvt's patched dbt on a real H2."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
import sqlglot
from dbt.tests.fixtures import project as fixtures
from dbt.tests.util import get_connection

TRANSLATED = (
    ("{{target.database}}.", ""),
    ("{{ target.database }}.", ""),
    ("null::{{ dbt.type_int() }}", "cast(null as {{ dbt.type_int() }})"),
)
"""Text of the suite → text for H2: names have no database."""


@pytest.fixture(scope="session")
def server(databases: Callable[[str], Any]) -> Any:
    """Return H2."""
    return databases("jdbc")


@pytest.fixture(scope="class")
def output(server: Any) -> dict[str, Any]:
    """Return an output's keys, without the schema."""
    return server.settings(threads=4)


@pytest.fixture(scope="class", autouse=True)
def _grantees(_patched: None) -> Iterator[None]:
    """Replace the fixture for MariaDB."""
    with pytest.MonkeyPatch.context() as patch:
        # The suite reads this file by dbt's name; dvt gives it another.
        patch.setattr("dbt.parser.manifest.PARTIAL_PARSE_FILE_NAME", "partial_parse.msgpack")
        patch.setattr(fixtures.TestProjInfo, "run_sql", _run_sql)
        patch.setattr(fixtures, "write_file", partial(_write_file, fixtures.write_file))
        patch.setattr(fixtures.TestProjInfo, "get_tables_in_schema", _tables_in_schema)
        yield


def _run_sql(project: Any, sql: str, fetch: str | None = None) -> Any:
    """Prepare the suite's tables by its SQL, whose names have no database here."""
    if not sql.strip():
        return None
    text = re.sub(r"(^|\s)(?:None|\"\")?\.(?=\w)", r"\1", sql.format(schema=project.test_schema, database=""))
    with suppress(sqlglot.errors.SqlglotError):
        statements = sqlglot.transpile(text, read="postgres", write="duckdb")
        text = "; ".join(statement for statement in statements if statement)
    with get_connection(project.adapter) as connection:
        return project.adapter.run_sql_for_tests(text, fetch, connection)


def _write_file(original: Callable[..., Any], contents: str, *paths: Any) -> Any:
    for theirs, ours in TRANSLATED:
        contents = contents.replace(theirs, ours)
    return original(contents, *paths)


def _tables_in_schema(project: Any) -> dict[str, str]:
    schema = project.adapter.Relation.create(schema=project.test_schema)
    with get_connection(project.adapter):
        listed = project.adapter.list_relations_without_caching(schema)
    return {relation.identifier.lower(): str(relation.type) for relation in listed}
