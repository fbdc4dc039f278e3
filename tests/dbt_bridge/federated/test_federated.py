"""Federated models through dbt: what is built, in which order, and what users see."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal

import pytest

from tests.dbt_bridge.federated.project import Project

TOTALS = """
select customers.id, customers.name, sum(orders.amount) as total
from {{ source('crm', 'customers') }}
join {{ source('ledger', 'orders') }} on orders.customer = customers.id
group by 1, 2
"""


def test_a_table_reads_two_other_databases_and_is_built_again(shop: Project) -> None:
    shop.model("totals", TOTALS, materialized="table")
    assert shop.dvt("run"), shop.messages()
    assert shop.rows("house", "select * from totals order by 1") == [
        (1, "Ada", Decimal("10.00")),
        (2, "Bo", Decimal("1.00")),
    ]
    shop.run_sql("other", "insert into orders values (13, 3, 2.25, '2024-01-04 09:00')")
    assert shop.dvt("run"), shop.messages()
    assert shop.rows("house", "select name, total from totals where id = 3") == [("Cy", Decimal("2.25"))]


def test_nothing_is_left_beside_the_table(shop: Project) -> None:
    shop.model("totals", TOTALS, materialized="table")
    assert shop.dvt("run"), shop.messages()
    assert shop.dvt("run"), shop.messages()
    assert shop.tables() == [("totals", "BASE TABLE")]


def test_the_staged_rows_become_the_table_without_another_copy(shop: Project) -> None:
    shop.model("totals", TOTALS, materialized="table")
    shop.model("grown", TOTALS, materialized="incremental", unique_key="id")
    assert shop.dvt("run"), shop.messages()
    for name in ("totals", "grown"):
        statement = (shop.root / f"target/run/shop/models/{name}.sql").read_text().strip()
        assert statement.startswith("alter table")
        assert "rename to" in statement


def test_native_and_federated_models_interleave(shop: Project) -> None:
    shop.model("totals", TOTALS, materialized="table")
    shop.model("rich", "select * from {{ ref('totals') }} where total > 5", materialized="view")
    shop.model(
        "named",
        "select r.id, c.name from {{ ref('rich') }} r join {{ source('crm', 'customers') }} c on c.id = r.id",
        materialized="table",
    )
    assert shop.dvt("run"), shop.messages()
    assert shop.rows("house", "select * from named") == [(1, "Ada")]


def test_a_view_across_databases_is_built_as_a_table_with_one_warning(shop: Project) -> None:
    shop.model("totals", TOTALS, materialized="view")
    assert shop.dvt("run"), shop.messages()
    assert shop.tables() == [("totals", "BASE TABLE")]
    assert shop.messages().count("DVT001 totals (models/totals.sql): the view") == 1


def test_a_view_that_is_there_is_replaced_by_the_table(shop: Project) -> None:
    shop.model("totals", "select 1 as id", materialized="view")
    assert shop.dvt("run"), shop.messages()
    assert shop.tables() == [("totals", "VIEW")]
    shop.model("totals", TOTALS, materialized="view")
    assert shop.dvt("run"), shop.messages()
    assert shop.tables() == [("totals", "BASE TABLE")]


def test_warn_error_makes_the_coerced_view_an_error_and_builds_nothing(shop: Project) -> None:
    shop.model("totals", TOTALS, materialized="view")
    assert not shop.dvt("--warn-error", "run")
    assert "DVT001" in shop.run_results()["totals"]["message"]
    assert shop.tables() == []


def test_models_on_several_targets_read_each_other(shop: Project) -> None:
    shop.model("totals", TOTALS, materialized="table", target="other")
    shop.model("best", "select max(total) as most from {{ ref('totals') }}", materialized="table")
    shop.model("best_there", "select * from {{ ref('best') }}", materialized="table", target="other")
    assert shop.dvt("run"), shop.messages()
    assert shop.rows("other", "select most from best_there") == [(Decimal("10.00"),)]


def test_an_ephemeral_with_a_target_is_inlined_native_and_federated(shop: Project) -> None:
    shop.model("big", "select * from {{ source('ledger', 'orders') }} where amount > 2",
               materialized="ephemeral", target="other")  # fmt: skip
    shop.model("there", "select count(*) as n from {{ ref('big') }}", materialized="table", target="other")
    shop.model("here", "select count(*) as n from {{ ref('big') }}", materialized="table")
    assert shop.dvt("run"), shop.messages()
    assert shop.rows("other", "select n from there") == [(2,)]
    assert shop.rows("house", "select n from here") == [(2,)]


def test_names_with_case_spaces_and_63_characters_are_built(shop: Project) -> None:
    long, select, name = "x" * 63, shop.quoted("Select"), shop.quoted("A Name")
    odd = '{{ source("crm", "Odd Names") }}'
    shop.model(long, f"select {select} as {name} from {odd}", materialized="table")
    shop.model("after", f"select {name} from {{{{ ref('{long}') }}}}", materialized="table")
    assert shop.dvt("run"), shop.messages()
    assert shop.dvt("run"), shop.messages()
    assert sorted(shop.rows("house", 'select "A Name" from after')) == [(1,), (2,)]


def test_a_model_that_fails_leaves_the_old_table_and_skips_what_follows(shop: Project) -> None:
    shop.model("totals", TOTALS, materialized="table")
    shop.model("after", "select * from {{ ref('totals') }}", materialized="table")
    assert shop.dvt("run"), shop.messages()
    before = shop.rows("house", "select * from totals order by 1")
    shop.model("totals", TOTALS.replace("sum(orders.amount)", "sum(orders.nothing)"), materialized="table")
    assert not shop.dvt("run")
    results = shop.run_results()
    assert (results["totals"]["status"], results["after"]["status"]) == ("error", "skipped")
    assert re.search("DVT12[12]", results["totals"]["message"]), "dvt's own error, or the source's"
    assert "Traceback" not in shop.messages()
    assert shop.rows("house", "select * from totals order by 1") == before
    assert shop.tables() == [("after", "BASE TABLE"), ("totals", "BASE TABLE")]


@pytest.mark.parametrize(
    "failing",
    [
        "insert into no_such_table values (1)",
        "{% if execute %}{{ exceptions.raise_compiler_error('stop here') }}{% endif %}",
    ],
)
def test_a_failure_while_publishing_leaves_the_old_table_and_no_stage(shop: Project, failing: str) -> None:
    shop.model("totals", TOTALS, materialized="table")
    assert shop.dvt("run"), shop.messages()
    tripled = TOTALS.replace("sum(", "3 * sum(")
    shop.model("totals", tripled, materialized="table", pre_hook="select 1", post_hook=failing)
    assert not shop.dvt("run")
    # MySQL renames outside of transactions: the new table stays when a hook after the rename fails.
    total = "33.00" if shop.outputs["house"]["type"] == "mariadb" else "11.00"
    assert shop.rows("house", "select sum(total) from totals") == [(Decimal(total),)]
    assert shop.tables() == [("totals", "BASE TABLE")]


def test_retry_runs_what_failed_and_was_skipped(shop: Project) -> None:
    shop.model("good", TOTALS, materialized="table")
    shop.model("bad", "select nothing from {{ source('crm', 'customers') }}", materialized="table")
    shop.model("after", "select * from {{ ref('bad') }}", materialized="table")
    assert not shop.dvt("run")
    shop.model("bad", "select name from {{ source('crm', 'customers') }}", materialized="table")
    assert shop.dvt("retry"), shop.messages()
    assert set(shop.run_results()) == {"bad", "after"}
    assert len(shop.rows("house", "select * from after")) == 3


def test_what_moved_is_logged_and_in_run_results(shop: Project) -> None:
    shop.model("totals", TOTALS, materialized="table")
    assert shop.dvt("run"), shop.messages()
    response = shop.run_results()["totals"]["adapter_response"]
    assert response["rows_affected"] == 2
    assert response["rows_moved"] == 6
    assert response["bytes_moved"] > 0
    assert [stage["what"] for stage in response["dvt"]].count("extract") == 2
    log = shop.messages()
    for line in ("extract lite: 3 rows", "extract other: 3 rows", "compute", "load house: 2 rows", "publish"):
        assert f"totals: {line}" in log
    last = log.splitlines()[-1]
    assert last.startswith("Moved between databases: 6 rows (")
    assert "2 rows (" in last


def test_quiet_silences_dvts_own_lines(shop: Project, capsys: pytest.CaptureFixture[str]) -> None:
    shop.model("totals", TOTALS, materialized="table")
    assert shop.dvt("--quiet", "run"), shop.messages()
    assert "extract" not in capsys.readouterr().out


def test_empty_reads_no_rows(shop: Project) -> None:
    sql = "select c.id from {{ source('crm', 'customers') }} c, {{ source('ledger', 'orders') }} o"
    shop.model("totals", sql, materialized="table")
    assert shop.dvt("run", "--empty"), shop.messages()
    assert shop.rows("house", "select * from totals") == []


def test_sample_filters_what_is_read(shop: Project) -> None:
    sources = shop.root / "models/sources.yml"
    sources.write_text(
        sources.read_text().replace("- name: orders", "- name: orders\n    config: {event_time: placed}")
    )
    shop.model("counted", "select count(*) as n from {{ source('ledger', 'orders') }}", materialized="table")
    span = "{'start': '2024-01-01', 'end': '2024-01-03'}"
    assert shop.dvt("run", "--sample", span), shop.messages()
    assert shop.rows("house", "select n from counted") == [(2,)]


def test_a_deferred_ref_reads_the_other_environments_table(shop: Project) -> None:
    shop.model("base", "select 5 as id", materialized="table", target="other", schema="prod")
    assert shop.dvt("run"), shop.messages()
    (shop.root / "target").rename(shop.root / "state")
    shop.model("base", "select 6 as id", materialized="table", target="other", schema="dev")
    sql = "select b.id from {{ ref('base') }} b, {{ source('crm', 'customers') }} c where c.id = 1"
    shop.model("reader", sql, materialized="table")
    assert shop.dvt("run", "--select", "reader", "--defer", "--state", str(shop.root / "state")), (
        shop.messages()
    )
    assert shop.rows("house", "select id from reader") == [(5,)]


def test_compile_writes_real_names_and_connects_to_no_source(shop: Project) -> None:
    shop.model("totals", TOTALS, materialized="table")
    shop.run_sql("lite", "drop table customers")
    assert shop.dvt("compile"), shop.messages()
    compiled = (shop.root / "target/compiled/shop/models/totals.sql").read_text()
    name = ".".join(shop.quoted(part) for part in ("lite", "crm", "customers"))
    assert name in compiled


def test_a_model_may_be_written_in_the_dialect_of_the_engine(duck_shop: Project) -> None:
    sql = "select strptime('2024-05-06', '%Y-%m-%d') as day, id from {{ source('crm', 'customers') }}"
    duck_shop.model("days", sql, materialized="table", dialect="compute")
    assert duck_shop.dvt("run"), duck_shop.messages()
    assert duck_shop.rows("house", "select distinct day from days") == [(datetime(2024, 5, 6),)]  # noqa: DTZ001
