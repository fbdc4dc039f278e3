"""Runs `show`: of federated nodes by the federation, which loads nothing, of others by dbt's own runner."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from dbt.artifacts.schemas.results import RunStatus
from dbt.artifacts.schemas.run import RunResult
from dbt.task.compile import CompileRunner
from sqlglot import TokenType
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import SqlglotError

from dvt.core.errors import DvtError
from dvt.core.reports import Answer
from dvt.dbt_bridge.dbt_errors import as_dbt_errors
from dvt.dbt_bridge.jinja.queries import as_table
from dvt.dbt_bridge.nodes.request import node_request
from dvt.dbt_bridge.outputs import dialects

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

    from dvt.dbt_bridge.session import Session

_DEPTH = {TokenType.L_PAREN: 1, TokenType.R_PAREN: -1}


class FederatedShowRunner(CompileRunner):
    """Shows rows of a federated model, whether it has been built or not, or of a query over databases."""

    session: Session

    def execute(self, compiled_node: Any, manifest: Manifest) -> Any:
        """Compute the node's first rows."""
        started = time.time()
        with as_dbt_errors():
            try:
                answer = self._select(compiled_node, manifest)
            except DvtError as error:
                error.about(compiled_node.name, compiled_node.original_file_path)
                raise
        return RunResult(
            node=compiled_node,
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

    def _select(self, node: Any, manifest: Manifest) -> Answer:
        limit = self.config.args.limit
        federator = self.session.federator()
        request = node_request(
            self.session, node, manifest, federator.run, limit=None if limit < 0 else limit
        )
        return federator.select(request)


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
