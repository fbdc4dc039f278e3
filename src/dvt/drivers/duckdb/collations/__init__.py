"""MySQL's collations in DuckDB: functions that turn a text into what a collation compares.

The files beside this one hold the weights of every character, as a MariaDB server tells them
(tools/collations.py). `weights` reads them, `maps` puts them into DuckDB, `macros` writes the functions.
"""

from __future__ import annotations

from dvt.drivers.duckdb.collations.macros import COLLATIONS, define_functions

__all__ = ["COLLATIONS", "define_functions"]
