{# Relations: schemas, names of temporary ones, dropping, renaming, creating. #}

{% macro jdbc__create_schema(relation) %}
  {% if not adapter.check_schema_exists(none, relation.schema) %}
    {% call statement('create_schema') %}
      create schema {{ relation.without_identifier() }}
    {% endcall %}
  {% else %}
    {# dbt commits what this macro has begun. #}
    {% call statement('schema_exists') %}{% endcall %}
  {% endif %}
{% endmacro %}

{% macro jdbc__drop_schema(relation) %}
  {% do adapter.drop_schema(relation) %}
{% endmacro %}

{% macro jdbc__list_schemas(database) %}
  {{ return(adapter.list_schemas(database)) }}
{% endmacro %}

{% macro jdbc__get_columns_in_relation(relation) %}
  {{ return(adapter.get_columns_in_relation(relation)) }}
{% endmacro %}

{% macro jdbc__information_schema_name(database) -%}
  information_schema
{%- endmacro %}

{# The databases have no level above schemas that a statement could name. #}
{% macro jdbc__generate_database_name(custom_database_name=none, node=none) %}
  {% do return(none) %}
{% endmacro %}

{% macro jdbc__make_temp_relation(base_relation, suffix) %}
  {{ return(base_relation.with_suffix(suffix | upper)) }}
{% endmacro %}

{% macro jdbc__make_intermediate_relation(base_relation, suffix) %}
  {{ return(base_relation.with_suffix(suffix | upper)) }}
{% endmacro %}

{% macro jdbc__make_backup_relation(base_relation, backup_relation_type, suffix) %}
  {{ return(base_relation.with_suffix(suffix | upper).incorporate(type=backup_relation_type)) }}
{% endmacro %}

{% macro jdbc__drop_table(relation) -%}
  {{ adapter.drop_sql(relation) }}
{%- endmacro %}

{% macro jdbc__drop_view(relation) -%}
  {{ adapter.drop_sql(relation) }}
{%- endmacro %}

{% macro jdbc__truncate_relation(relation) %}
  {% call statement('truncate_relation') %}
    delete from {{ relation.render() }}
  {% endcall %}
{% endmacro %}

{% macro jdbc__rename_relation(from_relation, to_relation) %}
  {% call statement('rename_relation', auto_begin=False) %}
    {{ adapter.rename_sql(from_relation, to_relation.identifier) }}
  {% endcall %}
{% endmacro %}

{% macro jdbc__get_rename_table_sql(relation, new_name) -%}
  {{ adapter.rename_sql(relation, new_name) }}
{%- endmacro %}

{# Refuses configs that would have no effect. #}
{% macro jdbc__check_configs() %}
  {%- if config.get('grants') %}{% do adapter.refuse('grants by dbt', 'grant rights by a post-hook') %}{% endif -%}
  {%- if config.get('indexes') %}{% do adapter.refuse('indexes by dbt', 'create them by a post-hook, each under a name of its own') %}{% endif -%}
  {%- if config.persist_relation_docs() or config.persist_column_docs() %}
    {%- do adapter.refuse('comments by dbt (persist_docs)', 'write them by a post-hook') -%}
  {%- endif -%}
{% endmacro %}

{# Gives back what a killed run has renamed away, then drops what it has left. #}
{% macro jdbc__clean_up(target, intermediate, backup) %}
  {% do jdbc__check_configs() %}
  {% do adapter.restore(target, backup) %}
  {{ drop_relation_if_exists(load_cached_relation(intermediate)) }}
  {{ drop_relation_if_exists(load_cached_relation(backup)) }}
{% endmacro %}

{# First the table, then its rows: while rows are written, other sessions can make tables. #}
{% macro jdbc__create_table_as(temporary, relation, sql) -%}
  {%- set contract = config.get('contract') -%}
  {%- set sql_header = config.get('sql_header', none) -%}
  {{ sql_header if sql_header is not none }}
  {%- if contract and contract.enforced and not temporary %}
  {{ get_assert_columns_equivalent(sql) }}
  create table {{ relation.render() }}
  {{ get_table_columns_and_constraints() }};
  insert into {{ relation.render() }} ({{ adapter.dispatch('get_column_names', 'dbt')() }})
  {{ get_select_subquery(sql) }}
  {%- else %}
  {{ adapter.empty_table_sql(relation, sql) }};
  insert into {{ relation.render() }}
  {{ sql }}
  {%- endif %}
{%- endmacro %}

{% macro jdbc__create_view_as(relation, sql) -%}
  {%- set contract = config.get('contract') -%}
  {%- set sql_header = config.get('sql_header', none) -%}
  {#- `clone` of a relation to itself would put this view in that relation's place. #}
  {%- if sql | trim | lower == ('select * from ' ~ this) | lower -%}
    {{ exceptions.raise_compiler_error(this ~ ' would be a view of itself') }}
  {%- endif -%}
  {{ sql_header if sql_header is not none }}
  {%- if contract and contract.enforced %}{{ get_assert_columns_equivalent(sql) }}{% endif %}
  create view {{ relation.render() }} as
  {{ sql }}
{%- endmacro %}

{# dbt asks for the type of a timestamp by a SELECT without FROM, which HSQLDB and Derby do not have. #}
{% macro jdbc__get_empty_subquery_sql(select_sql, select_sql_header=none) %}
  {{ select_sql_header if select_sql_header is not none }}
  select * from (
  {{ select_sql }}
  {% if not modules.re.search('(?i)\\bfrom\\b|^\\s*values', select_sql) %}from (values (1)) dvt_one{% endif %}
  ) dbt_sbq
  where 1 = 0
{% endmacro %}

{% macro jdbc__get_limit_sql(sql, limit) %}
  {{ sql }}
  {% if limit is not none %}fetch first {{ limit }} rows only{% endif %}
{% endmacro %}
