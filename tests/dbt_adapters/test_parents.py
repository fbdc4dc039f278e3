"""A table that foreign keys refer to can be built again, with its child and alone."""

from __future__ import annotations

import pytest
from dbt.tests.util import run_dbt, run_dbt_and_capture

MODELS = """
models:
  - name: parent
    config: {materialized: table, contract: {enforced: true}}
    columns: [{name: id, data_type: bigint, constraints: [{type: primary_key}]}]
  - name: child
    config: {materialized: table, contract: {enforced: true}}
    columns:
      - {name: id, data_type: bigint}
      - name: parent
        data_type: bigint
        constraints: [{type: foreign_key, to: "ref('parent')", to_columns: [id]}]
"""


class TestParents:
    @pytest.fixture(scope="class")
    def models(self):
        return {
            "parent.sql": "select 1 as id",
            "child.sql": "select 10 as id, 1 as parent -- {{ ref('parent') }}",
            "models.yml": MODELS,
        }

    def _keys(self, server, project):
        query = "select table_name, referenced_table_name from information_schema.referential_constraints"
        return server.execute(f"{query} where constraint_schema = '{project.test_schema}'")

    def test_a_parent_is_rebuilt_with_its_child_and_alone(self, server, project):
        for _ in range(2):
            assert len(run_dbt(["run"])) == 2
            assert self._keys(server, project) == [("child", "parent")]
        _, log = run_dbt_and_capture(["run", "--select", "parent"])
        assert "of " + project.test_schema + ".child goes with" in log
        assert self._keys(server, project) == []
        assert server.execute(f"select * from {project.test_schema}.child") == [(10, 1)]
        tables = server.execute(
            f"select table_name from information_schema.tables where table_schema = '{project.test_schema}'"
        )
        assert sorted(tables) == [("child",), ("parent",)]
        run_dbt(["run"])
        assert self._keys(server, project) == [("child", "parent")]
