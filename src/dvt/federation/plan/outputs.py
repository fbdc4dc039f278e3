"""The outputs: bound on empty staging tables, named as the target would, in types that Parquet keeps."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from sqlglot import exp

from dvt.core.errors import ColumnNotFound, ContractBroken, OutputsClash, SqlInvalid
from dvt.core.requests import Contract, ContractColumn
from dvt.core.tables import StageColumn
from dvt.federation.plan.analyse import likely
from dvt.federation.plan.draft import NUMBER, Draft
from dvt.federation.plan.extract import quoted

_TOKENS = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|[A-Za-z_]+(?: WITH TIME ZONE)?|.", re.DOTALL)
_SAFE = {
    "HUGEINT": "DECIMAL(38,0)",
    "UHUGEINT": "DECIMAL(38,0)",
    "TIMESTAMP_S": "TIMESTAMP",
    "TIMESTAMP_MS": "TIMESTAMP",
    "TIME_NS": "TIME",
    "INTERVAL": "VARCHAR",
    "BIT": "VARCHAR",
    "BIGNUM": "VARCHAR",
}
"""What Parquet would change without a word, and the type that keeps the values."""
_LOSES = {
    "TIME_NS": "nanoseconds are cut to microseconds",
    "INTERVAL": "it becomes text",
    "BIT": "it becomes text",
    "BIGNUM": "it becomes text",
    "UNION": "it becomes text",
    "TIME WITH TIME ZONE": "its offset becomes UTC",
}
_FAMILIES = {
    "whole": r"^U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)$|^DECIMAL\(\d+,0\)$",
    "decimal": r"^DECIMAL",
    "approximate": r"^(FLOAT|DOUBLE)$",
}
_CONVERTS = {
    ("whole", "whole"), ("whole", "decimal"), ("whole", "approximate"), ("decimal", "decimal"),
    ("decimal", "approximate"), ("approximate", "approximate"), ("approximate", "decimal"),
}  # fmt: skip
"""Families of numbers that a contract may turn into each other: what overflows is an error."""
_ANY_NUMBER = "DECIMAL"
"""A contract's number without a size: it holds what the model gives."""


def bind_transform(draft: Draft) -> None:
    """Bind the transform on empty staging tables, and settle its outputs."""
    inner = draft.in_engine(draft.tree)
    bound = _bound(draft, _without_parameters(draft))
    names = _names(draft, bound)
    _refuse_clashes(names)
    outputs = [
        StageColumn(name, _safe(draft, name, one.type)) for name, one in zip(names, bound, strict=True)
    ]
    if draft.request.contract:
        outputs = _contracted(draft, draft.request.contract, outputs)
    draft.sql = _outer(draft, inner, bound, outputs)
    draft.outputs = tuple(outputs)
    draft.loads = draft.around.load(draft.outputs)
    for load in draft.loads:
        if load.loses:
            draft.warn("DVT002", f"output column {load.name} ({load.stage} as {load.native}): {load.loses}")


def names_in_engine(draft: Draft) -> list[str]:
    """What the engine calls the outputs of the tree as it is; empty when it is not in its own words yet."""
    if draft.dialect != draft.around.engine:
        return []
    return [one.name for one in _bound(draft, _without_parameters(draft))]


def _without_parameters(draft: Draft) -> str:
    copy = draft.tree.copy()
    for placeholder in list(copy.find_all(exp.Placeholder)):
        placeholder.replace(exp.null())
    return draft.in_engine(copy)


def _bound(draft: Draft, sql: str) -> tuple[StageColumn, ...]:
    inputs = {one.alias: one.staged for one in draft.queries}
    try:
        return draft.around.bind(sql, inputs)
    except SqlInvalid as error:
        raise _explained(draft, error) from error


_UNKNOWN_COLUMN = re.compile(r'(?:column "(?P<one>[^"]+)"|column named "(?P<two>[^"]+)")')
_CANDIDATES = re.compile(r"\s*Candidate bindings:.*", re.DOTALL)


def _explained(draft: Draft, error: SqlInvalid) -> ColumnNotFound | SqlInvalid:
    """The engine's complaint in the model's own words: no surrogates, no staged names."""
    problem = error.message.split(": ", 1)[-1]
    found = _UNKNOWN_COLUMN.search(problem)
    if found is not None and ("not found" in problem or "does not have a column" in problem):
        column = found.group("one") or found.group("two")
        known = sorted({column.name for one in draft.occurrences for column in one.table.columns})
        return ColumnNotFound(draft.spelled.get(column, column), likely(column, known))
    problem = _CANDIDATES.sub("", problem).split("\n\nLINE", 1)[0].strip()
    for one in draft.occurrences:
        problem = problem.replace(one.alias, one.node.name)
    for new, old in draft.spelled.items():
        problem = problem.replace(new, old)
    return SqlInvalid(draft.dialect, problem)


def _names(draft: Draft, bound: tuple[StageColumn, ...]) -> list[str]:
    """The target's names where it has a rule, the engine's own elsewhere."""
    engine = [draft.spelled.get(one.name.lower(), one.name) for one in bound]
    wished = draft.names
    if len(wished) != len(bound):
        wished = _expanded(draft)
    if len(wished) != len(bound):
        return engine
    return [name if wish is None else wish for wish, name in zip(wished, engine, strict=True)]


def _expanded(draft: Draft) -> list[str | None]:
    """The wishes again, with as many blanks for each * as it has columns."""
    if draft.analysed is None:
        return []
    query: exp.Expr = draft.tree
    while isinstance(query, exp.SetOperation | exp.Subquery):
        query = query.this
    if not isinstance(query, exp.Select) or len(query.expressions) != len(draft.names):
        return []
    wishes = {
        one.meta.get(NUMBER): wish
        for one, wish in zip(query.expressions, draft.names, strict=True)
        if wish is not None
    }
    return [wishes.get(one.meta.get(NUMBER)) for one in draft.analysed.selects]


def _refuse_clashes(names: list[str]) -> None:
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(name.casefold(), name)
        if other is not name:
            raise OutputsClash((other, name))


def _safe(draft: Draft, name: str, type_: str) -> str:
    """The type in which Parquet keeps this one's values."""
    if type_ == '"NULL"':
        return "INTEGER"
    loses = next((why for part, why in _LOSES.items() if part in _words(type_)), None)
    if loses:
        draft.warn("DVT002", f"output column {name} ({type_}): {loses}", "cast it in the model")
    if type_.startswith("UNION("):
        return "VARCHAR"
    words = _TOKENS.findall(type_)
    # A word before a blank is the name of a STRUCT's field.
    safe = [word if after == " " else _SAFE.get(word, word) for word, after in pairwise([*words, ""])]
    return re.sub(r"\[\d+\]", "[]", _plain_enum("".join(safe)))


def _words(type_: str) -> set[str]:
    return set(_TOKENS.findall(type_))


def _plain_enum(type_: str) -> str:
    return re.sub(r"ENUM\((?:'(?:[^']|'')*'(?:, ?)?)*\)", "VARCHAR", type_)


def _contracted(draft: Draft, contract: Contract, outputs: list[StageColumn]) -> list[StageColumn]:
    """The contract's types, or what differs from it."""
    demanded = {one.name.casefold(): one for one in _canonical(draft, contract.columns)}
    found = {one.name.casefold(): one for one in outputs}
    differences = [f"{one.name} is missing" for key, one in demanded.items() if key not in found]
    differences += [f"{one.name} is not in the contract" for key, one in found.items() if key not in demanded]
    differences += [
        f"{one.name} is {one.type}, the contract says {demanded[key].native}"
        for key, one in found.items()
        if key in demanded and not _converts(one.type, demanded[key].type or one.type)
    ]
    if differences:
        raise ContractBroken(differences)
    types = (demanded[one.name.casefold()].type for one in outputs)
    return [
        one if type_ in {None, _ANY_NUMBER} else StageColumn(one.name, str(type_))
        for one, type_ in zip(outputs, types, strict=True)
    ]


def _canonical(draft: Draft, columns: Sequence[ContractColumn]) -> list[ContractColumn]:
    """The same types as the engine spells them: INT is INTEGER."""
    sized = [one for one in columns if one.type not in {None, _ANY_NUMBER}]
    spelled = draft.around.evaluate([f"CAST(NULL AS {one.type})" for one in sized])
    types = {one: value[0] for one, value in zip(sized, spelled, strict=True) if value is not None}
    return [replace(one, type=types.get(one, one.type)) for one in columns]


def _converts(type_: str, demanded: str) -> bool:
    same = type_.replace(" ", "").upper() == demanded.replace(" ", "").upper()
    return same or (_family(type_), _family(demanded)) in _CONVERTS


def _family(type_: str) -> str:
    return next((name for name, like in _FAMILIES.items() if re.match(like, type_.upper())), type_.upper())


def _outer(draft: Draft, inner: str, bound: tuple[StageColumn, ...], outputs: list[StageColumn]) -> str:
    """`inner` with the settled names and types, by position; itself where they are its own."""
    if [(one.name, one.type) for one in bound] == [(one.name, one.type) for one in outputs]:
        return inner
    places = [f"c{place}" for place in range(len(bound))]
    columns = []
    for place, one, was in zip(places, outputs, bound, strict=True):
        value = place if was.type == one.type else f"CAST({place} AS {one.type})"
        columns.append(f"{value} AS {quoted(one.name, draft.around.engine)}")
    return f"SELECT {', '.join(columns)} FROM ({inner}) AS answer({', '.join(places)})"
