"""Jinja in a federated model: introspection and queries go to the database they are about."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.dbt_bridge.federated.project import Project

BOTH = "from {{ source('crm', 'customers') }} c join {{ source('ledger', 'orders') }} o on o.customer = c.id"


def test_columns_of_a_table_with_an_adapter_come_from_its_owner(shop: Project) -> None:
    sql = """
{% set columns = adapter.get_columns_in_relation(source('ledger', 'orders')) %}
select {% for column in columns %} o.{{ column.name }}, {% endfor %} c.name """
    shop.model("wide", sql + BOTH, materialized="table")
    assert shop.dvt("run"), shop.messages()
    assert len(shop.rows("house", "select id, customer, amount, placed, name from wide")) == 3


def test_columns_of_a_table_without_an_adapter_come_from_its_connector(shop: Project) -> None:
    sql = """
{% set columns = adapter.get_columns_in_relation(source('crm', 'customers')) %}
select {{ columns | map(attribute='name') | join(', c.') | replace('id', 'c.id', 1) }}, o.amount """
    shop.model("wide", sql + BOTH, materialized="table")
    assert shop.dvt("run"), shop.messages()
    assert len(shop.rows("house", "select id, name, amount from wide")) == 3


@pytest.mark.slow
def test_safe_cast_of_mysql_becomes_the_engines_own(my_shop: Project) -> None:
    """MySQL's own safe_cast uses patterns and functions that the engine does not have."""
    sql = """
select {{ safe_cast('c.name', 'bigint') }} as none,
  {{ safe_cast("concat(c.id, '.5')", 'bigint') }} as rounded,
  {{ safe_cast("concat('2024-02-', 27 + c.id)", 'date') }} as day """
    my_shop.model("cast", sql + BOTH, materialized="table", translate="best_effort")
    assert my_shop.dvt("run"), my_shop.messages()
    rows = my_shop.rows("house", "select distinct none, rounded, cast(day as char) from cast order by 2")
    assert rows == [(None, 2, "2024-02-28"), (None, 3, "2024-02-29")]


def test_load_relation_asks_the_owner_and_stays_a_marker(shop: Project) -> None:
    sql = """
{% set found = load_relation(source('ledger', 'orders')) %}
{% set missing = adapter.get_relation(found.database, found.schema, 'no_such_table') %}
select count(*) as n, '{{ found.type }}' as kind, {{ 'true' if missing is none else 'false' }} as gone
from {{ found }} o join {{ source('crm', 'customers') }} c on c.id = o.customer"""
    shop.model("counted", sql, materialized="table")
    assert shop.dvt("run"), shop.messages()
    assert shop.rows("house", "select * from counted") == [(3, "table", True)]


def test_run_query_runs_where_its_relations_live(shop: Project) -> None:
    sql = """
{% set ids = run_query("select distinct customer from " ~ source('ledger', 'orders') ~ " order by 1") %}
select {% for row in (ids.rows if execute else []) %} {{ row[0] }} as c{{ loop.index }}, {% endfor %}
count(*) as n """
    shop.model("pivoted", sql + BOTH, materialized="table")
    assert shop.dvt("run"), shop.messages()
    assert shop.rows("house", "select c1, c2, n from pivoted") == [(1, 2, 3)]


def test_run_query_reads_several_connections_in_the_models_own_sql(shop: Project) -> None:
    shop.model("base", "select 11 as id", materialized="table")
    quoted = shop.quoted("customer")
    sql = f"""
-- depends_on: {{{{ ref('base') }}}}
{{% set q %}}
select c.name, o.{quoted}, o.amount, o.placed from {{{{ ref('base') }}}} b
join {{{{ source('ledger', 'orders') }}}} o on o.id = b.id
join {{{{ source('crm', 'customers') }}}} c on c.id = o.customer
{{% endset %}}
{{% set row = run_query(q).rows[0] if execute else ['', 0, 0, modules.datetime.datetime.now()] %}}
select '{{{{ row[0] }}}}' as name, {{{{ row[1] }}}} as customer, {{{{ row[2] }}}} as amount,
'{{{{ row[3].date() }}}}' as placed, count(*) as n """
    shop.model("counted", sql + BOTH, materialized="table")
    assert shop.dvt("run"), shop.messages()
    rows = shop.rows("house", "select name, customer, amount, placed, n from counted")
    assert rows == [("Ada", 1, Decimal("4.5"), "2024-01-02", 3)]


def test_a_statement_that_changes_tables_of_several_connections_is_one_error(shop: Project) -> None:
    shop.model("base", "select 1 as id", materialized="table")
    sql = """
-- depends_on: {{ ref('base') }}
{% set q %}insert into {{ ref('base') }} select id from {{ source('ledger', 'orders') }}{% endset %}
select {{ run_query(q).rows[0][0] if execute else 0 }} as n """
    shop.model("counted", sql + BOTH, materialized="table")
    assert not shop.dvt("run")
    message = shop.run_results()["counted"]["message"]
    assert "DVT125" in message
    assert "house" in message
    assert "other" in message


def test_a_statement_that_changes_a_connection_without_an_adapter_is_one_error(shop: Project) -> None:
    sql = """
{% set q %}delete from {{ source('crm', 'customers') }}{% endset %}
select {{ run_query(q).rows[0][0] if execute else 0 }} as n """
    shop.model("counted", sql + BOTH, materialized="table")
    assert not shop.dvt("run")
    assert "DVT127" in shop.run_results()["counted"]["message"]


@pytest.mark.parametrize("of", ["ref('theirs')", "source('crm', 'Odd Names')"])
def test_columns_are_quoted_and_typed_in_the_models_own_sql(shop: Project, of: str) -> None:
    """As dbt_utils.union_relations does: cast every column to its type, by its quoted name."""
    theirs = "select cast(1.5 as decimal(8,2)) as {0}price{0}, 'Eve' as {0}A Name{0}"
    shop.model("theirs", theirs.format('"'), materialized="table", target="other")
    sql = f"""
{{% set relation = {of} %}}
{{% set columns = adapter.get_columns_in_relation(relation) %}}
select {{% for c in columns -%}}
{{% if c.is_string() %}}{{{{ c.quoted }}}}
{{% else %}}cast({{{{ adapter.quote(c.name) }}}} as decimal(9,3)){{% endif %}}
as {{{{ c.quoted }}}} {{{{ ', ' if not loop.last }}}}{{% endfor %}}
from {{{{ relation }}}}"""
    shop.model("copied", sql, materialized="table")
    assert shop.dvt("run"), shop.messages()
    assert len(shop.rows("house", "select * from copied")) == (1 if "ref" in of else 2)


def test_names_in_values_are_real_ones(shop: Project) -> None:
    sql = """
select '{{ source('crm', 'customers') }}' as came_from, id from {{ source('crm', 'customers') }}
union all
select '{{ source('ledger', 'orders') }}', id from {{ source('ledger', 'orders') }}"""
    shop.model("united", sql, materialized="table")
    assert shop.dvt("run"), shop.messages()
    names = [
        row[0].replace("`", '"')
        for row in shop.rows("house", "select distinct came_from from united order by 1")
    ]
    assert names == ['"ledger"."main"."orders"', '"lite"."crm"."customers"']


def test_target_and_this_are_the_nodes_own(shop: Project) -> None:
    sql = "select '{{ target.name }}' as t, '{{ this.identifier }}' as i, c.id " + BOTH
    shop.model("mine", sql, materialized="table", target="other", alias="my_own")
    assert shop.dvt("run"), shop.messages()
    assert shop.rows("other", "select distinct t, i from my_own") == [("other", "my_own")]


def test_dispatch_and_var_and_graph_are_dbts(shop: Project) -> None:
    sql = (
        "select {{ dbt.type_string() | length > 0 }} as d, {{ var('n', 7) }} as v, "
        "{{ graph.nodes | length }} as g, c.id " + BOTH
    )
    shop.model("various", sql, materialized="table")
    assert shop.dvt("run"), shop.messages()
    assert shop.rows("house", "select distinct d, v, g from various") == [(True, 7, 1)]


def test_an_ephemeral_model_sees_the_mode_of_its_reader(shop: Project) -> None:
    shop.model(
        "mid", "select '{{ target.name }}' as t, id from {{ source('ledger', 'orders') }}",
        materialized="ephemeral", target="other",
    )  # fmt: skip
    shop.model("native", "select distinct t from {{ ref('mid') }}", materialized="table", target="other")
    shop.model(
        "federated",
        "select distinct m.t from {{ ref('mid') }} m, {{ source('crm', 'customers') }} c",
        materialized="table",
        translate="best_effort",
    )
    for threads in ("1", "4"):
        assert shop.dvt("run", "--threads", threads), shop.messages()
        assert shop.rows("other", "select * from native") == [("other",)]
        assert shop.rows("house", "select * from federated") == [("house",)]


@pytest.mark.parametrize("command", ["run", "build"])
def test_an_error_of_dvt_in_jinja_names_node_and_file_without_a_traceback(
    shop: Project, command: str
) -> None:
    shop.model("bad", "select {{ adapter.check_schema_exists(source('crm', 'customers'), 'x') }} " + BOTH,
               materialized="table")  # fmt: skip
    assert not shop.dvt(command)
    message = shop.run_results()["bad"]["message"]
    assert "DVT127" in message
    assert "Traceback" not in shop.messages()


TYPES = ("timestamp", "timestamp with time zone", "varchar", "double", "decimal(9, 2)", "boolean", "bigint")
TOLD = """
{%- macro told(relation) -%}
{%- for column in adapter.get_columns_in_relation(relation) -%}
{{ column.name }} {{ column.dtype }} {{ column.data_type }};
{%- endfor -%}
{%- endmacro -%}"""


def test_columns_have_the_types_that_the_targets_adapter_tells(shop: Project) -> None:
    """As dbt_expectations' tests of types do: compare a column's dtype with a text."""
    casts = ", ".join(f"cast(null as {type_}) as c{number}" for number, type_ in enumerate(TYPES))
    shop.model("theirs", f"select {casts}", materialized="table", target="other")
    shop.model("copied", "select * from {{ ref('theirs') }}", materialized="table")
    shop.write("macros/told.sql", TOLD)
    for name, relation in (("foreign_types", "theirs"), ("own_types", "copied")):
        sql = f"select '{{{{ told(ref('{relation}')) }}}}' as types from {{{{ ref('{relation}') }}}}"
        shop.model(name, sql, materialized="table")
    assert shop.dvt("run"), shop.messages()
    told = shop.rows("house", "select types from foreign_types")
    assert told == shop.rows("house", "select types from own_types")
    assert len(told[0][0].split(";")) == len(TYPES) + 1


def test_instants_of_a_query_are_in_the_zone_of_the_targets_sessions(shop: Project) -> None:
    """A text that Jinja makes of an instant is that of the same query over the target's own table."""
    instant = "select cast('2024-07-01 03:30:00+00' as timestamp with time zone) as seen_at, 1 as id"
    shop.model("theirs", instant, materialized="table", target="other")
    shop.model("copied", "select * from {{ ref('theirs') }}", materialized="table")
    for name, relation in (("foreign_text", "theirs"), ("own_text", "copied")):
        query = f"""
{{% set query = "select seen_at from " ~ ref('{relation}') %}}
select '{{{{ run_query(query).rows[0][0] if execute }}}}' as seen from {{{{ ref('{relation}') }}}}"""
        shop.model(name, query, materialized="table")
    assert shop.dvt("run"), shop.messages()
    assert shop.rows("house", "select seen from foreign_text") == shop.rows(
        "house", "select seen from own_text"
    )
