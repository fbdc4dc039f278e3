{# dbt's generic tests without common table expressions, which Derby does not have. #}

{% macro jdbc__test_accepted_values(model, column_name, values, quote=True) %}
  select {{ column_name }} as value_field, count(*) as n_records
  from {{ model }}
  where {{ column_name }} not in (
    {%- for value in values %}{{ adapter.string_literal(value | string) if quote else value }}{{ ', ' if not loop.last }}{% endfor -%}
  )
  group by {{ column_name }}
{% endmacro %}

{% macro jdbc__test_relationships(model, column_name, to, field) %}
  select child.{{ column_name }} as from_field
  from {{ model }} child
  left join {{ to }} parent on child.{{ column_name }} = parent.{{ field }}
  where child.{{ column_name }} is not null and parent.{{ field }} is null
{% endmacro %}

{% macro jdbc__get_test_sql(main_sql, fail_calc, warn_if, error_if, limit) %}
  select {{ fail_calc }} as failures,
    case when {{ fail_calc }} {{ warn_if }} then true else false end as should_warn,
    case when {{ fail_calc }} {{ error_if }} then true else false end as should_error
  from (
    {{ get_limit_subquery_sql(main_sql, limit) }}
  ) dbt_internal_test
{% endmacro %}
