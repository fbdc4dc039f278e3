"""What a text asks of a table itself, and not of its rows: a copy of the table would answer otherwise."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import TokenType

from dvt.core.errors import PlaceImpossible
from dvt.federation.plan.dialects.languages import language
from dvt.federation.plan.state import PlanState, plan_pass

_WAY_OUT = "write the value itself, or compute the model where its tables are (`compute: source`)"
"""Hint of the error."""


@plan_pass(needs="scans scans.columns scans.input tokens", gives="")
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
    asked = next(_asked(state), None)
    if asked is not None:
        what = f"model {state.request.name!r}"
        why = f"{asked} tells of a table itself, of which the target would have a copy"
        raise PlaceImpossible(what, "on its target", why, _WAY_OUT)


def _asked(state: PlanState) -> Iterator[str]:
    facts = language(state.dialect)
    words = facts.words_of_tables - {name.casefold() for scan in state.scans for name in scan.columns}
    tokens = [token for token in state.tokens if token.token_type is not TokenType.STRING]
    for token, after in zip(tokens, (*tokens[1:], None), strict=True):
        word = token.text.casefold()
        phrase = (word, after.text.casefold() if after is not None else "")
        if word in words:
            yield word
        if phrase in facts.phrases_of_tables and token.token_type is not TokenType.IDENTIFIER:
            yield " ".join(phrase).replace(" (", "()")
