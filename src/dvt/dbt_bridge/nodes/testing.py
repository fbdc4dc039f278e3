"""Tests that need the federation: data tests over several databases, unit tests of federated models.

What a test selects is computed and staged like a model; dbt's own test then looks at the stage table.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from dbt.task.test import TestRunner

from dvt.core.errors import DvtError
from dvt.dbt_bridge.dbt_errors import as_dbt_errors
from dvt.dbt_bridge.nodes.publish import DbtPublisher
from dvt.dbt_bridge.nodes.request import node_request
from dvt.dbt_bridge.nodes.transactions import commit_open

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

    from dvt.dbt_bridge.session import Session


_making_schemas = threading.Lock()
"""PostgreSQL's `create schema if not exists` fails when two sessions do it at once."""


class FederatedTestRunner(TestRunner):
    """dbt's test runner, over what the federation has computed."""

    session: Session
    compiler: Any

    def execute_data_test(self, data_test: Any, manifest: Manifest) -> Any:
        """Compute what the test selects; dbt counts and judges it."""

        def judge(stand_in: Any) -> Any:
            return super(FederatedTestRunner, self).execute_data_test(stand_in, manifest)

        return self._federate(data_test, manifest, judge)

    def execute_unit_test(self, unit_test_def: Any, manifest: Manifest) -> Any:
        """Compute the model over its given rows; dbt compares them with the expected ones."""
        fixtures = self.build_unit_test_manifest_from_test(unit_test_def, manifest)
        node = self.compiler.compile_node(fixtures.nodes[unit_test_def.unique_id], fixtures, {})

        def compare(stand_in: Any) -> Any:
            before, self.compiler = self.compiler, Compiled(stand_in)
            try:
                return super(FederatedTestRunner, self).execute_unit_test(unit_test_def, manifest)
            finally:
                self.compiler = before

        return self._federate(node, fixtures, compare)

    def _federate(self, node: Any, manifest: Manifest, judge: Any) -> Any:
        with as_dbt_errors():
            try:
                federator = self.session.federator()
                request = node_request(self.session, node, manifest, federator.run)
                self._make_schema()
                publisher = DbtPublisher(self.adapter, node, judge)
                federator.federate(request, publisher)
            except DvtError as error:
                error.about(node.name, node.original_file_path)
                raise
        return publisher.result

    def _make_schema(self) -> None:
        """The stage table lies in the target's own schema, which a run of tests alone does not create."""
        credentials = self.config.credentials
        schema = self.adapter.Relation.create(database=credentials.database, schema=credentials.schema)
        with _making_schemas:
            if not self.adapter.check_schema_exists(schema.database, schema.schema):
                self.adapter.create_schema(schema)
            commit_open(self.adapter)


class Compiled:
    """Stands in for dbt's compiler where the node is compiled already."""

    def __init__(self, node: Any) -> None:
        self._node = node

    def compile_node(self, *_: Any, **__: Any) -> Any:
        """The node."""
        return self._node
