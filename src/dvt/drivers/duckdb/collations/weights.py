"""Weights of characters, read from the files that tools/collations.py writes, and what follows from them.

The words are those of the Unicode Collation Algorithm: a character has one *weight*, several (an expansion),
or none (it is ignorable). Characters of the same weights are equal, and texts are ordered by the weights of
their characters. Where a file says `FB40*`, the weights are *implicit*: a base and a second weight, both
computed from the code point, so that the character is equal to no other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

Weights = tuple[int, ...]

BEFORE_SPACE = "\x01"
"""Character in sort keys that precedes what sorts before the space."""
_SPACE = 0x20
_SUPPLEMENTARY = 0x10000
"""First code point beyond the Basic Multilingual Plane; its answer holds for all of them."""
_SURROGATES = 0xD800
"""First of the code points that are no characters: a weight from here on is written as a character further
up."""
_SURROGATE_COUNT = 0x800
"""Code points by which such a weight is moved up."""
_NO_CHARACTER = 0xF0000
"""Code points by which a weight is moved up that no character has alone: the private plane holds it."""
_IMPLICIT = "*"
"""Ends the word of an implicit weight in the files."""
_IMPLICIT_BASES = (0xFB40, 0xFB80, 0xFBC0)
"""Bases of implicit weights: of ideographs, of rarer ideographs, of other characters."""
_AFTER_IMPLICIT_BASES = 0xFC00
"""First weight that is no base of an implicit one."""
_LOW_BITS = 0x7FFF
"""Bits of a code point that its second implicit weight holds."""
_LOW_BITS_MARK = 0x8000
"""Bit that marks a second implicit weight as such."""
_LONG_RANGE = 0xFF
"""Code points beyond the first, from which a range of implicit weights is told as a range."""


@dataclass(frozen=True, slots=True)
class CollationTable:
    """What a collation makes of every character, by code point."""

    equal: Mapping[int, str]
    """Alike for characters that are equal: for each weight, the first character that has it alone."""
    order: Mapping[int, str]
    """The sort key: characters whose code points are in the order of the weights; a space for the space's."""
    like: Mapping[int, str]
    """One character for each: the first that has the same weights."""
    unique: frozenset[int]
    """Characters that are equal to no other, and stand for themselves."""
    complete: bool
    """True when every character of Unicode has weights."""
    implicit_ranges: tuple[tuple[int, int, str], ...]
    """First code point, last code point and sort key of the base, where it differs from `implicit_base`."""
    implicit_base: str = ""
    """Sort key of the usual base of implicit weights; empty for a collation without any."""


@cache
def collation_table(name: str) -> CollationTable:
    """Return the table of a collation's file, computed once."""
    ranges = list(_ranges(name))
    words = {code: word for low, high, word in ranges for code in range(low, min(high, _SUPPLEMENTARY) + 1)}
    weights = {code: _weights(code, word) for code, word in words.items()}
    implicit = {code for code, word in words.items() if word.endswith(_IMPLICIT)}
    long_ranges = [
        (low, high, word)
        for low, high, word in ranges
        if word.endswith(_IMPLICIT) and high - low > _LONG_RANGE
    ]
    usual = max((word for _, _, word in long_ranges), default="")
    representatives = _representatives(weights)
    space = weights[_SPACE][0]
    return CollationTable(
        equal={
            code: "".join(_representative(sequence, representatives)) for code, sequence in weights.items()
        },
        order={code: "".join(_sort_key(sequence, space)) for code, sequence in weights.items()},
        like=_like(weights, implicit),
        unique=frozenset(implicit | {code for code, word in words.items() if word == "="}),
        complete=_SUPPLEMENTARY in words,
        implicit_ranges=tuple(
            (low, high, _base_key(word)) for low, high, word in long_ranges if word != usual
        ),
        implicit_base=_base_key(usual) if usual else "",
    )


@cache
def case_map(charset: str) -> Mapping[str, Mapping[int, str]]:
    """Return what `upper` and `lower` make of the characters that they change, by code point."""
    changed: dict[str, dict[int, str]] = {"upper": {}, "lower": {}}
    for line in _lines(f"{charset}_case"):
        function, *pairs = line.split(" ")
        for pair in pairs:
            code, _, other = pair.partition(":")
            changed[function][int(code, 16)] = chr(int(other, 16))
    return changed


def _ranges(name: str) -> Iterator[tuple[int, int, str]]:
    """Yield first and last code point of each range, and the file's word for their weights."""
    for line in _lines(name):
        place, *words = line.split(" ")
        low, _, high = place.partition("-")
        if high:
            yield int(low, 16), int(high, 16), words[0]
            continue
        for code, word in enumerate(words, start=int(low, 16)):
            yield code, code, word


def _weights(code: int, word: str) -> Weights:
    if word == "-":
        return ()
    if word == "=":
        return (code,)
    if word.endswith(_IMPLICIT):
        return (int(word[:-1], 16) + (code >> 15), code & _LOW_BITS | _LOW_BITS_MARK)
    digits = 4 if len(word) % 4 == 0 else 2
    return tuple(int(word[start : start + digits], 16) for start in range(0, len(word), digits))


def _representatives(weights: Mapping[int, Weights]) -> dict[int, str]:
    """Return, for each weight, the first character that has it alone."""
    first: dict[int, str] = {}
    for code, sequence in sorted(weights.items()):
        if len(sequence) == 1:
            first.setdefault(sequence[0], chr(code))
    return first


def _without_pairs(weights: Weights) -> Iterator[tuple[int, int | None]]:
    """Yield weights; for a pair of implicit ones, its base and the code point it was computed from."""
    rest = list(weights)
    while rest:
        weight = rest.pop(0)
        if _IMPLICIT_BASES[0] <= weight < _AFTER_IMPLICIT_BASES and rest and rest[0] > _LOW_BITS:
            base = max(base for base in _IMPLICIT_BASES if base <= weight)
            yield base, ((weight - base) << 15) + (rest.pop(0) & _LOW_BITS)
        else:
            yield weight, None


def _representative(weights: Weights, representatives: Mapping[int, str]) -> Iterator[str]:
    for weight, code in _without_pairs(weights):
        yield representatives.get(weight, chr(_NO_CHARACTER + weight)) if code is None else chr(code)


def _sort_key(weights: Weights, space: int) -> Iterator[str]:
    for weight, code in _without_pairs(weights):
        if weight == space:
            yield " "
        elif weight < space:
            yield BEFORE_SPACE + chr(weight + _SPACE)
        else:
            yield _character(weight) + ("" if code is None else chr(code))


def _base_key(word: str) -> str:
    return _character(int(word[:-1], 16))


def _character(weight: int) -> str:
    return chr(weight if weight < _SURROGATES else weight + _SURROGATE_COUNT)


def _like(weights: Mapping[int, Weights], implicit: set[int]) -> dict[int, str]:
    """Return the first character of the same weights; one with implicit weights stands for itself."""
    first: dict[Weights, int] = {}
    answers: dict[int, str] = {}
    for code, sequence in sorted(weights.items()):
        alone = code in implicit or (bool(implicit) and code >= _SUPPLEMENTARY)
        # DuckDB's LIKE with ESCAPE never finds the character 0.
        if code:
            answers[code] = chr(code if alone else first.setdefault(sequence, code))
    answers[0] = chr(first.get(weights[0], _NO_CHARACTER))
    return answers


def _lines(name: str) -> Iterator[str]:
    text = files(__package__).joinpath(f"{name}.txt").read_text("utf-8")
    return (line for line in text.splitlines() if not line.startswith("#"))
