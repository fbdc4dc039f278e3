"""What a text asks of a table itself, and not of its rows: a copy of the table would answer otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet

from sqlglot import Token, TokenType

from dvt.core.errors import PlaceImpossible
from dvt.federation.plan.dialects.languages import language
from dvt.federation.plan.state import PlanState, plan_pass

_WAY_OUT = (
    "leave it out or write the value itself, or compute the model where its tables are (`compute: source`)"
)
"""Hint of the error."""


@plan_pass(needs="places scans scans.columns scans.input tokens", gives="")
def refuse_questions_to_tables(state: PlanState) -> None:
    """Raise PlaceImpossible for a text that asks what only a table itself can tell, where that is copied.

    Example:
        >>> after = copy_state_after(refuse_questions_to_tables, "SELECT total FROM {orders}")
        >>> [scan.table.ref.identifier for scan in after.scans]
        ['orders']
    """
    target = state.request.stage.connection
    if all(scan.input.table.connection == target for scan in state.scans):
        return
    asked = next(_asked(state, target), None)
    if asked is not None:
        what = f"model {state.request.name!r}"
        why = f"{asked} tells of a table itself, of which the target would have a copy"
        raise PlaceImpossible(what, "on its target", why, _WAY_OUT)


def _asked(state: PlanState, target: str) -> Iterator[str]:
    facts = language(state.dialect)
    words = facts.words_of_tables - {name.casefold() for scan in state.scans for name in scan.columns}
    copied = [scan for scan in state.scans if scan.input.table.connection != target]
    columns = {name.casefold() for scan in copied for name in scan.columns}
    tokens = [token for token in state.tokens if token.token_type is not TokenType.STRING]
    for number, token in enumerate(tokens):
        word, following = token.text.casefold(), tokens[number + 1 :]
        after = following[0].text.casefold() if following else ""
        if word in words:
            yield word
        if token.token_type is TokenType.IDENTIFIER:
            continue
        if word in facts.calls_of_tables and after == "(" and _names_one(following, columns):
            yield f"{word}()"
        if (word, after) in facts.clauses_of_tables and _is_of_a_copy(state, token, target):
            yield f"{word} {after}".removesuffix(" (")


def _names_one(call: Sequence[Token], columns: AbstractSet[str]) -> bool:
    """True if there is one of these columns between the bracket at the beginning and the next one."""
    last = next((number for number, token in enumerate(call) if token.text == ")"), len(call))
    return any(token.text.casefold() in columns for token in call[1:last])


def _is_of_a_copy(state: PlanState, clause: Token, target: str) -> bool:
    """True if the table that the clause follows is not on the target."""
    before = [place for place in state.places if place.start < clause.start]
    return bool(before) and state.request.inputs[before[-1].key].table.connection != target
