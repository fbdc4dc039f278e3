"""Rows of output types, dvt's own and those of other packages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from dvt.app.connectors import database_reader
from dvt.connectors import CONNECTORS
from dvt.core.ports.connectors import CanLoad
from dvt.core.registry import load
from dvt.resolution.output_types import OutputType, output_type, output_types

NAMES = {
    "stage": '"db"."s"."dvt_1"',
    "table": '"db"."s"."orders"',
    "name": '"orders"',
    "bare_name": "orders",
}


@pytest.mark.parametrize("name", sorted(CONNECTORS))
def test_every_connector_has_a_row_of_its_own(name: str):
    assert name in {row.name for row in output_types()}


@pytest.mark.parametrize("name", sorted(CONNECTORS))
def test_models_can_be_built_on_what_a_connector_can_load(name: str):
    can_load = issubclass(CONNECTORS.load(name), CanLoad)
    assert output_type(name).can_be_target == can_load


@pytest.mark.parametrize("row", list(output_types()), ids=lambda row: row.name)
def test_what_an_output_types_row_names_can_be_imported(row: OutputType):
    if row.adapter is not None:
        assert load(row.adapter.plugin).adapter.type() == row.name
    if row.cancel_if_client_dies:
        assert load(row.cancel_if_client_dies).startswith("SELECT")


@pytest.mark.parametrize(
    ("kind", "statement"),
    [
        ("postgres", 'alter table "db"."s"."dvt_1" rename to "orders"'),
        ("duckdb", 'alter table "db"."s"."dvt_1" rename to "orders"'),
        ("mysql", 'alter table "db"."s"."dvt_1" rename to "db"."s"."orders"'),
    ],
)
def test_a_stage_table_takes_the_models_name(kind: str, statement: str):
    assert output_type(kind).rename_statement(**NAMES) == statement


def test_a_rename_may_be_a_procedure_that_takes_texts():
    tsql = OutputType(name="sqlserver", dialect="tsql", rename="exec sp_rename {stage_text}, {name_text}")
    names = NAMES | {"stage": "[db].[s].[it's]", "bare_name": "o'clock"}
    assert tsql.rename_statement(**names) == "exec sp_rename '[db].[s].[it''s]', 'o''clock'"


def test_a_type_without_a_row_is_what_dbt_has_an_adapter_for():
    row = output_type("vertica")
    assert row.can_be_target
    assert row.adapter is None
    assert not row.rename
    assert row.dialect == "vertica"
    assert row.install_line == "pip install dbt-vertica"


def test_an_extra_installs_what_dvt_has_a_row_for():
    assert output_type("mariadb").install_line == "pip install 'dvt-engine[mariadb]'"


_HERE = {"type": "postgres", "host": "localhost", "dbname": "a"}
_MYSQL = {"type": "mysql", "host": "db", "schema": "a"}
_FILE = {"type": "duckdb", "path": "a.duckdb"}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (_HERE, {"type": "postgres", "host": "127.0.0.1", "port": 5432, "database": "a", "user": "u"}, True),
        (_HERE, {**_HERE, "dbname": "b"}, False),
        (_HERE, {**_HERE, "port": 5433}, False),
        (_MYSQL, {"type": "mariadb", "server": "db", "port": "3306", "schema": "b"}, True),
        (_MYSQL, {"type": "postgres", "host": "db", "port": 3306}, False),
        (_FILE, {**_FILE, "path": "./a.duckdb", "schema": "s"}, True),
        (_FILE, {**_FILE, "path": "b.duckdb"}, False),
        ({"type": "files", "path": "a"}, {"type": "files", "path": "a"}, False),
    ],
)
def test_which_outputs_are_one_database(one: Mapping[str, Any], other: Mapping[str, Any], same: bool):
    database_of = database_reader(Outputs(one=one, other=other))
    assert (database_of("one") == database_of("other")) is same


class Outputs:
    """The outputs of a profile."""

    def __init__(self, **outputs: Mapping[str, Any]) -> None:
        self.outputs = outputs

    def output(self, name: str) -> Mapping[str, Any]:
        return self.outputs[name]
