{# Contracts: dbt's own, but that not every database selects from nothing. #}

{% macro jdbc__get_empty_schema_sql(columns) %}
  {%- set untyped = [] -%}
  {%- for column in columns.values() if not column.get('data_type') %}{% do untyped.append(column['name']) %}{% endfor -%}
  {%- if untyped %}{{ exceptions.column_type_missing(column_names=untyped) }}{% endif -%}
  select
  {%- for column in columns.values() %}
    {{ cast('null', column['data_type']) }} as {{ adapter.quote(column['name']) if column.get('quote') else column['name'] }}{{ ',' if not loop.last }}
  {%- endfor %}
  from (values (1)) dvt_one
{% endmacro %}
