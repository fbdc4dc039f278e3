"""The adapter's methods that dbt calls in Python; its SQL macros are in `include/`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from importlib.metadata import version
from threading import Lock
from typing import Any, TypeVar

from dbt.adapters.base import ConstraintSupport, available
from dbt.adapters.base.impl import AdapterTrackingRelationInfo
from dbt.adapters.capability import Capability, CapabilityDict, CapabilitySupport, Support
from dbt.adapters.events.logging import AdapterLogger
from dbt.adapters.sql import SQLAdapter
from dbt_common.contracts.constraints import ConstraintType
from dbt_common.exceptions import DbtDatabaseError, DbtRuntimeError

from dvt.core.errors import NotOnDatabase
from dvt.core.names import folded
from dvt.dbt_adapters.jdbc import catalog
from dvt.dbt_adapters.jdbc.column import JdbcColumnOfDbt, spelled
from dvt.dbt_adapters.jdbc.connections import JdbcConnectionManager
from dvt.dbt_adapters.jdbc.products import Target
from dvt.dbt_adapters.jdbc.relation import JdbcRelation, utc_text
from dvt.dbt_adapters.jdbc.values import literal, quoted
from dvt.drivers.jdbc import JdbcColumn, Session

_LOG = AdapterLogger("jdbc")
_SWAPS = Lock()
"""Held by a transaction that changes names."""
_EXACT = {"database": True, "schema": True, "identifier": True}
"""Quoting of names as the database keeps them."""
_T = TypeVar("_T")


class JdbcAdapter(SQLAdapter):
    """dbt's adapter for outputs of type jdbc."""

    Relation = JdbcRelation
    Column = JdbcColumnOfDbt
    ConnectionManager = JdbcConnectionManager

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
        {Capability.SchemaMetadataByRelations: CapabilitySupport(support=Support.Full)}
    )

    @property
    def target(self) -> Target:
        """What is particular to the output's database."""
        found: Target = self.config.credentials.target
        return found

    @property
    def stage_rename(self) -> str:
        """The statement that renames a filled stage table; see `OutputType.rename`."""
        return self.target.rename.replace("{table}", "{stage}")

    @classmethod
    def date_function(cls) -> str:
        """Return the SQL of the current time."""
        return "current_timestamp"

    @classmethod
    def quote(cls, identifier: str | None) -> str:
        """Quote an identifier."""
        return '"' + (identifier or "").replace('"', '""') + '"'

    @available
    def quote_seed_column(self, column: str, quote_config: bool | None) -> str:
        """Quote a seed's column: as it stands if the project says so, else as SQL without quotes names it."""
        return self.quote(column if quote_config else folded(column))

    @classmethod
    def convert_text_type(cls, agate_table: Any, col_idx: int) -> str:
        """Return the type for a seed's text; `text_type` has the database's own."""
        del agate_table, col_idx
        return JdbcColumnOfDbt.TYPE_LABELS["STRING"]

    @classmethod
    def convert_number_type(cls, agate_table: Any, col_idx: int) -> str:
        """Return the type for a seed's numbers."""
        whole = super().convert_number_type(agate_table, col_idx) == "integer"
        return "bigint" if whole else "double precision"

    @classmethod
    def convert_integer_type(cls, agate_table: Any, col_idx: int) -> str:
        """Return the type for a seed's whole numbers."""
        del agate_table, col_idx
        return "bigint"

    @classmethod
    def convert_datetime_type(cls, agate_table: Any, col_idx: int) -> str:
        """Return the type for a seed's timestamps."""
        del agate_table, col_idx
        return "timestamp"

    @available.parse_none
    def refuse(self, what: str, hint: str) -> None:
        """Raise NotOnDatabase, as dbt's error: the database does not have what a model asks for."""
        raise DbtRuntimeError(str(NotOnDatabase(what, self._session.facts.product, hint)))

    @available.parse(lambda *_, **__: True)
    def has_common_tables(self) -> bool:
        """Return whether queries have common table expressions."""
        return self.target.common_tables

    @available.parse(lambda *_, **__: True)
    def renames_checked(self) -> bool:
        """Return whether a table with a check or a foreign key can be renamed."""
        return self.target.renames_checked

    @available
    def text_type(self) -> str:
        """Return the database's type of texts of any length."""
        return self.target.text

    @available
    def literal(self, value: Any, type_: str | None = None) -> str:
        """Write a value as a literal, for a column of a type that the project names."""
        return literal(value, type_, self._session.product)

    @available
    def string_literal(self, text: str) -> str:
        """Write a text as a literal."""
        return quoted(text)

    @available
    def timestamp_literal(self, timestamp: Any) -> str:
        """Write a timestamp, in UTC, as a literal; the text of one as it stands."""
        text = timestamp if isinstance(timestamp, str) else utc_text(timestamp)
        return self._session.product.timestamp_literal.format(text)

    @available
    def hash_sql(self, text: str) -> str:
        """Return the SQL of a text that differs with a text."""
        return self.target.hash.format(text)

    @available
    def drop_sql(self, relation: Any) -> str:
        """Return the statement that drops a table or a view, if it is there."""
        kind = "view" if relation.is_view else "table"
        return self.target.drop.format(kind=kind, table=relation.render())

    @available
    def empty_table_sql(self, relation: Any, sql: str) -> str:
        """Return the statement that makes a table with the columns of a query."""
        return self.target.empty_table.format(table=relation.render(), sql=sql)

    @available
    def rename_sql(self, relation: Any, name: str) -> str:
        """Return the statement that renames a table."""
        return self.target.rename.format(table=relation.render(), name=self.quote(name))

    @available
    def replace_view_sql(self, relation: Any, sql: str) -> str:
        """Return the statements that put a definition into the place of a view.

        One that has to be dropped first loses the views that read it.
        """
        if len(self.target.replace_view) > 1:
            self.drop_views_on(relation)
        return ";\n".join(self.target.replace_view).format(table=relation.render(), sql=sql)

    @available.parse_none
    def drop_relation(self, relation: Any) -> None:
        """Drop a relation with the views that read it."""
        if not self.target.replaces and not self._is_there(relation):
            self.cache_dropped(relation)
            return
        self.drop_views_on(relation)
        super().drop_relation(relation)

    @available.parse_none
    def drop_views_on(self, relation: Any) -> None:
        """Drop the views that read a relation, where nothing else can be done to it; the log names them."""
        if not self.target.views_on:
            return
        names = {"schema": quoted(relation.schema), "name": quoted(relation.identifier)}
        _, found = self.execute(self.target.views_on.format(**names), auto_begin=True, fetch=True)
        for schema, name in found.rows:
            view = self.Relation.create(schema=schema, identifier=name, quote_policy=_EXACT, type="view")
            if self._is_there(view):
                _LOG.info("{} goes with {}, which it reads", str(view), str(relation))
                self.drop_relation(view)

    def _is_there(self, relation: Any) -> bool:
        listed = self._asked(lambda session: catalog.listed(session, relation.schema))
        return any(row[2] == relation.identifier for row in listed)

    def drop_schema(self, relation: Any) -> None:
        """Drop a schema with all that it holds."""
        schema = relation.without_identifier()
        if self.check_schema_exists(None, schema.schema):
            if not self.target.replaces:
                for held in self.list_relations_without_caching(schema):
                    self.drop_relation(held)
            statement = self.target.drop_schema.format(schema=schema.render())
            self.execute(statement, auto_begin=True)
            self.commit_if_has_connection()
        self.cache.drop_schema(None, schema.schema)

    @available.parse_none
    def swap(self, existing: Any, new: Any, target: Any, backup: Any) -> None:
        """Put a new table into the place of the existing table or view, which stays if that fails.

        A table is renamed away first, and back if the new one cannot take its name. The names change in one
        transaction where the database has such.
        """
        self._end_transaction()
        # Transactions that change the catalog would wait for each other's locks, in both directions.
        with nullcontext() if self.target.ddl_commits else _SWAPS:
            if not self.target.ddl_commits:
                self.connections.begin()
            self._swap_names(existing, new, target, backup)
            self._end_transaction()
        if existing is not None and existing.is_table:
            self.drop_relation(backup)

    def _swap_names(self, existing: Any, new: Any, target: Any, backup: Any) -> None:
        if existing is not None:
            self.drop_views_on(existing)
        if existing is not None and existing.is_view:
            self.drop_relation(existing)
        elif existing is not None:
            self.rename_relation(existing, backup)
        try:
            self.rename_relation(new, target)
        except DbtDatabaseError:
            self.cache_renamed(target, new)
            if existing is not None and existing.is_table:
                self._give_back(backup, target)
            raise

    def _give_back(self, backup: Any, target: Any) -> None:
        if self.target.ddl_commits:
            self.rename_relation(backup, target)
        else:  # the transaction has been rolled back
            self.cache_renamed(backup, target)

    @available.parse_none
    def restore(self, target: Any, backup: Any) -> None:
        """Give a table its name back if a run was killed between the two renames of `swap`."""
        lost = self.get_relation(None, target.schema, target.identifier) is None
        kept = self.get_relation(None, backup.schema, backup.identifier)
        if lost and kept is not None and kept.is_table:
            self.rename_relation(kept, target)

    def _end_transaction(self) -> None:
        if self.connections.get_thread_connection().transaction_open:
            self.connections.commit()

    @available.parse(lambda *_, **__: False)
    def in_transaction(self) -> bool:
        """Return whether dbt has a transaction open."""
        return bool(self.connections.get_thread_connection().transaction_open)

    def list_schemas(self, database: str | None) -> list[str]:
        """Return the names of all schemas."""
        del database
        return self._asked(catalog.schemas)

    def check_schema_exists(self, database: str | None, schema: str) -> bool:
        """Return whether there is a schema of this name."""
        return self._kept(schema, "schema") in self.list_schemas(database)

    def list_relations_without_caching(self, schema_relation: Any) -> list[Any]:
        """Return the relations of a schema."""
        schema = schema_relation.schema
        names = self._asked(lambda session: list(catalog.relations(session, schema)))
        return [
            self.Relation.create(schema=schema, identifier=name, quote_policy=_EXACT, type=kind)
            for name, kind in names
        ]

    def get_relation(self, database: str | None, schema: str, identifier: str) -> Any:
        """Return the relation of that name."""
        del database
        return super().get_relation(None, schema, identifier)

    def list_relations(self, database: str | None, schema: str) -> Any:
        """Return the relations of a schema, from dbt's cache if they are there."""
        del database
        return super().list_relations(None, self._kept(schema, "schema"))

    def get_columns_in_relation(self, relation: Any) -> list[JdbcColumnOfDbt]:
        """Return the columns of a table or a view; none if it does not exist."""
        schema, name = relation.schema, relation.identifier
        described = self._asked(lambda session: catalog.columns(session, schema, name))
        sized = self.target.sized_times
        return [self.Column.of(column, sized_times=sized) for column in described]

    def valid_incremental_strategies(self) -> list[str]:
        """Return the strategies that `include/` implements."""
        return ["append", "delete+insert", "microbatch"]

    def debug_query(self) -> None:
        """Run the query by which `debug` checks the connection: not every database selects from nothing."""
        self.execute("values (1)")

    def timestamp_add_sql(self, add_to: str, number: int = 1, interval: str = "hour") -> str:
        """Return the SQL of a timestamp plus an interval."""
        return f"{add_to} + interval '{number}' {interval}"

    @classmethod
    def render_model_constraint(cls, constraint: Any) -> str | None:
        """Render a table's constraint without a name: the table that it replaces may have the same one."""
        constraint.name = None
        rendered: str | None = super().render_model_constraint(constraint)
        return rendered

    @classmethod
    def get_adapter_run_info(cls, config: Any) -> AdapterTrackingRelationInfo:
        """Return the adapter's versions for dbt's anonymous statistics."""
        return AdapterTrackingRelationInfo(
            adapter_name=cls.type(),
            base_adapter_version=version("dbt-adapters"),
            adapter_version=version("dvt-engine"),
            model_adapter_details=cls._get_adapter_specific_run_info(config),
        )

    def _get_one_catalog(self, information_schema: Any, schemas: Any, used_schemas: Any) -> Any:
        """Return the catalog of schemas."""
        del information_schema, used_schemas
        return self._asked(lambda session: catalog.catalog(session, schemas, self._spelled))

    def _get_one_catalog_by_relations(
        self, information_schema: Any, relations: Sequence[Any], used_schemas: Any
    ) -> Any:
        """Return the catalog of relations."""
        del information_schema, used_schemas
        names = {(relation.schema, relation.identifier) for relation in relations}
        wanted = {schema for schema, _ in names}
        return self._asked(lambda session: catalog.catalog(session, wanted, self._spelled, names))

    def _spelled(self, column: JdbcColumn) -> str:
        return spelled(column, sized_times=self.target.sized_times)

    def _make_match_kwargs(self, database: str | None, schema: str, identifier: str) -> dict[str, str]:
        """Return the name by which a relation is looked for, as the database keeps it."""
        del database
        names: Mapping[str, str] = {"schema": schema, "identifier": identifier}
        return {part: self._kept(name, part) for part, name in names.items() if name is not None}

    def _kept(self, name: str, part: str) -> str:
        return name if self.config.quoting.get(part) else folded(name)

    @property
    def _session(self) -> Session:
        found: Session = self.connections.get_thread_connection().handle.session
        return found

    def _asked(self, ask: Callable[[Session], _T]) -> _T:
        """Return what the driver tells; raise its errors as dbt's."""
        with self.connections.exception_handler("looking at the catalog"):
            return ask(self._session)
