"""What a statement that was translated from another dialect asks of Spark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_SETTINGS: Mapping[str, Mapping[str, str]] = {
    "dvt_exact": {
        "spark.sql.decimalOperations.allowPrecisionLoss": "false",
        "spark.sql.legacy.decimal.retainFractionDigitsOnTruncate": "true",
    },
}
"""What a statement asks for by a function's name → the session's settings of it. `dvt_exact`: decimals keep
all their digits behind the point; a number that then has too many digits is an error."""


def prepare(session: Any, functions: Sequence[str]) -> None:
    """Give a session the settings that a statement asks for."""
    for name in functions:
        for key, value in _SETTINGS.get(name, {}).items():
            session.conf.set(key, value)
