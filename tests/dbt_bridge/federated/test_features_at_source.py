"""`compute: source`: the other database answers the model's SQL, and dbt goes on from its answer."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.dbt_bridge.federated.project import Project
from tests.dbt_bridge.federated.test_features_on_target import (  # noqa: F401  run here at the source
    test_another_contract_is_dbts_own_error,
    test_each_strategy_leaves_the_rows_that_it_leaves_natively,
    test_snapshots_keep_the_rows_that_they_keep_natively,
)
from tests.dbt_bridge.federated.test_federated import (  # noqa: F401  run here at the source
    test_a_model_that_fails_leaves_the_old_table_and_skips_what_follows,
    test_a_view_that_is_there_is_replaced_by_the_table,
    test_an_ephemeral_with_a_target_is_inlined_native_and_federated,
)
from tests.dbt_bridge.federated.test_federated_incremental import (  # noqa: F401  run here at the source
    test_a_unique_key_replaces_rows,
    test_fail_on_schema_change_is_dbts_own_error,
    test_microbatch_runs_each_batch_federated,
    test_sync_all_columns_adds_and_drops_them,
)
from tests.dbt_bridge.federated.test_federated_publish import (  # noqa: F401  run here at the source
    test_indexes_grants_and_docs_are_as_on_a_native_table,
    test_keep_leaves_views_and_grants_on_the_table,
    test_keep_refuses_a_lost_column_until_full_refresh,
    test_keep_that_fails_in_the_middle_keeps_the_old_rows,
)
from tests.dbt_bridge.federated.test_federated_samples import (  # noqa: F401  run here at the source
    test_a_sample_is_all_that_is_read,
    test_batches_read_their_rows_each,
    test_empty_reads_no_row_however_tables_are_named,
    test_the_reason_of_a_failed_batch_is_shown,
)
from tests.dbt_bridge.federated.test_federated_show import extracted, shown
from tests.dbt_bridge.federated.test_on_target import moved

OFTEN_ON_MARIADB = frozenset(
    {
        "test_a_contract_is_checked_and_its_constraints_made_by_dbt",
        "test_a_sample_is_all_that_is_read",
        "test_each_strategy_leaves_the_rows_that_it_leaves_natively",
        "test_keep_that_fails_in_the_middle_keeps_the_old_rows",
        "test_only_the_rows_that_are_shown_move",
    }
)
"""Tests that run on MariaDB in `make test`, too; the others run there in `make test-long`."""


@pytest.fixture(autouse=True)
def at_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVT_COMPUTE", "source")


@pytest.fixture(params=["duckdb", "postgres", "mariadb"])
def shop(request: pytest.FixtureRequest) -> Project:
    """Return a project on each target in turn; its sources are on another database of that type."""
    name = {"duckdb": "duck_pair", "postgres": "pg_pair", "mariadb": "my_pair"}[request.param]
    project: Project = request.getfixturevalue(name)
    return project


@pytest.fixture
def pg_shop(pg_pair: Project) -> Project:
    """Return the project on PostgreSQL."""
    return pg_pair


ORDERS = "{{ source('ledger', 'orders') }}"
SOLD = f"select customer as id, sum(amount) as total from {ORDERS} where id < 13 group by 1"
CONTRACT: dict[str, Any] = {
    "name": "sold",
    "config": {"contract": {"enforced": True}},
    "constraints": [{"type": "primary_key", "columns": ["id"]}],
    "columns": [
        {"name": "id", "data_type": "bigint", "constraints": [{"type": "not_null"}]},
        {
            "name": "total",
            "data_type": "decimal(38,2)",
            "constraints": [{"type": "check", "expression": "total < 50"}],
        },
    ],
}
NULL_REFUSED, KEY_REFUSED, CHECK_REFUSED = (
    "(?i)not.null|cannot be null",
    "(?i)duplicate (key|entry)",
    "(?i)constraint",
)
"""Match the databases' errors of a NULL, of a key that is there, and of a check."""


def error_of(shop: Project, name: str) -> str:
    """Run everything, of which one node must fail; return its error."""
    assert not shop.dvt("run"), shop.messages()
    return str(shop.run_results()[name]["message"])


@pytest.mark.parametrize("compute", ["source", "auto"])
def test_a_contract_is_checked_and_its_constraints_made_by_dbt(shop: Project, compute: str) -> None:
    shop.write("models/sold.yml", {"models": [CONTRACT]})
    shop.model("sold", SOLD, materialized="table")
    for _ in range(2):
        assert shop.dvt("run", "--compute", compute), shop.messages()
        rows = shop.rows("house", "select id, total from sold order by id")
        assert [(int(id_), str(total)) for id_, total in rows] == [(1, "10.00"), (2, "1.00")]
        for values, problem in (("null, 1", NULL_REFUSED), ("1, 1", KEY_REFUSED), ("9, 60", CHECK_REFUSED)):
            with pytest.raises(Exception, match=problem):
                shop.run_sql("house", f"insert into sold values ({values})")
    if compute == "source":
        assert not moved(shop, "sold", "compute")
        assert [movement["rows"] for movement in moved(shop, "sold", "load")] == [2]
    shop.run_sql("other", "update orders set amount = 70 where id = 12")
    assert re.search(CHECK_REFUSED, error_of(shop, "sold"))
    assert shop.rows("house", "select count(*) from sold where total > 50") == [(0,)]
    # Where DDL commits, dbt leaves its intermediate table to the next run, as natively.
    commits = shop.outputs["house"]["type"] == "mariadb"
    assert [name for name, _ in shop.tables()] == ["sold", *(["sold__dbt_tmp"] if commits else [])]


def test_an_incremental_model_keeps_its_contract(shop: Project) -> None:
    shop.write("models/sold.yml", {"models": [CONTRACT]})
    settings = {"materialized": "incremental", "unique_key": "id", "on_schema_change": "append_new_columns"}
    shop.model("sold", SOLD, **settings)
    assert shop.dvt("run"), shop.messages()
    shop.run_sql("other", "update orders set amount = 2 where id = 12")
    assert shop.dvt("run"), shop.messages()
    rows = shop.rows("house", "select id, total from sold order by id")
    assert [(int(id_), str(total)) for id_, total in rows] == [(1, "10.00"), (2, "2.00")]
    shop.run_sql("other", "update orders set amount = 70 where id = 12")
    assert re.search(CHECK_REFUSED, error_of(shop, "sold"))
    with pytest.raises(Exception, match=NULL_REFUSED):
        shop.run_sql("house", "insert into sold values (null, 1)")


def test_an_incremental_model_that_reads_rows_of_itself_is_told_another_place(shop: Project) -> None:
    newer = "{% if is_incremental() %} where id not in (select id from {{ this }}) {% endif %}"
    shop.model("ids", f"select id from {ORDERS} {newer}", materialized="incremental")
    assert shop.dvt("run"), shop.messages()
    shop.run_sql("other", "insert into orders (id, customer) values (13, 3)")
    message = error_of(shop, "ids")
    assert "DVT147" in message
    assert "reads its own table" in message
    assert "compute: auto" in message
    assert shop.dvt("run", "--compute", "auto"), shop.messages()
    assert [int(id_) for (id_,) in shop.rows("house", "select id from ids order by id")] == [10, 11, 12, 13]


def test_only_the_rows_that_are_shown_move(shop: Project) -> None:
    shop.model("limited", f"select id, amount from {ORDERS} -- all", materialized="view", schema="never_made")
    assert len(shown(shop, "--select", "limited", "--limit", "2")) == 2
    assert extracted(shop) == {"other": "2"}
    assert len(shown(shop, "--inline", f"select id from {ORDERS} order by id desc", "--limit", "1")) == 1
    assert shop.tables() == []


def test_a_test_whose_target_is_elsewhere_is_computed_at_its_source(shop: Project) -> None:
    there = "{{ source('ledger', 'orders') }} o join {{ source('crm', 'customers') }} c on c.id = o.customer"
    for name, id_ in (("fails", 9), ("passes", 99)):
        config = "store_failures=true, schema='kept', target='house'"
        shop.write(
            f"tests/{name}.sql",
            f"{{{{ config({config}) }}}} select o.id, c.name from {there} where o.id > {id_}",
        )
    assert not shop.dvt("test")
    results = shop.run_results()
    assert {name: result["failures"] for name, result in results.items()} == {"fails": 3, "passes": 0}
    schema = shop.quoted(f"{shop.outputs['house']['schema']}_kept")
    for name, count in (("fails", 3), ("passes", 0)):
        assert shop.rows("house", f"select count(*) from {schema}.{name}") == [(count,)]
    assert "extract other: 3 rows" in shop.messages()
    assert "compute duckdb" not in shop.messages()
