"""Reads the config `extraction` of a relation: what later runs extract of it again."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any

from dvt.core.errors import BadExtraction
from dvt.core.errors.error import nearest
from dvt.core.extraction import BATCH_SIZE, FULL, MAX_PARALLEL, Extraction, Incremental, Method, Strategy

_KEYS = ("method", "ttl", "incremental", "batch_size", "max_parallel", "partition_column", "partitions")
_INCREMENTAL = ("strategy", "primary_key", "hash_columns", "watermark")
_WATERMARK = ("column", "overlap", "deletes")
_MAX_BATCH = 1_000_000
_MOST_PARALLEL = 1_000
_MOST_PARTITIONS = 200
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
    return Extraction(
        method=method,
        ttl=_ttl(value, method, where),
        incremental=_incremental(value, method, where),
        max_parallel=_count(value, "max_parallel", "connections", (MAX_PARALLEL, _MOST_PARALLEL), where),
        partition_column=_column(value, where),
        partitions=_count(value, "partitions", "ranges", (1, _MOST_PARTITIONS), where)
        if "partitions" in value
        else None,
    )


def _column(value: Mapping[Any, Any], where: str) -> str:
    name = value.get("partition_column", "")
    if isinstance(name, str) and (name or "partition_column" not in value):
        return name
    raise BadExtraction(where, "partition_column", f"{name!r} is no name of a column", "write it as it is")


def _incremental(value: Mapping[Any, Any], method: Method, where: str) -> Incremental | None:
    if method is not Method.INCREMENTAL:
        for key in ("incremental", "batch_size"):
            if key in value:
                hint = "set `method: incremental`, or leave it out"
                raise BadExtraction(where, key, f"method {method.value} finds no changed rows", hint)
        return None
    keys = value.get("incremental") or {}
    if not isinstance(keys, Mapping):
        raise BadExtraction(where, "incremental", f"{keys!r} is no mapping", "write `{strategy: hash}`")
    _check_keys(keys, _INCREMENTAL, where)
    strategy = _strategy(keys.get("strategy", Strategy.HASH.value), where)
    column, overlap = _watermark(keys.get("watermark"), strategy, where)
    deletes = _deletes(keys.get("watermark") or {}, where)
    hashed = _names(keys, "hash_columns", where)
    if hashed and strategy is not Strategy.HASH:
        raise BadExtraction(where, "hash_columns", f"strategy {strategy.value} has no hashes", "leave it out")
    return Incremental(
        strategy=strategy,
        primary_key=_names(keys, "primary_key", where),
        hash_columns=hashed,
        watermark=column,
        overlap=overlap,
        deletes=deletes,
        batch_size=_count(value, "batch_size", "rows", (BATCH_SIZE, _MAX_BATCH), where),
    )


def _strategy(value: object, where: str) -> Strategy:
    try:
        return Strategy(str(value))
    except ValueError:
        strategies = f"one of: {', '.join(Strategy)}"
        raise BadExtraction(where, "strategy", f"{value!r} is no strategy", strategies) from None


def _names(keys: Mapping[Any, Any], key: str, where: str) -> tuple[str, ...]:
    names = keys.get(key) or []
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise BadExtraction(where, key, f"{names!r} is no list of columns", f"write `{key}: [id]`")
    return tuple(dict.fromkeys(names))


def _watermark(value: object, strategy: Strategy, where: str) -> tuple[str, timedelta | int]:
    if strategy is not Strategy.WATERMARK:
        if value is not None:
            hint = "set `strategy: watermark`, or leave it out"
            raise BadExtraction(where, "watermark", f"strategy {strategy.value} has none", hint)
        return "", 0
    hint = "write `watermark: {column: updated_at, overlap: 10m}`"
    if not isinstance(value, Mapping):
        raise BadExtraction(where, "watermark", f"{value!r} is no mapping", hint)
    _check_keys(value, _WATERMARK, where)
    column, overlap = value.get("column"), value.get("overlap", 0)
    if not isinstance(column, str) or not column:
        raise BadExtraction(where, "watermark", f"column {column!r} is no name", hint)
    if isinstance(overlap, int) and not isinstance(overlap, bool) and overlap >= 0:
        return column, overlap
    return column, _duration(overlap, "overlap", where)


def _deletes(watermark: Mapping[Any, Any], where: str) -> bool:
    deletes = watermark.get("deletes", True)
    if isinstance(deletes, bool):
        return deletes
    hint = "write `deletes: false` if no row is ever deleted, or leave it out"
    raise BadExtraction(where, "deletes", f"{deletes!r} is neither true nor false", hint)


def _count(
    keys: Mapping[Any, Any], key: str, what: str, default_and_most: tuple[int, int], where: str
) -> int:
    default, most = default_and_most
    value = keys.get(key, default)
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= most:
        return value
    raise BadExtraction(
        where, key, f"{value!r} is no number of {what}", f"write a whole number from 1 to {most:,}"
    )


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
