"""Model configs of the adapter, and promises that dbt's suite does not test."""

from __future__ import annotations

import pytest
import yaml
from dbt.tests.util import run_dbt, run_dbt_and_capture, write_file

INDEXED = """
{{ config(
    materialized='table', engine='Aria', character_set='latin1', collation='latin1_swedish_ci',
    indexes=[
        {'columns': ['id'], 'unique': true},
        {'columns': ['id', 'word'], 'lengths': {'word': 5}, 'type': 'btree', 'name': 'by_word'},
        {'columns': ['word'], 'type': 'fulltext'},
    ],
) }}
select 1 as id, cast('word' as char(20)) as word
"""
PARTITIONED = """
{{ config(
    materialized='table',
    partition_by='hash (year(day)) partitions 2',
) }}
select date '2023-01-01' as day union all select date '2024-01-01'
"""
LONG = "a_name_of_64_characters_which_is_all_that_the_server_takes_xxxxxx"
FRESH = """
sources:
  - name: here
    schema: "{{ target.schema }}"
    config: {freshness: {error_after: {count: 1, period: day}}}
    tables: [{name: indexed}]
"""


class TestConfigs:
    @pytest.fixture(scope="class")
    def models(self):
        return {"indexed.sql": INDEXED, "partitioned.sql": PARTITIONED, f"{LONG[:64]}.sql": "select 1 as n"}

    @pytest.fixture(scope="class")
    def project_config_update(self):
        return {"models": {"+materialized": "table"}}

    @pytest.fixture(scope="class", autouse=True)
    def built(self, project):
        assert len(run_dbt(["run"])) == 3
        assert len(run_dbt(["run"])) == 3

    def _created(self, server, project, name):
        ((_, created),) = server.execute(f"show create table {project.test_schema}.{name}")
        return created

    def test_a_table_gets_its_indexes_engine_charset_and_collation(self, server, project):
        created = self._created(server, project, "indexed")
        assert "UNIQUE KEY" in created
        assert "KEY `by_word` (`id`,`word`(5)) USING BTREE" in created
        assert "FULLTEXT KEY" in created
        assert "ENGINE=Aria" in created
        assert "DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci" in created
        collations = server.execute(
            "select collation_name from information_schema.columns "
            f"where table_schema = '{project.test_schema}' and table_name = 'indexed' "
            "and column_name = 'word'"
        )
        assert collations == [("latin1_swedish_ci",)]

    def test_a_table_is_partitioned_as_configured(self, server, project):
        rows = server.execute(
            f"select count(*) from {project.test_schema}.partitioned partition (p0)",
        )
        assert rows == [(1,)]

    def test_a_table_with_a_name_of_64_characters_is_built(self, server, project):
        assert server.execute(f"select n from {project.test_schema}.{LONG[:64]}") == [(1,)]

    def test_no_temporary_table_is_left(self, server, project):
        tables = server.execute(f"show tables from {project.test_schema}")
        assert not [name for (name,) in tables if "__dbt" in name]

    def test_freshness_comes_from_the_servers_own_metadata(self, project):
        write_file(FRESH, project.project_root, "models", "sources.yml")
        (result,) = run_dbt(["source", "freshness"])
        assert result.status == "pass"
        assert abs(result.age) < 3600


class TestExactSnapshot:
    """A snapshot records changes that the column's collation ignores."""

    @pytest.fixture(scope="class")
    def snapshots(self):
        config = "{{ config(strategy='check', check_cols=['word'], unique_key='id') }}"
        select = "select * from {{ target.schema }}.src"
        return {"snap.sql": "{% snapshot snap %}" + config + select + "{% endsnapshot %}"}

    @pytest.mark.parametrize("word", ["A", "a ", "á"])
    def test_a_change_that_the_collation_ignores_is_recorded(self, server, project, word):
        schema = project.test_schema
        server.execute(
            f"drop table if exists {schema}.snap",
            f"create or replace table {schema}.src (id int, word varchar(9)) character set utf8mb4",
            f"insert into {schema}.src values (1, 'a')",
        )
        run_dbt(["snapshot"])
        server.execute(f"update {schema}.src set word = '{word}'")
        run_dbt(["snapshot"])
        assert len(server.execute(f"select * from {schema}.snap")) == 2


class TestErrors:
    @pytest.fixture(scope="class")
    def models(self):
        return {
            "view.sql": "{{ config(materialized='materialized_view') }} select 1 as n",
            "one.sql": "select 1 as n",
        }

    def test_a_materialized_view_is_refused(self, project):
        _, log = run_dbt_and_capture(["run", "--select", "view"], expect_pass=False)
        assert "have no materialized views" in log

    def test_a_table_that_is_cloned_to_itself_stays(self, server, project):
        run_dbt(["run", "--select", "one"])
        sql = "{{ config(materialized='view') }} select * from {{ this }}"
        write_file(sql, project.project_root, "models", "one.sql")
        _, log = run_dbt_and_capture(["run", "--select", "one"], expect_pass=False)
        assert "would be a view of itself" in log
        assert server.execute(f"select n from {project.test_schema}.one") == [(1,)]

    @pytest.mark.parametrize(
        ("keys", "message"),
        [
            ({"password": "wrong"}, "DVT131 'broken'"),
            ({"port": 1}, "DVT130 cannot connect to 'broken'"),
            ({"ssl_cs": "x"}, "did you mean ssl_ca"),
        ],
    )
    def test_an_output_that_cannot_be_used_is_one_error_without_its_password(
        self, project, output, profiles_root, keys, message
    ):
        broken = output | {"schema": project.test_schema} | keys
        profile = {"test": {"target": "broken", "outputs": {"broken": broken}}}
        (profiles_root / "other").ensure(dir=True).join("profiles.yml").write(yaml.safe_dump(profile))
        _, log = _failing(["run", "--profiles-dir", str(profiles_root / "other")])
        assert message in log
        assert "pl4nted" not in log


def _failing(arguments):
    try:
        return run_dbt_and_capture(arguments, expect_pass=False)
    except Exception as error:  # noqa: BLE001 - of whatever kind: the text is what users see
        return None, str(error)
