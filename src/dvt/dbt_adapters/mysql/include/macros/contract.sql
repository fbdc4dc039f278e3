{# Contracts. A query matches if its columns are of the same kinds; the table gets the types as written. #}

{% macro mysql__get_assert_columns_equivalent(sql) %}
  {%- set columns = model['columns'] -%}
  {%- if not columns %}{% do exceptions.raise_contract_error([], []) %}{% endif -%}
  {%- set untyped = [] -%}
  {%- for name, column in columns.items() -%}
    {%- if not column.get('data_type') %}{% do untyped.append(column['name']) %}{% endif -%}
  {%- endfor -%}
  {%- if untyped %}{{ exceptions.column_type_missing(column_names=untyped) }}{% endif -%}
  {%- set query_columns = get_column_schema_from_query(sql, config.get('sql_header', none)) -%}
  {%- set difference = adapter.contract_difference(columns, query_columns) -%}
  {%- if difference %}{% do exceptions.raise_contract_error(difference[0], difference[1]) %}{% endif -%}
{% endmacro %}

{% macro mysql__get_table_columns_and_constraints() -%}
  {%- set parts = adapter.render_raw_columns_constraints(raw_columns=model['columns']) -%}
  {%- set parts = parts + adapter.table_constraints(model['columns']) -%}
  {%- set parts = parts + adapter.render_raw_model_constraints(raw_constraints=model['constraints']) -%}
  (
    {{ parts | join(',\n    ') }}
  )
{%- endmacro %}

{% macro mysql__get_empty_schema_sql(columns) %}
  select
  {%- for name, column in columns.items() %}
    {{ cast('null', column['data_type']) }} as {{ adapter.quote(column['name']) }}{{ ',' if not loop.last }}
  {%- endfor %}
{% endmacro %}
