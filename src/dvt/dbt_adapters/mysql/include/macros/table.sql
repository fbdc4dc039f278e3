{% materialization table, adapter='mysql' %}
  {%- set existing = load_cached_relation(this) -%}
  {%- set target = this.incorporate(type='table') -%}
  {%- set intermediate = make_intermediate_relation(target) -%}
  {%- set backup = make_backup_relation(target, 'table' if existing is none else existing.type) -%}
  {%- set grant_config = config.get('grants') -%}

  {{ mysql__drop_leftovers(intermediate, backup) }}
  {{ run_hooks(pre_hooks, inside_transaction=False) }}
  {{ run_hooks(pre_hooks, inside_transaction=True) }}

  {% call statement('main') -%}
    {{ get_create_table_as_sql(False, intermediate, sql) }}
  {%- endcall %}
  {% do create_indexes(intermediate) %}
  {% do persist_docs(intermediate, model) %}

  {# A hook may have dropped the existing table in the meantime. #}
  {% set existing = load_cached_relation(this) %}
  {% do mysql__swap(existing, intermediate, target, backup) %}

  {{ run_hooks(post_hooks, inside_transaction=True) }}
  {% do apply_grants(target, grant_config, should_revoke=should_revoke(existing, full_refresh_mode=True)) %}
  {{ adapter.commit() }}

  {{ run_hooks(post_hooks, inside_transaction=False) }}
  {{ return({'relations': [target]}) }}
{% endmaterialization %}
