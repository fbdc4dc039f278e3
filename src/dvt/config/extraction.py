"""Reads the config `extraction` of a relation: what later runs extract of it again."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any

from dvt.core.errors import BadExtraction
from dvt.core.errors.error import nearest
from dvt.core.extraction import FULL, Extraction, Method

_KEYS = ("method", "ttl")
_DURATION = re.compile(r"(\d+)([smhd])\Z", re.IGNORECASE)
_UNITS: Mapping[str, str] = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def extraction_of(value: object, where: str) -> Extraction:
    """Return what a config says; BadExtraction if it is wrong, with `where` in its sentence.

    Example:
        >>> extraction_of({"method": "cached", "ttl": "6h"}, "source 'orders'").ttl
        datetime.timedelta(seconds=21600)
        >>> extraction_of(None, "source 'customers'").keeps
        False
    """
    if value is None:
        return FULL
    if not isinstance(value, Mapping):
        raise BadExtraction(where, "extraction", f"{value!r} is no mapping", "write `{method: auto}`")
    _check_keys(value, _KEYS, where)
    method = _method(value.get("method", Method.FULL.value), where)
    return Extraction(method=method, ttl=_ttl(value, method, where))


def _check_keys(value: Mapping[Any, Any], known: Collection[str], where: str) -> None:
    for key in value:
        if key not in known:
            raise BadExtraction(where, str(key), "there is no such key", nearest(str(key), known))


def _method(value: object, where: str) -> Method:
    try:
        return Method(str(value))
    except ValueError:
        methods = ", ".join(Method)
        raise BadExtraction(where, "method", f"{value!r} is no method", f"one of: {methods}") from None


def _ttl(value: Mapping[Any, Any], method: Method, where: str) -> timedelta | None:
    if method is not Method.CACHED:
        if "ttl" in value:
            raise BadExtraction(
                where,
                "ttl",
                f"method {method.value} has no time limit",
                "set `method: cached`, or leave it out",
            )
        return None
    if "ttl" not in value:
        raise BadExtraction(where, "ttl", "is missing", "say how old rows may be, such as `ttl: 6h`")
    return _duration(value["ttl"], "ttl", where)


def _duration(value: object, key: str, where: str) -> timedelta:
    match = _DURATION.match(str(value).strip())
    if match is None:
        hint = "write a number and s, m, h or d, such as `90m` or `7d`"
        raise BadExtraction(where, key, f"{value!r} is no length of time", hint)
    try:
        return timedelta(**{_UNITS[match[2].lower()]: int(match[1])})
    except OverflowError:
        raise BadExtraction(where, key, f"{value!r} is too long", "write a shorter time") from None
