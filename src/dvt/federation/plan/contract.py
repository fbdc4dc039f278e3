"""An enforced contract: the types it gives the outputs, or how they differ from it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from dvt.core.encoding import encoding
from dvt.core.errors import ContractBroken
from dvt.core.requests import Contract
from dvt.core.tables import StageColumn
from dvt.core.types import TIME, Kind, Part, StageType, decimal
from dvt.federation.plan.state import PlanState

_WHOLE, _DECIMAL, _APPROXIMATE = "whole", "decimal", "approximate"
_CONVERTS = {
    (_WHOLE, _WHOLE), (_WHOLE, _DECIMAL), (_WHOLE, _APPROXIMATE), (_DECIMAL, _DECIMAL),
    (_DECIMAL, _APPROXIMATE), (_APPROXIMATE, _APPROXIMATE), (_APPROXIMATE, _DECIMAL),
}  # fmt: skip
"""Families of numbers that a contract may turn into each other: what overflows is an error."""
_TEXTS = frozenset({Kind.ENUM, Kind.INTERVAL, Kind.TIMETZ, Kind.BIT, Kind.BIGNUM, Kind.GEOMETRY})
"""Kinds whose values a contract may take as text."""
_HUGEST = decimal(38, 0)
"""What a contract may call HUGEINT within a list, STRUCT or MAP: few targets have both."""


@dataclass(frozen=True, slots=True)
class _Demand:
    """A column of the contract, with its type in staging."""

    name: str
    native: str
    type: StageType | None
    """None: only the target converts the values, or any number is allowed."""
    any_number: bool

    def admits(self, type_: StageType) -> bool:
        """True if an output of this type can be the column."""
        if self.any_number:
            return (_family(type_), _DECIMAL) in _CONVERTS
        if self.type is None:
            return True
        numbers = (_family(type_), _family(self.type)) in _CONVERTS
        return numbers or _takes(_any_case(self.type), _any_case(type_))


def contracted(state: PlanState, contract: Contract, outputs: list[StageColumn]) -> list[StageColumn]:
    """Give the outputs the contract's types; ContractBroken lists all differences."""
    demands = {demand.name.casefold(): demand for demand in _demands(state, contract, outputs)}
    by_name = {column.name.casefold(): column for column in outputs}
    differences = [f"{demand.name} is missing" for key, demand in demands.items() if key not in by_name]
    differences += [
        f"{column.name} is not in the contract" for key, column in by_name.items() if key not in demands
    ]
    differences += [
        f"{column.name} is {column.type}, the contract says {demands[key].native}"
        for key, column in by_name.items()
        if key in demands and not demands[key].admits(column.type)
    ]
    if differences:
        raise ContractBroken(differences)
    return [_typed(state, column, demands[column.name.casefold()].type) for column in outputs]


def _demands(state: PlanState, contract: Contract, outputs: list[StageColumn]) -> list[_Demand]:
    """Parse the contract's types by the engine, which tells, for example, what type INT is.

    A type that the target gives the column by itself, such as json for a STRUCT, demands nothing.
    """
    by_itself = {(load.name.casefold(), _words(load.native)) for load in state.context.load(tuple(outputs))}
    sized = [column for column in contract.columns if column.type is not None]
    values = state.context.evaluate([f"CAST(NULL AS {column.type})" for column in sized]) if sized else ()
    types = {
        column.name: encoding(value[0]).stage for column, value in zip(sized, values, strict=True) if value
    }
    return [
        _Demand(column.name, column.native, None, any_number=False)
        if (column.name.casefold(), _words(column.native)) in by_itself
        else _Demand(column.name, column.native, types.get(column.name), column.any_number)
        for column in contract.columns
    ]


def _typed(state: PlanState, column: StageColumn, type_: StageType | None) -> StageColumn:
    if column.type.kind is Kind.TIME_NS and type_ == TIME:
        lost = "nanoseconds are rounded to microseconds"
        message = f"output column {column.name} ({column.type}): {lost}"
        state.warn("DVT002", message, "cast it in the model", output=column.name)
    return replace(column, type=type_, widest=None) if type_ else column


def _takes(demanded: StageType, type_: StageType) -> bool:
    """True if values of `type_`, with all their parts, are of the demanded type or become text."""
    as_text = demanded.is_text and type_.kind in _TEXTS
    rounded = demanded == TIME and type_.kind is Kind.TIME_NS
    names = [part.name for part in type_.parts]
    if not names or demanded.kind is not type_.kind or names != [part.name for part in demanded.parts]:
        return as_text or rounded or demanded == type_
    return all(
        _takes(demand.type, part.type) or (demand.type == _HUGEST and part.type.kind is Kind.HUGEINT)
        for demand, part in zip(demanded.parts, type_.parts, strict=True)
    )


def _words(native: str) -> str:
    """Return a type in lower case and with single blanks, so that two spellings compare equal."""
    return " ".join(native.casefold().split())


def _family(type_: StageType) -> str | None:
    """Return the family of a type of numbers; None for other types."""
    if type_.is_integer or (type_.kind is Kind.DECIMAL and not type_.scale):
        return _WHOLE
    if type_.kind is Kind.DECIMAL:
        return _DECIMAL
    return _APPROXIMATE if type_.is_approximate else None


def _any_case(type_: StageType) -> StageType:
    """Return the type with the names of its fields in lower case, because their case does not matter."""
    parts = tuple(Part(part.name.casefold(), _any_case(part.type)) for part in type_.parts)
    return replace(type_, parts=parts)
