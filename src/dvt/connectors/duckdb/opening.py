"""An output of type duckdb: reads dbt-duckdb's keys and applies them to a database that was just opened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from dvt.core.errors import BadOutput, ConnectFailed, DriverMissing, FileUnreadable
from dvt.drivers.duckdb import load_extension
from dvt.drivers.duckdb.memory import machine_time_zone
from dvt.drivers.duckdb.sql import literal, quoted

_MEMORY_PATHS = {"", ":memory:"}
_UNSUPPORTED = {
    "remote": "a Buena Vista server can only be reached by dbt-duckdb itself",
    "motherduck_token": "MotherDuck can only be reached by dbt-duckdb itself",
}
"""Key → why dvt cannot support it."""
_SCANNERS = {"sqlite": "sqlite_scanner", "postgres": "postgres_scanner", "mysql": "mysql_scanner"}
"""Type of an attached database → the extension that reads it."""
_UNQUOTED_KEYS = {"type", "provider", "extra_http_headers"}
"""Keys of a secret whose values are written without quotes."""


@dataclass(frozen=True, slots=True)
class Output:
    """The keys of an output that matter for reading and filling."""

    name: str
    path: str
    schema: str
    config: Mapping[str, Any] = field(repr=False)
    settings: Mapping[str, Any] = field(repr=False)
    extensions: Sequence[str | Mapping[str, str]]
    secrets: Sequence[Mapping[str, Any]] = field(repr=False)
    attach: Sequence[Mapping[str, Any]] = field(repr=False)

    @property
    def in_memory(self) -> bool:
        """True for a database in memory."""
        return self.path in _MEMORY_PATHS


def parse(name: str, keys: Mapping[str, Any], project_dir: Path) -> Output:
    """Parse an output's keys; raise BadOutput for a key that dvt cannot support."""
    for key, why in _UNSUPPORTED.items():
        if keys.get(key):
            raise BadOutput(name, "duckdb", f"{key}: {why}", "leave models on it to its own dbt project")
    path = str(keys.get("path") or ":memory:")
    if path.startswith(("md:", "motherduck:")):
        raise BadOutput(name, "duckdb", "path: MotherDuck can only be reached by dbt-duckdb itself")
    if path not in _MEMORY_PATHS and not _is_remote(path):
        path = str(project_dir / Path(path).expanduser())
    secrets = list(keys.get("secrets") or [])
    if keys.get("use_credential_provider") == "aws":
        secrets.append({"type": "s3", "provider": "credential_chain"})
    return Output(
        name=name,
        path=path,
        schema=str(keys.get("schema") or "main"),
        config=dict(keys.get("config_options") or {}),
        settings=dict(keys.get("settings") or {}),
        extensions=list(keys.get("extensions") or []),
        secrets=secrets,
        attach=[
            {"path": entry} if isinstance(entry, str) else dict(entry) for entry in keys.get("attach") or []
        ],
    )


def file(output: Output) -> Path | None:
    """Return the file of the output's database; None if it is in memory, or not of this machine."""
    return None if output.in_memory or _is_remote(output.path) else Path(output.path)


def exists(output: Output) -> bool:
    """True unless the output is a file that does not exist yet."""
    return output.in_memory or _is_remote(output.path) or Path(output.path).exists()


def check(output: Output, *, may_be_new: bool) -> None:
    """Raise FileUnreadable where DuckDB would create an empty database or give an unclear error."""
    path = Path(output.path)
    if path.is_dir():
        raise FileUnreadable(output.name, output.path, "is a folder, not a DuckDB file")
    if not exists(output) and not (may_be_new and path.parent.is_dir()):
        raise FileUnreadable(output.name, output.path, "is not there")


def prepare(output: Output, cursor: Any) -> None:
    """Load the output's extensions, make its secrets and attach its databases.

    Another output of the same file may have done so before.
    """
    for extension in output.extensions:
        _load(output, cursor, extension)
    for number, secret in enumerate(output.secrets, start=1):
        _execute_secretly(
            output, cursor, _secret(secret, number), f"secret {number} (type {secret.get('type')})"
        )
    for number, attachment in enumerate(output.attach, start=1):
        scanner = _SCANNERS.get(str(attachment.get("type", "")).lower())
        if scanner:
            with suppress(DriverMissing):
                load_extension(cursor, scanner)
        # The path may be a connection string.
        shown = attachment.get("alias") or f"number {number}"
        _execute_secretly(output, cursor, _attach(attachment), f"attach entry {shown}")


def adjust(output: Output, cursor: Any) -> None:
    """Give a cursor the output's settings, as dbt-duckdb does, and UTC where they name no time zone."""
    if not any(key.lower() == "timezone" for key in output.settings):
        cursor.execute("SET SESSION TimeZone = 'UTC'")
    for key, value in output.settings.items():
        _execute_secretly(output, cursor, f"SET {quoted(key)} = {literal(str(value))}", f"setting {key}")


def time_zone(output: Output) -> str:
    """Return the time zone of dbt-duckdb's sessions: that of the output's settings, or the machine's."""
    named = {key.lower(): value for key, value in output.settings.items()}
    if "timezone" in named:
        return str(named["timezone"])
    return machine_time_zone()


def _is_remote(path: str) -> bool:
    return "://" in path or path.startswith("ducklake:")


def _load(output: Output, cursor: Any, extension: str | Mapping[str, str]) -> None:
    name = extension if isinstance(extension, str) else str(extension.get("name"))
    if not isinstance(extension, str):
        sql = f"INSTALL {quoted(name)} FROM {_repository(str(extension.get('repo')))}"
        _execute_secretly(output, cursor, sql, f"extension {name}")
    try:
        load_extension(cursor, name)
    except DriverMissing as missing:
        # Naming it in profiles.yml is asking for it, as in dbt-duckdb.
        try:
            cursor.execute(f"INSTALL {quoted(name)}")
            cursor.execute(f"LOAD {quoted(name)}")
        except duckdb.Error:
            raise missing from None


def _repository(name: str) -> str:
    return name if name.isidentifier() else literal(name)


def _execute_secretly(output: Output, cursor: Any, sql: str, what: str) -> None:
    """Run a statement that may hold credentials: DuckDB's message is neither shown nor kept as a cause."""
    try:
        cursor.execute(sql)
    except duckdb.Error as error:
        kind = type(error).__name__.removesuffix("Exception")
        raise ConnectFailed(
            output.name,
            output.path,
            f"DuckDB refused its {what} ({kind} error)",
            hint="check this part of the output in profiles.yml; what DuckDB says may hold secrets",
        ) from None


def _secret(keys: Mapping[str, Any], number: int) -> str:
    """Return CREATE SECRET, with the name that dbt-duckdb would give it."""
    values = {
        key: value for key, value in keys.items() if key not in {"name", "persistent"} and value is not None
    }
    scope = values.pop("scope", None)
    parts = [_secret_value(key, value) for key, value in values.items()]
    scopes = [scope] if isinstance(scope, str) else list(scope or [])
    parts += [f"scope {literal(str(prefix))}" for prefix in scopes]
    name = keys.get("name") or f"_dbt_secret_{number}"
    persistent = "PERSISTENT " if keys.get("persistent") is True else ""
    return f"CREATE OR REPLACE {persistent}SECRET {name} ({', '.join(parts)})"


def _secret_value(key: str, value: Any) -> str:
    if isinstance(value, Mapping):
        pairs = ", ".join(f"{literal(str(name))}: {literal(str(item))}" for name, item in value.items())
        return f"{key} MAP {{{pairs}}}"
    if isinstance(value, list):
        return f"{key} ARRAY [{', '.join(literal(str(item)) for item in value)}]"
    return f"{key} {value}" if key in _UNQUOTED_KEYS else f"{key} {literal(str(value))}"


def _attach(keys: Mapping[str, Any]) -> str:
    """Return ATTACH IF NOT EXISTS, with options from the entry's own keys and from its `options`."""
    options = dict(keys.get("options") or {})
    for key in ("type", "secret", "read_only"):
        if keys.get(key):
            options[key] = keys[key]
    written = [_attach_option(key, value) for key, value in options.items() if value not in (None, False)]
    alias = f" AS {keys['alias']}" if keys.get("alias") else ""
    return f"ATTACH IF NOT EXISTS {literal(str(keys['path']))}{alias}" + (
        f" ({', '.join(written)})" if written else ""
    )


def _attach_option(key: str, value: Any) -> str:
    if value is True:
        return key.upper()
    if isinstance(value, str) and key not in {"type", "secret"}:
        stripped = value.strip()
        is_quoted = len(stripped) > 1 and stripped[0] == stripped[-1] and stripped[0] in "'\""
        return f"{key.upper()} {stripped if is_quoted else literal(value)}"
    return f"{key.upper()} {value}"
