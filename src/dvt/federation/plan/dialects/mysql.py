"""MySQL's and MariaDB's expressions in DuckDB."""

from __future__ import annotations

from sqlglot import exp

from dvt.federation.plan.dialects.entry import Language, macro, unverified, verified, wrong
from dvt.federation.plan.dialects.postgres import is_a, typed

_IN_ENGINE = "or write the model in the engine's SQL: config(dialect='compute')"
_TEXT = exp.DataType.TEXT_TYPES
_CASE = "text is compared byte by byte here, by its collation in the database"


def _is_output(node: exp.Expr) -> bool:
    holder = node.parent if not isinstance(node.parent, exp.Alias) else node.parent.parent
    return isinstance(holder, exp.Select) and node.arg_key in ("expressions", "this")


def _as_integer(node: exp.Expr) -> exp.Expr:
    return typed(exp.Paren(this=node.copy()), "INTEGER")


def _compares_text(node: exp.Expr) -> bool:
    sides = [node.this, node.args.get("expression"), *(node.args.get("expressions") or [])]
    return any(is_a(side, *_TEXT) for side in sides if isinstance(side, exp.Expr))


def _is_char(node: exp.Expr) -> bool:
    to = node.args["to"]
    return to.this in (exp.DataType.Type.CHAR, exp.DataType.Type.NCHAR) and bool(to.expressions)


def _in_bytes(node: exp.Expr) -> bool:
    return bool(node.args.get("binary"))


_TRUTH = (macro(_as_integer, _is_output), unverified(_CASE, _compares_text))

LANGUAGE = Language(
    moments={
        "CurrentTimestamp": "SECOND",
        "CurrentDate": "DATE",
        "CurrentTime": "TIME",
        "Localtimestamp": "SECOND",
        "UtcTimestamp": "SECOND",
        "UtcDate": "DATE",
        "now()": "SECOND",
    },
    literal_types={"DATE": "DATE", "TIMESTAMP": "DATETIME(6)"},
    entries=verified(
        "Count Sum Avg Max Min RowNumber Rank DenseRank Lag Lead FirstValue LastValue Ntile Coalesce "
        "Nullif Greatest Least Case If Abs Ceil Floor Sign Sqrt Power Pow Exp Ln Upper Lower Trim "
        "Replace Reverse Left Right Concat DateAdd DateSub Date Year Month Day Cast TryCast And Or "
        "Exists Interval CurrentDate TsOrDsToDate"
    )
    | {
        "EQ": _TRUTH, "NEQ": _TRUTH, "LT": _TRUTH, "LTE": _TRUTH, "GT": _TRUTH, "GTE": _TRUTH, "In": _TRUTH,
        "Between": _TRUTH, "Is": (macro(_as_integer, _is_output),), "Not": (macro(_as_integer, _is_output),),
        "And": (macro(_as_integer, _is_output), *verified("And")["And"]),
        "Or": (macro(_as_integer, _is_output), *verified("Or")["Or"]),
        "Like": (macro(_as_integer, _is_output), unverified(_CASE)),
        "Div": (unverified("MySQL keeps four more decimals, DuckDB all of a DOUBLE's"),),
        "Cast": (
            wrong("DuckDB does not cut CHAR(n)", f"use LEFT(x, n), {_IN_ENGINE}", _is_char),
            *verified("Cast")["Cast"],
        ),
        "RegexpLike": (wrong("DuckDB tells upper from lower case", f"use LOWER(), {_IN_ENGINE}"),),
        "StrPosition": (wrong("DuckDB tells upper from lower case", f"use LOWER(), {_IN_ENGINE}"),),
        "DayOfWeek": (wrong("DuckDB's week begins at 0", f"use DAYOFWEEK in another way, {_IN_ENGINE}"),),
        "Week": (wrong("DuckDB's weeks are ISO weeks", f"compute the week otherwise, {_IN_ENGINE}"),),
        "TimestampDiff": (wrong("DuckDB counts boundaries", f"subtract instead, {_IN_ENGINE}"),),
        "UnixToStr": (wrong("the format is lost", f"use DATE_FORMAT, {_IN_ENGINE}"),),
        "UnixToTime": (unverified("the session's time zone is UTC here"),),
        "ToDays": (wrong("DuckDB counts one day less", f"use DATEDIFF, {_IN_ENGINE}"),),
        "weekday()": (wrong("DuckDB's week begins elsewhere", f"use another way, {_IN_ENGINE}"),),
        "Length": (
            wrong("MySQL counts bytes", f"use CHAR_LENGTH, {_IN_ENGINE}", _in_bytes),
            *verified("Length")["Length"],
        ),
    },
)  # fmt: skip
"""Little of it is compared yet: what has no entry is a DVT003 notice."""
