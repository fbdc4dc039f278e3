"""Runs tests that need the federation: data tests over several databases, unit tests of federated models.

The test's SELECT is computed like a model's: on its target, or elsewhere, and then dbt's own test reads the
stage table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dbt.task.test import TestRunner

from dvt.core.errors import DvtError
from dvt.core.places import Place
from dvt.dbt_bridge.dbt_errors import as_dbt_errors
from dvt.dbt_bridge.nodes import on_target
from dvt.dbt_bridge.nodes.publish import DbtPublisher
from dvt.dbt_bridge.nodes.request import node_request
from dvt.dbt_bridge.nodes.target_errors import UsersWords

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

    from dvt.dbt_bridge.session import Session


class FederatedTestRunner(TestRunner):
    """Runs dbt's tests over rows that the federation has computed."""

    session: Session
    compiler: Any

    def execute_data_test(self, data_test: Any, manifest: Manifest) -> Any:
        """Compute the test's SELECT; dbt then counts its rows as failures."""

        def count(stand_in: Any) -> Any:
            return super(FederatedTestRunner, self).execute_data_test(stand_in, manifest)

        return self._federate(data_test, manifest, count)

    def execute_unit_test(self, unit_test_def: Any, manifest: Manifest) -> Any:
        """Compute the model over the given rows; dbt then compares the result with the expected rows."""
        fixtures = self.build_unit_test_manifest_from_test(unit_test_def, manifest)
        node = self.compiler.compile_node(fixtures.nodes[unit_test_def.unique_id], fixtures, {})

        def compare(stand_in: Any) -> Any:
            compiler, self.compiler = self.compiler, PrecompiledNode(stand_in)
            try:
                return super(FederatedTestRunner, self).execute_unit_test(unit_test_def, manifest)
            finally:
                self.compiler = compiler

        return self._federate(node, fixtures, compare)

    def _federate(self, node: Any, manifest: Manifest, run_test: Any) -> Any:
        """Compute the node's SELECT; return what `run_test` says of a node that reads the answer.

        At the target that is the SELECT itself, over copies.
        """
        with as_dbt_errors():
            try:
                federator = self.session.federator()
                limit = node.config.get("limit")
                request = node_request(self.session, node, manifest, federator.run, limit=limit)
                on_target.make_schema(self.adapter, request.stage)
                place = on_target.place_of(self.session, federator, request)
                if place is Place.TARGET:
                    with federator.copies(request) as copies:
                        words = UsersWords(request, copies)
                        return on_target.run(self.adapter, on_target.stand_in(node, copies), run_test, words)
                publisher = DbtPublisher(self.adapter, node, run_test)
                federator.federate(request, publisher, place=place)
            except DvtError as error:
                error.about(node.name, node.original_file_path)
                raise
        return publisher.result


class PrecompiledNode:
    """Stands in for dbt's compiler of a node that is compiled already."""

    def __init__(self, node: Any) -> None:
        self._node = node

    def compile_node(self, *_: Any, **__: Any) -> Any:
        """Return the node."""
        return self._node
