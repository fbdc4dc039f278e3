{# dbt's cross-database macros. #}

{% macro jdbc__current_timestamp() -%}
  current_timestamp
{%- endmacro %}

{# Timestamps of snapshots are without a time zone, in UTC as the sessions are. #}
{% macro jdbc__snapshot_get_time() -%}
  cast(current_timestamp as timestamp)
{%- endmacro %}

{% macro jdbc__type_string() %}{{ adapter.text_type() }}{% endmacro %}

{% macro jdbc__hash(field) -%}
  {{ adapter.hash_sql('cast(' ~ field ~ ' as ' ~ adapter.text_type() ~ ')') }}
{%- endmacro %}

{% macro jdbc__escape_single_quotes(expression) -%}
{{ expression | replace("'", "''") }}
{%- endmacro %}

{% macro jdbc__string_literal(value) -%}
  {{ adapter.string_literal(value | string) }}
{%- endmacro %}
