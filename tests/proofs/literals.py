"""Other literals in the rows of the lists: what holds for one value must hold for every one."""

from __future__ import annotations

import random
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from tests.proofs.proving import Outcome, Prover
from tests.proofs.rows import Row

_TEXT = re.compile(r"'(?:[^']|'')*'")
_NUMBER = re.compile(r"(?<![\w.'%:])(\d+(?:\.\d+)?)(?![\w.'])")
_TYPED = re.compile(r"(interval|date|timestamp|time|timestamptz)$")
"""Matches what is before a literal that the word before it types."""
_SIZE = re.compile(
    r"(numeric|decimal|varchar|char|character|binary|bit|time|timestamp|float|datetime)\s*\([\d, ]*$"
    r"|interval\s*$"
)
"""Matches what is before the size of a type, or before the number of an interval."""
_INTEGERS = ("0", "1", "2", "(-1)", "5", "40", "1000")
_LARGE = ("1000000000", "2147483647")
"""Integers that are no lengths of texts."""
_DECIMALS = ("0.0", "1.5", "(-0.5)", "123.456", "0.001", "0.3333", "0.6667")
_TEXT_CLASSES = ("text", "collated", "session text", "json", "blob", "enum", "text[]")
_TEXTS = ("''", "'a'", "'%'", "'ü'", "'A'", "'_'", "'10'", "'x y'", "'.'", "'ab'", "'a|b'")
_VARIED_ROW, _VARIED_KEY = 3, 12
"""Most other literals that a row is tried with, and the rows of one construct."""


def refute(prover: Prover, outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Try proven rows with other literals, and forget the constructs for which one of them differs."""
    chosen: Counter[tuple[str, ...]] = Counter()
    rows: list[tuple[tuple[str, ...], Row]] = []
    for outcome in outcomes:
        own = outcome.keys.own
        if outcome.difference or not own:
            continue
        more = varied(outcome.row, min(_VARIED_ROW, _VARIED_KEY - chosen[own]))
        chosen[own] += len(more)
        rows += [(own, row) for row in more]
    refuted = []
    for first in range(0, len(rows), prover.engine.batch):
        batch = rows[first : first + prover.engine.batch]
        for (own, _), other in zip(batch, prover.prove_all([row for _, row in batch]), strict=True):
            if other.difference and not other.refused and other.keys.own == own and own[0] in prover.proven:
                refuted.append(other)
                del prover.proven[own[0]]
    return refuted


def varied(row: Row, most: int) -> list[Row]:
    """Return rows with another literal each: at most `most`, always the same ones."""
    of_texts = "'" in row.sql or any(class_ in _TEXT_CLASSES for _, class_ in row.classes)
    integers = _INTEGERS if of_texts else (*_INTEGERS, *_LARGE)
    others = list(_varied(row.sql, integers)) if row.section != "query" else []
    chosen = random.Random(zlib.crc32(f"{row.sql} {row.classes}".encode()))
    return [replace(row, sql=sql) for sql in chosen.sample(others, min(most, len(others)))]


def _varied(sql: str, integers: tuple[str, ...]) -> Iterator[str]:
    texts = list(_TEXT.finditer(sql))
    for text in texts:
        if not _TYPED.search(sql[: text.start()].rstrip().lower()):
            yield from _replaced(sql, text, _TEXTS)
    for number in _NUMBER.finditer(sql):
        in_text = any(text.start() <= number.start() < text.end() for text in texts)
        if not in_text and not _SIZE.search(sql[: number.start()].lower()):
            yield from _replaced(sql, number, _DECIMALS if "." in number[0] else integers)


def _replaced(sql: str, literal: re.Match[str], values: tuple[str, ...]) -> Iterator[str]:
    for value in values:
        if value != literal[0]:
            yield sql[: literal.start()] + value + sql[literal.end() :]
