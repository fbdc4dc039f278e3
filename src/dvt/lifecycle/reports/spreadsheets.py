"""Writes lines of CSV, which spreadsheets show and do not execute."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a text begins that a spreadsheet takes for a formula."""


def csv_line(values: Iterable[object]) -> str:
    r"""Return a line of CSV, with its end; what would be a formula begins with an apostrophe.

    Example:
        >>> csv_line(["/logs/a, b.log", "=1+1", 7, None])
        '"/logs/a, b.log",\'=1+1,7,\n'
    """
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(map(_cell, values))
    return line.getvalue()


def _cell(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
