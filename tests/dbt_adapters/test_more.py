"""The rest of the suite."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from dbt.tests.adapter.catalog import files
from dbt.tests.adapter.catalog.relation_types import CatalogRelationTypes
from dbt.tests.adapter.concurrency.test_concurrency import BaseConcurrency
from dbt.tests.adapter.dbt_clone.test_dbt_clone import (
    BaseCloneNotPossible,
    BaseCloneSameTargetAndState,
)
from dbt.tests.adapter.dbt_debug.test_dbt_debug import BaseDebugProfileVariable
from dbt.tests.adapter.dbt_show.test_dbt_show import (
    BaseShowLimit,
    BaseShowSqlHeader,
)
from dbt.tests.adapter.empty.test_empty import (
    BaseTestEmpty,
    BaseTestEmptyInlineSourceRef,
    MetadataWithEmptyFlag,
)
from dbt.tests.adapter.ephemeral.test_ephemeral import (
    BaseEphemeralErrorHandling,
    BaseEphemeralMulti,
    BaseEphemeralNested,
)
from dbt.tests.adapter.query_comment.test_query_comment import (
    BaseEmptyQueryComments,
    BaseMacroArgsQueryComments,
    BaseMacroInvalidQueryComments,
    BaseMacroQueryComments,
    BaseNullQueryComments,
    BaseQueryComments,
)
from dbt.tests.adapter.relations.test_changing_relation_type import BaseChangeRelationTypeValidator
from dbt.tests.adapter.relations.test_dropping_schema_named import BaseDropSchemaNamed
from dbt.tests.adapter.sample_mode.test_sample_mode import BaseSampleModeTest
from dbt.tests.adapter.simple_copy.test_copy_uppercase import BaseSimpleCopyUppercase
from dbt.tests.adapter.simple_copy.test_simple_copy import EmptyModelsArentRunBase, SimpleCopyBase
from dbt.tests.util import check_relations_equal, run_dbt


def executed_sql(model):
    return squeezed(Path("target/run/test/models", f"{model}.sql").read_text())


def squeezed(sql):
    return re.sub(r"\s", "", sql)


class TestSimpleCopyUppercase(BaseSimpleCopyUppercase):
    @pytest.fixture(scope="class")
    def dbt_profile_target(self, output):
        return output


class TestSimpleCopy(SimpleCopyBase):
    test_simple_copy_with_materialized_views = None  # there are none


class TestEmptyModelsArentRun(EmptyModelsArentRunBase): ...


class TestShowLimit(BaseShowLimit): ...


class TestShowSqlHeader(BaseShowSqlHeader): ...


class TestShowHandlesDoubleLimit:
    def test_show_limits_a_query_that_has_a_limit(self, project):
        results = run_dbt(["show", "--limit", "1", "--inline", "select 1 as id union all select 2 limit 2"])
        assert [tuple(row) for row in results.results[0].agate_table.rows] == [(1,)]


class TestChangeRelationTypeValidator(BaseChangeRelationTypeValidator): ...


class TestDropSchemaNamed(BaseDropSchemaNamed): ...


class TestQueryComments(BaseQueryComments): ...


class TestMacroQueryComments(BaseMacroQueryComments): ...


class TestMacroArgsQueryComments(BaseMacroArgsQueryComments): ...


class TestMacroInvalidQueryComments(BaseMacroInvalidQueryComments): ...


class TestNullQueryComments(BaseNullQueryComments): ...


class TestEmptyQueryComments(BaseEmptyQueryComments): ...


class TestCloneNotPossible(BaseCloneNotPossible): ...


class TestCloneSameTargetAndState(BaseCloneSameTargetAndState): ...


class TestEmpty(BaseTestEmpty): ...


class TestEmptyInlineSourceRef(BaseTestEmptyInlineSourceRef): ...


class TestMetadataWithEmptyFlag(MetadataWithEmptyFlag): ...


class TestConcurrency(BaseConcurrency): ...


class TestEphemeralMulti(BaseEphemeralMulti):
    def test_ephemeral_multi(self, project):
        run_dbt(["seed"])
        assert len(run_dbt(["run"])) == 3
        check_relations_equal(project.adapter, ["seed", "dependent", "double_dependent", "super_dependent"])
        assert executed_sql("double_dependent") == squeezed(
            f"create or replace view `{project.test_schema}`.`double_dependent` as "
            f"with __dbt__cte__base as (select * from {project.test_schema}.seed), "
            "__dbt__cte__base_copy as (select * from __dbt__cte__base)"
            "-- base_copy just pulls from base. Make sure the listed"
            "-- graph of CTEs all share the same dbt_cte__base cte"
            "select * from __dbt__cte__base where gender = 'Male' union all "
            "select * from __dbt__cte__base_copy where gender = 'Female'"
        )


class TestEphemeralNested(BaseEphemeralNested):
    def test_ephemeral_nested(self, project):
        assert len(run_dbt(["run"])) == 2
        assert executed_sql("root_view") == squeezed(
            f"create or replace view `{project.test_schema}`.`root_view` as "
            "with __dbt__cte__ephemeral_level_two as "
            f"(select * from `{project.test_schema}`.`source_table`), "
            "__dbt__cte__ephemeral as (select * from __dbt__cte__ephemeral_level_two) "
            "select * from __dbt__cte__ephemeral"
        )


class TestEphemeralErrorHandling(BaseEphemeralErrorHandling): ...


class TestSampleModeTest(BaseSampleModeTest): ...


class TestDebugProfileVariable(BaseDebugProfileVariable):
    def test_ok(self, project):
        run_dbt(["debug"])
        assert "ERROR" not in self.capsys.readouterr().out


class TestCatalogRelationTypes(CatalogRelationTypes):
    @pytest.fixture(scope="class", autouse=True)
    def models(self):
        return {"my_table.sql": files.MY_TABLE, "my_view.sql": files.MY_VIEW}

    @pytest.mark.parametrize(
        ("node_name", "relation_type"),
        [
            ("seed.test.my_seed", "BASE TABLE"),
            ("model.test.my_table", "BASE TABLE"),
            ("model.test.my_view", "VIEW"),
        ],
    )
    def test_relation_types_populate_correctly(self, docs, node_name, relation_type):
        super().test_relation_types_populate_correctly(docs, node_name, relation_type)
