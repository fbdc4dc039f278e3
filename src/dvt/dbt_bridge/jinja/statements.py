"""Statements that a node's Jinja runs beside the node's own SQL: may one have changed a table?

What a node's `run_query` changes on the node's own output is in a transaction that ends with the node, so it
is noted for the thread that runs the node, and told to the federation then.
"""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING, Any

import sqlglot
from dbt.context.providers import RuntimeDatabaseWrapper
from sqlglot import exp
from sqlglot.errors import SqlglotError

from dvt.dbt_bridge.outputs.dialects import of_type

if TYPE_CHECKING:
    from dvt.dbt_bridge.session import Session

_READING = (exp.Query, exp.Describe, exp.Show, exp.Pragma)
_CHANGING = (exp.DML, exp.DDL, exp.Into)


def may_change(sql: str, dialect: str) -> bool:
    """True unless a text consists of queries alone; a function that it calls is taken to change nothing.

    Example:
        >>> may_change("select 1", "postgres"), may_change("truncate t", "postgres")
        (False, True)
        >>> may_change("with gone as (delete from t returning id) select count(*) from gone", "postgres")
        True
    """
    try:
        statements = [tree for tree in sqlglot.parse(sql, dialect=dialect) if tree is not None]
    except SqlglotError:
        return True
    return any(not isinstance(tree, _READING) or tree.find(*_CHANGING) is not None for tree in statements)


def begin_node(session: Session) -> None:
    """Forget what the thread's last node ran."""
    session.changing.discard(threading.get_ident())


def note(session: Session, sql: str, output: str) -> bool:
    """Note a statement that this thread's node has run; return True if it may have changed a table."""
    changes = may_change(sql, of_type(session.outputs.types[output]))
    if changes:
        session.changing.add(threading.get_ident())
    return changes


def has_changed(session: Session) -> bool:
    """Return True if the Jinja of this thread's node may have changed a table."""
    return threading.get_ident() in session.changing


class NotingDatabaseWrapper(RuntimeDatabaseWrapper):
    """dbt's `adapter` object while a native node is compiled, which notes the statements it runs."""

    session: Session
    output: str

    @classmethod
    def over(cls, session: Session, output: str, wrapper: RuntimeDatabaseWrapper) -> NotingDatabaseWrapper:
        """One in the place of dbt's own."""
        made = cls(wrapper._adapter, wrapper._namespace)  # noqa: SLF001 - the class we extend
        made.session, made.output = session, output
        return made

    def __getattr__(self, name: str) -> Any:
        method = super().__getattr__(name)
        return partial(self._noted, method) if name == "execute" else method

    def _noted(self, execute: Any, sql: str, *args: Any, **kwargs: Any) -> Any:
        answer = execute(sql, *args, **kwargs)
        note(self.session, str(sql), self.output)
        return answer
