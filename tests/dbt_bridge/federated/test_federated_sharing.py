"""What a run has extracted answers nobody any more once the run has changed it, however it did."""

from __future__ import annotations

import pytest

from tests.dbt_bridge.federated.project import Project

ORDERS, CUSTOMERS = "{{ source('ledger', 'orders') }}", "{{ source('crm', 'customers') }}"
QUEUE = "{{ source('landing', 'queue') }}"
SUM = f"select sum(o.amount) as total from {CUSTOMERS} c join {ORDERS} o on o.customer = c.id"
COUNT = f"select count(*) as total from {QUEUE} q, {CUSTOMERS} c"
RAISE = "{% do run_query('update ' ~ source('ledger', 'orders') ~ ' set amount = amount + 100') %}"


def total(shop: Project, name: str, output: str = "house") -> float:
    ((value,),) = shop.rows(output, f"select total from {name}")
    return float(value)


def after(name: str) -> str:
    return f"-- depends_on: {{{{ ref('{name}') }}}}\n"


def with_twin(shop: Project, output: str) -> None:
    """Another output that is the same database."""
    shop.outputs = {**shop.outputs, "twin": shop.outputs[output]}
    shop.write("profiles.yml", {"shop": {"target": shop.target, "outputs": shop.outputs}})


def with_queue(shop: Project) -> None:
    """A table of two rows on the default target."""
    schema = shop.outputs["house"]["schema"]
    landing = {"name": "landing", "schema": schema, "config": {"connection": "house"}}
    shop.write("models/landing.yml", {"version": 2, "sources": [{**landing, "tables": [{"name": "queue"}]}]})
    shop.model("first", "select 1 as id", materialized="table")
    assert shop.dvt("run", "--select", "first"), shop.messages()
    shop.run_sql(
        "house", f"create table {schema}.queue (id int)", f"insert into {schema}.queue values (1), (2)"
    )


def test_by_run_query_in_the_jinja_of_a_federated_model(shop: Project) -> None:
    shop.model("earlier", SUM, materialized="table")
    shop.model(
        "changed", f"{after('earlier')}{{% if execute %}}{RAISE}{{% endif %}}{SUM}", materialized="table"
    )
    assert shop.dvt("run"), shop.messages()
    assert (total(shop, "earlier"), total(shop, "changed")) == (11, 311)


def test_by_run_query_in_the_jinja_of_a_native_model(shop: Project) -> None:
    shop.model("earlier", SUM, materialized="table")
    shop.model("gate", after("earlier") + SUM, materialized="table", target="other")
    raising = f"{after('gate')}{{% if execute %}}{RAISE}{{% endif %}}select 1 as id"
    shop.model("changed", raising, materialized="table", target="other")
    shop.model("later", after("changed") + SUM, materialized="table")
    assert shop.dvt("run"), shop.messages()
    assert (total(shop, "earlier"), total(shop, "later")) == (11, 311)


@pytest.mark.parametrize("federated", [True, False])
def test_by_run_query_on_the_models_own_target(shop: Project, federated: bool) -> None:
    with_queue(shop)
    shop.model("earlier", COUNT, materialized="table")
    emptied = "{% if execute %}{% do run_query('delete from ' ~ source('landing', 'queue')) %}{% endif %}"
    change = f"{after('earlier')}{emptied}{COUNT if federated else f'select count(*) as total from {QUEUE}'}"
    shop.model("changed", change, materialized="table")
    shop.model("later", after("changed") + COUNT, materialized="table", target="other")
    assert shop.dvt("run"), shop.messages()
    assert [total(shop, "earlier"), total(shop, "changed"), total(shop, "later", "other")] == [6, 0, 0]


def test_by_a_hook_that_empties_a_table(shop: Project) -> None:
    """The run's snapshot holds no lock on the table, either."""
    with_queue(shop)
    shop.model("earlier", COUNT, materialized="table", post_hook=f"truncate table {QUEUE}")
    shop.model("later", after("earlier") + COUNT, materialized="table", target="other")
    assert shop.dvt("run"), shop.messages()
    assert (total(shop, "earlier"), total(shop, "later", "other")) == (6, 0)


def test_by_a_hook_that_names_the_models_own_output(shop: Project) -> None:
    with_queue(shop)
    hooks = [{"sql": f"delete from {QUEUE} where id = {number}", "connection": "house"} for number in (1, 2)]
    shop.model("earlier", COUNT, materialized="table", pre_hook=hooks[0], post_hook=hooks[1])
    shop.model("later", after("earlier") + COUNT, materialized="table", target="other")
    assert shop.dvt("run"), shop.messages()
    assert (total(shop, "earlier"), total(shop, "later", "other")) == (3, 0)


def test_by_a_hook_over_another_output_that_is_the_same_database(shop: Project) -> None:
    with_twin(shop, "other")
    hook = {"sql": "update orders set amount = amount + 100", "connection": "twin"}
    shop.model("earlier", SUM, materialized="table", post_hook=hook)
    shop.model("later", after("earlier") + SUM, materialized="table")
    assert shop.dvt("run"), shop.messages()
    assert (total(shop, "earlier"), total(shop, "later")) == (11, 311)


@pytest.mark.parametrize("connection", ["house", "twin"])
def test_by_a_model_whose_table_is_read_as_a_source(shop: Project, connection: str) -> None:
    with_twin(shop, "house")
    raw = {"name": "raw", "schema": shop.outputs["house"]["schema"], "config": {"connection": connection}}
    shop.write("models/raw.yml", {"version": 2, "sources": [{**raw, "tables": [{"name": "made"}]}]})
    shop.model("made", SUM, materialized="table")
    assert shop.dvt("run"), shop.messages()
    read = f"select m.total from {{{{ source('raw', 'made') }}}} m, {CUSTOMERS} c where c.id = 1"
    shop.model("earlier", read, materialized="table", target="other")
    shop.model(
        "made", after("earlier") + SUM.replace("sum(o.amount)", "sum(o.amount) + 100"), materialized="table"
    )
    shop.model("later", after("made") + read, materialized="table", target="other")
    assert shop.dvt("run"), shop.messages()
    assert (total(shop, "earlier", "other"), total(shop, "later", "other")) == (11, 111)


def test_a_second_run_in_the_same_process_reads_anew(shop: Project) -> None:
    wide = f"select o.*, c.name from {CUSTOMERS} c join {ORDERS} o on o.customer = c.id"
    shop.model("wide", wide, materialized="table")
    shop.model("narrow", SUM, materialized="table")
    for expected in (11, 311):
        assert shop.dvt("run"), shop.messages()
        assert total(shop, "narrow") == expected
        shop.run_sql("other", "update orders set amount = amount + 100")
