{% materialization incremental, adapter='mysql' %}
  {%- set existing = load_cached_relation(this) -%}
  {%- set target = this.incorporate(type='table') -%}
  {%- set temporary = make_temp_relation(target) -%}
  {%- set intermediate = make_intermediate_relation(target) -%}
  {%- set backup = make_backup_relation(target, 'table' if existing is none else existing.type) -%}
  {%- set rebuild = existing is none or existing.is_view or should_full_refresh() -%}
  {%- set on_schema_change = incremental_validate_on_schema_change(config.get('on_schema_change'), default='ignore') -%}
  {%- set strategy = adapter.get_incremental_strategy_macro(context, config.get('incremental_strategy') or 'default') -%}
  {%- set grant_config = config.get('grants') -%}
  {%- set contract = config.get('contract') -%}

  {{ mysql__drop_leftovers(intermediate, backup) }}
  {{ run_hooks(pre_hooks, inside_transaction=False) }}
  {{ run_hooks(pre_hooks, inside_transaction=True) }}

  {% if rebuild %}
    {% call statement('main') -%}
      {{ get_create_table_as_sql(False, intermediate, sql) }}
    {%- endcall %}
    {% do create_indexes(intermediate) %}
    {% do persist_docs(intermediate, model) %}
    {% do mysql__swap(existing, intermediate, target, backup) %}
  {% else %}
    {% do run_query(get_create_table_as_sql(True, temporary, sql)) %}
    {% if not contract or not contract.enforced %}
      {% do adapter.expand_target_column_types(from_relation=temporary, to_relation=target) %}
    {% endif %}
    {% set columns = process_schema_changes(on_schema_change, temporary, existing)
                     or adapter.get_columns_in_relation(existing) %}
    {% set build_sql = strategy({
      'target_relation': target, 'temp_relation': temporary, 'unique_key': config.get('unique_key'),
      'dest_columns': columns,
      'incremental_predicates': config.get('predicates', none) or config.get('incremental_predicates', none),
    }) %}
    {% call statement('main') -%}
      {{ build_sql }}
    {%- endcall %}
    {% do persist_docs(target, model) %}
  {% endif %}

  {% do apply_grants(target, grant_config, should_revoke=should_revoke(existing, full_refresh_mode=rebuild)) %}
  {{ run_hooks(post_hooks, inside_transaction=True) }}
  {{ adapter.commit() }}

  {{ run_hooks(post_hooks, inside_transaction=False) }}
  {{ return({'relations': [target]}) }}
{% endmaterialization %}

{# The strategies. A statement may name a temporary table only once. #}

{% macro mysql__get_incremental_default_sql(arg_dict) %}
  {% if arg_dict['unique_key'] %}
    {% do return(get_incremental_delete_insert_sql(arg_dict)) %}
  {% endif %}
  {% do return(get_incremental_append_sql(arg_dict)) %}
{% endmacro %}

{% macro mysql__keys(unique_key) %}
  {{ return([unique_key] if unique_key is string else (unique_key or []) | list) }}
{% endmacro %}

{% macro mysql__insert_from(target, source, columns) -%}
  {%- set names = get_quoted_csv(columns | map(attribute='name')) -%}
  insert into {{ target }} ({{ names }})
  select {{ names }} from {{ source }}
{%- endmacro %}

{% macro mysql__get_delete_insert_merge_sql(target, source, unique_key, dest_columns, incremental_predicates) -%}
  {%- set keys = mysql__keys(unique_key) | join(', ') -%}
  {%- if keys %}
  delete DBT_INTERNAL_DEST from {{ target }} as DBT_INTERNAL_DEST
  where ({{ keys }}) in (select {{ keys }} from {{ source }} as DBT_INTERNAL_SOURCE)
    {%- for predicate in incremental_predicates or [] %} and {{ predicate }}{% endfor %};
  {%- endif %}
  {{ mysql__insert_from(target, source, dest_columns) }}
{%- endmacro %}

{# Does not use ON DUPLICATE KEY UPDATE, which may match a row by any unique index, not only by the key. #}
{% macro mysql__get_merge_sql(target, source, unique_key, dest_columns, incremental_predicates=none) -%}
  {%- set keys = mysql__keys(unique_key) -%}
  {%- set changed = get_merge_update_columns(config.get('merge_update_columns'), config.get('merge_exclude_columns'), dest_columns) -%}
  {%- if not keys %}
  {{ mysql__insert_from(target, source, dest_columns) }}
  {%- else %}
  {%- set conditions = [] -%}
  {%- for key in keys %}{% do conditions.append('(' ~ equals('DBT_INTERNAL_SOURCE.' ~ key, 'DBT_INTERNAL_DEST.' ~ key) ~ ')') %}{% endfor -%}
  {%- for predicate in incremental_predicates or [] %}{% do conditions.append('(' ~ predicate ~ ')') %}{% endfor -%}
  {%- set matched = conditions | join(' and ') -%}
  {%- if changed %}
  update {{ target }} as DBT_INTERNAL_DEST
  join {{ source }} as DBT_INTERNAL_SOURCE on {{ matched }}
  set {% for name in changed %}DBT_INTERNAL_DEST.{{ name }} = DBT_INTERNAL_SOURCE.{{ name }}{{ ', ' if not loop.last }}{% endfor %};
  {%- endif %}
  insert into {{ target }} ({{ get_quoted_csv(dest_columns | map(attribute='name')) }})
  select {% for column in dest_columns %}DBT_INTERNAL_SOURCE.{{ column.quoted }}{{ ', ' if not loop.last }}{% endfor %}
  from {{ source }} as DBT_INTERNAL_SOURCE
  left join (select *, 1 as dbt_internal_matched from {{ target }}) as DBT_INTERNAL_DEST on {{ matched }}
  where DBT_INTERNAL_DEST.dbt_internal_matched is null
  {%- endif %}
{%- endmacro %}

{% macro mysql__get_incremental_microbatch_sql(arg_dict) -%}
  {%- set batch = model.batch -%}
  {%- set at = 'DBT_INTERNAL_DEST.' ~ model.config.event_time -%}
  {%- set within = [] -%}
  {%- if batch and batch.event_time_start %}{% do within.append(at ~ " >= '" ~ adapter.utc_text(batch.event_time_start) ~ "'") %}{% endif -%}
  {%- if batch and batch.event_time_end %}{% do within.append(at ~ " < '" ~ adapter.utc_text(batch.event_time_end) ~ "'") %}{% endif -%}
  {%- for predicate in arg_dict['incremental_predicates'] or [] %}{% do within.append(predicate) %}{% endfor -%}
  {%- set sql %}
  delete DBT_INTERNAL_DEST from {{ arg_dict['target_relation'] }} as DBT_INTERNAL_DEST
  where {{ within | join(' and ') or 'true' }};
  {{ mysql__insert_from(arg_dict['target_relation'], arg_dict['temp_relation'], arg_dict['dest_columns']) }}
  {%- endset -%}
  {% do return(sql) %}
{%- endmacro %}
