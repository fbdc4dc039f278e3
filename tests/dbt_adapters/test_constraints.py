"""Contracts and constraints."""

from __future__ import annotations

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


class TestConstraintsRuntimeDdlEnforcement(BaseConstraintsRuntimeDdlEnforcement): ...


class TestConstraintsRollback(BaseConstraintsRollback): ...


class TestTableConstraintsColumnsEqual(BaseTableConstraintsColumnsEqual): ...


class TestViewConstraintsColumnsEqual(BaseViewConstraintsColumnsEqual): ...


class TestIncrementalConstraintsColumnsEqual(BaseIncrementalConstraintsColumnsEqual): ...


class TestIncrementalConstraintsRuntimeDdlEnforcement(BaseIncrementalConstraintsRuntimeDdlEnforcement): ...


class TestIncrementalConstraintsRollback(BaseIncrementalConstraintsRollback): ...


class TestTableContractSqlHeader(BaseTableContractSqlHeader): ...


class TestIncrementalContractSqlHeader(BaseIncrementalContractSqlHeader): ...


class TestModelConstraintsRuntimeEnforcement(BaseModelConstraintsRuntimeEnforcement): ...


class TestConstraintQuotedColumn(BaseConstraintQuotedColumn): ...


class TestIncrementalForeignKeyConstraint(BaseIncrementalForeignKeyConstraint): ...
