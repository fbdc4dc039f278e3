{% materialization view, adapter='mysql' %}
  {%- set existing = load_cached_relation(this) -%}
  {%- set target = this.incorporate(type='view') -%}
  {%- set intermediate = make_intermediate_relation(target) -%}
  {%- set backup = make_backup_relation(target, 'view' if existing is none else existing.type) -%}
  {%- set grant_config = config.get('grants') -%}
  {%- set replaces = existing is none or existing.is_view -%}

  {{ mysql__drop_leftovers(intermediate, backup) }}
  {{ run_hooks(pre_hooks, inside_transaction=False) }}
  {{ run_hooks(pre_hooks, inside_transaction=True) }}

  {% call statement('main') -%}
    {{ get_create_view_as_sql(target if replaces else intermediate, sql) }}
  {%- endcall %}
  {% if not replaces %}{% do mysql__swap(existing, intermediate, target, backup) %}{% endif %}

  {% do apply_grants(target, grant_config, should_revoke=should_revoke(existing, full_refresh_mode=True)) %}
  {% do persist_docs(target, model) %}
  {{ run_hooks(post_hooks, inside_transaction=True) }}
  {{ adapter.commit() }}

  {{ run_hooks(post_hooks, inside_transaction=False) }}
  {{ return({'relations': [target]}) }}
{% endmaterialization %}
