{# Metadata: schemas, relations, columns, the catalog, and when tables were last written. #}

{% macro mysql__information_schema_name(database) -%}
  information_schema
{%- endmacro %}

{% macro mysql__list_schemas(database) %}
  {% call statement('list_schemas', fetch_result=True, auto_begin=False) %}
    select schema_name from information_schema.schemata
  {% endcall %}
  {{ return(load_result('list_schemas').table) }}
{% endmacro %}

{% macro mysql__check_schema_exists(information_schema, schema) %}
  {% call statement('check_schema_exists', fetch_result=True, auto_begin=False) %}
    select count(*) from information_schema.schemata where schema_name = {{ adapter.literal(schema) }}
  {% endcall %}
  {{ return(load_result('check_schema_exists').table) }}
{% endmacro %}

{% macro mysql__create_schema(relation) %}
  {% call statement('create_schema') %}
    create schema if not exists {{ relation.without_identifier() }} character set utf8mb4
  {% endcall %}
{% endmacro %}

{% macro mysql__drop_schema(relation) %}
  {% call statement('drop_schema') %}
    drop schema if exists {{ relation.without_identifier() }}
  {% endcall %}
{% endmacro %}

{% macro mysql__list_relations_without_caching(schema_relation) %}
  {% call statement('list_relations_without_caching', fetch_result=True, auto_begin=False) %}
    select null as `database`, table_name as name, table_schema as `schema`,
      case when table_type in ('VIEW', 'SYSTEM VIEW') then 'view'
           when table_type in ('BASE TABLE', 'SYSTEM VERSIONED') then 'table'
           else 'external' end as type
    from information_schema.tables
    where table_schema = {{ adapter.literal(schema_relation.schema) }}
  {% endcall %}
  {{ return(load_result('list_relations_without_caching').table) }}
{% endmacro %}

{# SHOW also reads temporary tables; information_schema does not contain them. #}
{% macro mysql__get_columns_in_relation(relation) %}
  {% call statement('get_columns_in_relation', fetch_result=True, auto_begin=False) %}
    show full columns from {{ relation.render() }}
  {% endcall %}
  {{ return(adapter.parse_columns(load_result('get_columns_in_relation').table)) }}
{% endmacro %}

{% macro mysql__catalog(condition) %}
  {% call statement('catalog', fetch_result=True, auto_begin=False) %}
    select null as table_database, t.table_schema as table_schema, t.table_name as table_name,
      t.table_type as table_type, case when t.table_type <> 'VIEW' then nullif(t.table_comment, '') end as table_comment,
      null as table_owner, c.column_name as column_name, c.ordinal_position as column_index,
      c.column_type as column_type, case when t.table_type <> 'VIEW' then nullif(c.column_comment, '') end as column_comment
    from information_schema.tables as t
    join information_schema.columns as c on c.table_schema = t.table_schema and c.table_name = t.table_name
    where {{ condition }}
    order by t.table_schema, t.table_name, c.ordinal_position
  {% endcall %}
  {{ return(load_result('catalog').table) }}
{% endmacro %}

{% macro mysql__get_catalog(information_schema, schemas) %}
  {% set names = [] %}
  {% for schema in schemas %}{% do names.append(adapter.literal(schema)) %}{% endfor %}
  {{ return(mysql__catalog('lower(t.table_schema) in (' ~ names | join(', ') ~ ')')) }}
{% endmacro %}

{% macro mysql__get_catalog_relations(information_schema, relations) %}
  {{ return(mysql__catalog(mysql__is_one_of(relations, 't.'))) }}
{% endmacro %}

{% macro mysql__is_one_of(relations, prefix='') %}
  {%- set conditions = [] -%}
  {%- for relation in relations -%}
    {%- set schema = prefix ~ 'table_schema = ' ~ adapter.literal(relation.schema) -%}
    {%- do conditions.append('(' ~ schema ~ ' and ' ~ prefix ~ 'table_name = ' ~ adapter.literal(relation.identifier) ~ ')') -%}
  {%- endfor -%}
  {{ return('(' ~ conditions | join(' or ') ~ ')') }}
{% endmacro %}

{# After a restart the server knows only when a table was created. That is never later than the last write. #}
{% macro mysql__get_relation_last_modified(information_schema, relations) %}
  {% call statement('last_modified', fetch_result=True, auto_begin=False) %}
    select table_schema as `schema`, table_name as identifier,
      coalesce(update_time, create_time) as last_modified, {{ current_timestamp() }} as snapshotted_at
    from information_schema.tables
    where {{ mysql__is_one_of(relations) }}
  {% endcall %}
  {{ return(load_result('last_modified')) }}
{% endmacro %}
