{% materialization materialized_view, adapter='mysql' %}
  {{ exceptions.raise_compiler_error(
    "MySQL and MariaDB have no materialized views: use materialized='table', or 'incremental' for what grows"
  ) }}
{% endmaterialization %}
