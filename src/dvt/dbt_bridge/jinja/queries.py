"""Runs queries of a federated node's Jinja over other outputs than its own, as its SQL will be run."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import sqlglot
from dbt.adapters.contracts.connection import AdapterResponse
from dbt_common.clients.agate_helper import table_from_data_flat
from sqlglot import exp
from sqlglot.errors import SqlglotError

from dvt.core.errors import TranslationWrong
from dvt.core.names import TableRef, stage_name
from dvt.core.places import AUTO, RESERVED, Place
from dvt.core.requests import Input, NodeRequest, Translate
from dvt.dbt_bridge.jinja.inputs import input_of
from dvt.dbt_bridge.jinja.relations import parts_of, table_ref, unmarked
from dvt.dbt_bridge.outputs import dialects

if TYPE_CHECKING:
    from dvt.core.reports import Answer
    from dvt.dbt_bridge.jinja.scope import Scope

_NUMBERS = itertools.count()
"""Numbers of the queries, so that each has a place of its own to stage its answer."""


def is_select(sql: str, dialect: str) -> bool:
    """Return whether a text is one query, or nothing that SQLGlot can read; DML in a CTE is no query."""
    try:
        statements = [tree for tree in sqlglot.parse(sql, dialect=dialect) if tree is not None]
    except SqlglotError:
        return True
    return len(statements) == 1 and isinstance(statements[0], exp.Query)


def select(scope: Scope, sql: str, relations: Collection[Any], adapter: Any) -> tuple[AdapterResponse, Any]:
    """Run a query in the dialect of the node's SQL; return what dbt's adapters return for a query.

    `relations` are the marked ones that the query names; `adapter` is that of the node's target, which runs
    over copies what no engine is proven to answer.
    """
    federator, request = scope.session.federator(), _request(scope, sql, relations)
    try:
        answer = federator.select(request)
    except TranslationWrong:
        if not _may_be_on_target(request) or federator.choose(request).place is not Place.TARGET:
            raise
    else:
        response = AdapterResponse(_message=f"SELECT {len(answer.rows)}", rows_affected=len(answer.rows))
        return response, as_table(answer)
    with federator.copies(request) as copies:
        response, table = adapter.execute(copies.sql, fetch=True)
        return response, table


def answer_of(scope: Scope, sql: str, relations: Collection[Any]) -> Answer:
    """Return the rows of a query in the dialect of the node's SQL; what is not proven of it is a warning."""
    request = replace(_request(scope, sql, relations), translate=Translate.BEST_EFFORT)
    return scope.session.federator().select(request)


def _may_be_on_target(request: NodeRequest) -> bool:
    return request.compute is None or request.compute in RESERVED


def _request(scope: Scope, sql: str, relations: Collection[Any]) -> NodeRequest:
    session = scope.session
    node: Any = session.node(scope.node)
    credentials = session.targets.config(scope.target).credentials
    placement = session.placement(scope.node)
    return NodeRequest(
        unique_id=scope.node,
        name=node.name,
        file=node.original_file_path,
        sql=sql,
        dialect=scope.dialect,
        inputs=_inputs(scope, relations),
        stage=TableRef(
            connection=scope.target,
            database=getattr(node, "database", credentials.database),
            schema=getattr(node, "schema", credentials.schema),
            identifier=stage_name(session.federator().run, scope.node, f"query {next(_NUMBERS)}"),
        ),
        # Where the node is computed says nothing about a query of its Jinja.
        compute=AUTO if placement is None or placement.compute in RESERVED else placement.compute,
        bucket=session.bucket_of(node),
    )


def as_table(answer: Answer) -> Any:
    """Return the rows as dbt returns those of a query."""
    rows = [dict(zip(answer.names, row, strict=True)) for row in answer.rows]
    return table_from_data_flat(rows, list(answer.names))


def _inputs(scope: Scope, relations: Collection[Any]) -> Mapping[str, Input]:
    session = scope.session
    inputs: dict[str, Input] = {}
    for relation in relations:
        if relation.unique_id == scope.node and scope.node not in session.sources:  # {{ this }}
            kind = session.outputs.types[relation.output]
            table = table_ref(unmarked(relation), relation.output, dialects.of_type(kind))
            name = parts_of(relation)
            inputs[scope.node] = Input(table=table, unique_id=scope.node, name=name, this=True)
        else:
            inputs[relation.unique_id] = input_of(session, relation, session.node(relation.unique_id))
    return inputs
