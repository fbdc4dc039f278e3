"""Computes the freshness of sources on outputs that dbt has no adapter for."""

from __future__ import annotations

import threading
from contextlib import suppress
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any

from dbt.artifacts.schemas.freshness import SourceFreshnessResult
from dbt.clients.jinja import get_rendered
from dbt.context.providers import RuntimeProvider, SourceContext
from dbt.task.freshness import FreshnessRunner

from dvt.core.errors import DvtError, NotFederable
from dvt.dbt_bridge.dbt_errors import as_dbt_errors
from dvt.dbt_bridge.jinja.contexts import FederatedSource
from dvt.dbt_bridge.jinja.queries import answer_of
from dvt.dbt_bridge.jinja.scope import Scope
from dvt.dbt_bridge.outputs import dialects

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

    from dvt.dbt_bridge.session import Session


class FederatedFreshnessRunner(FreshnessRunner):
    """Asks for the latest `loaded_at_field` of a source; the query is in the default target's SQL."""

    session: Session

    def execute(self, compiled_node: Any, manifest: Manifest) -> Any:
        """Return dbt's result; NotFederable if the source does not say where its times are."""
        with as_dbt_errors():
            try:
                latest = self._latest(compiled_node, manifest)
            except DvtError as error:
                error.about(compiled_node.name, compiled_node.original_file_path)
                raise
        now = datetime.now(UTC)
        freshness = self.adapter._create_freshness_response(latest, now)  # noqa: SLF001 - dbt's own reading
        return SourceFreshnessResult(
            node=compiled_node,
            status=compiled_node.freshness.status(freshness["age"]),
            thread_id=threading.current_thread().name,
            timing=[],
            execution_time=0,
            message=None,
            adapter_response={},
            failures=None,
            **freshness,
        )

    def _latest(self, source: Any, manifest: Manifest) -> datetime | None:
        """Return the source's latest time, in UTC; None if it has no rows."""
        target = self.session.default
        dialect = dialects.of_type(self.session.outputs.types[target])
        scope = Scope(self.session, source.unique_id, target, dialect)
        relation = FederatedSource(scope, None, source, self.config, manifest).relation_of(source)
        if source.loaded_at_query is not None:
            context = SourceContext(source, self.config, manifest, RuntimeProvider(), None).to_dict()
            sql = get_rendered(source.loaded_at_query, {**context, "this": relation}, source)
        elif source.loaded_at_field is not None:
            condition = f" where {source.freshness.filter}" if source.freshness.filter else ""
            sql = f"select max({source.loaded_at_field}) as max_loaded_at from {relation}{condition}"
        else:
            kind = self.session.outputs.types[relation.output]
            why = f"outputs of type {kind} do not know when a table was changed"
            raise self._refused(source, why, "name a column of times: loaded_at_field, or loaded_at_query")
        ((value, *_),) = answer_of(scope, sql, [relation]).rows or ((None,),)
        return self._as_time(source, value)

    def _as_time(self, source: Any, value: object) -> datetime | None:
        """Return a value as a time; a text must be one, and a time without a zone is in UTC."""
        if isinstance(value, date) and not isinstance(value, datetime):
            value = datetime.combine(value, time())
        if isinstance(value, str):
            with suppress(ValueError):
                value = datetime.fromisoformat(value)
        if value is None or isinstance(value, datetime):
            return value if value is None or value.tzinfo is not None else value.replace(tzinfo=UTC)
        why = f"its latest value, {value!r}, is no time"
        raise self._refused(source, why, "cast it in loaded_at_field, in the SQL of the default target")

    def _refused(self, source: Any, why: str, hint: str) -> NotFederable:
        return NotFederable(f"freshness of source '{source.source_name}.{source.name}'", why, hint)
