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
