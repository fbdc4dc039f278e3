"""The adapter: what dbt asks in Python. What it asks in SQL is in `include/`."""

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
_REFERRED_TO = frozenset({1451, 3730})
"""What MariaDB and MySQL say to dropping a table that another's foreign keys refer to."""
_OF_THE_TABLE = frozenset({ConstraintType.foreign_key, ConstraintType.check})
"""Constraints that are rendered as the table's, and without a name."""
_TEXTS = (
    "table_schema",
    "table_name",
    "table_type",
    "table_comment",
    "column_name",
    "column_type",
    "column_comment",
)


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
    """dbt's adapter for servers of type mysql."""

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
        """Now, in SQL."""
        return "now()"

    @classmethod
    def quote(cls, identifier: str | None) -> str:
        """A name exactly as it is."""
        return quoted(identifier or "")  # there may be no database

    @classmethod
    def convert_text_type(cls, agate_table: Any, col_idx: int) -> str:
        """For a seed's text, which may grow from load to load."""
        del agate_table, col_idx
        return "longtext"

    @classmethod
    def convert_number_type(cls, agate_table: Any, col_idx: int) -> str:
        """For a seed's numbers."""
        whole = super().convert_number_type(agate_table, col_idx) == "integer"
        return "bigint" if whole else "double"

    @classmethod
    def convert_integer_type(cls, agate_table: Any, col_idx: int) -> str:
        """For a seed's whole numbers."""
        del agate_table, col_idx
        return "bigint"

    @classmethod
    def convert_datetime_type(cls, agate_table: Any, col_idx: int) -> str:
        """For a seed's instants, in UTC."""
        del agate_table, col_idx
        return "datetime(6)"

    @classmethod
    def convert_time_type(cls, agate_table: Any, col_idx: int) -> str:
        """For a seed's times."""
        del agate_table, col_idx
        return "time(6)"

    def get_columns_in_relation(self, relation: Any) -> list[MySQLColumn]:
        """The columns of a table, a view or a temporary table; none of one that is not there."""
        try:
            found: list[MySQLColumn] = super().get_columns_in_relation(relation)
        except DbtDatabaseError as error:
            if _number(error) == _NO_SUCH_TABLE:
                return []
            raise
        return found

    @available.parse_none
    def drop_relation(self, relation: Any) -> None:
        """Drop it, with the foreign keys that refer to it: a table that is swapped away keeps them."""
        begun = self.in_transaction()
        try:
            super().drop_relation(relation)
        except DbtDatabaseError as error:
            if _number(error) not in _REFERRED_TO:
                raise
            self.execute_macro("mysql__drop_keys_to", kwargs={"relation": relation})
            super().drop_relation(relation)
            if begun and not self.in_transaction():  # the error has ended it, as DDL does
                self.connections.begin()

    def get_relation(self, database: str | None, schema: str, identifier: str) -> Any:
        """What is there under a name, which may have been too long."""
        del database
        return super().get_relation(None, schema, shortened(identifier))

    def _make_match_kwargs(self, database: str | None, schema: str, identifier: str) -> dict[str, str]:
        """As dbt, but that names without quotes are not folded: the server does not do it either."""
        del database
        return {"schema": schema, "identifier": identifier}

    @available.parse(lambda *_, **__: False)
    def in_transaction(self) -> bool:
        """Whether dbt has a transaction open."""
        return bool(self.connections.get_thread_connection().transaction_open)

    @available
    def shown_columns(self, table: Any) -> list[MySQLColumn]:
        """Columns from what SHOW FULL COLUMNS answered."""
        return [
            MySQLColumn.shown(str(row[0]), str(row[1]), row[2], nullable=row[3] == "YES") for row in table
        ]

    @available
    def cast_type(self, native: str, sized: bool = True) -> str:
        """What CAST takes for a type."""
        return cast_type(native, self._json() if kind_of(native) == "json" else None, sized=sized)

    @available
    def kind_of(self, native: str) -> str:
        """What kind of value a type holds."""
        return kind_of(native)

    @available
    def index_clauses(self, raw: Sequence[Any] | None) -> list[str]:
        """ALTER TABLE's clauses for a model's indexes."""
        return index_clauses(raw)

    @available
    def comment_clauses(self, created: str, columns: Mapping[str, Mapping[str, Any]]) -> list[str]:
        """ALTER TABLE's clauses for the columns' descriptions."""
        return comments.comment_clauses(created, columns)

    @available
    def comment_literal(self, text: str) -> str:
        """A table's description as a literal."""
        return comments.literal(comments.shortened(text, comments.LONGEST_TABLE))

    @available
    def literal(self, text: str) -> str:
        """A text as a literal."""
        return comments.literal(text)

    @available
    def utc_text(self, moment: Any) -> str:
        """An instant as text in UTC."""
        return utc_text(moment)

    @available
    def grants(self, said: Mapping[str, Any]) -> dict[str, list[str]]:
        """A `grants` config in one spelling."""
        return grants.grants(said)

    @available
    def account(self, canonical: str) -> str:
        """A grantee as GRANT takes it."""
        return grants.account(canonical)

    def standardize_grants_dict(self, grants_table: Any) -> dict[str, list[str]]:
        """What is granted now, in the config's spelling."""
        return grants.as_shown((str(row["grantee"]), str(row["privilege_type"])) for row in grants_table)

    @available
    def breaks_contract(self, wanted: Mapping[str, Any], given: Sequence[Any]) -> Any:
        """None when a query's columns are those of the contract, else both sides as dbt prints them."""
        json = self._json() or "text"
        seen = {"bytes": "text", "json": json}
        kinds = {column["name"].lower(): kind_of(column["data_type"]) for column in wanted.values()}
        asked = {name: seen.get(kind, kind) for name, kind in kinds.items()}
        found = {column.name.lower(): column.dtype for column in given}
        same = asked.keys() == found.keys() and all(
            found[name] in {kind, "null"} for name, kind in asked.items()
        )
        if same:
            return None
        return [_printed(asked.items()), _printed(found.items())]

    @available
    def table_constraints(self, columns: Mapping[str, Any]) -> list[str]:
        """Columns' own foreign keys and checks as their table's: see render_column_constraint."""
        found = [
            {**raw, "columns": [self.quote(column["name"]) if column.get("quote") else column["name"]]}
            for column in columns.values()
            for raw in column.get("constraints") or ()
            if raw["type"] in _OF_THE_TABLE
        ]
        rendered: list[str] = self.render_raw_model_constraints(found)
        return rendered

    @classmethod
    def render_column_constraint(cls, constraint: Any) -> str | None:
        """As dbt, without what a server ignores or takes once only beside a column."""
        if constraint.type in _OF_THE_TABLE:
            return None
        rendered: str | None = super().render_column_constraint(constraint)
        return rendered

    @classmethod
    def render_model_constraint(cls, constraint: Any) -> str | None:
        """As dbt, without the names that two tables of a schema may not share."""
        if constraint.type in _OF_THE_TABLE:
            constraint.name = None
        rendered: str | None = super().render_model_constraint(constraint)
        return rendered

    def valid_incremental_strategies(self) -> list[str]:
        """Those that `include/` has."""
        return ["append", "delete+insert", "merge", "microbatch"]

    def debug_query(self) -> None:
        """What `debug` asks."""
        self.execute("select 1 as id")

    def timestamp_add_sql(self, add_to: str, number: int = 1, interval: str = "hour") -> str:
        """A moment later than another."""
        return f"date_add({add_to}, interval {number} {interval})"

    def string_add_sql(self, add_to: str, value: str, location: str = "append") -> str:
        """A text with another before or after it."""
        parts = (add_to, comments.literal(value))
        return f"concat({', '.join(parts if location == 'append' else parts[::-1])})"

    @classmethod
    def get_adapter_run_info(cls, config: Any) -> AdapterTrackingRelationInfo:
        """For dbt's anonymous statistics."""
        return AdapterTrackingRelationInfo(
            adapter_name=cls.type(),
            base_adapter_version=version("dbt-adapters"),
            adapter_version=version("dvt-engine"),
            model_adapter_details=cls._get_adapter_specific_run_info(config),
        )

    @classmethod
    def _catalog_filter_table(cls, table: Any, used_schemas: Any) -> Any:
        """The rows of these schemas: there is no database to compare."""
        from dbt_common.clients.agate_helper import table_from_rows

        schemas = {schema.lower() for _, schema in used_schemas if schema is not None}
        texts = table_from_rows(table.rows, table.column_names, text_only_columns=_TEXTS)
        return texts.where(lambda row: str(row["table_schema"]).lower() in schemas)

    def _json(self) -> str | None:
        """What this server's CAST makes JSON of; None where that is text, or nobody is connected."""
        connection = self.connections.get_if_exists()
        return "json" if connection is not None and connection.handle.server.native_json else None


class MariaDBAdapter(MySQLAdapter):
    """The same for servers of type mariadb."""

    ConnectionManager = MariaDBConnectionManager


def _printed(columns: Any) -> list[dict[str, str]]:
    return [{"name": name, "data_type": kind, "formatted": f"{name} {kind}"} for name, kind in columns]


def _number(error: BaseException) -> int | None:
    """The server's number of what lies under one of dbt's errors."""
    cause: BaseException | None = error
    while cause is not None:
        if cause.args and isinstance(cause.args[0], int):
            return cause.args[0]
        cause = cause.__cause__
    return None
