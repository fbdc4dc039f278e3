{% materialization incremental, adapter='jdbc' %}
  {%- set target = this.incorporate(type='table') -%}
  {%- set temporary = make_temp_relation(target) -%}
  {%- set intermediate = make_intermediate_relation(target) -%}
  {%- set backup = make_backup_relation(target, 'table') -%}
  {%- set on_schema_change = incremental_validate_on_schema_change(config.get('on_schema_change'), default='ignore') -%}
  {%- set strategy = adapter.get_incremental_strategy_macro(context, config.get('incremental_strategy') or 'default') -%}
  {%- set contract = config.get('contract') -%}

  {{ jdbc__clean_up(target, intermediate, backup) }}
  {{ drop_relation_if_exists(load_cached_relation(temporary)) }}
  {%- set existing = load_cached_relation(this) -%}
  {%- set rebuild = existing is none or existing.is_view or should_full_refresh() -%}
  {{ run_hooks(pre_hooks, inside_transaction=False) }}
  {{ run_hooks(pre_hooks, inside_transaction=True) }}

  {% if rebuild %}
    {% call statement('main') -%}
      {{ get_create_table_as_sql(False, intermediate, sql) }}
    {%- endcall %}
    {% do adapter.cache_added(intermediate) %}
      {% do adapter.swap(existing, intermediate, target, backup) %}
  {% else %}
    {# An ordinary table, since those that are a session's own have no place in most catalogs. #}
    {% call statement('temporary') %}{{ get_create_table_as_sql(True, temporary, sql) }}{% endcall %}
    {% do adapter.cache_added(temporary.incorporate(type='table')) %}
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
  {% endif %}

  {{ run_hooks(post_hooks, inside_transaction=True) }}
  {% if adapter.in_transaction() %}{{ adapter.commit() }}{% endif %}
  {% if not rebuild %}{% do adapter.drop_relation(temporary.incorporate(type='table')) %}{% endif %}

  {{ run_hooks(post_hooks, inside_transaction=False) }}
  {{ return({'relations': [target]}) }}
{% endmaterialization %}

{% macro jdbc__get_incremental_default_sql(arg_dict) %}
  {% if arg_dict['unique_key'] %}
    {% do return(get_incremental_delete_insert_sql(arg_dict)) %}
  {% endif %}
  {% do return(get_incremental_append_sql(arg_dict)) %}
{% endmacro %}

{% macro jdbc__insert_from(target, source, columns) -%}
  {%- set names = get_quoted_csv(columns | map(attribute='name')) -%}
  insert into {{ target }} ({{ names }})
  select {{ names }} from {{ source }}
{%- endmacro %}

{% macro jdbc__get_incremental_append_sql(arg_dict) %}
  {% do return(jdbc__insert_from(arg_dict['target_relation'], arg_dict['temp_relation'], arg_dict['dest_columns'])) %}
{% endmacro %}

{# Compares the key's columns one by one: Derby has no rows of several values. #}
{% macro jdbc__get_delete_insert_merge_sql(target, source, unique_key, dest_columns, incremental_predicates) -%}
  {%- set keys = [unique_key] if unique_key is string else (unique_key or []) -%}
  {%- if keys %}
  delete from {{ target }} DBT_INTERNAL_DEST
  where exists (
    select 1 from {{ source }} DBT_INTERNAL_SOURCE
    where {% for key in keys %}DBT_INTERNAL_SOURCE.{{ key }} = DBT_INTERNAL_DEST.{{ key }}{{ ' and ' if not loop.last }}{% endfor %}
  )
    {%- for predicate in incremental_predicates or [] %} and {{ predicate }}{% endfor %};
  {%- endif %}
  {{ jdbc__insert_from(target, source, dest_columns) }}
{%- endmacro %}

{% macro jdbc__get_incremental_microbatch_sql(arg_dict) -%}
  {%- set batch = model.batch -%}
  {%- set at = 'DBT_INTERNAL_DEST.' ~ model.config.event_time -%}
  {%- set within = [] -%}
  {%- if batch and batch.event_time_start %}{% do within.append(at ~ ' >= ' ~ adapter.timestamp_literal(batch.event_time_start)) %}{% endif -%}
  {%- if batch and batch.event_time_end %}{% do within.append(at ~ ' < ' ~ adapter.timestamp_literal(batch.event_time_end)) %}{% endif -%}
  {%- for predicate in arg_dict['incremental_predicates'] or [] %}{% do within.append(predicate) %}{% endfor -%}
  {%- set sql %}
  delete from {{ arg_dict['target_relation'] }} DBT_INTERNAL_DEST
  where {{ within | join(' and ') or '1 = 1' }};
  {{ jdbc__insert_from(arg_dict['target_relation'], arg_dict['temp_relation'], arg_dict['dest_columns']) }}
  {%- endset -%}
  {% do return(sql) %}
{%- endmacro %}

{% macro jdbc__alter_relation_add_remove_columns(relation, add_columns=none, remove_columns=none) %}
  {% for column in add_columns or [] %}
    {% call statement('add_column', auto_begin=False) %}
      alter table {{ relation.render() }} add column {{ column.quoted }} {{ column.data_type }}
    {% endcall %}
  {% endfor %}
  {% for column in remove_columns or [] %}
    {% call statement('remove_column', auto_begin=False) %}
      alter table {{ relation.render() }} drop column {{ column.quoted }}
    {% endcall %}
  {% endfor %}
{% endmacro %}

{% macro jdbc__create_columns(relation, columns) %}
  {% do alter_relation_add_remove_columns(relation, columns, none) %}
{% endmacro %}

{% macro jdbc__alter_column_type(relation, column_name, new_column_type) %}
  {% call statement('alter_column_type', auto_begin=False) %}
    alter table {{ relation.render() }} alter column {{ adapter.quote(column_name) }} set data type {{ new_column_type }}
  {% endcall %}
{% endmacro %}
