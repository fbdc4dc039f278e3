{# Snapshots: dbt's materialization with statements in MySQL's SQL. #}

{% macro mysql__snapshot_hash_arguments(args) -%}
  md5(concat_ws('|'{% for arg in args %}, coalesce(cast({{ arg }} as char), ''){% endfor %}))
{%- endmacro %}

{% macro mysql__snapshot_string_as_time(timestamp) -%}
  {{ return("cast('" ~ adapter.utc_text(timestamp) ~ "' as datetime(6))") }}
{%- endmacro %}

{% macro mysql__open_snapshot_row(columns, of='') -%}
  {%- set current = config.get('dbt_valid_to_current') -%}
  {%- if current -%}
    ({{ equals(of ~ columns.dbt_valid_to, current | trim) }} or {{ of }}{{ columns.dbt_valid_to }} is null)
  {%- else -%}
    {{ of }}{{ columns.dbt_valid_to }} is null
  {%- endif -%}
{%- endmacro %}

{% macro mysql__snapshot_columns(names, keys, of) -%}
  {%- for name in names %}{{ of }}.{{ adapter.quote(name) }}, {% endfor -%}
  {%- for key in keys %}{{ of }}.{{ key }}, {% endfor -%}
{%- endmacro %}

{% macro mysql__snapshot_staging_table(strategy, source_sql, target_relation) -%}
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
    where {{ mysql__open_snapshot_row(columns) }}
  )
  select 'insert' as dbt_change_type, {{ mysql__snapshot_columns(names, keys, 'source_data') }}
    source_data.{{ columns.dbt_updated_at }}, source_data.{{ columns.dbt_valid_from }},
    source_data.{{ columns.dbt_valid_to }}, source_data.{{ columns.dbt_scd_id }}
    {%- if records_deletes %}, 'False' as {{ columns.dbt_is_deleted }}{% endif %}
  from source_data left join snapshotted_data on {{ joined }}
  where {{ unique_key_is_null(strategy.unique_key, 'snapshotted_data') }} or {{ changed }}
  union all
  select 'update', {{ mysql__snapshot_columns(names, keys, 'source_data') }}
    source_data.{{ columns.dbt_updated_at }}, source_data.{{ columns.dbt_valid_from }},
    source_data.{{ columns.dbt_updated_at }}, snapshotted_data.{{ columns.dbt_scd_id }}
    {%- if records_deletes %}, {{ deleted }}{% endif %}
  from source_data join snapshotted_data on {{ joined }}
  where {{ changed }}
  {%- if finds_deletes %}
  {%- set deleted_rows -%}
    from snapshotted_data left join source_data on {{ joined }}
    where {{ unique_key_is_null(strategy.unique_key, 'source_data') }}
      {%- if records_deletes %} and not (coalesce({{ deleted }}, 'False') = 'True' and {{ mysql__open_snapshot_row(columns, 'snapshotted_data.') }}){% endif %}
  {%- endset %}
  union all
  select 'delete', {{ mysql__snapshot_columns(names, keys, 'source_data') }}
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

{% macro mysql__snapshot_merge_sql(target, source, insert_cols) -%}
  {%- set columns = config.get('snapshot_table_column_names') or get_snapshot_table_column_names() -%}
  update {{ target }} as DBT_INTERNAL_DEST
  join {{ source }} as DBT_INTERNAL_SOURCE
    on DBT_INTERNAL_SOURCE.{{ columns.dbt_scd_id }} = DBT_INTERNAL_DEST.{{ columns.dbt_scd_id }}
    and DBT_INTERNAL_SOURCE.dbt_change_type in ('update', 'delete')
  set DBT_INTERNAL_DEST.{{ columns.dbt_valid_to }} = DBT_INTERNAL_SOURCE.{{ columns.dbt_valid_to }}
  where {{ mysql__open_snapshot_row(columns, 'DBT_INTERNAL_DEST.') }};
  insert into {{ target }} ({{ insert_cols | join(', ') }})
  select {{ insert_cols | join(', ') }} from {{ source }} as DBT_INTERNAL_SOURCE
  where DBT_INTERNAL_SOURCE.dbt_change_type = 'insert'
{%- endmacro %}

{# dbt's `check` strategy, but it compares text byte by byte: by the server's collations 'a' equals 'A', so a change
   of case would be missed. #}
{% macro snapshot_check_strategy(node, snapshotted_rel, current_rel, model_config, target_exists) %}
  {%- set hard_deletes = adapter.get_hard_deletes_behavior(config) -%}
  {%- set updated_at = config.get('updated_at') or snapshot_get_time() -%}
  {%- set primary_key = config.get('unique_key') -%}
  {%- set added, names = snapshot_check_all_get_existing_columns(node, target_exists, config.get('check_cols')) -%}
  {%- set row_changed = 'true' -%}
  {%- if target_exists and not added -%}
    {%- set target = adapter.get_relation(database=none, schema=node.schema, identifier=node.alias) -%}
    {%- set texts = [] -%}
    {%- for column in adapter.get_columns_in_relation(target) if column.is_string() %}{% do texts.append(column.quoted) %}{% endfor -%}
    {%- set changes = [] -%}
    {%- for name in names -%}
      {%- set old, new = snapshotted_rel ~ '.' ~ name, current_rel ~ '.' ~ name -%}
      {%- if name in texts -%}
        {%- do changes.append('not (' ~ mysql__bytes(old) ~ ' <=> ' ~ mysql__bytes(new) ~ ')') -%}
      {%- else -%}
        {%- do changes.append('not (' ~ old ~ ' <=> ' ~ new ~ ')') -%}
      {%- endif -%}
    {%- endfor -%}
    {%- set row_changed = '(' ~ (changes | join(' or ') or 'false') ~ ')' -%}
  {%- endif -%}
  {% do return({
    'unique_key': primary_key, 'updated_at': updated_at, 'row_changed': row_changed,
    'scd_id': snapshot_hash_arguments(api.Relation.scd_args(primary_key, updated_at)),
    'invalidate_hard_deletes': hard_deletes == 'invalidate', 'hard_deletes': hard_deletes,
  }) %}
{% endmacro %}

{% macro mysql__bytes(text) -%}
  {{ return('cast(convert(' ~ text ~ ' using utf8mb4) as binary)') }}
{%- endmacro %}
