{# persist_docs. The servers have no comments for views. #}

{% macro mysql__persist_docs(relation, model, for_relation, for_columns) %}
  {% if relation.type == 'table' %}
    {% set clauses = [] %}
    {% if for_columns and config.persist_column_docs() and model.columns %}
      {% set existing = adapter.get_columns_in_relation(relation) | map(attribute='name') | list %}
      {% set documented = validate_doc_columns(relation, model.columns, existing) %}
      {% set created = run_query('show create table ' ~ relation.render()) %}
      {% do clauses.extend(adapter.comment_clauses(created.rows[0][1], documented)) %}
    {% endif %}
    {% if for_relation and config.persist_relation_docs() and model.description %}
      {% do clauses.append('comment = ' ~ adapter.comment_literal(model.description)) %}
    {% endif %}
    {% if clauses %}
      {% call statement('docs', auto_begin=False) %}
        alter table {{ relation.render() }} {{ clauses | join(', ') }}
      {% endcall %}
    {% endif %}
  {% endif %}
{% endmacro %}

{% macro mysql__alter_relation_comment(relation, relation_comment) -%}
  alter table {{ relation.render() }} comment = {{ adapter.comment_literal(relation_comment) }}
{%- endmacro %}

{% macro mysql__alter_column_comment(relation, column_dict) -%}
  {%- set created = run_query('show create table ' ~ relation.render()) -%}
  {%- set clauses = adapter.comment_clauses(created.rows[0][1], column_dict) -%}
  {%- if clauses %}alter table {{ relation.render() }} {{ clauses | join(', ') }}{% endif -%}
{%- endmacro %}
