{% materialization view, adapter='jdbc' %}
  {%- set target = this.incorporate(type='view') -%}
  {%- set intermediate = make_intermediate_relation(target) -%}
  {%- set backup = make_backup_relation(target, 'table') -%}

  {{ jdbc__clean_up(target.incorporate(type='table'), intermediate, backup) }}
  {{ run_hooks(pre_hooks, inside_transaction=False) }}
  {{ run_hooks(pre_hooks, inside_transaction=True) }}

  {% set existing = load_cached_relation(this) %}
  {% if existing is not none and existing.is_table %}
    {# Tried under another name first, so that the table stays if the view cannot be made. #}
    {% call statement('try') -%}{{ get_create_view_as_sql(intermediate, sql) }}{%- endcall %}
    {% do adapter.drop_relation(intermediate) %}
    {% do adapter.drop_views_on(existing) %}
    {% do adapter.rename_relation(existing, backup) %}
  {% endif %}
  {% call statement('main') -%}
    {% if existing is not none and existing.is_view -%}
      {{ jdbc__replace_view(target, sql) }}
    {%- else -%}
      {{ get_create_view_as_sql(target, sql) }}
    {%- endif %}
  {%- endcall %}
  {% if existing is not none and existing.is_table %}{% do adapter.drop_relation(backup) %}{% endif %}

  {{ jdbc__finish() }}
  {{ return({'relations': [target]}) }}
{% endmaterialization %}

{% macro jdbc__replace_view(target, sql) -%}
  {%- set contract = config.get('contract') -%}
  {%- set sql_header = config.get('sql_header', none) -%}
  {{ sql_header if sql_header is not none }}
  {%- if contract and contract.enforced %}{{ get_assert_columns_equivalent(sql) }}{% endif %}
  {{ adapter.replace_view_sql(target, sql) }}
{%- endmacro %}
