"""Rows of the lists of proofs: templates of expressions, and the classes that they are proven over.

A line is a template: `{a:integer|bigint} + {b:decimal}` is tried with each class of `a` and each of `b`.
`{b:=a}` has the class of `a`, and other values; `{a}` is the value of `a` again. `finite: ` before it leaves
out infinities and NaN. Sections: `[scalar]`, `[aggregate]` (over groups), `[window]`, `[query]` (whole
queries over the tables of `tables`).
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.proofs.values import VALUES

GROUPS: Mapping[str, str] = {
    "int": "smallint|integer|bigint",
    "exact": "smallint|integer|bigint|decimal|quotient",
    "number": "smallint|integer|bigint|decimal|quotient|double",
    "moment": "date|timestamp|timestamptz",
    "value": "boolean|smallint|integer|bigint|decimal|double|text|date|timestamp",
    "texts": "text|collated|session text",
    "real": "smallint|integer|bigint|decimal|double",
    "dated": "date|timestamp",
    "plain": "boolean|number|text|date|time|timestamp|timestamptz|uuid",
}
"""Names for several classes."""
_FINITE = "finite: "
"""Prefix of a template that is tried without infinities and NaN."""
_PLACE = re.compile(r"\{(\w+)(?::([^}]*))?\}")


@dataclass(frozen=True, slots=True)
class Row:
    """A construct over classes of arguments: what is tried at once."""

    section: str
    template: str
    """The line in the list."""
    sql: str
    """SQL over the columns a, b, c of the table of values."""
    classes: tuple[tuple[str, str], ...]
    """Column and class of each argument."""
    finite: bool = False
    """True if it is tried without infinities and NaN."""


def rows(file: Path) -> Iterator[Row]:
    """Yield the rows of a list, in its order."""
    section = ""
    for line in file.read_text(encoding="utf-8").splitlines():
        text = line.strip()
        if not text or text.startswith("--"):
            continue
        if text.startswith("[") and text.endswith("]"):
            section = text[1:-1]
        elif section == "query":
            yield Row(section, text, text, ())
        else:
            finite = text.startswith(_FINITE)
            yield from _expanded(section, text.removeprefix(_FINITE), finite=finite)


def _expanded(section: str, template: str, *, finite: bool) -> Iterator[Row]:
    declared = {name: classes for name, classes in _PLACE.findall(template) if classes}
    free = {name: _classes(classes) for name, classes in declared.items() if not classes.startswith("=")}
    for choice in itertools.product(*free.values()):
        chosen = dict(zip(free, choice, strict=True))
        chosen |= {name: chosen[text[1:]] for name, text in declared.items() if text.startswith("=")}
        literals = [name for name, class_ in chosen.items() if class_.startswith("literal")]
        columns = tuple((name, chosen[name]) for name in declared if name not in literals)
        for values in itertools.product(*(VALUES[chosen[name]] for name in literals)):
            texts = dict(zip(literals, values, strict=True))
            sql = _PLACE.sub(lambda match, texts=texts: texts.get(match[1], match[1]), template)
            yield Row(section, template, sql, columns, finite)


def _classes(names: str) -> list[str]:
    classes = []
    for name in names.split("|"):
        classes += _classes(GROUPS[name]) if name in GROUPS else [name]
    return classes
