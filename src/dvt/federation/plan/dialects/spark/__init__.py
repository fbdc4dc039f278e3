"""Spark as the engine: how other dialects' expressions answer in it, one module per dialect."""

from __future__ import annotations

from dvt.federation.plan.dialects.spark import duckdb, mysql, postgres
from dvt.federation.plan.dialects.spark.held import HELD
from dvt.federation.plan.dialects.translation import EngineDialect

EXACT = "dvt_exact"
"""Asks Spark for decimals of which no digit is rounded away: what has too many digits is an error."""

ENGINE_DIALECT = EngineDialect(
    translations={
        "duckdb": duckdb.TRANSLATION,
        "mysql": mysql.TRANSLATION,
        "postgres": postgres.TRANSLATION,
    },
    functions=frozenset({EXACT}),
    only_proven=True,
    takes_other_hours=True,
    held=HELD,
)
