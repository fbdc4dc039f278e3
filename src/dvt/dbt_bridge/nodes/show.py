"""Runs `show`: of federated nodes where they are computed, of others by dbt's own runner.

An engine's answer is not loaded; on its target, dbt's own runner queries copies of what is elsewhere.
"""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dbt.artifacts.schemas.results import RunStatus
from dbt.artifacts.schemas.run import RunResult
from dbt.task.show import ShowRunner
from sqlglot import TokenType
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import SqlglotError

from dvt.core.errors import DvtError
from dvt.core.places import Place
from dvt.core.reports import Answer
from dvt.dbt_bridge.dbt_errors import as_dbt_errors
from dvt.dbt_bridge.jinja.queries import as_table
from dvt.dbt_bridge.nodes import on_target
from dvt.dbt_bridge.nodes.request import node_request
from dvt.dbt_bridge.nodes.target_errors import UsersWords
from dvt.dbt_bridge.outputs import dialects

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

    from dvt.core.ports.bridge import Copies
    from dvt.core.requests import NodeRequest
    from dvt.dbt_bridge.session import Session

_DEPTH = {TokenType.L_PAREN: 1, TokenType.R_PAREN: -1}


class FederatedShowRunner(ShowRunner):
    """Shows rows of a federated model, whether it has been built or not, or of a query over databases."""

    session: Session

    def execute(self, compiled_node: Any, manifest: Manifest) -> Any:
        """Compute the node's first rows."""
        with as_dbt_errors():
            try:
                return self._execute_federated(compiled_node, manifest)
            except DvtError as error:
                error.about(compiled_node.name, compiled_node.original_file_path)
                raise

    def _execute_federated(self, node: Any, manifest: Manifest) -> Any:
        started = time.time()
        limit = self.config.args.limit
        federator = self.session.federator()
        request = node_request(
            self.session, node, manifest, federator.run, limit=None if limit < 0 else limit
        )
        # Whatever the node is built by, its rows are those of its SELECT; its own schema may not be there.
        database, schema = self.config.credentials.database, self.config.credentials.schema
        stage = replace(request.stage, database=database if request.stage.database else None, schema=schema)
        request = replace(request, only_on_target="", not_in_engine="", stage=stage)
        if on_target.place_of(self.session, federator, request) is Place.TARGET:
            on_target.make_schema(self.adapter, request.stage)
            with federator.copies(request) as copies:
                return self._show_copies(node, manifest, request, copies)
        return _result(node, federator.select(request), started)

    def _show_copies(self, node: Any, manifest: Manifest, request: NodeRequest, copies: Copies) -> Any:
        """Show by dbt's own runner what the node's text answers over copies."""

        def show(stand_in: Any) -> Any:
            return super(FederatedShowRunner, self).execute(stand_in, manifest)

        stand_in = on_target.stand_in(node, copies)
        result = on_target.run(self.adapter, stand_in, show, UsersWords(request, copies))
        result.node = node
        return result


def _result(node: Any, answer: Answer, started: float) -> RunResult:
    return RunResult(
        node=node,
        status=RunStatus.Success,
        timing=[],
        thread_id=threading.current_thread().name,
        execution_time=time.time() - started,
        message=None,
        adapter_response={},
        failures=None,
        batch_results=None,
        agate_table=as_table(answer),
    )


def with_own_limit(sql: str, kind: str) -> str:
    """Return SQL after which dbt may write its limit, also if it has one of its own already.

    `kind` is the type of the output that it runs on.
    """
    return f"select * from (\n{sql}\n) as dvt_shown" if has_limit(sql, dialects.of_type(kind)) else sql


def has_limit(sql: str, dialect: str) -> bool:
    """Return whether a query has a limit of its own, outside of all brackets.

    Example:
        >>> has_limit("select 1 limit 2", "postgres"), has_limit("select (select 1 limit 2)", "postgres")
        (True, False)
    """
    depth = 0
    try:
        tokens = Dialect.get_or_raise(dialect).tokenize(sql)
    except SqlglotError:
        return False
    for token in tokens:
        depth += _DEPTH.get(token.token_type, 0)
        if depth == 0 and token.token_type in {TokenType.LIMIT, TokenType.FETCH, TokenType.OFFSET}:
            return True
    return False
