"""DuckDB's functions that fold text as collations of MySQL compare it: macros over lists of characters.

Printable ASCII is what most text is made of, and is folded by DuckDB's own functions; other text goes
character by character through lists, which are variables of the connection.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from dvt.core.ports.engines import Folding
from dvt.drivers.duckdb.weights import BEFORE_SPACE, Characters, cased, characters

_HOT = 1536
"""Code points that have a list of their own: Latin, Greek, Cyrillic, Hebrew, Armenian."""
_PAGE = 256
_LAST = 0xFFFF
_SURROGATES, _AFTER = 0xD800, 0xE000
_END = "\x03"
"""Ends what is sorted: it stands for the spaces that pad a text, between `_LOW` and the space itself."""
_LOW = "\x02"
"""A space before something that sorts before the space."""
_PLAIN = "regexp_full_match({0}, '[ -~]*')"
_MARKS = {"%": 0x10FFF1, "_": 0x10FFF2, "\\": 0x10FFF3, "": 0x10FFF4}
"""Stand for escaped characters while a pattern is folded; the last one for the escape character itself."""
_RESERVED = r"[\x{10FFF0}-\x{10FFFF}]"
_NONE = "\ufffd"
"""Stands for characters that the collation's character set does not have."""
_BETWEEN = "\U0010ffff"
_NAMES = {
    "utf8mb4_general_ci": ("utf8mb4_general_ci", "utf8mb3_general_ci", "utf8_general_ci"),
    "utf8mb4_unicode_ci": ("utf8mb4_unicode_ci", "utf8mb3_unicode_ci", "utf8_unicode_ci"),
    "latin1_swedish_ci": ("latin1_swedish_ci",),
}
"""Files, and the collations that each of them holds for."""
_PADDED = ("utf8mb4_bin", "utf8mb3_bin", "utf8_bin", "ascii_bin")
_BYTES = ("utf8mb4_nopad_bin", "utf8mb3_nopad_bin", "utf8_nopad_bin", "utf8mb4_0900_bin")

_CHARSETS = ("utf8mb4", "latin1")
_WAYS = ("upper", "lower")
_Lists = tuple[list[str], list[int | None], list[str]]


def _cases(collation: str) -> dict[str, str]:
    charset = "latin1" if collation.startswith("latin1") else "utf8mb4"
    return {way: f"dvt_{charset}_{way}" for way in _WAYS}


FOLDINGS: Mapping[str, Folding] = {
    **{
        name: Folding(
            equal=f"dvt_{file}",
            order=f"dvt_{file}_order",
            like=f"dvt_{file}_like",
            pattern=f"dvt_{file}_pattern",
            **_cases(file),
        )
        for file, names in _NAMES.items()
        for name in names
    },
    **dict.fromkeys(_PADDED, Folding(equal="dvt_padded", order="dvt_padded_order", **_cases("utf8mb4"))),
    "latin1_bin": Folding(equal="dvt_padded", order=None, **_cases("latin1")),
    **dict.fromkeys(_BYTES, Folding(**_cases("utf8mb4"))),
}
"""By the collation's name on the server."""


def define_foldings(cursor: Any, sql: str) -> None:
    """Make the functions that `sql` calls, on this connection alone."""
    called = sql.lower()
    if "dvt_padded" in called:
        for macro in _padded():
            cursor.execute(f"CREATE OR REPLACE TEMP MACRO {macro}")
    for file in _NAMES:
        if f"dvt_{file}" in called:
            _define(cursor, file)
    for charset in _CHARSETS:
        for way in _WAYS:
            name = f"dvt_{charset}_{way}"
            if name in called:
                _set(cursor, name, *_cased(charset, way))
                each = _each(name, "c", "c").format("s")
                plain = f"CASE WHEN strlen(s) = length(s) THEN {way}(s) ELSE {each} END"
                cursor.execute(f"CREATE OR REPLACE TEMP MACRO {name}(s) AS {plain}")


def _define(cursor: Any, file: str) -> None:
    known = characters(file)
    name = f"dvt_{file}"
    for kind in ("equal", "order", "like"):
        _set(cursor, f"{name}_{kind}", *_folded(file, kind))
    for macro in _macros(name, known):
        cursor.execute(f"CREATE OR REPLACE TEMP MACRO {macro}")


def _set(cursor: Any, name: str, hot: list[str], pages: list[int | None], cold: list[str]) -> None:
    starts = ", ".join("NULL" if start is None else str(start) for start in pages)
    cursor.execute(f"SET VARIABLE {name}_pages = CAST([{starts}] AS INTEGER[])")
    for part, values in (("hot", hot), ("cold", cold)):
        # as one text: a list of Python's takes a hundred times as long
        joined = _BETWEEN.join(values)
        cursor.execute(f"SET VARIABLE {name}_{part} = string_split(?, ?)", [joined, _BETWEEN])


@cache
def _folded(file: str, kind: str) -> _Lists:
    answers: Mapping[int, str] = getattr(characters(file), kind)
    return _paged(answers, characters(file))


@cache
def _cased(charset: str, way: str) -> _Lists:
    return _paged(cased(charset)[way])


def _paged(answers: Mapping[int, str], known: Characters | None = None) -> _Lists:
    """Answers for the first code points; where each page of the others begins; their answers."""
    own = frozenset() if known is None else known.own
    codes = [code for code in range(_LAST + 1) if not _SURROGATES <= code < _AFTER]
    whole = known is None or known.whole
    every = {code: answers.get(code, chr(code) if whole else _NONE) for code in codes}
    pages: list[int | None] = []
    cold: list[str] = []
    for first in range(0, _LAST + 1, _PAGE):
        page = range(first, first + _PAGE)
        if first < _HOT or all(code in own or code not in answers for code in page):
            pages.append(None)
            continue
        pages.append(len(cold) + 1)
        cold += [every.get(code, "") for code in page]
    return [every[code] for code in range(_HOT)], pages, cold


def _macros(name: str, known: Characters) -> Iterator[str]:
    own = "c" if known.whole else _text(_NONE)
    plane = {kind: _text(getattr(known, kind).get(_LAST + 1, _NONE)) for kind in ("equal", "order", "like")}
    if known.base:
        plane["like"] = "c"
    first = f"{_base(known)} || c" if known.base else own
    fold = {
        "equal": _each(f"{name}_equal", own, plane["equal"]),
        "order": _each(f"{name}_order", first, plane["order"]),
        "like": _each(f"{name}_like", own, plane["like"]),
    }
    upper = "upper({0})"
    plain = _PLAIN if known.base else "strlen({0}) = length({0})"
    equal = f"CASE WHEN {plain} THEN {upper} ELSE {fold['equal']} END".format("s")
    yield f"{name}(s) AS {_trimmed(equal)}"
    yield f"{name}_like(s) AS CASE WHEN {_PLAIN} THEN {upper} ELSE {fold['like']} END".format("s")
    order = fold["order"].format("s")
    if not known.base:
        order = f"CASE WHEN {_PLAIN} THEN {upper} ELSE {fold['order']} END".format("s")
    yield f"{name}_order(s) AS {_padded_order(order)}"
    yield f"{name}_pattern(s, e) AS {_pattern(known, fold['like'])}"


def _padded() -> Iterator[str]:
    yield f"dvt_padded(s) AS {_trimmed('s')}"
    controls = f"CASE WHEN c < ' ' THEN {_text(BEFORE_SPACE)} || chr(unicode(c) + 32) ELSE c END"
    listed = f"array_to_string(list_transform(string_split(s, ''), lambda c: {controls}), '')"
    order = f"CASE WHEN regexp_matches(s, '[\\x00-\\x1f]') THEN {listed} ELSE s END"
    yield f"dvt_padded_order(s) AS {_padded_order(order)}"


def _each(name: str, own: str, plane: str) -> str:
    """`{0}` character by character: through the first list, the others', or as it is."""
    at = f"getvariable('{name}_pages')[(unicode(c) >> 8) + 1] + (unicode(c) & 255)"
    one = (
        f"CASE WHEN unicode(c) < {_HOT} THEN coalesce(getvariable('{name}_hot')[unicode(c) + 1], '') "
        f"WHEN unicode(c) > {_LAST} THEN {plane} "
        f"ELSE coalesce(getvariable('{name}_cold')[{at}], {own}) END"
    )
    return f"array_to_string(list_transform(string_split({{0}}, ''), lambda c: {one}), '')"


def _base(known: Characters) -> str:
    ranges = " ".join(
        f"WHEN unicode(c) BETWEEN {low} AND {high} THEN {_text(base)}" for low, high, base in known.bases
    )
    return f"CASE {ranges} ELSE {_text(known.base)} END"


def _trimmed(value: str) -> str:
    return f"rtrim({value}, ' ')"


def _padded_order(value: str) -> str:
    """`value` as if spaces without end came after it: a text that goes on below the space comes first."""
    low = f"CASE WHEN ltrim(w, ' ')[1] = {_text(BEFORE_SPACE)} THEN replace(w, ' ', {_text(_LOW)}) ELSE w END"
    words = f"array_to_string(list_transform(regexp_extract_all(k, ' *[^ ]+'), lambda w: {low}), '')"
    keyed = f"CASE WHEN contains(k, {_text(BEFORE_SPACE)}) THEN {words} ELSE k END"
    return f"list_transform([{_trimmed(value)}], lambda k: {keyed})[1] || {_text(_END)}"


def _pattern(known: Characters, fold: str) -> str:
    """A pattern folded, with a backslash before what does not stand for other characters."""
    marks = {key: _text(chr(code)) for key, code in _MARKS.items()}
    escaped = (
        f"replace(replace(replace(s, e || e, {marks['']}), e || '%', {marks['%']}), e || '_', {marks['_']})"
    )
    last = f"regexp_replace({escaped}, regexp_escape(e) || '$', {marks['']})"
    value = f"CASE WHEN e = '' THEN s ELSE replace({last}, e, '') END"
    value = f"replace({value}, '\\', {marks[chr(92)]})"
    for special in ("%", "_", "\\"):
        for code, answer in known.like.items():
            if answer == special and chr(code) != special:
                value = f"replace({value}, {_text(chr(code))}, {marks[special]})"
    kept = fold.replace(
        "lambda c: CASE", f"lambda c: CASE WHEN unicode(c) >= {min(_MARKS.values())} THEN c", 1
    )
    value = kept.format(value)
    value = f"replace({value}, {marks['']}, CASE e WHEN '\\' THEN '\\\\' ELSE upper(e) END)"
    for special in ("%", "_", "\\"):
        value = f"replace({value}, {marks[special]}, '\\{special}')"
    stop = "error('a pattern holds one of the characters U+10FFF0 to U+10FFFF')"
    return f"CASE WHEN regexp_matches(s, '{_RESERVED}') THEN {stop} ELSE {value} END"


def _text(value: str) -> str:
    """A literal; characters that are not seen by their numbers."""
    if value.isprintable():
        return "'" + value.replace("'", "''") + "'"
    return "(" + " || ".join(f"chr({ord(one)})" for one in value) + ")"
