{% macro nest__is_here() %}{% endmacro %}
