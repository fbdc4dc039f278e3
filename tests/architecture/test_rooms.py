"""Rules of the rooms that imports alone do not show."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator

from tests.architecture.sources import ROOT, SRC, calls, python_files, syntax_tree, where

CONNECTS = {"duckdb.connect", "psycopg2.connect", "pymysql.connect", "sqlite3.connect"}


def test_connections_are_opened_in_drivers_only():
    """Each database has one place for `connect`, so that quoting, settings and cancel are not forgotten.

    The toy of dvt.testing is its own driver.
    """
    places = [
        where(file, line)
        for file in python_files("src")
        if file.relative_to(SRC).parts[0] not in {"drivers", "testing"}
        for name, line in calls(file)
        if name in CONNECTS
    ]
    assert not places


def test_error_codes_are_given_out_in_one_room():
    places = [
        where(file, node.lineno)
        for file in python_files("src")
        if file.parent != SRC / "core" / "errors"
        for node in ast.walk(syntax_tree(file))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node.value.startswith("DVT")
        and node.value[3:].isdigit()
        and _assigned_as_code(file, node)
    ]
    assert not places


def _assigned_as_code(file, constant: ast.Constant) -> bool:
    for node in ast.walk(syntax_tree(file)):
        if isinstance(node, ast.Assign) and node.lineno == constant.lineno:
            return any(isinstance(target, ast.Name) and target.id == "code" for target in node.targets)
    return False


def test_notices_use_registered_codes():
    """A warning's code comes from the registry, so that it is documented."""
    from dvt.core.errors import WARNINGS

    unknown = []
    for file in python_files("src"):
        for node in ast.walk(syntax_tree(file)):
            if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "Notice" and node.args:
                code = node.args[0]
                if isinstance(code, ast.Constant) and code.value not in WARNINGS:
                    unknown.append(f"{where(file, node.lineno)} {code.value}")
    assert not unknown


def test_dialects_are_told_apart_in_connectors_and_drivers_only():
    """Elsewhere a difference between dialects is a field of Capabilities or a table, not a branch."""
    rooms = {"connectors", "drivers"}
    places = [
        where(file, node.lineno)
        for file in python_files("src")
        if file.relative_to(SRC).parts[0] not in rooms
        for node in ast.walk(syntax_tree(file))
        if isinstance(node, ast.Compare) and _asks_dialect(node)
    ]
    assert not places


def _asks_dialect(node: ast.Compare) -> bool:
    literal = any(
        isinstance(comparator, ast.Constant) and isinstance(comparator.value, str)
        for comparator in node.comparators
    )
    is_dialect = ast.unparse(node.left).split(".")[-1] in {"dialect", "adapter_type", "db_type"}
    return is_dialect and literal and isinstance(node.ops[0], (ast.Eq, ast.NotEq))


DISTRIBUTIONS = {
    "agate": "dbt-core",  # its adapters answer with agate's tables
    "azure": "azure-storage-blob",
    "botocore": "boto3",  # its core, of the same version
    "dbt": "dbt-core",
    "dbt_common": "dbt-core",
    "google": "google-cloud-storage",
    "google_crc32c": "google-crc32c",
    "grpc": "grpcio",
    "hdfs_native": "hdfs-native",
    "prometheus_client": "prometheus-client",
    "psycopg2": "psycopg2-binary",
    "pydantic_core": "pydantic",  # what its errors consist of, for the type checker alone
    "redshift_connector": "redshift-connector",
    "snowflake": "snowflake-connector-python",
    "starlette": "fastapi",  # what it is made of
    "yaml": "pyyaml",
}
"""Imported name → the distribution it belongs to, where the names differ."""


def test_every_imported_package_is_declared():
    """A package that only a dependency requires is gone when that dependency drops it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    declared = [*project["dependencies"], *(requirement for extra in extras for requirement in extra)]
    names = {re.split(r"[\[<>=~! ]", requirement)[0] for requirement in declared}
    imported = {
        (name.partition(".")[0], where(file)) for file in python_files("src") for name in _imports(file)
    }
    foreign = {
        (name, place) for name, place in imported if name not in sys.stdlib_module_names and name != "dvt"
    }
    assert not sorted((name, place) for name, place in foreign if DISTRIBUTIONS.get(name, name) not in names)


def _imports(file) -> Iterator[str]:
    for node in ast.walk(syntax_tree(file)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def test_only_the_dialect_tables_name_an_engine():
    """Core, federation and bridge get the dialect from the engine, so that other engines are possible."""
    tables = SRC / "federation" / "plan" / "dialects"
    places = [
        where(file, number)
        for room in ("core", "federation", "dbt_bridge")
        for file in sorted((SRC / room).rglob("*.py"))
        if not file.is_relative_to(tables)
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1)
        if '"duckdb"' in line
    ]
    assert not places
