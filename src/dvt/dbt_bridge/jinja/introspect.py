"""`adapter`, `run_query` and `statement` in a federated model: each question goes to whom it is about."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from dbt.adapters.base.column import Column
from dbt.adapters.base.relation import BaseRelation
from dbt.context.providers import RuntimeDatabaseWrapper
from sqlglot import exp
from sqlglot.errors import SqlglotError

from dvt.core.errors import IntrospectionUnsupported, SeveralConnections, TableNotFound
from dvt.core.names import MARKER
from dvt.dbt_bridge.dbt_errors import as_dbt_errors
from dvt.dbt_bridge.jinja.hooks import wrote
from dvt.dbt_bridge.jinja.relations import OwnedName, is_marked, table_ref, unmarked
from dvt.dbt_bridge.jinja.scope import Scope
from dvt.dbt_bridge.jinja.statements import note
from dvt.dbt_bridge.outputs.dialects import of_type


class FederatedDatabaseWrapper(RuntimeDatabaseWrapper):
    """dbt's `adapter` object, which asks the owner of the relations it is given."""

    def __init__(self, scope: Scope, adapter: Any, namespace: Any) -> None:
        super().__init__(adapter, namespace)
        self._scope = scope

    def __getattr__(self, name: str) -> Any:
        found = super().__getattr__(name)
        if not callable(found):
            return found
        return self._execute if name == "execute" else partial(self._ask, name)

    def _ask(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Call an adapter's method on the adapter that owns the relations among its arguments."""
        about = list(_relations([*args, *kwargs.values()]))
        owner = self._owner({relation.output for relation in about})
        if self._readable_only(owner):
            return self._describe(name, owner, about)
        plain = [_plain(value) for value in args]
        named = {key: _plain(value) for key, value in kwargs.items()}
        with self._adapter_of(owner) as adapter:
            answer = getattr(adapter, name)(*plain, **named)
        return _as_marked(answer, about)

    def _execute(self, sql: str, *args: Any, **kwargs: Any) -> Any:
        """Run a query on the one connection whose relations it names, by their real names."""
        scope, real, owners = self._scope, str(sql), set()
        if MARKER in real:
            for relation in self._named_in(real):
                owners.add(relation.output)
                real = real.replace(relation.shown, relation.stands_for)
        owner = self._owner(owners)
        if self._readable_only(owner):
            kind = scope.session.outputs.types[owner]
            with as_dbt_errors():
                raise IntrospectionUnsupported("a run_query or statement", owner, kind)
        with self._adapter_of(owner) as adapter:
            answer = adapter.execute(real, *args, **kwargs)
            changes = note(scope.session, real, owner)
            if owner != scope.home:
                _commit(adapter)
                if changes:
                    wrote(scope.session, owner)
        return answer

    def _named_in(self, sql: str) -> Iterator[Any]:
        """The marked relations that the query's text names."""
        for relation in self._scope.given.values():
            if relation.shown in sql:
                yield relation

    def _owner(self, owners: set[str]) -> str:
        if len(owners) > 1:
            with as_dbt_errors():
                raise SeveralConnections(owners)
        return next(iter(owners), self._scope.home)

    def _readable_only(self, output: str) -> bool:
        return not self._scope.session.outputs.can_be_target(output)

    @contextmanager
    def _adapter_of(self, output: str) -> Iterator[Any]:
        """The output's adapter with a connection for this thread."""
        if output == self._scope.home:
            yield self._adapter
            return
        adapter = self._scope.session.targets.adapter(output)
        with adapter.connection_named(f"dvt introspection of {output}"):
            yield adapter

    def _describe(self, name: str, output: str, about: list[Any]) -> Any:
        """The same questions, answered by the connector where there is no adapter."""
        kind = self._scope.session.outputs.types[output]
        answers: Mapping[str, Callable[[Any], Any]] = {
            "get_columns_in_relation": self._columns,
            "get_relation": self._exists,
        }
        with as_dbt_errors():
            if name not in answers:
                raise IntrospectionUnsupported(f"adapter.{name}", output, kind)
            return answers[name](about[0])

    def _columns(self, relation: Any) -> list[Column]:
        ref = table_ref(unmarked(relation), relation.output, of_type(self._kind(relation)))
        table = self._scope.session.federator().describe(ref)
        return [Column(column.name, column.native) for column in table.columns]

    def _exists(self, relation: Any) -> Any:
        try:
            self._columns(relation)
        except TableNotFound:
            return None
        return relation.incorporate(type="table")

    def _kind(self, relation: Any) -> str:
        return self._scope.session.outputs.types[relation.output]


class FixtureDatabaseWrapper(FederatedDatabaseWrapper):
    """As that of a federated model; columns come with types as the model's own SQL would write them."""

    @classmethod
    def over(cls, scope: Scope, wrapper: RuntimeDatabaseWrapper) -> FixtureDatabaseWrapper:
        """One in the place of dbt's own."""
        return cls(scope, wrapper._adapter, wrapper._namespace)  # noqa: SLF001 - the class we extend

    def _ask(self, name: str, *args: Any, **kwargs: Any) -> Any:
        answer = super()._ask(name, *args, **kwargs)
        if name != "get_columns_in_relation":
            return answer
        (relation,) = _relations([*args, *kwargs.values()])
        return [self._adapter.Column(one.name, self._written(one.data_type, relation)) for one in answer]

    def _written(self, native: str, relation: Any) -> str:
        """The owner's type in the words of the SQL's dialect; the owner's own where there are none."""
        try:
            kind = exp.DataType.build(native, dialect=of_type(self._kind(relation)))
        except (SqlglotError, ValueError):
            return native
        return str(kind.sql(dialect=self._scope.dialect))


def _relations(values: list[Any]) -> Iterator[Any]:
    """The marked relations among a call's arguments, names of theirs included."""
    for value in values:
        if is_marked(value):
            yield value
        elif isinstance(value, OwnedName):
            yield value.relation
        elif isinstance(value, list | tuple | set):
            yield from _relations(list(value))


def _plain(value: Any) -> Any:
    if is_marked(value):
        return unmarked(value)
    if isinstance(value, OwnedName):
        return str(value)
    if isinstance(value, list | tuple | set):
        return type(value)(_plain(one) for one in value)
    return value


def _as_marked(answer: Any, about: list[Any]) -> Any:
    """An answered relation that was asked about stays a marker, with the type found."""
    if not isinstance(answer, BaseRelation):
        return answer
    for relation in about:
        if answer.path == relation.path:
            return relation.incorporate(type=answer.type)
    return answer


def _commit(adapter: Any) -> None:
    """A statement on another connection is its own transaction: nothing later would commit it."""
    connection = adapter.connections.get_if_exists()
    if connection is not None and connection.transaction_open:
        adapter.commit_if_has_connection()
