"""dbt-duckdb among several targets: an environment per target, and every file opened once per process.

dbt-duckdb keeps its environment on the connection manager's class and reaches it by global name, so two
DuckDB targets would close each other's. Each further target gets subclasses in which that name means its
own manager. Files are opened through `FILES`, which extraction and load share.
"""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from types import FunctionType, SimpleNamespace
from typing import Any

from dvt.core.errors import DbtUnsupported

_AS_DBT = {"autoinstall_known_extensions": "true", "autoload_known_extensions": "true"}
"""DuckDB's own defaults: a file that dbt opens behaves as under dbt."""

_NAME = "DuckDBConnectionManager"

_REMOTE = re.compile(r"[A-Za-z][A-Za-z0-9]+:")
"""`md:`, `s3://`, `ducklake:`…: not a file of this machine (a Windows drive has one letter)."""


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
    duckdb = function.__globals__["duckdb"]
    if not isinstance(duckdb, SimpleNamespace):
        shared = SimpleNamespace(connect=partial(_connect, duckdb.connect))
        Environment.initialize_db = classmethod(_copy(function, {"duckdb": shared}))


def close_files() -> None:
    """Close the environments and files this process holds, so that another process may open them."""
    connections = sys.modules.get("dbt.adapters.duckdb.connections")
    if connections is not None:
        close_environment(connections.DuckDBConnectionManager)
    files = sys.modules.get("dvt.drivers.duckdb")
    if files is not None:
        files.FILES.close()


def close_environment(manager: Any) -> None:
    """Close one target's environment; it is made again when somebody asks."""
    environment, manager._ENV = manager._ENV, None  # noqa: SLF001 - dbt-duckdb has no other way in
    if environment is not None:
        with suppress(RuntimeError):
            environment.close()


def _connect(original: Callable[..., Any], path: str, *, read_only: bool, config: Mapping[str, Any]) -> Any:
    if path.startswith(":memory:") or _REMOTE.match(path):
        return original(path, read_only=read_only, config=config)
    from dvt.drivers.duckdb import FILES

    return FILES.connect(path, {**_AS_DBT, **config})


def _rebound(original: Any, manager: type, members: Mapping[str, Any] | None = None) -> Any:
    """A subclass whose methods see `manager` under dbt-duckdb's global name."""
    own: dict[str, Any] = {"__module__": original.__module__, "__doc__": original.__doc__}
    for name, member in vars(original).items():
        function = member.__func__ if isinstance(member, classmethod) else member
        if isinstance(function, FunctionType) and _NAME in function.__code__.co_names:
            copied = _copy(function, {_NAME: manager})
            own[name] = classmethod(copied) if isinstance(member, classmethod) else copied
    return type(original)(original.__name__, (original,), own | dict(members or {}))


def _copy(function: FunctionType, names: Mapping[str, Any]) -> Any:
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
