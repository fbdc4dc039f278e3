"""Describes the types of outputs: one row per `type:` of profiles.yml. Other packages can add rows.

Rows are read whenever dbt starts, so they refer by dotted paths to code that is imported later. What differs
between outputs of one type is in `core.ports.connectors.Capabilities`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

from dvt.core.errors import NotATarget
from dvt.core.registry import Registry

ZERO_DATES = ("error", "null")
"""Values of the read option `zero_dates`: a date 0000-00-00 becomes an error, or NULL."""
LOCATION = "external_location"
"""Read option of files: the path or glob of a table's files."""


@dataclass(frozen=True, slots=True)
class OwnAdapter:
    """A dbt adapter that is not in dbt's namespace `dbt.adapters`."""

    plugin: str
    """Dotted path of its AdapterPlugin, `package.module:NAME`."""
    driver: str
    """The module that it needs to connect."""
    distribution: str = "dvt-engine"
    """The package whose version is the adapter's."""

    @property
    def version(self) -> str:
        """The adapter's version."""
        return version(self.distribution)

    @property
    def installed(self) -> bool:
        """Whether the adapter's driver is installed."""
        return find_spec(self.driver) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputType:
    """A type of outputs."""

    name: str
    """The `type:` of an output in profiles.yml."""
    dialect: str
    """SQLGlot's name of the dialect."""
    can_be_target: bool = True
    """Whether models can be built on it; otherwise there is no dbt adapter, and it can only be read."""
    adapter: OwnAdapter | None = None
    """The dbt adapter if it is outside of dbt's namespace; None: the adapter is `dbt.adapters.<name>`."""
    package: str = ""
    """Requirement of what an output of this type needs; empty: `dbt-<name>`, if models can be built on it."""
    is_known: bool = True
    """Whether there is a row for the type; otherwise it may be misspelt, and no package can be named."""
    rename: str = ""
    """Statement that renames a filled stage table to the model's table; empty: the dbt adapter copies it.

    Placeholders: `{stage}` and `{table}` are the quoted full names, `{name}` is the quoted last part of
    `{table}`; `{stage_text}` and `{name_text}` are string literals: of `{stage}`, of the unquoted last part.
    """
    own_table_configs: frozenset[str] = frozenset()
    """Model configs with which a renamed stage table would differ from a table made by the dbt adapter."""
    ddl_commits: bool = False
    """Whether a statement that changes a table commits the transaction."""
    cancel_if_client_dies: str = ""
    """Dotted path of a statement that makes the server cancel a session's query if its client dies;
    empty: a session ends with its client, or the server has no such setting."""
    identified_by: tuple[tuple[str, ...], ...] = ()
    """Settings that identify an output's database, each as its key, the key's aliases, and the default value;
    empty: outputs of this type are never taken for the same database."""
    indexes_copies: bool = False
    """Whether `CanCompute.index` gives copies of other databases' tables a key and indexes; otherwise it
    gathers their statistics at most."""
    joins_subqueries: bool = False
    """Whether the database joins every correlated subquery; otherwise it may run one for each row."""
    instants_have_offsets: bool = True
    """Whether the value of an instant that a query answers has its offset from UTC; otherwise it is the time
    of day in the session's zone."""
    name_bytes: int = 0
    """Highest number of bytes of a name: the database cuts longer ones off. 0: no such limit."""
    name_characters: int = 0
    """Highest number of characters of a name. 0: no such limit."""
    upper_case: bool = False
    """Whether the database keeps names without quotes in upper case, and dbt's adapter goes by that: columns
    that dvt loads are named so too."""
    read_options: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Name of a source's option that the connector reads → its values, the default one first; no values: any
    text, with dbt-duckdb's placeholders."""

    @property
    def requirement(self) -> str:
        """What an output of this type needs installed, as a requirement; empty: nothing."""
        return self.package or (f"dbt-{self.name}" if self.can_be_target else "")

    @property
    def install_line(self) -> str:
        """The command that installs what an output of this type needs."""
        quote = "'" if "[" in self.requirement else ""
        return f"pip install {quote}{self.requirement}{quote}"

    def database(self, settings: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the identity of an output's database; empty if the type has no settings that identify it.

        Example:
            >>> first, second = {"host": "localhost", "dbname": "a"}, {"host": "127.0.0.1", "database": "a", "port": 5432}
            >>> output_type("postgres").database(first) == output_type("postgres").database(second)
            True
        """  # noqa: E501
        values = [
            next((str(settings[key]) for key in keys if settings.get(key) is not None), default)
            for *keys, default in self.identified_by
        ]
        return (self.dialect, *(_LOOPBACK.get(value, value) for value in values)) if values else ()

    def kept_name(self, name: str) -> str:
        """Return a name as the database keeps it at most.

        Example:
            >>> output_type("postgres").kept_name("a" * 62 + "é")
            'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'
        """
        if self.name_bytes:
            return name.encode()[: self.name_bytes].decode(errors="ignore")
        return name[: self.name_characters] if self.name_characters else name

    def rename_statement(self, *, stage: str, table: str, name: str, bare_name: str) -> str:
        """Return the statement `rename` for a table; all names but `bare_name` are quoted."""
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
        package=_extra(name),
        rename="alter table {stage} rename to {table}",
        own_table_configs=frozenset(
            {"sql_header", "engine", "charset", "character_set", "collation", "partition_by"}
        ),
        ddl_commits=True,
        indexes_copies=True,
        instants_have_offsets=False,
        name_characters=64,
        identified_by=(("host", "server", "localhost"), ("port", "3306")),
        read_options={"zero_dates": ZERO_DATES},
    )


def _extra(name: str) -> str:
    return f"dvt-engine[{name}]"


_OTHER_ADAPTERS = (
    "athena",
    "doris",
    "dremio",
    "exasol",
    "fabric",
    "firebolt",
    "hive",
    "impala",
    "materialize",
    "maxcompute",
    "risingwave",
    "singlestore",
    "spark",
    "starrocks",
    "teradata",
    "vertica",
)
"""Types that a package `dbt-<type>` has an adapter for; their dialects have the types' names."""

_ROWS = (
    OutputType(
        name="postgres",
        dialect="postgres",
        package=_extra("postgres"),
        rename="alter table {stage} rename to {name}",
        identified_by=(("host", "localhost"), ("port", "5432"), ("dbname", "database", "")),
        own_table_configs=frozenset({"unlogged", "sql_header"}),
        indexes_copies=True,
        name_bytes=63,
        cancel_if_client_dies="dvt.drivers.postgres:CANCEL_IF_CLIENT_DIES",
    ),
    OutputType(
        name="duckdb",
        dialect="duckdb",
        rename="alter table {stage} rename to {name}",
        identified_by=(("path", ":memory:"),),
        own_table_configs=frozenset({"sql_header"}),
        joins_subqueries=True,
    ),
    _mysql("mysql"),
    _mysql("mariadb"),
    OutputType(name="sqlite", dialect="sqlite", can_be_target=False, package=_extra("sqlite")),
    OutputType(
        name="jdbc",
        dialect="",
        adapter=OwnAdapter("dvt.dbt_adapters.jdbc:JDBC", driver="pyarrow"),
        package=_extra("jdbc"),
        own_table_configs=frozenset({"sql_header"}),
        upper_case=True,
        name_characters=128,
    ),
    OutputType(name="trino", dialect="trino", package=_extra("trino")),
    OutputType(name="files", dialect="duckdb", can_be_target=False, read_options={LOCATION: ()}),
    OutputType(
        name="snowflake",
        dialect="snowflake",
        package=_extra("snowflake"),
        identified_by=(("account", ""), ("database", "dbname", "")),
        ddl_commits=True,
        name_characters=255,
    ),
    OutputType(
        name="bigquery",
        dialect="bigquery",
        package=_extra("bigquery"),
        identified_by=(("project", "database", ""), ("location", "")),
        name_characters=1024,
    ),
    OutputType(
        name="redshift",
        dialect="redshift",
        package=_extra("redshift"),
        rename="alter table {stage} rename to {name}",
        identified_by=(("host", ""), ("port", "5439"), ("dbname", "database", "")),
        own_table_configs=frozenset({"backup", "dist", "sort", "sort_type", "sql_header"}),
        name_bytes=127,
    ),
    OutputType(name="databricks", dialect="databricks", package=_extra("databricks"), name_characters=255),
    OutputType(name="sqlserver", dialect="tsql", package=_extra("sqlserver"), name_characters=128),
    OutputType(name="oracle", dialect="oracle", package=_extra("oracle"), ddl_commits=True, name_bytes=128),
    OutputType(name="clickhouse", dialect="clickhouse", package=_extra("clickhouse")),
    OutputType(name="synapse", dialect="tsql"),
    OutputType(name="glue", dialect="spark"),
    OutputType(name="greenplum", dialect="postgres"),
    OutputType(name="cratedb", dialect="postgres"),
    *(OutputType(name=name, dialect=name) for name in _OTHER_ADAPTERS),
)
"""dvt's own rows."""
_OWN = {row.name: row for row in _ROWS}
"""Type → dvt's own row."""
_OTHERS = Registry("dvt.output_types", {})
"""Type → dotted path of the row of another package; read only for types without a row of dvt's own."""


_JDBC_OF = "jdbc of "
"""Beginning of the type of outputs of type jdbc whose database can only be read; that is the end."""
_TYPES_OF = {
    "ch": "clickhouse",
    "clickhouse": "clickhouse",
    "databricks": "databricks",
    "duckdb": "duckdb",
    "mariadb": "mariadb",
    "mysql": "mysql",
    "oracle": "oracle",
    "postgresql": "postgres",
    "redshift": "redshift",
    "snowflake": "snowflake",
    "sqlserver": "sqlserver",
    "trino": "trino",
}
"""Subprotocol of a URL of JDBC → the type by which models can be built on that database."""


def type_of(kind: str, url: str) -> str:
    """Return the type of an output by its `type` and `url`: over JDBC it depends on the database.

    Example:
        >>> type_of("jdbc", "jdbc:h2:tcp://db1/./erp"), type_of("jdbc", "jdbc:postgresql://db1/erp")
        ('jdbc', 'jdbc of postgresql')
    """
    if kind != "jdbc":
        return kind
    from dvt.drivers.jdbc.products import product, subprotocol

    return kind if product(url).can_be_target else f"{_JDBC_OF}{subprotocol(url) or 'an unknown database'}"


def not_a_target(what: str, name: str, kind: str, can: Collection[str]) -> NotATarget:
    """Return the error for an output that was named as a target, and can only be read."""
    own = _TYPES_OF.get(kind.removeprefix(_JDBC_OF)) if kind.startswith(_JDBC_OF) else None
    hint = f"give {name!r} its own type, `type: {own}`, which can be a target" if own else ""
    return NotATarget(what, name, kind, can, hint=hint)


def output_type(name: str) -> OutputType:
    """Return the row of a type; for an unknown type the defaults, with the type as dialect."""
    if name.startswith(_JDBC_OF):
        return OutputType(name=name, dialect="", can_be_target=False, package=_extra("jdbc"))
    if name in _OWN:
        return _OWN[name]
    if name in _OTHERS:
        row: OutputType = _OTHERS.load(name)
        return row
    return OutputType(name=name, dialect=name, is_known=False)


def output_types() -> Iterator[OutputType]:
    """Yield all rows, also those of other packages."""
    yield from _ROWS
    yield from (output_type(name) for name in _OTHERS if name not in _OWN)
