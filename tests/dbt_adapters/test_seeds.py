"""Seeds."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from dbt.tests.adapter.simple_seed import seeds
from dbt.tests.adapter.simple_seed.test_seed import (
    BaseBasicSeedTests,
    BaseSeedConfigFullRefreshOff,
    BaseSeedConfigFullRefreshOn,
    BaseSeedCustomSchema,
    BaseSeedParsing,
    BaseSeedSpecificFormats,
    BaseSeedWithEmptyDelimiter,
    BaseSeedWithUniqueDelimiter,
    BaseSeedWithWrongDelimiter,
    BaseSimpleSeedEnabledViaConfig,
    BaseSimpleSeedWithBOM,
    BaseTestEmptySeed,
)
from dbt.tests.adapter.simple_seed.test_seed_type_override import BaseSimpleSeedColumnOverride
from dbt.tests.util import run_dbt

TYPE_TEST = """
{% test column_type(model, column_name, type) %}
  select data_type from information_schema.columns
  where table_schema = '{{ model.schema }}' and table_name = '{{ model.identifier }}'
    and column_name = '{{ column_name }}' and data_type <> '{{ type }}'
{% endtest %}
"""
TYPES = """
version: 2
seeds:
  - name: seed_enabled
    columns:
      - {name: birthday, data_tests: [{column_type: {type: date}}]}
      - {name: seed_id, data_tests: [{column_type: {type: text}}]}
  - name: seed_tricky
    columns:
      - {name: seed_id, data_tests: [{column_type: {type: bigint}}]}
      - {name: seed_id_str, data_tests: [{column_type: {type: text}}]}
      - {name: a_bool, data_tests: [{column_type: {type: tinyint}}]}
      - {name: looks_like_a_bool, data_tests: [{column_type: {type: text}}]}
      - {name: a_date, data_tests: [{column_type: {type: datetime}}]}
      - {name: looks_like_a_date, data_tests: [{column_type: {type: text}}]}
      - {name: relative, data_tests: [{column_type: {type: longtext}}]}
      - {name: weekday, data_tests: [{column_type: {type: longtext}}]}
"""


class TestBasicSeedTests(BaseBasicSeedTests):
    def test_simple_seed_full_refresh_flag(self, project):
        """DROP does not cascade on MariaDB: the view stays and reads the new table."""
        result = run_dbt(["seed", "--full-refresh"])
        self._check_relation_end_state(run_result=result, project=project, exists=True)
        self._check_relation_end_state(
            run_result=run_dbt(["seed", "--full-refresh"]), project=project, exists=True
        )


class TestSeedConfigFullRefreshOn(BaseSeedConfigFullRefreshOn):
    def test_simple_seed_full_refresh_config(self, project):
        self._build_relations_for_test(project)
        self._check_relation_end_state(run_result=run_dbt(["seed"]), project=project, exists=True)


class TestSeedConfigFullRefreshOff(BaseSeedConfigFullRefreshOff): ...


class TestSeedCustomSchema(BaseSeedCustomSchema): ...


class TestSeedWithUniqueDelimiter(BaseSeedWithUniqueDelimiter): ...


class TestSeedWithWrongDelimiter(BaseSeedWithWrongDelimiter):
    def test_seed_with_wrong_delimiter(self, project):
        """Expect a syntax error: the whole header becomes one unquoted column name."""
        (result,) = run_dbt(["seed"], expect_pass=False)
        assert "an error in your SQL syntax" in result.message


class TestSeedWithEmptyDelimiter(BaseSeedWithEmptyDelimiter): ...


class TestSimpleSeedEnabledViaConfig(BaseSimpleSeedEnabledViaConfig): ...


class TestSeedParsing(BaseSeedParsing): ...


class TestSimpleSeedWithBOM(BaseSimpleSeedWithBOM):
    @pytest.fixture(scope="class", autouse=True)
    def setUp(self, project):
        project.run_sql(seeds.seeds__expected_sql)
        shutil.copy(Path(seeds.__file__).with_name("seed_bom.csv"), Path(project.project_root) / "seeds")


class TestSeedSpecificFormats(BaseSeedSpecificFormats): ...


class TestEmptySeed(BaseTestEmptySeed): ...


class TestSimpleSeedColumnOverride(BaseSimpleSeedColumnOverride):
    @pytest.fixture(scope="class")
    def models(self):
        return {"schema.yml": TYPES}

    @pytest.fixture(scope="class")
    def macros(self):
        return {"schema_test.sql": TYPE_TEST}


ANSWERS = """id,paid,note
1,TRUE,yes
2,false,no
3, t ,true
4,,off
5,1,y
"""


class TestSeedOfBooleans:
    """As PostgreSQL and DuckDB do: a column of booleans takes the words for its values."""

    @pytest.fixture(scope="class")
    def seeds(self):
        return {"answers.csv": ANSWERS}

    @pytest.fixture(scope="class")
    def project_config_update(self):
        return {"seeds": {"+column_types": {"paid": "Boolean", "note": "varchar(9)"}}}

    def test_words_become_numbers_in_columns_of_booleans_alone(self, project):
        run_dbt(["seed"])
        rows = project.run_sql("select id, paid, note from {schema}.answers order by id", fetch="all")
        expected = [(1, 1, "yes"), (2, 0, "no"), (3, 1, "true"), (4, None, "off"), (5, 1, "y")]
        assert [tuple(row) for row in rows] == expected
