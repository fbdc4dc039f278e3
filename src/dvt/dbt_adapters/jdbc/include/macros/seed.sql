{# An existing seed keeps its table: its rows are replaced in one transaction. A new seed is built under another
   name and renamed. #}

{% materialization seed, adapter='jdbc' %}
  {%- set target = this.incorporate(type='table') -%}
  {%- set intermediate = make_intermediate_relation(target) -%}
  {%- set backup = make_backup_relation(target, 'table') -%}
  {%- set agate_table = load_agate_table() -%}
  {%- do store_result('agate_table', response='OK', agate_table=agate_table) -%}

  {{ jdbc__clean_up(target, intermediate, backup) }}
  {%- set existing = load_cached_relation(this) -%}
  {%- set rebuild = existing is none or should_full_refresh() -%}
  {% if existing is not none and existing.is_view %}
    {{ exceptions.raise_compiler_error("Cannot seed to '" ~ existing ~ "', it is a view") }}
  {% endif %}
  {{ run_hooks(pre_hooks, inside_transaction=False) }}
  {{ run_hooks(pre_hooks, inside_transaction=True) }}

  {% if rebuild %}
    {% set create_sql = jdbc__seed_ddl(intermediate, model, agate_table) %}
    {% call statement('seed', auto_begin=False) %}{{ create_sql }}{% endcall %}
    {% do adapter.cache_added(intermediate) %}
    {% set insert_sql = jdbc__insert_seed(intermediate, model, agate_table) %}
      {% do adapter.swap(existing, intermediate, target, backup) %}
  {% else %}
    {% set create_sql = 'delete from ' ~ target %}
    {% call statement('seed') %}{{ create_sql }}{% endcall %}
    {% set insert_sql = jdbc__insert_seed(target, model, agate_table) %}
    {{ adapter.commit() }}
  {% endif %}

  {% set rows = agate_table.rows | length %}
  {% set code = 'CREATE' if rebuild else 'INSERT' %}
  {% call noop_statement('main', code ~ ' ' ~ rows, code, rows) %}
    {{ get_csv_sql(create_sql, insert_sql) }};
  {% endcall %}

  {{ jdbc__finish() }}
  {{ return({'relations': [target]}) }}
{% endmaterialization %}

{% macro jdbc__seed_type(model, agate_table, name, index) %}
  {%- set given = model['config'].get('column_types', {}).get(name) -%}
  {%- set inferred = adapter.convert_type(agate_table, index) -%}
  {{ return(given or (adapter.text_type() if inferred == api.Column.translate_type('string') else inferred)) }}
{% endmacro %}

{% macro jdbc__seed_ddl(relation, model, agate_table) %}
  {%- set quoting = model['config'].get('quote_columns', none) -%}
  create table {{ relation.render() }} (
    {%- for name in agate_table.column_names %}
    {{ adapter.quote_seed_column(name | string, quoting) }} {{ jdbc__seed_type(model, agate_table, name, loop.index0) }}{{ ',' if not loop.last }}
    {%- endfor %}
  )
{% endmacro %}

{% macro jdbc__insert_seed(relation, model, agate_table) %}
  {%- set names = get_seed_column_quoted_csv(model, agate_table.column_names) -%}
  {%- set types = [] -%}
  {%- for name in agate_table.column_names %}{% do types.append(jdbc__seed_type(model, agate_table, name, loop.index0)) %}{% endfor -%}
  {%- set statements = [] -%}
  {%- for chunk in agate_table.rows | batch(get_batch_size()) -%}
    {%- set rows = [] -%}
    {%- for row in chunk -%}
      {%- set values = [] -%}
      {%- for value in row %}{% do values.append(adapter.literal(value, types[loop.index0])) %}{% endfor -%}
      {%- do rows.append('(' ~ values | join(', ') ~ ')') -%}
    {%- endfor -%}
    {%- set into = 'insert into ' ~ relation ~ ' (' ~ names ~ ') values ' -%}
    {%- do adapter.add_query(into ~ rows | join(', '), abridge_sql_log=True) -%}
    {%- do statements.append(into ~ '(…)') -%}
  {%- endfor -%}
  {{ return(statements[0] if statements else '') }}
{% endmacro %}

{% macro jdbc__get_batch_size() %}
  {{ return(500) }}
{% endmacro %}

{% macro jdbc__create_csv_table(model, agate_table) %}
  {% set sql = jdbc__seed_ddl(this, model, agate_table) %}
  {% call statement('seed') %}{{ sql }}{% endcall %}
  {{ return(sql) }}
{% endmacro %}

{% macro jdbc__load_csv_rows(model, agate_table) %}
  {{ return(jdbc__insert_seed(this, model, agate_table)) }}
{% endmacro %}
