"""Brings the schema of a store up to date, however many processes open it at once."""

from __future__ import annotations

from importlib import resources

from sqlalchemy import Connection, inspect, text

from dvt.core.errors import StoreTooNew
from dvt.lifecycle.store.database import Database
from dvt.lifecycle.store.tables import VERSION_TABLE

VERSIONS = ("0001", "0002", "0003", "0004")
"""Versions of the schema, the last of which is this dvt's."""
_LOCK = 0x6476_7401
"""Key of PostgreSQL's advisory lock that is held meanwhile."""


def migrate(database: Database) -> None:
    """Make or upgrade the tables of the store, unless they are up to date. No row is lost.

    Either the whole schema is there afterwards, or the database is as it was.
    """
    with database.reading() as connection:
        if _is_current(database, connection):
            return
    with database.writing() as connection:
        if not database.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        if not _is_current(database, connection):
            _upgrade(connection)


def _is_current(database: Database, connection: Connection) -> bool:
    if not inspect(connection).has_table(VERSION_TABLE):
        return False
    version = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()
    if version is not None and version not in VERSIONS:
        raise StoreTooNew(database.place.label, version)
    return version == VERSIONS[-1]


def _upgrade(connection: Connection) -> None:
    # Alembic takes a quarter of a second to import, which only a new version of the schema costs.
    from alembic import command
    from alembic.config import Config

    config = Config()
    with resources.as_file(resources.files("dvt.lifecycle.store") / "migrations") as folder:
        config.set_main_option("script_location", str(folder).replace("%", "%%"))
        config.attributes["connection"] = connection
        command.upgrade(config, VERSIONS[-1])
