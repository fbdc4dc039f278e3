{# Relations: names of temporary ones; renaming, dropping, swapping, creating. #}

{% macro mysql__make_temp_relation(base_relation, suffix) %}
  {{ return(base_relation.with_suffix(suffix)) }}
{% endmacro %}

{% macro mysql__make_intermediate_relation(base_relation, suffix) %}
  {{ return(base_relation.with_suffix(suffix)) }}
{% endmacro %}

{% macro mysql__make_backup_relation(base_relation, backup_relation_type, suffix) %}
  {{ return(base_relation.with_suffix(suffix).incorporate(type=backup_relation_type)) }}
{% endmacro %}

{% macro mysql__drop_table(relation) -%}
  drop table if exists {{ relation.render() }}
{%- endmacro %}

{# Drops the foreign keys that refer to a relation, as dbt's `drop … cascade` does elsewhere. The catalog is slow on
   a server with many tables: it is queried only after the server has refused to drop the relation. #}
{% macro mysql__drop_keys_to(relation) %}
  {% set keys = run_query(mysql__keys_to(relation)) %}
  {% for key in keys %}
    {% do log('foreign key ' ~ key[2] ~ ' of ' ~ key[0] ~ '.' ~ key[1] ~ ' goes with ' ~ relation, info=True) %}
    {% call statement('drop_key', auto_begin=False) %}
      alter table {{ adapter.quote(key[0]) }}.{{ adapter.quote(key[1]) }} drop foreign key {{ adapter.quote(key[2]) }}
    {% endcall %}
  {% endfor %}
{% endmacro %}

{% macro mysql__keys_to(relation) -%}
  select constraint_schema, table_name, constraint_name
  from information_schema.referential_constraints
  where unique_constraint_schema = {{ adapter.literal(relation.schema) }}
    and referenced_table_name = {{ adapter.literal(relation.identifier) }}
    and (constraint_schema, table_name)
      != ({{ adapter.literal(relation.schema) }}, {{ adapter.literal(relation.identifier) }})
{%- endmacro %}

{% macro mysql__drop_view(relation) -%}
  drop view if exists {{ relation.render() }}
{%- endmacro %}

{% macro mysql__rename_relation(from_relation, to_relation) %}
  {% call statement('rename_relation', auto_begin=False) %}
    rename table {{ from_relation.render() }} to {{ to_relation.render() }}
  {% endcall %}
{% endmacro %}

{% macro mysql__get_rename_table_sql(relation, new_name) -%}
  rename table {{ relation.render() }} to {{ relation.incorporate(path={'identifier': new_name}) }}
{%- endmacro %}

{% macro mysql__get_rename_view_sql(relation, new_name) -%}
  {{ mysql__get_rename_table_sql(relation, new_name) }}
{%- endmacro %}

{% macro mysql__get_replace_view_sql(relation, sql) -%}
  {{ get_create_view_as_sql(relation, sql) }}
{%- endmacro %}

{# Drops the relation that a killed run of this node left: at most one of the two, since the swap is one
   statement. #}
{% macro mysql__drop_leftovers(intermediate, backup) %}
  {{ drop_relation_if_exists(load_cached_relation(intermediate)) }}
  {{ drop_relation_if_exists(load_cached_relation(backup)) }}
{% endmacro %}

{# Swaps in one statement: a reader sees the old relation or the new one. It cannot be undone, so the old one is
   dropped: a hook that fails afterwards leaves nothing beside the new one. #}
{% macro mysql__swap(existing, intermediate, target, backup) %}
  {% call statement('swap', auto_begin=False) %}
    rename table {% if existing is not none %}{{ existing }} to {{ backup }}, {% endif %}{{ intermediate }} to {{ target }}
  {% endcall %}
  {% if existing is not none %}{% do adapter.cache_renamed(existing, backup) %}{% endif %}
  {% do adapter.cache_renamed(intermediate, target) %}
  {% if existing is not none %}{% do adapter.drop_relation(backup) %}{% endif %}
{% endmacro %}

{# The table's collation. The values `source` and `engine` of the config say how a federated model compares text. #}
{% macro mysql__collation() %}
  {% set collation = config.get('collation') %}
  {{ return(none if collation in ['source', 'engine'] else collation) }}
{% endmacro %}

{% macro mysql__table_options() -%}
  {%- set charset = config.get('character_set') or config.get('charset') -%}
  {%- set options = [] -%}
  {%- if config.get('engine') %}{% do options.append('engine = ' ~ config.get('engine')) %}{% endif -%}
  {%- if charset %}{% do options.append('character set ' ~ charset) %}{% endif -%}
  {%- if mysql__collation() %}{% do options.append('collate ' ~ mysql__collation()) %}{% endif -%}
  {{ options | join(' ') }}
{%- endmacro %}

{% macro mysql__partitions() -%}
  {%- if config.get('partition_by') %}partition by {{ config.get('partition_by') }}{% endif -%}
{%- endmacro %}

{% macro mysql__create_table_as(temporary, relation, sql) -%}
  {%- set contract = config.get('contract') -%}
  {%- set charset = config.get('character_set') or config.get('charset') -%}
  {%- set sql_header = config.get('sql_header', none) -%}
  {{ sql_header if sql_header is not none }}
  {%- if contract and contract.enforced %}{{ get_assert_columns_equivalent(sql) }}{% endif -%}
  {%- if temporary %}
  create temporary table {{ relation.render() }} as
  {{ sql }}
  {%- elif contract and contract.enforced %}
  create table {{ relation.render() }}
  {{ get_table_columns_and_constraints() }}
  {{ mysql__table_options() }} {{ mysql__partitions() }};
  insert into {{ relation.render() }} ({{ adapter.dispatch('get_column_names', 'dbt')() }})
  {{ get_select_subquery(sql) }}
  {%- elif charset or mysql__collation() %}
  {#- A column made from a SELECT has the SELECT's collation, so the table is converted while it is empty. #}
  create table {{ relation.render() }} {{ mysql__table_options() }} {{ mysql__partitions() }} as
  select * from (
  {{ sql }}
  ) as dvt_columns limit 0;
  alter table {{ relation.render() }} convert to character set {{ charset or 'utf8mb4' }}
    {% if mysql__collation() %}collate {{ mysql__collation() }}{% endif %};
  insert into {{ relation.render() }}
  {{ sql }}
  {%- else %}
  create table {{ relation.render() }} {{ mysql__table_options() }} {{ mysql__partitions() }} as
  {{ sql }}
  {%- endif %}
{%- endmacro %}

{% macro mysql__create_view_as(relation, sql) -%}
  {%- set contract = config.get('contract') -%}
  {%- set sql_header = config.get('sql_header', none) -%}
  {#- `clone` of a relation to itself would put this view in that relation's place. #}
  {%- if sql | trim | lower == ('select * from ' ~ this) | lower -%}
    {{ exceptions.raise_compiler_error(this ~ ' would be a view of itself') }}
  {%- endif -%}
  {{ sql_header if sql_header is not none }}
  {%- if contract and contract.enforced %}{{ get_assert_columns_equivalent(sql) }}{% endif %}
  create or replace view {{ relation.render() }} as
  {{ sql }}
{%- endmacro %}

{% macro mysql__create_indexes(relation) %}
  {% set clauses = adapter.index_clauses(config.get('indexes')) %}
  {% if clauses %}
    {% call statement('indexes', auto_begin=False) %}
      alter table {{ relation.render() }} {{ clauses | join(', ') }}
    {% endcall %}
  {% endif %}
{% endmacro %}

{% macro mysql__get_create_index_sql(relation, index_dict) -%}
  alter table {{ relation.render() }} {{ adapter.index_clauses([index_dict])[0] }}
{%- endmacro %}

{% macro mysql__get_drop_index_sql(relation, index_name) -%}
  alter table {{ relation.render() }} drop index {{ adapter.quote(index_name) }}
{%- endmacro %}

{% macro mysql__get_show_indexes_sql(relation) -%}
  select index_name as name, lower(index_type) as method, non_unique = 0 as `unique`,
    group_concat(column_name order by seq_in_index separator ',') as column_names
  from information_schema.statistics
  where table_schema = {{ adapter.literal(relation.schema) }} and table_name = {{ adapter.literal(relation.identifier) }}
  group by index_name, index_type, non_unique
  order by index_name
{%- endmacro %}

{% macro mysql__alter_column_type(relation, column_name, new_column_type) %}
  {% set required = [] %}
  {% for column in adapter.get_columns_in_relation(relation) if not column.nullable %}
    {% do required.append(column.name | lower) %}
  {% endfor %}
  {% call statement('alter_column_type', auto_begin=False) %}
    alter table {{ relation.render() }} modify column {{ adapter.quote(column_name) }} {{ api.Column.translate_type(new_column_type) }}
      {{ 'not null' if column_name | lower in required }}
  {% endcall %}
{% endmacro %}

{# The servers have no level above schemas. #}
{% macro mysql__generate_database_name(custom_database_name=none, node=none) %}
  {% do return(none) %}
{% endmacro %}
