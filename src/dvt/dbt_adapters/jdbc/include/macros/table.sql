{% materialization table, adapter='jdbc' %}
  {%- set target = this.incorporate(type='table') -%}
  {%- set intermediate = make_intermediate_relation(target) -%}
  {%- set backup = make_backup_relation(target, 'table') -%}

  {{ jdbc__clean_up(target, intermediate, backup) }}
  {{ run_hooks(pre_hooks, inside_transaction=False) }}
  {{ run_hooks(pre_hooks, inside_transaction=True) }}

  {% call statement('main') -%}
    {{ get_create_table_as_sql(False, intermediate, sql) }}
  {%- endcall %}
  {% do adapter.cache_added(intermediate) %}

  {# A hook may have dropped the existing table in the meantime. #}
  {% set existing = load_cached_relation(this) %}
  {% do adapter.swap(existing, intermediate, target, backup) %}

  {{ jdbc__finish() }}
  {{ return({'relations': [target]}) }}
{% endmaterialization %}

{# What follows in each materialization once its relation is in its place. #}
{% macro jdbc__finish() %}
  {{ run_hooks(post_hooks, inside_transaction=True) }}
  {% if adapter.in_transaction() %}{{ adapter.commit() }}{% endif %}
  {{ run_hooks(post_hooks, inside_transaction=False) }}
{% endmacro %}
