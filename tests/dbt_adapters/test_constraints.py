"""Contracts and constraints."""

from __future__ import annotations

import pytest
from dbt.tests.adapter.constraints import fixtures
from dbt.tests.adapter.constraints.test_constraints import (
    BaseConstraintQuotedColumn,
    BaseConstraintsRollback,
    BaseConstraintsRuntimeDdlEnforcement,
    BaseIncrementalConstraintsColumnsEqual,
    BaseIncrementalConstraintsRollback,
    BaseIncrementalConstraintsRuntimeDdlEnforcement,
    BaseIncrementalContractSqlHeader,
    BaseIncrementalForeignKeyConstraint,
    BaseModelConstraintsRuntimeEnforcement,
    BaseTableConstraintsColumnsEqual,
    BaseTableContractSqlHeader,
    BaseViewConstraintsColumnsEqual,
)

DDL = """
create table <model_identifier> (
    id integer not null primary key unique, color text, date_day text,
    check ((id > 0)), check (id >= 1), foreign key (id) references <foreign_key_model_identifier> (id)
);
insert into <model_identifier> (id, color, date_day)
select id, color, date_day from (
    -- depends_on: <foreign_key_model_identifier>
    select 'blue' as color, 1 as id, '2019-01-01' as date_day
) as model_subq
"""
HEADER = """
{{ config(materialized='table') }}
{% call set_sql_header(config) %}
set @place = 'Asia/Kolkata';
{%- endcall %}
select @place as column_name
"""


class Ddl:
    @pytest.fixture(scope="class")
    def expected_sql(self):
        return DDL


class TestConstraintsRuntimeDdlEnforcement(Ddl, BaseConstraintsRuntimeDdlEnforcement): ...


class TestConstraintsRollback(BaseConstraintsRollback):
    @pytest.fixture(scope="class")
    def expected_error_messages(self):
        return ["Column 'id' cannot be null"]


class Kinds:
    """A contract compares kinds of types; the table then gets the types as written."""

    @pytest.fixture
    def data_types(self):
        return [
            ["1", "int", "integer"],
            ["'1'", "text", "text"],
            ["timestamp '2013-11-03 00:00:00'", "datetime(6)", "datetime"],
            ["timestamp '2013-11-03 00:00:00'", "timestamp", "datetime"],
            ["date '2013-11-03'", "date", "date"],
            ["time '10:00:00'", "time", "time"],
            ["1.5", "decimal(10,2)", "decimal"],
            ["1.5e0", "double", "double"],
            ["json_object('bar', 1)", "json", "text"],
            ["x'00ff'", "varbinary(10)", "text"],
        ]

    @pytest.fixture
    def int_type(self):
        return "integer"

    @pytest.fixture
    def schema_int_type(self):
        return "int"

    @pytest.fixture
    def string_type(self):
        return "text"


class TestTableConstraintsColumnsEqual(Kinds, BaseTableConstraintsColumnsEqual): ...


class TestViewConstraintsColumnsEqual(Kinds, BaseViewConstraintsColumnsEqual): ...


class TestIncrementalConstraintsColumnsEqual(Kinds, BaseIncrementalConstraintsColumnsEqual): ...


class TestIncrementalConstraintsRuntimeDdlEnforcement(Ddl, BaseIncrementalConstraintsRuntimeDdlEnforcement):
    pass


class TestIncrementalConstraintsRollback(BaseIncrementalConstraintsRollback):
    @pytest.fixture(scope="class")
    def expected_error_messages(self):
        return ["Column 'id' cannot be null"]


class TestTableContractSqlHeader(BaseTableContractSqlHeader):
    @pytest.fixture(scope="class")
    def models(self):
        return {
            "my_model_contract_sql_header.sql": HEADER,
            "constraints_schema.yml": fixtures.model_contract_header_schema_yml,
        }


class TestIncrementalContractSqlHeader(BaseIncrementalContractSqlHeader):
    @pytest.fixture(scope="class")
    def models(self):
        return {
            "my_model_contract_sql_header.sql": HEADER.replace(
                "'table'", "'incremental', on_schema_change='fail'"
            ),
            "constraints_schema.yml": fixtures.model_contract_header_schema_yml,
        }


class TestModelConstraintsRuntimeEnforcement(Ddl, BaseModelConstraintsRuntimeEnforcement):
    @pytest.fixture(scope="class")
    def models(self):
        """Give text columns a length, without which MariaDB cannot index them."""
        yml = fixtures.constrained_model_schema_yml.replace("data_type: text", "data_type: varchar(20)")
        return {
            "my_model.sql": fixtures.my_model_wrong_order_depends_on_fk_sql,
            "foreign_key_model.sql": fixtures.foreign_key_model_sql,
            "constraints_schema.yml": yml,
        }

    @pytest.fixture(scope="class")
    def expected_sql(self):
        return (
            DDL.replace("primary key unique", "")
            .replace("color text, date_day text", "color varchar(20), date_day varchar(20)")
            .replace(
                "foreign key",
                "primary key (id), "
                "constraint strange_uniqueness_requirement unique (color, date_day), foreign key",
            )
        )


class TestConstraintQuotedColumn(BaseConstraintQuotedColumn):
    @pytest.fixture(scope="class")
    def models(self):
        return {
            "my_model.sql": fixtures.my_model_with_quoted_column_name_sql,
            "constraints_schema.yml": fixtures.model_quoted_column_schema_yml.replace('"from"', "`from`"),
        }

    @pytest.fixture(scope="class")
    def expected_sql(self):
        return """
create table <model_identifier> (
    id integer not null, `from` text not null, date_day text, check ((`from` = 'blue'))
);
insert into <model_identifier> (id, `from`, date_day)
select id, `from`, date_day from (
    select 'blue' as `from`, 1 as id, '2019-01-01' as date_day
) as model_subq
"""


class TestIncrementalForeignKeyConstraint(BaseIncrementalForeignKeyConstraint): ...
