"""DuckDB's extensions: from the `duckdb-extension-*` wheels, not downloaded by DuckDB."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import duckdb

from dvt.core.errors import DriverMissing

NO_DOWNLOADS = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
"""Configuration of every instance of dvt's own: DuckDB downloads no extension by itself."""


def load_extension(connection: Any, name: str) -> None:
    """Load `name` into the connection's instance; DuckDB checks the file's signature itself."""
    path = _in_wheel(name)
    statement = f"LOAD '{str(path).replace(chr(39), chr(39) * 2)}'" if path else f"LOAD {name}"
    try:
        connection.execute(statement)
    except duckdb.Error as error:
        wheel = f"duckdb-extension-{name.replace('_', '-')}=={duckdb.__version__}"
        raise DriverMissing(f"DuckDB's extension {name}", f"pip install '{wheel}'") from error


def _in_wheel(name: str) -> Path | None:
    spec = find_spec(f"duckdb_extension_{name}")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / "extensions" / f"v{duckdb.__version__}" / f"{name}.duckdb_extension"
        if path.exists():
            return path
    return None
