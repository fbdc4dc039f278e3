"""Notes the statements in a node's Jinja that may change a table.

What `run_query` changes on the node's own output is committed when the node ends. So it is noted for the
thread that runs the node, and reported to the federation at the node's end.
"""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING, Any

import sqlglot
from dbt.context.providers import RuntimeDatabaseWrapper
from sqlglot import exp
from sqlglot.errors import SqlglotError

from dvt.dbt_bridge.jinja.aliases import with_one_alias
from dvt.dbt_bridge.outputs import dialects

if TYPE_CHECKING:
    from dvt.dbt_bridge.session import Session

_READING = (exp.Query, exp.Describe, exp.Show, exp.Pragma)
"""Statements that change nothing, unless `_CHANGING` is in them."""
_CHANGING = (exp.DML, exp.DDL, exp.Into)
"""Expressions that change a table."""


def may_change(sql: str, dialect: str) -> bool:
    """Return whether a text may change a table; functions that its queries call are assumed not to.

    Example:
        >>> may_change("select 1", "postgres"), may_change("truncate t", "postgres")
        (False, True)
        >>> may_change("with d as (delete from t returning id) select count(*) from d", "postgres")
        True
    """
    try:
        statements = [tree for tree in sqlglot.parse(sql, dialect=dialect) if tree is not None]
    except SqlglotError:
        return True
    return any(not isinstance(tree, _READING) or tree.find(*_CHANGING) is not None for tree in statements)


def begin_node(session: Session) -> None:
    """Forget the statements of the node that this thread ran before."""
    session.changing.discard(threading.get_ident())


def note_statement(session: Session, sql: str, output: str) -> bool:
    """Note a statement that this thread's node has run; return whether it may have changed a table."""
    changes = may_change(sql, dialects.of_type(session.outputs.types[output]))
    if changes:
        session.changing.add(threading.get_ident())
    return changes


def has_changed(session: Session) -> bool:
    """Return whether the Jinja of this thread's node may have changed a table."""
    return threading.get_ident() in session.changing


class NotingDatabaseWrapper(RuntimeDatabaseWrapper):
    """dbt's `adapter` object of a native node, which also notes the statements that it runs."""

    session: Session
    output: str

    @classmethod
    def over(cls, session: Session, output: str, wrapper: RuntimeDatabaseWrapper) -> NotingDatabaseWrapper:
        """Return a wrapper with the adapter and the namespace of dbt's own."""
        noting = cls(wrapper._adapter, wrapper._namespace)  # noqa: SLF001 - the class we extend
        noting.session, noting.output = session, output
        return noting

    def __getattr__(self, name: str) -> Any:
        method = super().__getattr__(name)
        return partial(self._execute, method) if name == "execute" else method

    def _execute(self, execute: Any, sql: str, *args: Any, **kwargs: Any) -> Any:
        dialect = dialects.of_type(self.session.outputs.types[self.output])
        answer = execute(with_one_alias(str(sql), dialect), *args, **kwargs)
        note_statement(self.session, str(sql), self.output)
        return answer
