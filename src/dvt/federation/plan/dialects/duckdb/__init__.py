"""DuckDB as the engine: how other dialects' expressions answer in it, one module per dialect."""

from __future__ import annotations

from sqlglot import exp

from dvt.federation.plan.dialects.duckdb import mysql, postgres
from dvt.federation.plan.dialects.duckdb.expressions import DIALECT
from dvt.federation.plan.dialects.translation import EngineDialect


def _output_name(expression: exp.Expr) -> str:
    """Name an output nearly as DuckDB would, had it read the model's own SQL."""
    if isinstance(expression, exp.Count) and isinstance(expression.this, exp.Star):
        return "count_star()"
    text = expression.sql(dialect=DIALECT, normalize_functions="lower")
    return f"({text})" if isinstance(expression, exp.Binary) else text


ENGINE_DIALECT = EngineDialect(
    translations={"mysql": mysql.TRANSLATION, "postgres": postgres.TRANSLATION}, output_name=_output_name
)
