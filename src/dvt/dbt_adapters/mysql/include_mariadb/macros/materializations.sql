{# `clone` looks for a view's materialization under the very type of the target. #}

{% materialization view, adapter='mariadb' %}
  {{ return(context['materialization_view_mysql']()) }}
{% endmaterialization %}
