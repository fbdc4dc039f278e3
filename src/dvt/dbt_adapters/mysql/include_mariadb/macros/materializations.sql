{# `clone` looks for a view's materialization under the type of the target only, not under the types it builds on. #}

{% materialization view, adapter='mariadb' %}
  {{ return(context['materialization_view_mysql']()) }}
{% endmaterialization %}
