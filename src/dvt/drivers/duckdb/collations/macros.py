r"""DuckDB macros that turn a text into what a collation compares.

A collation has four: `equal`, `order`, `like` and `pattern`. For `utf8mb4_general_ci`, to which a letter's
case and accents mean nothing:

    >>> import duckdb
    >>> cursor = duckdb.connect()
    >>> functions = COLLATIONS["utf8mb4_general_ci"]
    >>> define_functions(cursor, [functions.equal, functions.order, functions.like, functions.pattern])
    >>> def call(function, *texts):
    ...     marks = ", ".join("?" * len(texts))
    ...     return cursor.execute(f"SELECT {function}({marks})", texts).fetchone()[0]

`equal` is alike for texts that are equal. Each character becomes the first of the same weight, here the
capital without an accent; spaces at the end do not count:

    >>> call("dvt_utf8mb4_general_ci", "Ärger  ")
    'ARGER'

`order` is a sort key: each character becomes one whose code point is in the place of its weight. MySQL
compares as if texts were padded with spaces without end, so a mark that sorts just below the space ends
the key, and what sorts below the space (a tab, say) has a mark of its own before it:

    >>> call("dvt_utf8mb4_general_ci_order", "Ärger  ")
    'ARGER\x03'
    >>> sorted(["a b", "a\tb", "A "], key=lambda text: call("dvt_utf8mb4_general_ci_order", text))
    ['a\tb', 'A ', 'a b']

`like` is for the left side of LIKE, which compares character by character: spaces count. `pattern` is for
its right side, with the escape character; in its answer a backslash escapes:

    >>> call("dvt_utf8mb4_general_ci_like", "Ärger  ")
    'ARGER  '
    >>> call("dvt_utf8mb4_general_ci_pattern", "ä%50!%", "!")
    'A%50\\%'

Most text is printable ASCII, which DuckDB's own functions turn into the same; a CASE tells it apart. Other
text goes through the maps of `weights`, character by character.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from dvt.core.ports.engines import CollationFunctions
from dvt.drivers.duckdb.collations.maps import CharacterMap, each_character
from dvt.drivers.duckdb.collations.weights import BEFORE_SPACE, CollationTable, case_map, collation_table
from dvt.drivers.duckdb.dialect_functions import FUNCTIONS, dialect_functions

_TABLES = {
    "utf8mb4_general_ci": ("utf8mb4_general_ci", "utf8mb3_general_ci", "utf8_general_ci"),
    "utf8mb4_unicode_ci": ("utf8mb4_unicode_ci", "utf8mb3_unicode_ci", "utf8_unicode_ci"),
    "latin1_swedish_ci": ("latin1_swedish_ci",),
}
"""Files of weights, and the collations that each of them holds for."""
_PADDED = ("utf8mb4_bin", "utf8mb3_bin", "utf8_bin", "ascii_bin")
"""Collations that compare code points, of texts padded with spaces."""
_BYTES = ("utf8mb4_nopad_bin", "utf8mb3_nopad_bin", "utf8_nopad_bin", "utf8mb4_0900_bin")
"""Collations that compare as DuckDB does."""
_CHARSETS = ("utf8mb4", "latin1")
"""Character sets whose UPPER and LOWER there are."""
_CASES = ("upper", "lower")
"""Functions of a character set."""
_SUPPLEMENTARY = 0x10000
"""First code point beyond the Basic Multilingual Plane."""
_NO_CHARACTER = "\ufffd"
"""What a character becomes that the collation's character set does not have."""
_END = "\x03"
"""Ends a sort key, for the spaces without end: above `_LOW_SPACE`, below the space."""
_LOW_SPACE = "\x02"
"""A space that comes before something that sorts before the space."""
_PLAIN = {
    "sqlite nocase": (
        "dvt_sqlite_nocase",
        "translate(s, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz')",
    ),
    "sqlite rtrim": ("dvt_sqlite_rtrim", "rtrim(s, ' ')"),
}
"""Collations of SQLite → the function for equality and order, and its SQL over `s`. None of them
changes LIKE."""
_OWN = ("nocase", "noaccent", "nocase.noaccent", "noaccent.nocase", "nfc")
"""Collations of DuckDB's own, but for those of ICU, whose versions may differ."""
_PRINTABLE_ASCII = "regexp_full_match(s, '[ -~]*')"
"""SQL condition: `s` is printable ASCII."""
_ASCII = "strlen(s) = length(s)"
"""SQL condition: `s` is ASCII, in which bytes and characters are as many."""
_ESCAPED = {"%": "\U0010fff1", "_": "\U0010fff2", "\\": "\U0010fff3"}
"""Placeholders of escaped characters while a pattern's other characters are mapped."""
_ESCAPED_ESCAPE = "\U0010fff4"
"""Placeholder of an escaped escape character, whichever that is."""
_RESERVED = r"[\x{10FFF0}-\x{10FFFF}]"
"""Characters that a pattern must not hold, because they may be placeholders."""


def _case_names(charset: str) -> dict[str, str]:
    return {case: f"dvt_{charset}_{case}" for case in _CASES}


def _table_functions(table: str) -> CollationFunctions:
    name = f"dvt_{table}"
    return CollationFunctions(
        equal=name,
        order=f"{name}_order",
        like=f"{name}_like",
        pattern=f"{name}_pattern",
        **_case_names(table.partition("_")[0]),
    )


COLLATIONS: Mapping[str, CollationFunctions] = {
    **{name: _table_functions(table) for table, names in _TABLES.items() for name in names},
    **dict.fromkeys(
        _PADDED,
        CollationFunctions(equal="dvt_padded", order="dvt_padded_order", **_case_names("utf8mb4")),
    ),
    "latin1_bin": CollationFunctions(equal="dvt_padded", order=None, **_case_names("latin1")),
    **dict.fromkeys(_BYTES, CollationFunctions(**_case_names("utf8mb4"))),
    **{name: CollationFunctions(equal=function, order=function) for name, (function, _) in _PLAIN.items()},
    **{f"duckdb {name}": CollationFunctions(own=name) for name in _OWN},
}
"""By the collation's name on the server, or its database's and its own."""


@dataclass(frozen=True)
class _Macro:
    """A macro, and the map that it looks characters up in."""

    sql: str
    """`<name>(<parameters>) AS <expression>`."""
    map: CharacterMap | None = None


def define_functions(cursor: Any, names: Iterable[str]) -> None:
    """Make these functions, on this connection alone."""
    called = set(names)
    for sql in dialect_functions(called):
        cursor.execute(f"CREATE OR REPLACE TEMP MACRO {sql}")
    stored: set[str] = set()
    for name in sorted(called - FUNCTIONS.keys()):
        macro = _macro(name)
        if macro.map is not None and macro.map.name not in stored:
            macro.map.store(cursor)
            stored.add(macro.map.name)
        cursor.execute(f"CREATE OR REPLACE TEMP MACRO {macro.sql}")


@cache
def _macro(name: str) -> _Macro:
    return _MACROS[name]()


def _equal(table: str) -> _Macro:
    """`equal` of a collation with weights."""
    weights, characters = collation_table(table), _map(table, "equal")
    mapped = each_character("s", characters.lookup())
    # With implicit weights, control characters are ignorable: only printable text is its own upper case.
    plain = _PRINTABLE_ASCII if weights.implicit_base else _ASCII
    text = f"CASE WHEN {plain} THEN upper(s) ELSE {mapped} END"
    return _Macro(f"dvt_{table}(s) AS {_trimmed(text)}", characters)


def _order(table: str) -> _Macro:
    """`order` of a collation with weights."""
    weights, characters = collation_table(table), _map(table, "order")
    key = each_character("s", characters.lookup())
    if not weights.implicit_base:
        key = f"CASE WHEN {_PRINTABLE_ASCII} THEN upper(s) ELSE {key} END"
    return _Macro(f"dvt_{table}_order(s) AS {_padded_key(key)}", characters)


def _like(table: str) -> _Macro:
    """`like` of a collation with weights."""
    characters = _map(table, "like")
    mapped = each_character("s", characters.lookup())
    text = f"CASE WHEN {_PRINTABLE_ASCII} THEN upper(s) ELSE {mapped} END"
    return _Macro(f"dvt_{table}_like(s) AS {text}", characters)


def _pattern(table: str) -> _Macro:
    """`pattern` of a collation with weights: placeholders for what is escaped, map, escape by a backslash."""
    characters = _map(table, "like")
    text = _replaced(_without_escapes(), {"\\": _ESCAPED["\\"]})
    # Characters that are like a wildcard or a backslash are escaped too, once they are one.
    text = _replaced(text, _alike_specials(characters.answers))
    lookup = f"CASE WHEN unicode(c) >= {ord(min(_ESCAPED.values()))} THEN c ELSE {characters.lookup()} END"
    text = each_character(text, lookup)
    escape = "CASE e WHEN '\\' THEN '\\\\' ELSE upper(e) END"
    text = f"replace({text}, {_literal(_ESCAPED_ESCAPE)}, {escape})"
    text = _replaced(text, {mark: f"\\{special}" for special, mark in _ESCAPED.items()})
    reserved = "error('a pattern holds one of the characters U+10FFF0 to U+10FFFF')"
    checked = f"CASE WHEN regexp_matches(s, '{_RESERVED}') THEN {reserved} ELSE {text} END"
    return _Macro(f"dvt_{table}_pattern(s, e) AS {checked}", characters)


def _without_escapes() -> str:
    """SQL of the pattern `s` without its escape characters `e`, placeholders for what they escape."""
    mark = _literal(_ESCAPED_ESCAPE)
    text = f"replace(s, e || e, {mark})"
    for wildcard in ("%", "_"):
        text = f"replace({text}, e || '{wildcard}', {_literal(_ESCAPED[wildcard])})"
    at_the_end = f"regexp_replace({text}, regexp_escape(e) || '$', {mark})"
    return f"CASE WHEN e = '' THEN s ELSE replace({at_the_end}, e, '') END"


def _alike_specials(answers: Mapping[int, str]) -> dict[str, str]:
    """Other characters that become a wildcard or a backslash, and its placeholder."""
    return {
        chr(code): mark
        for special, mark in _ESCAPED.items()
        for code, answer in answers.items()
        if answer == special != chr(code)
    }


def _padded_equal() -> _Macro:
    """`equal` of a collation that compares code points."""
    return _Macro(f"dvt_padded(s) AS {_trimmed('s')}")


def _padded_order() -> _Macro:
    """`order` of a collation that compares code points: control characters sort before the space."""
    becomes = f"CASE WHEN c < ' ' THEN {_literal(BEFORE_SPACE)} || chr(unicode(c) + 32) ELSE c END"
    key = f"CASE WHEN regexp_matches(s, '[\\x00-\\x1f]') THEN {each_character('s', becomes)} ELSE s END"
    return _Macro(f"dvt_padded_order(s) AS {_padded_key(key)}")


def _case(charset: str, case: str) -> _Macro:
    """UPPER or LOWER as a character set has it."""
    characters = CharacterMap(name=f"dvt_{charset}_{case}", answers=case_map(charset)[case])
    mapped = each_character("s", characters.lookup())
    return _Macro(f"{characters.name}(s) AS CASE WHEN {_ASCII} THEN {case}(s) ELSE {mapped} END", characters)


@cache
def _map(table: str, kind: str) -> CharacterMap:
    """A collation's map for `equal`, `order` or `like`."""
    weights = collation_table(table)
    answers: Mapping[int, str] = getattr(weights, kind)
    itself = "c" if weights.complete else _literal(_NO_CHARACTER)
    supplementary = _literal(answers.get(_SUPPLEMENTARY, _NO_CHARACTER))
    if kind == "like" and weights.implicit_base:
        supplementary = "c"
    return CharacterMap(
        name=f"dvt_{table}_{kind}",
        answers=answers,
        missing=None if weights.complete else _NO_CHARACTER,
        computed=weights.unique,
        otherwise=f"{_implicit_base(weights)} || c" if kind == "order" and weights.implicit_base else itself,
        supplementary=supplementary,
    )


def _implicit_base(weights: CollationTable) -> str:
    """SQL of the sort key of a base: the one that the implicit weights of `c` are computed from."""
    ranges = " ".join(
        f"WHEN unicode(c) BETWEEN {low} AND {high} THEN {_literal(base)}"
        for low, high, base in weights.implicit_ranges
    )
    return f"CASE {ranges} ELSE {_literal(weights.implicit_base)} END"


def _trimmed(text: str) -> str:
    return f"rtrim({text}, ' ')"


def _padded_key(key: str) -> str:
    """SQL of a sort key as if spaces without end came after it: what goes on below the space comes first."""
    low = _literal(BEFORE_SPACE)
    word = f"CASE WHEN ltrim(w, ' ')[1] = {low} THEN replace(w, ' ', {_literal(_LOW_SPACE)}) ELSE w END"
    words = f"array_to_string(list_transform(regexp_extract_all(k, ' *[^ ]+'), lambda w: {word}), '')"
    padded = f"CASE WHEN contains(k, {low}) THEN {words} ELSE k END"
    # A list of one: its lambda gives the key a name, so that it is computed once.
    return f"list_transform([{_trimmed(key)}], lambda k: {padded})[1] || {_literal(_END)}"


def _replaced(text: str, replacements: Mapping[str, str]) -> str:
    """SQL of `text` with characters replaced."""
    for old, new in replacements.items():
        text = f"replace({text}, {_literal(old)}, {_literal(new)})"
    return text


def _literal(text: str) -> str:
    """A text in SQL; characters that cannot be seen by their numbers."""
    if text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    return "(" + " || ".join(f"chr({ord(character)})" for character in text) + ")"


_MACROS: Mapping[str, Callable[[], _Macro]] = {
    "dvt_padded": _padded_equal,
    "dvt_padded_order": _padded_order,
    **{function: partial(_Macro, f"{function}(s) AS {sql}") for function, sql in _PLAIN.values()},
    **{f"dvt_{table}": partial(_equal, table) for table in _TABLES},
    **{f"dvt_{table}_order": partial(_order, table) for table in _TABLES},
    **{f"dvt_{table}_like": partial(_like, table) for table in _TABLES},
    **{f"dvt_{table}_pattern": partial(_pattern, table) for table in _TABLES},
    **{f"dvt_{charset}_{case}": partial(_case, charset, case) for charset in _CHARSETS for case in _CASES},
}
"""By the function's name; a macro is written when it is first called for."""
