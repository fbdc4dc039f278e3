"""Finds tables by what their driver lists, and describes their columns by a query for no rows."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from dvt.connectors.jdbc.audit_columns import in_order
from dvt.core.errors import QueryFailed, TableNotFound
from dvt.core.names import TableRef
from dvt.core.tables import Table
from dvt.drivers.jdbc import JdbcColumn, JdbcSettings, Product, Session, mapping

_VIEWS = ("VIEW", "SYNONYM")
"""Words in the names of types of tables that have no rows of their own."""


class Catalog:
    """What a session can see."""

    def __init__(self, session: Session, settings: JdbcSettings, product: Product) -> None:
        self.session = session
        self._settings = settings
        self.product = product

    @cached_property
    def _places(self) -> tuple[list[str], list[str]]:
        return self.session.places()

    @cached_property
    def has_schemas(self) -> bool:
        """Whether tables are in schemas; otherwise they are in databases, which take their part."""
        return not self.product.schemas_are_databases and bool(self._places[1])

    def has(self, schema: str) -> bool:
        """Whether there is a schema of this name, in any letter case."""
        return bool(self.spelled(schema, ""))

    def spelled(self, schema: str, otherwise: str | None = None) -> str:
        """Return a schema's name as the driver spells it; `otherwise` (None: `schema`) if there is none."""
        name = _match(self._places[1 if self.has_schemas else 0], schema)
        return name or (schema if otherwise is None else otherwise)

    def find(self, ref: TableRef) -> tuple[str, str, str, str]:
        """Return database, schema, name and type of a table; names may differ from the driver's in case."""
        database, schema = self._place(ref)
        found = [row for row in self._tables(database, schema, ref.identifier) if row[2] == ref.identifier]
        if not found:
            listed = self._tables(database, schema, None)
            name = _match((row[2] for row in listed), ref.identifier)
            if name is None:
                raise TableNotFound(str(ref), ref.connection, [row[2] for row in listed])
            found = [row for row in listed if row[2] == name]
        if len({row[:3] for row in found}) > 1:
            check = "tables of this name are in several schemas: give the source its `schema` and `database`"
            raise TableNotFound(str(ref), ref.connection, check=check)
        return found[0]

    def name_of(self, ref: TableRef, found: tuple[str, str, str, str]) -> str:
        """Return a table's name in SQL."""
        database, schema, name, _ = found
        parts = [database if ref.database or not self.has_schemas else "", schema, name]
        return ".".join(self.session.facts.quoted(part) for part in parts if part)

    def _place(self, ref: TableRef) -> tuple[str | None, str | None]:
        """Return database and schema of a table as the driver spells them; None for any."""
        schema = ref.schema or self._settings.schema_
        if not self.has_schemas:
            named = _match(self._places[0], schema) if schema else None
            if schema and named is None and self._places[0]:
                raise TableNotFound(str(ref), ref.connection, self._places[0])
            return named or self.session.facts.database or None, None
        database = _match(self._places[0], ref.database) if ref.database else None
        named = _match(self._places[1], schema) if schema else self.session.facts.schema or None
        if schema and named is None:
            raise TableNotFound(f"{ref}", ref.connection, check=self._schema_hint(schema))
        return database or self.session.facts.database or None, named

    def _schema_hint(self, schema: str) -> str:
        known = ", ".join(sorted(self._places[1])[:20])
        return f"there is no schema {schema!r} (a source without one has its name as schema), but {known}"

    def _tables(
        self, database: str | None, schema: str | None, name: str | None
    ) -> list[tuple[str, str, str, str]]:
        rows = self.session.tables(database, schema, name)
        return [
            (row[0], row[1], row[2], row[3])
            for row in rows
            if (schema is None or row[1] == schema) and (database is None or not row[0] or row[0] == database)
        ]


def indexed(catalog: Catalog, ref: TableRef) -> tuple[str, ...]:
    """Return the first columns of a table's indexes, the ones that are cut best first."""
    database, schema, name, _ = catalog.find(ref)
    return in_order(*catalog.session.indexed(database or None, schema or None, name))


def describe(catalog: Catalog, ref: TableRef) -> tuple[Table, str]:
    """Describe a table as it is now; return its name in SQL, too."""
    found = catalog.find(ref)
    database, schema, name, type_ = found
    spelled = catalog.name_of(ref, found)
    columns = _columns(catalog, ref, found, spelled)
    table = Table(
        ref=ref,
        columns=tuple(mapping(column, catalog.product, f"{ref}, column {column.name}") for column in columns),
        key=catalog.session.key(database or None, schema or None, name),
        scannable=not any(word in type_.upper() for word in _VIEWS),
    )
    return table, spelled


def _columns(
    catalog: Catalog, ref: TableRef, found: tuple[str, str, str, str], spelled: str
) -> list[JdbcColumn]:
    database, schema, name, _ = found
    session = catalog.session
    try:
        return session.columns(f"SELECT * FROM {spelled} WHERE 1 = 0", f"looking at {ref}")
    except QueryFailed:
        # Derby refuses to select a column of XML, though the others can be read.
        declared = session.declared(database or None, schema or None, name)
        if not declared:
            raise
        return declared


def _match(names: Iterable[str], wanted: str) -> str | None:
    """Return the name that is wanted, or the only one that differs from it in letter case alone."""
    listed = set(names)
    if wanted in listed:
        return wanted
    alike = [name for name in listed if name.casefold() == wanted.casefold()]
    return alike[0] if len(alike) == 1 else None
