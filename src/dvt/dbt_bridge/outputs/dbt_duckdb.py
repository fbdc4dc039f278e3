"""dbt-duckdb among several targets: an environment per target, and every file opened once per process.

dbt-duckdb keeps its environment on the connection manager's class and reaches it by global name, so two
DuckDB targets would close each other's. Each further target gets subclasses in which that name means its
own manager. Files are opened through `FILES`, which extraction and load share.
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
from dvt.dbt_bridge.outputs.profiles import output_of

_NAME = "DuckDBConnectionManager"

_SHARED = "dvt_shared"


def is_duckdb(adapter_class: type) -> bool:
    """True for dbt-duckdb's adapter; does not import it."""
    return adapter_class.__module__.startswith("dbt.adapters.duckdb.")


def own_environment(adapter_class: Any) -> Any:
    """An adapter class that shares no state with other targets of its type."""
    if not is_duckdb(adapter_class):
        return adapter_class
    manager = type(_NAME, (adapter_class.ConnectionManager,), {"_ENV": None, "_LOCK": threading.RLock()})
    relation = _rebound(adapter_class.Relation, manager)
    members = {"ConnectionManager": manager, "Relation": relation}
    return _rebound(adapter_class, manager, members)


def share_files(environments: Any) -> None:
    """Let dbt-duckdb open its files through `FILES`. Once per process; harmless again."""
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
    """Interrupt a connection; one that was closed meanwhile has nothing left to interrupt."""
    import duckdb

    with suppress(duckdb.ConnectionException):
        original(cls, connection)


def close_files() -> None:
    """Close the files this process holds, so that another may open them.

    A database in memory stays, as it does under dbt: the next invocation in this process finds it.
    """
    connections = sys.modules.get("dbt.adapters.duckdb.connections")
    environment = connections.DuckDBConnectionManager._ENV if connections else None  # noqa: SLF001 - no other way in
    if connections and environment and environment.creds.path != ":memory:":
        connections.DuckDBConnectionManager._ENV = None  # noqa: SLF001
        with suppress(RuntimeError):
            environment.close()
    drivers = sys.modules.get("dvt.drivers.duckdb")
    if drivers is not None:
        drivers.FILES.close_on_disk()


def _connect(output: str, path: str, *, read_only: bool, config: Mapping[str, Any]) -> Any:
    del read_only  # dbt-duckdb always says False: `access_mode` in config_options decides
    from dvt.drivers.duckdb import FILES

    return FILES.connect(path, config, name=output)


def _rebound(original: Any, manager: type, members: Mapping[str, Any] | None = None) -> Any:
    """A subclass whose methods see `manager` under dbt-duckdb's global name."""
    own: dict[str, Any] = {"__module__": original.__module__, "__doc__": original.__doc__}
    for name, member in vars(original).items():
        function = member.__func__ if isinstance(member, classmethod) else member
        if isinstance(function, FunctionType) and _NAME in function.__code__.co_names:
            copied = _copy(function, **{_NAME: manager})
            own[name] = classmethod(copied) if isinstance(member, classmethod) else copied
    return type(original)(original.__name__, (original,), own | dict(members or {}))


def _copy(function: FunctionType, **names: Any) -> Any:
    """The function again, with other globals by these names."""
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
