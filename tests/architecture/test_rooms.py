"""Who may do what where: rules of the rooms that imports alone do not show."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator

from tests.architecture.sources import ROOT, SRC, calls, python_files, where

CONNECTS = {"duckdb.connect", "psycopg2.connect", "pymysql.connect", "sqlite3.connect"}


def test_connections_are_opened_in_drivers_only():
    """One place per database for connect, so that quoting, settings and cancel cannot be forgotten.

    The toy of dvt.testing is its own driver.
    """
    found = [
        where(file, line)
        for file in python_files("src")
        if file.relative_to(SRC).parts[0] not in {"drivers", "testing"}
        for name, line in calls(file)
        if name in CONNECTS
    ]
    assert not found


def test_error_codes_are_given_out_in_one_file():
    found = [
        where(file, node.lineno)
        for file in python_files("src")
        if file != SRC / "core" / "errors.py"
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node.value.startswith("DVT")
        and node.value[3:].isdigit()
        and _assigned_as_code(file, node)
    ]
    assert not found


def _assigned_as_code(file, constant: ast.Constant) -> bool:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Assign) and node.lineno == constant.lineno:
            return any(isinstance(target, ast.Name) and target.id == "code" for target in node.targets)
    return False


def test_notices_use_registered_codes():
    """A warning's code is one of the registry's, so that it is documented."""
    from dvt.core.errors import WARNINGS

    unknown = []
    for file in python_files("src"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "Notice" and node.args:
                code = node.args[0]
                if isinstance(code, ast.Constant) and code.value not in WARNINGS:
                    unknown.append(f"{where(file, node.lineno)} {code.value}")
    assert not unknown


def test_dialects_are_told_apart_in_connectors_and_drivers_only():
    """Elsewhere a difference is a field of Capabilities or a table of data, not a branch."""
    rooms = {"connectors", "drivers"}
    found = [
        where(file, node.lineno)
        for file in python_files("src")
        if file.relative_to(SRC).parts[0] not in rooms
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Compare) and _asks_dialect(node)
    ]
    assert not found


def _asks_dialect(node: ast.Compare) -> bool:
    literal = any(isinstance(one, ast.Constant) and isinstance(one.value, str) for one in node.comparators)
    asked = ast.unparse(node.left).split(".")[-1] in {"dialect", "adapter_type", "db_type"}
    return asked and literal and isinstance(node.ops[0], (ast.Eq, ast.NotEq))


DISTRIBUTIONS = {
    "agate": "dbt-core",  # its adapters answer with agate's tables
    "dbt": "dbt-core",
    "dbt_common": "dbt-core",
    "psycopg2": "psycopg2-binary",
    "yaml": "pyyaml",
}
"""Imported names whose distribution is called otherwise."""


def test_what_is_imported_is_declared():
    """A package that only others bring goes away with them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    declared = [*project["dependencies"], *(one for extra in extras for one in extra)]
    names = {re.split(r"[\[<>=~! ]", one)[0] for one in declared}
    imported = {
        (name.partition(".")[0], where(file)) for file in python_files("src") for name in _imports(file)
    }
    foreign = {one for one in imported if one[0] not in sys.stdlib_module_names and one[0] != "dvt"}
    assert not sorted(one for one in foreign if DISTRIBUTIONS.get(one[0], one[0]) not in names)


def _imports(file) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def test_only_the_dialect_tables_name_an_engine():
    """Core, federation and bridge get the engine's dialect from the engine, so that there may be others."""
    tables = SRC / "federation" / "plan" / "dialects"
    found = [
        where(file, number)
        for room in ("core", "federation", "dbt_bridge")
        for file in sorted((SRC / room).rglob("*.py"))
        if not file.is_relative_to(tables)
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1)
        if '"duckdb"' in line
    ]
    assert not found
