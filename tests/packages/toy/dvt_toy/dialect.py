"""How the engine evaluates expressions of other dialects."""

from __future__ import annotations

from sqlglot import exp

from dvt.federation.plan.dialects import EngineDialect, Translation
from dvt.federation.plan.dialects.translation import verified, wrong


def _is_decimal(cast: exp.Expr) -> bool:
    return bool(cast.args["to"].is_type(exp.DType.DECIMAL))


_NO_DECIMAL = wrong("SQLite has no DECIMAL", "cast to DOUBLE", when=_is_decimal)
SQLITE = EngineDialect(
    translations={"duckdb": Translation(entries={**verified("Count Sum Upper"), "Cast": (_NO_DECIMAL,)})}
)
