"""Kinds of SQL that databases' documentation shows and random queries do not have, in every place."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from dvt.drivers.duckdb import FILES
from tests.fuzz.judging import FuzzWorkspace, Judge, Trial, Verdict
from tests.fuzz.tables import TABLES

pytestmark = pytest.mark.slow

_FILES = Path(__file__).parent / "examples"
"""Folder of a file of statements for each dialect, as its first lines say."""
_OWN_TABLE = "t5"
"""Name of the table of types that other databases do not have, if the dialect's file makes it."""
_PLACES = {"duckdb": ("src", "pg"), "postgres": ("pg2", "src"), "mysql": ("my2", "src")}
"""Dialect → outputs that all tables are placed on, the first one of the target's kind."""
_LACKED = {
    ("postgres", "target"): re.compile(r"\b(?:mood|home)\b.*\{t5\}"),
    ("duckdb", "duckdb"): re.compile(r"\browid\b"),
}
"""Dialect and named place → matches queries of what the place lacks: copies on PostgreSQL lose the order of
an enum and the fields of a row, with a warning; staged tables have no numbers of rows, which is an error."""


def statements(dialect: str) -> Sequence[str]:
    """Return the statements of a dialect's file, without comments."""
    lines = (_FILES / f"{dialect}.sql").read_text().splitlines()
    text = "\n".join(line for line in lines if not line.startswith("--"))
    return [statement.strip() for statement in re.split(r"\n{2,}", text) if statement.strip()]


def makes_own_table(statement: str) -> bool:
    return statement.startswith(("DROP", "CREATE", "INSERT"))


@pytest.fixture(scope="module")
def workspace(
    tmp_path_factory: pytest.TempPathFactory, databases: Callable[[str], Any]
) -> Iterator[FuzzWorkspace]:
    workspace = FuzzWorkspace(tmp_path_factory.mktemp("examples"), databases)
    for statement in filter(makes_own_table, statements("duckdb")):
        workspace.query("wh", statement)
        workspace.query("src", statement)
    workspace.postgres.execute(*filter(makes_own_table, statements("postgres")))
    yield workspace
    dropping = (statement for statement in statements("postgres") if statement.startswith("DROP"))
    workspace.postgres.execute(*dropping)
    workspace.close()
    FILES.close()


def trials(dialect: str, sql: str) -> Iterator[Trial]:
    """Yield a query at each place, all its tables on one output; own types are on one of their kind."""
    same, other = _PLACES[dialect]
    named = [(same, "target"), (same, "source"), (other, "duckdb")]
    for output, compute in ((same, "auto"), (other, "auto"), *named):
        lacked = _LACKED.get((dialect, compute))
        if (output == other and f"{{{_OWN_TABLE}}}" in sql) or (lacked and lacked.search(sql)):
            continue
        placement = dict.fromkeys([*(table.name for table in TABLES), _OWN_TABLE], output)
        yield Trial(sql=sql, placement=placement, compute=compute)


@pytest.mark.parametrize("dialect", _PLACES)
def test_examples_are_answered_by_auto_and_target_and_nowhere_wrongly(
    workspace: FuzzWorkspace, dialect: str
) -> None:
    wrong: list[str] = []
    queries = [statement for statement in statements(dialect) if not makes_own_table(statement)]
    with Judge(workspace, dialect) as judge:
        for trial in (trial for sql in queries for trial in trials(dialect, sql)):
            judgement = judge.judge(trial)
            right = {Verdict.SAME}
            if trial.compute in {"source", "duckdb"}:
                right.add(Verdict.REFUSED)
            if judgement.verdict not in right:
                where = f"{trial.compute}, tables on {trial.placement[_OWN_TABLE]}"
                wrong.append(f"{trial.sql}\n{where}: {judgement.verdict} {judgement.reason}")
    assert not wrong, "\n\n".join(wrong)
