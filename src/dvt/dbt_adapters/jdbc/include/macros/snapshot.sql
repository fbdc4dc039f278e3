{# Snapshots: dbt's materialization with statements that the databases have. #}

{% macro jdbc__snapshot_hash_arguments(args) -%}
  {%- do jdbc__check_configs() -%}
  {%- if not adapter.has_common_tables() %}{% do adapter.refuse('snapshots', 'keep the history on another output, by a snapshot there') %}{% endif -%}
  {%- set parts = [] -%}
  {%- for arg in args %}{% do parts.append("coalesce(cast(" ~ arg ~ " as " ~ adapter.text_type() ~ "), '')") %}{% endfor -%}
  {{ adapter.hash_sql(parts | join(" || '|' || ")) }}
{%- endmacro %}

{% macro jdbc__snapshot_string_as_time(timestamp) -%}
  {{ return(adapter.timestamp_literal(timestamp)) }}
{%- endmacro %}

{% macro jdbc__get_true_sql() %}
  {{ return('1 = 1') }}
{% endmacro %}

{% macro jdbc__post_snapshot(staging_relation) %}
  {% do adapter.drop_relation(staging_relation.incorporate(type='table')) %}
{% endmacro %}

{% macro jdbc__open_snapshot_row(columns, of='') -%}
  {%- set current = config.get('dbt_valid_to_current') -%}
  {%- if current -%}
    ({{ of }}{{ columns.dbt_valid_to }} = {{ current | trim }} or {{ of }}{{ columns.dbt_valid_to }} is null)
  {%- else -%}
    {{ of }}{{ columns.dbt_valid_to }} is null
  {%- endif -%}
{%- endmacro %}

{# dbt's own, but for the name before the star, which HSQLDB needs where other columns follow. #}
{% macro jdbc__build_snapshot_table(strategy, sql) %}
  {%- set columns = config.get('snapshot_table_column_names') or get_snapshot_table_column_names() -%}
  select sbq.*,
    {{ strategy.scd_id }} as {{ columns.dbt_scd_id }},
    {{ strategy.updated_at }} as {{ columns.dbt_updated_at }},
    {{ strategy.updated_at }} as {{ columns.dbt_valid_from }},
    {{ get_dbt_valid_to_current(strategy, columns) }}
    {%- if strategy.hard_deletes == 'new_record' %}, 'False' as {{ columns.dbt_is_deleted }}{% endif %}
  from (
  {{ sql }}
  ) sbq
{% endmacro %}

{% macro jdbc__snapshot_columns(names, keys, of) -%}
  {%- for name in names %}{{ of }}.{{ adapter.quote(name) }}, {% endfor -%}
  {%- for key in keys %}{{ of }}.{{ key }}, {% endfor -%}
{%- endmacro %}

{% macro jdbc__snapshot_staging_table(strategy, source_sql, target_relation) -%}
  {%- set columns = config.get('snapshot_table_column_names') or get_snapshot_table_column_names() -%}
  {%- set names = get_columns_in_query(source_sql) -%}
  {%- set existing_names = get_list_of_column_names(adapter.get_columns_in_relation(target_relation)) -%}
  {%- set records_deletes = strategy.hard_deletes == 'new_record' -%}
  {%- set finds_deletes = records_deletes or strategy.hard_deletes == 'invalidate' -%}
  {%- set now = snapshot_get_time() -%}
  {%- set keys = [] -%}
  {%- if strategy.unique_key | is_list -%}
    {%- for key in strategy.unique_key %}{% do keys.append('dbt_unique_key_' ~ loop.index) %}{% endfor -%}
  {%- else %}{% do keys.append('dbt_unique_key') %}{% endif -%}
  {%- set joined = unique_key_join_on(strategy.unique_key, 'snapshotted_data', 'source_data') -%}
  {%- set deleted = 'snapshotted_data.' ~ columns.dbt_is_deleted -%}
  {%- set changed -%}
    ({{ strategy.row_changed }}{% if records_deletes %} or {{ deleted }} = 'True'{% endif %})
  {%- endset -%}
  with source_data as (
    select dbt_source.*, {{ unique_key_fields(strategy.unique_key) }},
      {{ strategy.updated_at }} as {{ columns.dbt_updated_at }},
      {{ strategy.updated_at }} as {{ columns.dbt_valid_from }},
      {{ get_dbt_valid_to_current(strategy, columns) }},
      {{ strategy.scd_id }} as {{ columns.dbt_scd_id }}
    from (
      {{ source_sql }}
    ) as dbt_source
  ),
  snapshotted_data as (
    select dbt_target.*, {{ unique_key_fields(strategy.unique_key) }}
    from {{ target_relation.render() }} as dbt_target
    where {{ jdbc__open_snapshot_row(columns) }}
  )
  select 'insert' as dbt_change_type, {{ jdbc__snapshot_columns(names, keys, 'source_data') }}
    source_data.{{ columns.dbt_updated_at }}, source_data.{{ columns.dbt_valid_from }},
    source_data.{{ columns.dbt_valid_to }}, source_data.{{ columns.dbt_scd_id }}
    {%- if records_deletes %}, 'False' as {{ columns.dbt_is_deleted }}{% endif %}
  from source_data left join snapshotted_data on {{ joined }}
  where {{ unique_key_is_null(strategy.unique_key, 'snapshotted_data') }} or {{ changed }}
  union all
  select 'update', {{ jdbc__snapshot_columns(names, keys, 'source_data') }}
    source_data.{{ columns.dbt_updated_at }}, source_data.{{ columns.dbt_valid_from }},
    source_data.{{ columns.dbt_updated_at }}, snapshotted_data.{{ columns.dbt_scd_id }}
    {%- if records_deletes %}, {{ deleted }}{% endif %}
  from source_data join snapshotted_data on {{ joined }}
  where {{ changed }}
  {%- if finds_deletes %}
  {%- set deleted_rows -%}
    from snapshotted_data left join source_data on {{ joined }}
    where {{ unique_key_is_null(strategy.unique_key, 'source_data') }}
      {%- if records_deletes %} and not (coalesce({{ deleted }}, 'False') = 'True' and {{ jdbc__open_snapshot_row(columns, 'snapshotted_data.') }}){% endif %}
  {%- endset %}
  union all
  select 'delete', {{ jdbc__snapshot_columns(names, keys, 'source_data') }}
    {{ now }}, {{ now }}, {{ now }}, snapshotted_data.{{ columns.dbt_scd_id }}
    {%- if records_deletes %}, {{ deleted }}{% endif %}
  {{ deleted_rows }}
  {%- endif %}
  {%- if records_deletes %}
  union all
  select 'insert',
    {% for name in names %}{{ 'snapshotted_data' if name in existing_names else 'source_data' }}.{{ adapter.quote(name) }}, {% endfor %}
    {% for key in keys %}snapshotted_data.{{ key }}, {% endfor %}
    {{ now }}, {{ now }}, snapshotted_data.{{ columns.dbt_valid_to }},
    {{ snapshot_hash_arguments(['snapshotted_data.' ~ columns.dbt_scd_id, now]) }}, 'True'
  {{ deleted_rows }}
  {%- endif %}
{%- endmacro %}

{% macro jdbc__snapshot_merge_sql(target, source, insert_cols) -%}
  {%- set columns = config.get('snapshot_table_column_names') or get_snapshot_table_column_names() -%}
  {%- set changed -%}
    from {{ source }} DBT_INTERNAL_SOURCE
    where DBT_INTERNAL_SOURCE.{{ columns.dbt_scd_id }} = DBT_INTERNAL_DEST.{{ columns.dbt_scd_id }}
      and DBT_INTERNAL_SOURCE.dbt_change_type in ('update', 'delete')
  {%- endset -%}
  update {{ target }} DBT_INTERNAL_DEST
  set {{ columns.dbt_valid_to }} = (select max(DBT_INTERNAL_SOURCE.{{ columns.dbt_valid_to }}) {{ changed }})
  where {{ jdbc__open_snapshot_row(columns, 'DBT_INTERNAL_DEST.') }} and exists (select 1 {{ changed }});
  insert into {{ target }} ({{ insert_cols | join(', ') }})
  select {{ insert_cols | join(', ') }} from {{ source }} DBT_INTERNAL_SOURCE
  where DBT_INTERNAL_SOURCE.dbt_change_type = 'insert'
{%- endmacro %}
