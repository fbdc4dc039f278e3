"""Tables in MySQL and MariaDB: InnoDB's alone, since a batch elsewhere could not be undone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Connection, Engine, create_engine, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError

from dvt.core.errors import (
    BadOutput,
    ConnectFailed,
    DriverMissing,
    LoginRefused,
    RowsMisdescribed,
    RowsUnreachable,
)
from dvt.drivers.mysql.flavour import Flavour, flavour_of
from dvt.drivers.mysql.settings import MySQLSettings, parse
from dvt.lifecycle.tables.dialect import (
    CONNECT_SECONDS,
    LOCK_SECONDS,
    Columns,
    Dialect,
    Locks,
    Name,
    Reference,
    Value,
    quoted_by,
)
from dvt.lifecycle.tables.mysql_values import LOST, Described, spelling

if TYPE_CHECKING:
    from dvt.drivers.mysql.wire import Wire

_OPTIONS = ("ssl_ca", "ssl_cert", "ssl_key", "ssl_disabled", "connect_timeout", "read_timeout")
_SESSION = (
    # Not strict: what is put back is read again and compared, and some values come back no other way.
    "SET SESSION sql_mode = 'ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION', "
    f"time_zone = '+00:00', innodb_lock_wait_timeout = {LOCK_SECONDS}, lock_wait_timeout = {LOCK_SECONDS}, "
    # A limit would hide rows, and then a cascade would delete what nobody has read.
    "sql_select_limit = 18446744073709551615, foreign_key_checks = 1, net_write_timeout = 3600"
)
_NO_PRIVILEGE = 1227
"""Code: the user lacks a privilege."""
_FOREIGN_KEYS = """
SELECT k.TABLE_SCHEMA, k.TABLE_NAME, k.CONSTRAINT_NAME, k.REFERENCED_TABLE_SCHEMA, k.REFERENCED_TABLE_NAME,
  r.DELETE_RULE, k.COLUMN_NAME, k.REFERENCED_COLUMN_NAME
FROM information_schema.KEY_COLUMN_USAGE k JOIN information_schema.REFERENTIAL_CONSTRAINTS r
  ON r.CONSTRAINT_SCHEMA = k.CONSTRAINT_SCHEMA AND r.TABLE_NAME = k.TABLE_NAME
  AND r.CONSTRAINT_NAME = k.CONSTRAINT_NAME
WHERE k.REFERENCED_TABLE_NAME IS NOT NULL
ORDER BY k.TABLE_SCHEMA, k.TABLE_NAME, k.CONSTRAINT_NAME, k.ORDINAL_POSITION
"""
_REFERRING = """
SELECT COUNT(*) FROM information_schema.{view} WHERE CAST(REF_NAME AS BINARY) IN (
  CAST(CONCAT(:schema, '/', :table) AS BINARY),
  CONCAT(CAST(CONVERT(:schema USING filename) AS BINARY), '/', CAST(CONVERT(:table USING filename) AS BINARY))
)
"""
"""SQL: how many foreign keys refer to a table, whoever may see them; InnoDB has names as files have them."""
_COLUMNS = """
SELECT COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, NUMERIC_PRECISION, NUMERIC_SCALE, CHARACTER_SET_NAME, EXTRA
FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = :schema AND TABLE_NAME = :table ORDER BY ORDINAL_POSITION
"""
_PRIMARY_KEY = """
SELECT COLUMN_NAME FROM information_schema.STATISTICS
WHERE TABLE_SCHEMA = :schema AND TABLE_NAME = :table AND INDEX_NAME = 'PRIMARY' ORDER BY SEQ_IN_INDEX
"""
_TABLE = """
SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE, ENGINE FROM information_schema.TABLES
WHERE TABLE_SCHEMA = :schema AND TABLE_NAME = :table
  AND (@@lower_case_table_names > 0 OR CAST(TABLE_NAME AS BINARY) = CAST(:table AS BINARY))
"""


class MySQL(Dialect):
    """MySQL or MariaDB, and one database of it."""

    def __init__(self, data_type: str, url: str) -> None:
        """RowsMisdescribed if the address lacks something, or has an option that is none."""
        self._settings = _settings(data_type, url)
        port = "" if (given := make_url(url).port) is None else f":{given}"
        label = f"mysql://{self._settings.host}{port}/{self._settings.schema_}"
        password = self._settings.password.get_secret_value()
        super().__init__(data_type, label, (password,) if password else ())

    def engine(self) -> Engine:
        """See Dialect."""
        try:
            return create_engine(
                "mysql+pymysql://", hide_parameters=True, pool_pre_ping=True, creator=self._connect
            )
        except ModuleNotFoundError:
            raise self._lacks_driver("PyMySQL") from None

    def begin(self, connection: Connection, *, writes: bool) -> None:
        """See Dialect. Who writes locks gaps, too: rows that nobody has read cannot come to those read."""
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        snapshot = " WITH CONSISTENT SNAPSHOT, READ ONLY"
        connection.exec_driver_sql(f"START TRANSACTION{'' if writes else snapshot}")

    def quoted(self, *names: str) -> str:
        """See Dialect."""
        return quoted_by("`", names)

    def find(self, connection: Connection, schema: str | None, table: str) -> Name | None:
        """See Dialect."""
        found = self._table(connection, (schema or self._settings.schema_, table))
        return None if found is None or found[2] == "VIEW" else (str(found[0]), str(found[1]))

    def columns(self, connection: Connection, name: Name) -> Columns:
        """See Dialect."""
        self._require_innodb(connection, name)
        # It is refused if the user may not read a column, of which the list of columns says nothing.
        connection.execute(text(f"SELECT * FROM {self.quoted(*name)} LIMIT 0"))
        values = {"schema": name[0], "table": name[1]}
        found: Iterator[Any] = iter(connection.execute(text(_COLUMNS), values))
        columns = [Described(*row) for row in found]
        spellings = {column.name: spelling(column) for column in columns}
        unknown = [f"{of.name} ({of.native})" for of in columns if spellings[of.name] is None]
        if unknown or not columns:
            what = (
                f"values of {', '.join(unknown)} cannot be put back" if unknown else "nothing is known of it"
            )
            raise RowsMisdescribed(self.data_type, f"{name[1]}: {what}")
        return Columns(
            name=name,
            dialect=self,
            spellings={column: of for column, of in spellings.items() if of is not None},
            key=tuple(str(row[0]) for row in connection.execute(text(_PRIMARY_KEY), values)),
            generated=frozenset(column.name for column in columns if column.is_generated),
        )

    def references(self, connection: Connection) -> Iterator[Reference]:
        """See Dialect."""
        rows = [tuple(map(str, row)) for row in connection.execute(text(_FOREIGN_KEYS))]
        for of, parts in groupby(rows, key=lambda row: row[:6]):
            pairs = [part[6:] for part in parts]
            yield Reference(
                child=(of[0], of[1]),
                parent=(of[3], of[4]),
                columns=tuple(column for column, _ in pairs),
                to=tuple(to for _, to in pairs),
                on_delete=of[5],
            )

    def require_all_references(
        self, connection: Connection, tables: Sequence[Name], seen: Sequence[Reference]
    ) -> None:
        """See Dialect. A user sees foreign keys of those tables alone that it has rights on."""
        sql = text(_REFERRING.format(view=_flavour(connection).foreign_keys_view))
        for name in tables:
            try:
                there = connection.execute(sql, {"schema": name[0], "table": name[1]}).scalar()
            except DBAPIError as error:
                if error.orig is None or error.orig.args[:1] != (_NO_PRIVILEGE,):
                    raise
                problem = (
                    "its user needs PROCESS (GRANT PROCESS ON *.* TO …): it may not see all foreign keys"
                )
                raise RowsUnreachable(self.data_type, self.label, problem) from None
            if there != sum(of.parent == name for of in seen):
                problem = (
                    f"tables refer to {name[1]} that its user does not see: it needs rights on them, too"
                )
                raise RowsUnreachable(self.data_type, self.label, problem)

    def locks(self, connection: Connection) -> Locks:
        """See Dialect. Rows below an item are waited for: one that is skipped would go by a cascade."""
        skip = " SKIP LOCKED" if _flavour(connection).skips_locked else ""
        return Locks(items=f" FOR UPDATE{skip}", below=" FOR UPDATE", barriers=" LOCK IN SHARE MODE")

    def longest(self, connection: Connection) -> int | None:
        """See Dialect. A statement, and with it a row, is one packet."""
        return int(connection.execute(text("SELECT @@max_allowed_packet")).scalar_one())

    def is_lost(self, value: Value) -> bool:
        """See Dialect."""
        return isinstance(value, str) and value.startswith(LOST)

    def _connect(self) -> Wire:
        from dvt.drivers.mysql.connect import watch_wire
        from dvt.drivers.mysql.login import log_in

        name, arguments = self.data_type, {"autocommit": False, "program_name": "dvt lifecycle"}
        try:
            wire: Wire = log_in(name, self._settings, init_command=_SESSION, **arguments)
        except (ConnectFailed, LoginRefused) as error:
            raise RowsUnreachable(name, self.label, error.reason) from None
        except DriverMissing as error:
            raise self._lacks_driver(error.what) from None
        wire.set_timeout(None)  # a query may take as long as the server computes
        watch_wire(name, self._settings, wire)
        return wire

    def _lacks_driver(self, what: str) -> RowsUnreachable:
        problem = f"the driver of MySQL and MariaDB, {what}, is missing: pip install 'dvt-engine[mysql]'"
        return RowsUnreachable(self.data_type, self.label, problem)

    def _table(self, connection: Connection, name: Name) -> Any:
        return connection.execute(text(_TABLE), {"schema": name[0], "table": name[1]}).one_or_none()

    def _require_innodb(self, connection: Connection, name: Name) -> None:
        """RowsMisdescribed if deletions of a table's rows could not be undone, or would not be ones."""
        _, _, kind, engine = self._table(connection, name) or ("", "", "", "no engine that is known")
        if kind == "SYSTEM VERSIONED":
            problem = f"{name[1]} keeps its history (SYSTEM VERSIONED): what is deleted stays in it"
            raise RowsMisdescribed(self.data_type, problem)
        if engine != "InnoDB":
            problem = f"{name[1]} is a table of {engine}, not InnoDB: deletions could not be undone together"
            raise RowsMisdescribed(self.data_type, problem)


def _settings(data_type: str, url: str) -> MySQLSettings:
    try:
        of = make_url(url)
    except (ArgumentError, ValueError):  # the text may hold a password, and so may the error's
        raise RowsMisdescribed(data_type, "`url` is not written as an address") from None
    missing = [name for name in ("username", "host", "database") if not getattr(of, name)]
    wrong = [name for name in of.query if name not in _OPTIONS]
    if missing or wrong:
        problem = (
            f"lacks {' and '.join(missing)}"
            if missing
            else f"has options that it cannot honour: {', '.join(wrong)}"
        )
        known = "mysql://user:${PASSWORD}@host:port/database, with ?" + "=…&".join(_OPTIONS) + "=…"
        raise RowsMisdescribed(data_type, f"`url` {problem}. It is written {known}")
    try:
        return parse(data_type, _output(of), Path())
    except BadOutput as error:
        raise RowsMisdescribed(data_type, f"`url`: {error.problem}") from None


def _output(of: URL) -> dict[str, Any]:
    return {
        "connect_timeout": CONNECT_SECONDS,
        **of.query,
        "type": "mysql",
        "host": of.host,
        "port": of.port,
        "user": of.username,
        "password": of.password,
        "schema": of.database,
    }


def _flavour(connection: Connection) -> Flavour:
    wire: Any = connection.connection.dbapi_connection
    return flavour_of(wire.get_server_info())
