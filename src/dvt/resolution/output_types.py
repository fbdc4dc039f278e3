"""What a type of output is: one row per `type:` of profiles.yml, and how packages add rows of their own.

A row is read whenever dbt starts, so it names what is imported later by dotted paths. What holds for single
outputs of a type, and what federation asks of an open connection, is in `core.ports.connectors.Capabilities`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

from dvt.core.registry import Registry

ZERO_DATES = ("error", "null")
"""What a date that is none (0000-00-00) becomes: an error, or NULL."""
LOCATION = "external_location"
"""Read option of files: where a table lies, globs allowed."""


@dataclass(frozen=True, slots=True)
class OwnAdapter:
    """A dbt adapter that is not in dbt's namespace `dbt.adapters`."""

    plugin: str
    """Dotted path of its AdapterPlugin, `package.module:NAME`."""
    driver: str
    """Module without which it cannot work."""
    distribution: str = "dvt-engine"
    """Name of the installed package whose version is the adapter's."""

    @property
    def version(self) -> str:
        """Its version."""
        return version(self.distribution)

    @property
    def installed(self) -> bool:
        """True when its driver is installed."""
        return find_spec(self.driver) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputType:
    """One type of output."""

    name: str
    """The `type:` of an output in profiles.yml."""
    dialect: str
    """SQLGlot's name of its SQL."""
    can_be_target: bool = True
    """Models can be built on it, so there is a dbt adapter; False: it can only be read."""
    adapter: OwnAdapter | None = None
    """Where its dbt adapter is; None: in the package `dbt.adapters.<name>`."""
    install: str = ""
    """Command that installs what an output of this type needs; empty: that of the package `dbt-<name>`."""
    rename: str = ""
    """Statement with which a filled stage table becomes the model's table; empty: its dbt adapter copies it.

    Placeholders: `{stage}` and `{table}` are the quoted full names, `{name}` is the quoted last part of
    `{table}`; `{stage_text}` and `{name_text}` are string literals: of `{stage}`, of the unquoted last part.
    """
    own_table_configs: frozenset[str] = frozenset()
    """Model configs with which a renamed stage table is not the table that its dbt adapter would make."""
    ddl_commits: bool = False
    """A statement that changes a table ends the transaction."""
    cancel_if_client_dies: str = ""
    """Dotted path of the statement after which the server cancels a session's query when its client dies;
    empty: a session dies with its client, or the server has no such setting."""
    identified_by: tuple[tuple[str, ...], ...] = ()
    """Keys of an output that tell which database it is, each with the other words for it, and its default
    last; empty: no two outputs of this type are taken for one database."""
    read_options: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Options of sources that only the connector understands, by name: the values that an option can have,
    the usual one first; no values: any text, with dbt-duckdb's placeholders."""

    @property
    def install_line(self) -> str:
        """The command that installs what an output of this type needs."""
        return self.install or f"pip install dbt-{self.name}"

    def database(self, settings: Mapping[str, Any]) -> tuple[str, ...]:
        """What all outputs that are one database have in common; empty where the type does not tell.

        Example:
            >>> one, other = {"host": "localhost", "dbname": "a"}, {"host": "127.0.0.1", "database": "a", "port": 5432}
            >>> output_type("postgres").database(one) == output_type("postgres").database(other)
            True
        """  # noqa: E501
        values = [
            next((str(settings[key]) for key in keys if settings.get(key) is not None), default)
            for *keys, default in self.identified_by
        ]
        return (self.dialect, *(_LOOPBACK.get(value, value) for value in values)) if values else ()

    def rename_statement(self, *, stage: str, table: str, name: str, bare_name: str) -> str:
        """The statement of `rename` for one table; all names but `bare_name` are quoted."""
        return self.rename.format(
            stage=stage, table=table, name=name, stage_text=_literal(stage), name_text=_literal(bare_name)
        )


_LOOPBACK = dict.fromkeys(("127.0.0.1", "::1", ""), "localhost")
"""Other names of this machine."""


def _literal(text: str) -> str:
    doubled = text.replace("'", "''")
    return f"'{doubled}'"


def _mysql(name: str) -> OutputType:
    return OutputType(
        name=name,
        dialect="mysql",
        adapter=OwnAdapter(f"dvt.dbt_adapters.mysql:{name.upper()}", driver="pymysql"),
        install=_extra(name),
        rename="alter table {stage} rename to {table}",
        own_table_configs=frozenset(
            {"sql_header", "engine", "charset", "character_set", "collation", "partition_by"}
        ),
        ddl_commits=True,
        identified_by=(("host", "server", "localhost"), ("port", "3306")),
        read_options={"zero_dates": ZERO_DATES},
    )


def _extra(name: str) -> str:
    return f"pip install 'dvt-engine[{name}]'"


_ROWS = (
    OutputType(
        name="postgres",
        dialect="postgres",
        install=_extra("postgres"),
        rename="alter table {stage} rename to {name}",
        identified_by=(("host", "localhost"), ("port", "5432"), ("dbname", "database", "")),
        own_table_configs=frozenset({"unlogged", "sql_header"}),
        cancel_if_client_dies="dvt.drivers.postgres:ENDS_WITH_ITS_CLIENT",
    ),
    OutputType(
        name="duckdb",
        dialect="duckdb",
        rename="alter table {stage} rename to {name}",
        identified_by=(("path", ":memory:"),),
        own_table_configs=frozenset({"sql_header"}),
    ),
    _mysql("mysql"),
    _mysql("mariadb"),
    OutputType(name="sqlite", dialect="sqlite", can_be_target=False, install=_extra("sqlite")),
    OutputType(name="files", dialect="duckdb", can_be_target=False, read_options={LOCATION: ()}),
    OutputType(name="snowflake", dialect="snowflake", install=_extra("snowflake")),
    OutputType(name="bigquery", dialect="bigquery", install=_extra("bigquery")),
    OutputType(name="redshift", dialect="redshift", install=_extra("redshift")),
    OutputType(name="databricks", dialect="databricks", install=_extra("databricks")),
    OutputType(name="sqlserver", dialect="tsql"),
    OutputType(name="synapse", dialect="tsql"),
    OutputType(name="glue", dialect="spark"),
    OutputType(name="greenplum", dialect="postgres"),
    OutputType(name="cratedb", dialect="postgres"),
    OutputType(name="alloydb", dialect="postgres"),
)
_OWN = {row.name: row for row in _ROWS}
_OTHERS = Registry("dvt.output_types", {})
"""Rows of other packages: the dotted path of an OutputType, by its name. Packages are looked through only for
types without a row of our own."""


def output_type(name: str) -> OutputType:
    """The row of a type; for a type without one, what holds for dbt adapters that dvt knows nothing of."""
    if name in _OWN:
        return _OWN[name]
    if name in _OTHERS:
        row: OutputType = _OTHERS.load(name)
        return row
    return OutputType(name=name, dialect=name)


def output_types() -> Iterator[OutputType]:
    """Every row, those of other packages too."""
    yield from _ROWS
    yield from (output_type(name) for name in _OTHERS if name not in _OWN)
