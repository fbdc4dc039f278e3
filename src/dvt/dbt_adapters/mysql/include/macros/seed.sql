{# An existing seed keeps its table: its rows are replaced in one transaction. A new seed is built under another
   name and renamed. #}

{% materialization seed, adapter='mysql' %}
  {%- set existing = load_cached_relation(this) -%}
  {%- set target = this.incorporate(type='table') -%}
  {%- set intermediate = make_intermediate_relation(target) -%}
  {%- set backup = make_backup_relation(target, 'table') -%}
  {%- set rebuild = existing is none or should_full_refresh() -%}
  {%- set grant_config = config.get('grants') -%}
  {%- set agate_table = load_agate_table() -%}
  {%- do store_result('agate_table', response='OK', agate_table=agate_table) -%}
  {% if existing is not none and existing.is_view %}
    {{ exceptions.raise_compiler_error("Cannot seed to '" ~ existing ~ "', it is a view") }}
  {% endif %}

  {{ mysql__drop_leftovers(intermediate, backup) }}
  {{ run_hooks(pre_hooks, inside_transaction=False) }}
  {{ run_hooks(pre_hooks, inside_transaction=True) }}

  {% if rebuild %}
    {% set create_sql = mysql__seed_ddl(intermediate, model, agate_table) %}
    {% call statement('seed', auto_begin=False) %}{{ create_sql }}{% endcall %}
    {% set insert_sql = mysql__insert_seed(intermediate, model, agate_table) %}
    {% if adapter.in_transaction() %}{{ adapter.commit() }}{% endif %}
    {% do create_indexes(intermediate) %}
    {% do persist_docs(intermediate, model) %}
    {% do mysql__swap(existing, intermediate, target, backup) %}
  {% else %}
    {% set create_sql = 'delete from ' ~ target %}
    {% call statement('seed') %}{{ create_sql }}{% endcall %}
    {% set insert_sql = mysql__insert_seed(target, model, agate_table) %}
    {{ adapter.commit() }}
    {% do persist_docs(target, model) %}
  {% endif %}

  {% set rows = agate_table.rows | length %}
  {% set code = 'CREATE' if rebuild else 'INSERT' %}
  {% call noop_statement('main', code ~ ' ' ~ rows, code, rows) %}
    {{ get_csv_sql(create_sql, insert_sql) }};
  {% endcall %}

  {% do apply_grants(target, grant_config, should_revoke=should_revoke(existing, full_refresh_mode=rebuild)) %}
  {{ run_hooks(post_hooks, inside_transaction=True) }}
  {% if adapter.in_transaction() %}{{ adapter.commit() }}{% endif %}

  {{ run_hooks(post_hooks, inside_transaction=False) }}
  {{ return({'relations': [target]}) }}
{% endmaterialization %}

{% macro mysql__seed_ddl(relation, model, agate_table) %}
  {%- set types = model['config'].get('column_types', {}) -%}
  {%- set quoting = model['config'].get('quote_columns', none) -%}
  create table {{ relation.render() }} (
    {%- for name in agate_table.column_names %}
    {{ adapter.quote_seed_column(name | string, quoting) }} {{ types.get(name, adapter.convert_type(agate_table, loop.index0)) }}{{ ',' if not loop.last }}
    {%- endfor %}
  ) {{ mysql__table_options() }} {{ mysql__partitions() }}
{% endmacro %}

{% macro mysql__insert_seed(relation, model, agate_table) %}
  {%- set names = get_seed_column_quoted_csv(model, agate_table.column_names) | replace('%', '%%') -%}
  {%- set row = '(' ~ (['%s'] * (agate_table.column_names | length)) | join(', ') ~ ')' -%}
  {%- set booleans = mysql__seed_booleans(model, agate_table) -%}
  {%- set statements = [] -%}
  {%- for chunk in agate_table.rows | batch(get_batch_size()) -%}
    {%- set bindings = [] -%}
    {%- for row_values in chunk %}
      {%- for value in row_values %}
        {%- do bindings.append(booleans[loop.index0].get(value | string | trim | lower, value)) %}
      {%- endfor %}
    {%- endfor -%}
    {%- set into = 'insert into ' ~ (relation | string | replace('%', '%%')) ~ ' (' ~ names ~ ') values ' -%}
    {%- do adapter.add_query(into ~ ([row] * (chunk | length)) | join(', '), bindings=bindings, abridge_sql_log=True) -%}
    {%- do statements.append(into ~ row) -%}
  {%- endfor -%}
  {{ return(statements[0] if statements else '') }}
{% endmacro %}

{#- For each column, the texts that are booleans → the numbers that the server stores; none unless the column's
    type is boolean: dbt reads a column with a configured type as text. -#}
{% macro mysql__seed_booleans(model, agate_table) %}
  {%- set words = {'true': 1, 't': 1, 'yes': 1, 'y': 1, 'on': 1, 'false': 0, 'f': 0, 'no': 0, 'n': 0, 'off': 0} -%}
  {%- set types = model['config'].get('column_types', {}) -%}
  {%- set booleans = [] -%}
  {%- for name in agate_table.column_names -%}
    {%- do booleans.append(words if types.get(name, '') | trim | lower in ['bool', 'boolean'] else {}) -%}
  {%- endfor -%}
  {{ return(booleans) }}
{% endmacro %}

{% macro mysql__get_batch_size() %}
  {{ return(1000) }}
{% endmacro %}

{% macro mysql__create_csv_table(model, agate_table) %}
  {% set sql = mysql__seed_ddl(this, model, agate_table) %}
  {% call statement('seed') %}{{ sql }}{% endcall %}
  {{ return(sql) }}
{% endmacro %}

{% macro mysql__load_csv_rows(model, agate_table) %}
  {{ return(mysql__insert_seed(this, model, agate_table)) }}
{% endmacro %}
