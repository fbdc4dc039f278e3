"""The adapter's methods that dbt calls in Python; its SQL macros are in `include/`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from dbt.adapters.base import AdapterConfig, ConstraintSupport, available
from dbt.adapters.base.impl import AdapterTrackingRelationInfo
from dbt.adapters.capability import Capability, CapabilityDict, CapabilitySupport, Support
from dbt.adapters.sql import SQLAdapter
from dbt_common.contracts.constraints import ConstraintType
from dbt_common.exceptions import DbtDatabaseError

from dvt.dbt_adapters.mysql import comments, grants
from dvt.dbt_adapters.mysql.column import MySQLColumn, cast_type, kind_of
from dvt.dbt_adapters.mysql.connections import MariaDBConnectionManager, MySQLConnectionManager
from dvt.dbt_adapters.mysql.indexes import MySQLIndex, index_clauses
from dvt.dbt_adapters.mysql.relation import MySQLRelation, shortened, utc_text
from dvt.drivers.mysql import quoted

_NO_SUCH_TABLE = 1146
"""Code: the table does not exist."""
_REFERENCED = frozenset({1451, 3730})
"""Codes of MariaDB and MySQL: a table cannot be dropped, since foreign keys of another refer to it."""
_TABLE_CONSTRAINTS = frozenset({ConstraintType.foreign_key, ConstraintType.check})
"""Types of constraints that are rendered at the end of the table, and without a name."""
_TEXT_COLUMNS = (
    "table_schema",
    "table_name",
    "table_type",
    "table_comment",
    "column_name",
    "column_type",
    "column_comment",
)
"""Columns of the catalog that agate must not convert to other types."""


@dataclass
class MySQLConfig(AdapterConfig):
    """Model configs of this adapter."""

    engine: str | None = None
    charset: str | None = None
    character_set: str | None = None
    collation: str | None = None
    partition_by: str | None = None
    indexes: list[MySQLIndex] | None = None


class MySQLAdapter(SQLAdapter):
    """dbt's adapter for outputs of type mysql."""

    Relation = MySQLRelation
    Column = MySQLColumn
    ConnectionManager = MySQLConnectionManager
    AdapterSpecificConfigs = MySQLConfig

    CATALOG_BY_RELATION_SUPPORT = True
    CONSTRAINT_SUPPORT = dict.fromkeys(
        (
            ConstraintType.check,
            ConstraintType.not_null,
            ConstraintType.unique,
            ConstraintType.primary_key,
            ConstraintType.foreign_key,
        ),
        ConstraintSupport.ENFORCED,
    )
    _capabilities = CapabilityDict(
        {
            Capability.SchemaMetadataByRelations: CapabilitySupport(support=Support.Full),
            Capability.TableLastModifiedMetadata: CapabilitySupport(support=Support.Full),
            Capability.TableLastModifiedMetadataBatch: CapabilitySupport(support=Support.Full),
        }
    )

    @classmethod
    def date_function(cls) -> str:
        """Return the SQL of the current time."""
        return "now()"

    @classmethod
    def quote(cls, identifier: str | None) -> str:
        """Quote an identifier."""
        return quoted(identifier or "")  # there may be no database

    @classmethod
    def convert_text_type(cls, agate_table: Any, col_idx: int) -> str:
        """Return the type for a seed's text, which may grow from load to load."""
        del agate_table, col_idx
        return "longtext"

    @classmethod
    def convert_number_type(cls, agate_table: Any, col_idx: int) -> str:
        """Return the type for a seed's numbers."""
        whole = super().convert_number_type(agate_table, col_idx) == "integer"
        return "bigint" if whole else "double"

    @classmethod
    def convert_integer_type(cls, agate_table: Any, col_idx: int) -> str:
        """Return the type for a seed's whole numbers."""
        del agate_table, col_idx
        return "bigint"

    @classmethod
    def convert_datetime_type(cls, agate_table: Any, col_idx: int) -> str:
        """Return the type for a seed's timestamps, in UTC."""
        del agate_table, col_idx
        return "datetime(6)"

    @classmethod
    def convert_time_type(cls, agate_table: Any, col_idx: int) -> str:
        """Return the type for a seed's times of day."""
        del agate_table, col_idx
        return "time(6)"

    def get_columns_in_relation(self, relation: Any) -> list[MySQLColumn]:
        """Return the columns of a table, a view or a temporary table; none if it does not exist."""
        try:
            columns: list[MySQLColumn] = super().get_columns_in_relation(relation)
        except DbtDatabaseError as error:
            if _server_code(error) == _NO_SUCH_TABLE:
                return []
            raise
        return columns

    @available.parse_none
    def drop_relation(self, relation: Any) -> None:
        """Drop a relation with the foreign keys that refer to it, which a swapped-out table still has."""
        was_in_transaction = self.in_transaction()
        try:
            super().drop_relation(relation)
        except DbtDatabaseError as error:
            if _server_code(error) not in _REFERENCED:
                raise
            self.execute_macro("mysql__drop_keys_to", kwargs={"relation": relation})
            super().drop_relation(relation)
            if was_in_transaction and not self.in_transaction():
                self.connections.begin()  # the error has ended the transaction, as DDL does

    def get_relation(self, database: str | None, schema: str, identifier: str) -> Any:
        """Return the relation of that name, which is shortened if it is too long for the server."""
        del database
        return super().get_relation(None, schema, shortened(identifier))

    def _make_match_kwargs(self, database: str | None, schema: str, identifier: str) -> dict[str, str]:
        """Match names as they are, without dbt's change of case: the server does not change it either."""
        del database
        return {"schema": schema, "identifier": identifier}

    @available.parse(lambda *_, **__: False)
    def in_transaction(self) -> bool:
        """Return whether dbt has a transaction open."""
        return bool(self.connections.get_thread_connection().transaction_open)

    @available
    def parse_columns(self, table: Any) -> list[MySQLColumn]:
        """Return the columns in the result of SHOW FULL COLUMNS."""
        return [
            MySQLColumn.from_row(str(row[0]), str(row[1]), row[2], nullable=row[3] == "YES") for row in table
        ]

    @available
    def cast_type(self, native: str, sized: bool = True) -> str:
        """Return the type that CAST takes for a column's type."""
        return cast_type(native, self._json() if kind_of(native) == "json" else None, sized=sized)

    @available
    def kind_of(self, native: str) -> str:
        """Return the kind of values that a type holds."""
        return kind_of(native)

    @available
    def index_clauses(self, raw: Sequence[Any] | None) -> list[str]:
        """Return ALTER TABLE's clauses for a model's indexes."""
        return index_clauses(raw)

    @available
    def comment_clauses(self, created: str, columns: Mapping[str, Mapping[str, Any]]) -> list[str]:
        """Return ALTER TABLE's clauses for the columns' descriptions."""
        return comments.comment_clauses(created, columns)

    @available
    def comment_literal(self, text: str) -> str:
        """Write a table's description as a literal."""
        return comments.literal(comments.shortened(text, comments.LONGEST_TABLE))

    @available
    def literal(self, text: str) -> str:
        """Write a text as a literal."""
        return comments.literal(text)

    @available
    def utc_text(self, timestamp: Any) -> str:
        """Write a timestamp as text in UTC."""
        return utc_text(timestamp)

    @available
    def grants(self, config: Mapping[str, Any]) -> dict[str, list[str]]:
        """Return a `grants` config with its grantees in canonical form."""
        return grants.grants(config)

    @available
    def account(self, canonical: str) -> str:
        """Write a grantee as GRANT takes it."""
        return grants.account(canonical)

    def standardize_grants_dict(self, grants_table: Any) -> dict[str, list[str]]:
        """Return the existing grants, with grantees in canonical form."""
        return grants.by_privilege((str(row["grantee"]), str(row["privilege_type"])) for row in grants_table)

    @available
    def contract_difference(self, contract: Mapping[str, Any], columns: Sequence[Any]) -> Any:
        """Return None if a query's columns match the contract, else both as dbt prints them."""
        json = self._json() or "text"
        result_kinds = {"bytes": "text", "json": json}
        kinds = {column["name"].lower(): kind_of(column["data_type"]) for column in contract.values()}
        expected = {name: result_kinds.get(kind, kind) for name, kind in kinds.items()}
        actual = {column.name.lower(): column.dtype for column in columns}
        matches = expected.keys() == actual.keys() and all(
            actual[name] in {kind, "null"} for name, kind in expected.items()
        )
        if matches:
            return None
        return [_printed(expected.items()), _printed(actual.items())]

    @available
    def table_constraints(self, columns: Mapping[str, Any]) -> list[str]:
        """Render columns' foreign keys and checks as the table's; see `render_column_constraint`."""
        constraints = [
            {**raw, "columns": [self.quote(column["name"]) if column.get("quote") else column["name"]]}
            for column in columns.values()
            for raw in column.get("constraints") or ()
            if raw["type"] in _TABLE_CONSTRAINTS
        ]
        rendered: list[str] = self.render_raw_model_constraints(constraints)
        return rendered

    @classmethod
    def render_column_constraint(cls, constraint: Any) -> str | None:
        """Render a column's constraint; None for types that `table_constraints` renders.

        There servers ignore these types, or accept only one constraint of them.
        """
        if constraint.type in _TABLE_CONSTRAINTS:
            return None
        rendered: str | None = super().render_column_constraint(constraint)
        return rendered

    @classmethod
    def render_model_constraint(cls, constraint: Any) -> str | None:
        """Render a table's constraint, without a name if two tables of a schema may not share it."""
        if constraint.type in _TABLE_CONSTRAINTS:
            constraint.name = None
        rendered: str | None = super().render_model_constraint(constraint)
        return rendered

    def valid_incremental_strategies(self) -> list[str]:
        """Return the strategies that `include/` implements."""
        return ["append", "delete+insert", "merge", "microbatch"]

    def debug_query(self) -> None:
        """Run the query by which `debug` checks the connection."""
        self.execute("select 1 as id")

    def timestamp_add_sql(self, add_to: str, number: int = 1, interval: str = "hour") -> str:
        """Return the SQL of a timestamp plus an interval."""
        return f"date_add({add_to}, interval {number} {interval})"

    def string_add_sql(self, add_to: str, value: str, location: str = "append") -> str:
        """Return the SQL of a text with a literal before or after it."""
        parts = (add_to, comments.literal(value))
        return f"concat({', '.join(parts if location == 'append' else parts[::-1])})"

    @classmethod
    def get_adapter_run_info(cls, config: Any) -> AdapterTrackingRelationInfo:
        """Return the adapter's versions for dbt's anonymous statistics."""
        return AdapterTrackingRelationInfo(
            adapter_name=cls.type(),
            base_adapter_version=version("dbt-adapters"),
            adapter_version=version("dvt-engine"),
            model_adapter_details=cls._get_adapter_specific_run_info(config),
        )

    @classmethod
    def _catalog_filter_table(cls, table: Any, used_schemas: Any) -> Any:
        """Return the catalog's rows of the used schemas; their databases are all empty and not compared."""
        from dbt_common.clients.agate_helper import table_from_rows

        schemas = {schema.lower() for _, schema in used_schemas if schema is not None}
        texts = table_from_rows(table.rows, table.column_names, text_only_columns=_TEXT_COLUMNS)
        return texts.where(lambda row: str(row["table_schema"]).lower() in schemas)

    def _json(self) -> str | None:
        """Return "json" if the server's CAST has that type; None if it has not, or without a connection."""
        connection = self.connections.get_if_exists()
        return "json" if connection is not None and connection.handle.server.native_json else None


class MariaDBAdapter(MySQLAdapter):
    """dbt's adapter for outputs of type mariadb."""

    ConnectionManager = MariaDBConnectionManager


def _printed(columns: Any) -> list[dict[str, str]]:
    """Return columns in the form in which dbt prints the two sides of a broken contract."""
    return [{"name": name, "data_type": kind, "formatted": f"{name} {kind}"} for name, kind in columns]


def _server_code(error: BaseException) -> int | None:
    """Return the server's error code from the causes of an error of dbt's."""
    cause: BaseException | None = error
    while cause is not None:
        if cause.args and isinstance(cause.args[0], int):
            return cause.args[0]
        cause = cause.__cause__
    return None
