"""`dvt run-operation`: what names a relation goes to the output that it is on."""

from __future__ import annotations

from tests.dbt_bridge.federated.project import Project

SEEN = """
{% macro seen() %}
{% set columns = adapter.get_columns_in_relation(source('crm', 'customers')) %}
{% set query %}
select count(*) from {{ source('crm', 'customers') }} c
join {{ source('ledger', 'orders') }} o on o.customer = c.id
{% endset %}
{% set names = columns | map(attribute='name') | join(',') %}
{{ log('seen ' ~ names ~ ' ' ~ run_query(query).rows[0][0], info=true) }}
{{ log('named ' ~ source('ledger', 'orders'), info=true) }}
{% endmacro %}
"""
FORGET = """
{% macro forget() %}
{% do run_query('delete from ' ~ source('ledger', 'orders') ~ ' where id > 10') %}
{% endmacro %}
"""


def test_a_macro_reads_relations_of_all_outputs(shop: Project) -> None:
    shop.write("macros/seen.sql", SEEN)
    assert shop.dvt("run-operation", "seen"), shop.messages()
    assert "seen id,name 3" in shop.messages()
    assert 'named "ledger"."main"."orders"' in shop.messages().replace("`", '"')


def test_a_statement_of_a_macro_goes_to_the_output_that_it_names(shop: Project) -> None:
    shop.write("macros/forget.sql", FORGET)
    assert shop.dvt("run-operation", "forget"), shop.messages()
    assert shop.rows("other", "select id from orders") == [(10,)]


def test_a_model_of_another_output_is_described_as_its_copy_would_be(shop: Project) -> None:
    shop.model("theirs", "select cast(1 as bigint) as n", materialized="table", target="other")
    shop.write(
        "macros/typed.sql",
        "{% macro typed() %}{% for c in adapter.get_columns_in_relation(ref('theirs')) %}"
        "{{ log('typed ' ~ c.name ~ ' ' ~ c.dtype | lower, info=true) }}{% endfor %}{% endmacro %}",
    )
    assert shop.dvt("run"), shop.messages()
    assert shop.dvt("run-operation", "typed"), shop.messages()
    assert "typed n bigint" in shop.messages()


def test_an_ephemeral_model_is_no_relation_of_a_macro(duck_shop: Project) -> None:
    duck_shop.model("passing", "select 1 as n", materialized="ephemeral")
    duck_shop.write("macros/it.sql", "{% macro it() %}{{ log(ref('passing'), info=true) }}{% endmacro %}")
    assert not duck_shop.dvt("run-operation", "it")
    assert "passing" in duck_shop.messages()
    assert "ephemeral" in duck_shop.messages()
