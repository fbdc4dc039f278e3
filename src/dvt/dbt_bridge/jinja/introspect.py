"""Runs a federated model's introspection: `adapter`, `run_query` and `statement` in its Jinja.

Each call runs on the output that its relations are on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from dbt.adapters.base.column import Column
from dbt.adapters.base.relation import BaseRelation
from dbt.context.providers import RuntimeDatabaseWrapper
from dbt_common.exceptions import DbtRuntimeError
from sqlglot import exp
from sqlglot.errors import SqlglotError

from dvt.core.errors import IntrospectionUnsupported, SeveralConnections, TableNotFound
from dvt.core.names import TableRef
from dvt.core.relation_names import places_in, replaced
from dvt.dbt_bridge.dbt_errors import DvtDbtError, as_dbt_errors
from dvt.dbt_bridge.jinja.aliases import with_one_alias
from dvt.dbt_bridge.jinja.hooks import report_any_write
from dvt.dbt_bridge.jinja.inputs import input_of
from dvt.dbt_bridge.jinja.queries import is_select, select
from dvt.dbt_bridge.jinja.relations import OwnedName, is_marked, parts_of, unmarked
from dvt.dbt_bridge.jinja.scope import Scope
from dvt.dbt_bridge.jinja.statements import note_statement
from dvt.dbt_bridge.outputs import dialects

_SIZE_WITHIN = re.compile(r"\(\d+\) (?=with)")
"""The size of a type that goes on after it."""


class FederatedDatabaseWrapper(RuntimeDatabaseWrapper):
    """dbt's `adapter` object; each call goes to the adapter of the output that its relations are on."""

    def __init__(self, scope: Scope, adapter: Any, namespace: Any) -> None:
        super().__init__(adapter, namespace)
        self._scope = scope

    def __getattr__(self, name: str) -> Any:
        attribute = super().__getattr__(name)
        if not callable(attribute):
            return attribute
        return self._execute if name == "execute" else partial(self._call, name)

    def _call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Call a method of the adapter whose output the relations among the arguments are on."""
        relations = list(_relations([*args, *kwargs.values()]))
        output = self._output({relation.output for relation in relations})
        if name == "get_columns_in_relation" and self._is_foreign(output):
            return self._columns(relations[0])
        if self._has_no_adapter(output):
            return self._describe(name, output, relations)
        unmarked_args = [_unmarked(value) for value in args]
        unmarked_kwargs = {key: _unmarked(value) for key, value in kwargs.items()}
        with self._adapter_of(output) as adapter:
            answer = getattr(adapter, name)(*unmarked_args, **unmarked_kwargs)
        return _as_marked(answer, relations)

    def _execute(self, sql: str, *args: Any, **kwargs: Any) -> Any:
        """Run a query on the output whose relations it names, as that output writes their names."""
        scope, marked = self._scope, self._scope.marked
        text = with_one_alias(str(sql), scope.dialect)
        places = places_in(text, scope.dialect, {key: parts_of(relation) for key, relation in marked.items()})
        query = replaced(text, places, {key: relation.name_text for key, relation in marked.items()})
        outputs = {marked[place.key].output for place in places}
        if self._must_compute(text, outputs):
            with as_dbt_errors():
                relations = {place.key: marked[place.key] for place in places}.values()
                return select(scope, text, relations, self._adapter)
        output = self._output(outputs)
        if self._has_no_adapter(output):
            kind = scope.session.outputs.types[output]
            with as_dbt_errors():
                raise IntrospectionUnsupported("a run_query or statement", output, kind)
        with self._adapter_of(output) as adapter:
            answer = adapter.execute(query, *args, **kwargs)
            may_have_changed = note_statement(scope.session, query, output)
            if output != scope.target:
                _commit(adapter)
                if may_have_changed:
                    report_any_write(scope.session, output)
        return answer

    def _output(self, outputs: set[str]) -> str:
        """Return the only output, or the node's target if there is none; SeveralConnections for more."""
        if len(outputs) > 1:
            with as_dbt_errors():
                raise SeveralConnections(outputs)
        return next(iter(outputs), self._scope.target)

    def _must_compute(self, sql: str, outputs: set[str]) -> bool:
        """Return whether a text is a query that no output can answer alone, in its dialect."""
        if not outputs or outputs == {self._scope.target} or not is_select(sql, self._scope.dialect):
            return False
        return len(outputs) > 1 or any(self._is_foreign(output) for output in outputs)

    def _is_foreign(self, output: str) -> bool:
        """Return whether an output speaks another dialect than the node's SQL, or has no adapter."""
        kind = self._scope.session.outputs.types[output]
        return self._has_no_adapter(output) or dialects.of_type(kind) != self._scope.dialect

    def _has_no_adapter(self, output: str) -> bool:
        return not self._scope.session.outputs.can_be_target(output)

    @contextmanager
    def _adapter_of(self, output: str) -> Iterator[Any]:
        """Yield the output's adapter, connected for this thread."""
        if output == self._scope.target:
            yield self._adapter
            return
        adapter = self._scope.session.targets.adapter(output)
        with adapter.connection_named(f"dvt introspection of {output}"):
            yield adapter

    def _describe(self, name: str, output: str, relations: list[Any]) -> Any:
        """Answer an adapter's method by the connector of an output without an adapter."""
        kind = self._scope.session.outputs.types[output]
        methods: Mapping[str, Callable[[Any], Any]] = {"get_relation": self._existing}
        with as_dbt_errors():
            if name not in methods:
                raise IntrospectionUnsupported(f"adapter.{name}", output, kind)
            return methods[name](relations[0])

    def _columns(self, relation: Any) -> list[Column]:
        """Return the columns that a copy of a table on the node's target would have; none without a table."""
        scope = self._scope
        try:
            with as_dbt_errors():
                columns = scope.session.federator().columns_on(scope.target, self._table(relation))
        except DvtDbtError as error:
            if isinstance(error.error, TableNotFound):
                return []
            raise
        dialect = dialects.of_type(scope.session.outputs.types[scope.target])
        return [
            _column(self._adapter.Column, column.name, self._translated(column.native, dialect))
            for column in columns
        ]

    def _existing(self, relation: Any) -> Any:
        """Return the relation as a table, None if it does not exist."""
        try:
            self._scope.session.federator().describe(self._table(relation))
        except TableNotFound:
            return None
        return relation.incorporate(type="table")

    def _table(self, relation: Any) -> TableRef:
        return input_of(self._scope.session, relation, self._scope.session.node(relation.unique_id)).table

    def _translated(self, native: str, dialect: str) -> str:
        """Return a type in the dialect of the node's SQL; as it is if SQLGlot cannot parse it."""
        if dialect == self._scope.dialect:
            return native
        try:
            kind = exp.DataType.build(native, dialect=dialect)
        except (SqlglotError, ValueError):
            return native
        return str(kind.sql(dialect=self._scope.dialect))

    def _kind(self, relation: Any) -> str:
        return self._scope.session.outputs.types[relation.output]


class FixtureDatabaseWrapper(FederatedDatabaseWrapper):
    """The `adapter` of a unit test's given rows: columns have types in the dialect of the model's SQL."""

    @classmethod
    def over(cls, scope: Scope, wrapper: RuntimeDatabaseWrapper) -> FixtureDatabaseWrapper:
        """Return a wrapper with the adapter and the namespace of dbt's own."""
        return cls(scope, wrapper._adapter, wrapper._namespace)  # noqa: SLF001 - the class we extend

    def _call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        answer = super()._call(name, *args, **kwargs)
        if name != "get_columns_in_relation":
            return answer
        (relation,) = _relations([*args, *kwargs.values()])
        if self._is_foreign(relation.output):
            return answer
        dialect = dialects.of_type(self._kind(relation))
        return [
            self._adapter.Column(column.name, self._translated(column.data_type, dialect))
            for column in answer
        ]


def _relations(values: list[Any]) -> Iterator[Any]:
    """Yield the marked relations among a call's arguments, also those of which only a name is passed."""
    for value in values:
        if is_marked(value):
            yield value
        elif isinstance(value, OwnedName):
            yield value.relation
        elif isinstance(value, list | tuple | set):
            yield from _relations(list(value))


def _unmarked(value: Any) -> Any:
    """Return an argument with marked relations and their names replaced by plain ones."""
    if is_marked(value):
        return unmarked(value)
    if isinstance(value, OwnedName):
        return str(value)
    if isinstance(value, list | tuple | set):
        return type(value)(_unmarked(item) for item in value)
    return value


def _as_marked(answer: Any, relations: list[Any]) -> Any:
    """Return the marked relation, with its type, if the answer is a relation that was an argument."""
    if not isinstance(answer, BaseRelation):
        return answer
    for relation in relations:
        if answer.path == relation.path:
            return relation.incorporate(type=answer.type)
    return answer


def _column(kind: Any, name: str, native: str) -> Any:
    """Return an adapter's column; `native` is its type as DDL takes it.

    A size within the type (`timestamp(3) with time zone`) is left out, as in PostgreSQL's own catalog: dbt
    would take it for a length, and drop what follows it.
    """
    try:
        return kind.from_description(name, _SIZE_WITHIN.sub(" ", native))
    except DbtRuntimeError:
        return kind(name, native)


def _commit(adapter: Any) -> None:
    """Commit a statement on another output; dbt commits only the node's own connection."""
    connection = adapter.connections.get_if_exists()
    if connection is not None and connection.transaction_open:
        adapter.commit_if_has_connection()
