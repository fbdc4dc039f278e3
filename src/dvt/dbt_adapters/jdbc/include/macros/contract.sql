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

{% macro jdbc__get_table_columns_and_constraints() -%}
  {%- if not adapter.renames_checked() -%}
    {%- set constraints = model['constraints'] | list -%}
    {%- for column in model['columns'].values() %}{% do constraints.extend(column.get('constraints') or []) %}{% endfor -%}
    {%- for constraint in constraints if constraint['type'] in ['check', 'foreign_key'] -%}
      {%- do adapter.refuse('tables with ' ~ constraint['type'] ~ ' that could be replaced', 'leave the constraint out, and test the column') -%}
    {%- endfor -%}
  {%- endif -%}
  {{ return(default__get_table_columns_and_constraints()) }}
{%- endmacro %}
