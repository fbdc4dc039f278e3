"""Makes dbt-duckdb work with several targets: an environment per target, each file opened once per process.

dbt-duckdb keeps its environment on the class of the connection manager, which its code reaches by a global
name. Two DuckDB targets would close each other's environment. So each target but the default one gets
subclasses of the adapter's classes, whose code finds the target's own manager under that name. Files are
opened through `FILES`, which extraction and load share.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from types import FunctionType, SimpleNamespace
from typing import Any

from dvt.core.errors import DbtUnsupported
from dvt.dbt_bridge.dbt_errors import as_dbt_errors
from dvt.dbt_bridge.outputs.profiles import output_of

_MANAGER = "DuckDBConnectionManager"
"""The global name by which dbt-duckdb's code reaches the class of its connection manager."""
_SHARED = "dvt_shared"
"""Attribute of `Environment.initialize_db` once `share_files` has replaced it."""


def is_duckdb(adapter_class: type) -> bool:
    """Return whether the class is dbt-duckdb's adapter, without importing dbt-duckdb."""
    return adapter_class.__module__.startswith("dbt.adapters.duckdb.")


def own_environment(adapter_class: Any) -> Any:
    """Return a subclass of the adapter that shares no state with other targets of its type."""
    if not is_duckdb(adapter_class):
        return adapter_class
    manager = type(_MANAGER, (adapter_class.ConnectionManager,), {"_ENV": None, "_LOCK": threading.RLock()})
    relation = _rebound(adapter_class.Relation, manager)
    members = {"ConnectionManager": manager, "Relation": relation}
    return _rebound(adapter_class, manager, members)


def share_files(environments: Any) -> None:
    """Make dbt-duckdb open its files through `FILES`; a second call changes nothing."""
    Environment = environments.Environment  # noqa: N806 - a class
    if "initialize_db" not in vars(Environment):
        raise DbtUnsupported("dbt.adapters.duckdb.environments.Environment.initialize_db", "it is not there")
    function = Environment.initialize_db.__func__
    if getattr(function, _SHARED, False):
        return

    def initialize_db(cls: Any, creds: Any, plugins: Any = None) -> Any:
        shared = SimpleNamespace(connect=partial(_connect, output_of(creds)))
        return _copy(function, duckdb=shared)(cls, creds, plugins)

    setattr(initialize_db, _SHARED, True)
    Environment.initialize_db = classmethod(initialize_db)


def cancel(original: Any, cls: Any, connection: Any) -> None:
    """Interrupt a connection, unless it has been closed in the meantime."""
    import duckdb

    with suppress(duckdb.ConnectionException):
        original(cls, connection)


def close_files() -> None:
    """Close the files that this process has open, so that other processes can open them.

    A database in memory is not closed, as under dbt: the next invocation in this process finds its tables.
    """
    connections = sys.modules.get("dbt.adapters.duckdb.connections")
    environment = connections.DuckDBConnectionManager._ENV if connections else None  # noqa: SLF001 - it has no public access
    if connections and environment and environment.creds.path != ":memory:":
        connections.DuckDBConnectionManager._ENV = None  # noqa: SLF001
        with suppress(RuntimeError):
            environment.close()
    drivers = sys.modules.get("dvt.drivers.duckdb")
    if drivers is not None:
        drivers.FILES.close_on_disk()


def _connect(output: str, path: str, *, read_only: bool, config: Mapping[str, Any]) -> Any:
    """Open a file for dbt-duckdb, in the place of `duckdb.connect`."""
    del read_only  # dbt-duckdb always passes False; `access_mode` in config_options decides
    from dvt.drivers.duckdb import FILES
    from dvt.drivers.duckdb.errors import as_dvt_errors

    with as_dbt_errors(), as_dvt_errors(connection=output, doing="opening the database", path=path):
        return FILES.connect(path, config, name=output)


def _rebound(original: Any, manager: type, members: Mapping[str, Any] | None = None) -> Any:
    """Return a subclass whose methods find `manager` under the global name; `members` are added to it."""
    attributes: dict[str, Any] = {"__module__": original.__module__, "__doc__": original.__doc__}
    for name, member in vars(original).items():
        function = member.__func__ if isinstance(member, classmethod) else member
        if isinstance(function, FunctionType) and _MANAGER in function.__code__.co_names:
            copied = _copy(function, **{_MANAGER: manager})
            attributes[name] = classmethod(copied) if isinstance(member, classmethod) else copied
    return type(original)(original.__name__, (original,), attributes | dict(members or {}))


def _copy(function: FunctionType, **names: Any) -> Any:
    """Return a copy of the function in whose code these global names have other values."""
    copied = FunctionType(
        function.__code__,
        {**function.__globals__, **names},
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    copied.__kwdefaults__ = function.__kwdefaults__
    copied.__dict__.update(function.__dict__)
    copied.__annotations__ = function.__annotations__
    copied.__qualname__ = function.__qualname__
    return copied
