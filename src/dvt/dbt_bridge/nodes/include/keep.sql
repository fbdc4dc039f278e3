{% materialization dvt_keep, default %}
  {#- Replaces the rows in one transaction. The table object stays, with everything that depends on it.
      The new rows are in a stage table of dvt's, or the model's own SQL puts them into a temporary table. -#}
  {%- set target_relation = this.incorporate(type='table') -%}
  {%- set existing_relation = load_cached_relation(this) -%}
  {%- set grant_config = config.get('grants') -%}
  {%- set rows = dvt_stage or make_temp_relation(target_relation) -%}

  {{ run_hooks(pre_hooks, inside_transaction=False) }}

  {% if not dvt_stage %}
    {% call statement('begin_rows') -%}
      select 1 as begun
    {%- endcall %}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {% call statement('rows') -%}
      {{ create_table_as(True, rows, sql) }}
    {%- endcall %}
  {% endif %}

  {%- do dvt_check_columns(rows) -%}
  {%- set new_columns = adapter.get_columns_in_relation(rows) -%}
  {%- set existing_names = adapter.get_columns_in_relation(target_relation) | map(attribute='name') | list -%}
  {%- set added = new_columns | rejectattr('name', 'in', existing_names) | list -%}
  {%- set names = get_quoted_csv(new_columns | map(attribute='name')) -%}

  -- Where ALTER TABLE commits, it runs before the transaction: a reader is not harmed by another column.
  {% if added and dvt_ddl_commits %}
    {% do alter_relation_add_remove_columns(target_relation, added, none) %}
  {% endif %}

  -- `BEGIN` happens here: ALTER TABLE below does not begin a transaction itself.
  {% call statement('begin') -%}
    select 1 as begun
  {%- endcall %}

  {% if added and not dvt_ddl_commits %}
    {% do alter_relation_add_remove_columns(target_relation, added, none) %}
  {% endif %}

  {% call statement('delete_old') -%}
    delete from {{ target_relation }}
  {%- endcall %}

  {% call statement('main') -%}
    insert into {{ target_relation }} ({{ names }})
    select {{ names }} from {{ rows }}
  {%- endcall %}

  {{ run_hooks(post_hooks, inside_transaction=True) }}

  {% set should_revoke = should_revoke(existing_relation, full_refresh_mode=False) %}
  {% do apply_grants(target_relation, grant_config, should_revoke=should_revoke) %}

  {% do persist_docs(target_relation, model) %}

  -- `COMMIT` happens here
  {{ adapter.commit() }}

  {{ run_hooks(post_hooks, inside_transaction=False) }}

  {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}
