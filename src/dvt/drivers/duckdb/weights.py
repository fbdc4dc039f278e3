"""What a collation makes of every character, read from the files that tools/collations.py writes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

Weights = tuple[int, ...]

_SPACE = 0x20
_PLANE = 0x10000
_SURROGATES, _SHIFT = 0xD800, 0x800
"""Weights from here on are shown as characters further up: surrogates are no text."""
_ALONE = 0xF0000
"""Weights that no character has by itself are shown as characters from here on, which stand for themselves
nowhere: all characters of their plane have one weight."""
BEFORE_SPACE = "\x01"
"""Put before what sorts before the space."""
_IMPLICIT = "*"
_MASK = 0x7FFF


@dataclass(frozen=True, slots=True)
class Characters:
    """A collation's answers by code point."""

    equal: Mapping[int, str]
    """Alike for characters that are equal; may be empty, or several characters."""
    order: Mapping[int, str]
    """In the order of their weights, byte by byte; the space is a space."""
    like: Mapping[int, str]
    """One character for each."""
    own: frozenset[int]
    """Characters that are equal to no other, and stand for themselves."""
    whole: bool
    """Every character has an answer."""
    bases: tuple[tuple[int, int, str], ...]
    """Ranges of those whose order has another first character than `base`."""
    base: str = ""
    """What comes before them when they are sorted."""


@cache
def characters(name: str) -> Characters:
    """A collation's answers, worked out once."""
    ranges = list(_ranges(name))
    words = {code: word for low, high, word in ranges for code in range(low, min(high, _PLANE) + 1)}
    weights = {code: _weights(code, word) for code, word in words.items()}
    implied = {code for code, word in words.items() if word.endswith(_IMPLICIT)}
    alone: dict[int, str] = {}
    for code, of in sorted(weights.items()):
        if len(of) == 1:
            alone.setdefault(of[0], chr(code))
    space = weights[_SPACE][0]
    bases = [
        (low, high, word) for low, high, word in ranges if word.endswith(_IMPLICIT) and high - low > _MANY
    ]
    usual = max((word for _, _, word in bases), default="")
    return Characters(
        equal={code: "".join(_shown(of, alone)) for code, of in weights.items()},
        order={code: "".join(_sorted(of, space)) for code, of in weights.items()},
        like=_like(weights, implied, by_itself=bool(implied)),
        own=frozenset(implied | {code for code, word in words.items() if word == "="}),
        whole=_PLANE in words,
        bases=tuple((low, high, _base(word)) for low, high, word in bases if word != usual),
        base=_base(usual) if usual else "",
    )


_MANY = 0xFF


def _ranges(name: str) -> Iterator[tuple[int, int, str]]:
    """First and last code point, and the word for them."""
    for line in _lines(name):
        place, *words = line.split(" ")
        low, _, high = place.partition("-")
        if high:
            yield int(low, 16), int(high, 16), words[0]
            continue
        yield from ((int(low, 16) + at,) * 2 + (word,) for at, word in enumerate(words))


def _weights(code: int, word: str) -> Weights:
    if word == "-":
        return ()
    if word == "=":
        return (code,)
    if word.endswith(_IMPLICIT):
        return (int(word[:-1], 16) + (code >> 15), code & _MASK | _MASK + 1)
    width = 4 if len(word) % 4 == 0 else 2
    return tuple(int(word[at : at + width], 16) for at in range(0, len(word), width))


def _pairs(of: Weights) -> Iterator[tuple[int, int | None]]:
    """Weights one by one; an implied pair as its base and the character that it stands for."""
    rest = list(of)
    while rest:
        weight = rest.pop(0)
        if weight in _BASES and rest and rest[0] > _MASK:
            base = max(one for one in _FIRSTS if one <= weight)
            yield base, ((weight - base) << 15) + (rest.pop(0) & _MASK)
        else:
            yield weight, None


_FIRSTS = (0xFB40, 0xFB80, 0xFBC0)
_BASES = range(0xFB40, 0xFC00)


def _shown(of: Weights, alone: Mapping[int, str]) -> Iterator[str]:
    for weight, code in _pairs(of):
        yield alone.get(weight, chr(_ALONE + weight)) if code is None else chr(code)


def _sorted(of: Weights, space: int) -> Iterator[str]:
    for weight, code in _pairs(of):
        if weight == space:
            yield " "
        elif weight < space:
            yield BEFORE_SPACE + chr(weight + _SPACE)
        else:
            yield _character(weight) + ("" if code is None else chr(code))


def _base(word: str) -> str:
    return _character(int(word[:-1], 16))


def _character(weight: int) -> str:
    return chr(weight if weight < _SURROGATES else weight + _SHIFT)


def _like(weights: Mapping[int, Weights], implied: set[int], *, by_itself: bool) -> dict[int, str]:
    """The first character of the same weights. Those that have none of their own are alike to themselves."""
    first: dict[Weights, int] = {}
    found: dict[int, str] = {}
    for code, of in sorted(weights.items()):
        own = code in implied or (by_itself and code >= _PLANE)
        # DuckDB's LIKE with ESCAPE never finds the character 0
        if code:
            found[code] = chr(code if own else first.setdefault(of, code))
    found[0] = chr(first.get(weights[0], _ALONE))
    return found


@cache
def cased(charset: str) -> Mapping[str, Mapping[int, str]]:
    """What `upper` and `lower` make of characters, where they change them."""
    found: dict[str, dict[int, str]] = {"upper": {}, "lower": {}}
    for line in _lines(f"{charset}_case"):
        way, *pairs = line.split(" ")
        for pair in pairs:
            code, _, other = pair.partition(":")
            found[way][int(code, 16)] = chr(int(other, 16))
    return found


def _lines(name: str) -> Iterator[str]:
    text = files(__package__).joinpath("collations", f"{name}.txt").read_text("utf-8")
    return (line for line in text.splitlines() if not line.startswith("#"))
