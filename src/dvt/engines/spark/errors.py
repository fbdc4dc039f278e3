"""Spark's exceptions as errors of dvt."""

from __future__ import annotations

import re

from dvt.core.errors import DvtError, OutOfMemory, QueryFailed, SqlInvalid, ValueLost
from dvt.engines.spark.types import WAY_OUT

_DIALECT = "spark"
_UNKNOWN_NAMES = ("TABLE_OR_VIEW_NOT_FOUND", "UNRESOLVED_ROUTINE", "SCHEMA_NOT_FOUND")
"""Conditions of names that Spark does not know, and another database may."""
_LOST = re.compile(
    r"CAST_|NUMERIC_VALUE_OUT_OF_RANGE|ARITHMETIC_OVERFLOW|NUMERIC_OUT_OF_SUPPORTED_RANGE|DATETIME_OVERFLOW"
    r"|CANNOT_PARSE|BINARY_ARITHMETIC_OVERFLOW|DECIMAL"
)
"""Matches conditions of a value that does not fit its type."""
_CONDITION = re.compile(r"\[([A-Z][A-Z0-9_]+(?:\.[A-Z0-9_]+)*)\]\s*(.*)", re.DOTALL)
_LINE = re.compile(r"\(?line (\d+), pos(?:ition)?:? \d+\)?|; line (\d+) pos \d+")
_SCHEMA = re.compile(r"(?:`?spark_catalog`?\.)?`?dvt_[0-9a-f]{32}_\d+`?\.")
_INFINITE = "dvt: "
"""What messages begin with that dvt has Spark raise."""
_VALUE_HINT = "leave such rows out in the model, or convert their values by try_cast"


def spark_errors() -> tuple[type[Exception], ...]:
    """Return the classes of Spark's exceptions."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        from grpc import RpcError
    except ImportError:  # only Spark Connect needs it
        return PySparkException, Py4JError
    return PySparkException, Py4JError, RpcError


def wrong_sql(error: Exception) -> SqlInvalid:
    """Return dvt's error for SQL that Spark cannot bind."""
    condition, problem = told(error)
    is_known = not condition.startswith(_UNKNOWN_NAMES)
    return SqlInvalid(_DIALECT, problem, line_of(error), is_known=is_known)


def failed(error: Exception, doing: str) -> DvtError:
    """Return dvt's error for a query that Spark began to run."""
    condition, problem = told(error)
    failure: DvtError
    if condition == "USER_RAISED_EXCEPTION" and _INFINITE in problem:
        failure = ValueLost("a staged table", problem.partition(_INFINITE)[2].strip("'"), WAY_OUT)
    elif "OutOfMemoryError" in str(error):
        failure = OutOfMemory(doing, "spark.driver.memory in `config`")
    elif _LOST.match(condition):
        failure = ValueLost("the model's SQL", problem, _VALUE_HINT)
    else:
        failure = QueryFailed("the compute engine", doing, problem)
    failure.sql_line = line_of(error)
    return failure


def told(error: Exception) -> tuple[str, str]:
    """Return the condition of Spark's error, and its first sentences without names that only dvt knows."""
    text = str(error)
    match = _CONDITION.search(text)
    condition, problem = (match[1], match[2]) if match else ("", text)
    problem = problem.partition("\n")[0].partition("== SQL")[0].partition(" SQLSTATE:")[0]
    return condition, _SCHEMA.sub("", _LINE.sub("", problem)).strip().rstrip(";").strip()[:600]


def line_of(error: Exception) -> int | None:
    """Return the line of the SQL that Spark's error names."""
    match = _LINE.search(str(error))
    return int(match[1] or match[2]) if match else None
