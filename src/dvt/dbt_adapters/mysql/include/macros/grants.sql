{# The servers' grants belong to a table's name and so survive a swap: existing ones are always compared. #}

{% macro mysql__apply_grants(relation, grant_config, should_revoke=True) %}
  {% if grant_config %}
    {{ return(default__apply_grants(relation, adapter.grants(grant_config), should_revoke)) }}
  {% endif %}
{% endmacro %}

{% macro mysql__get_show_grant_sql(relation) %}
  select grantee, privilege_type from information_schema.table_privileges
  where table_schema = {{ adapter.literal(relation.schema) }} and table_name = {{ adapter.literal(relation.identifier) }}
    and grantee <> concat('''', replace(current_user(), '@', '''@'''), '''')
{% endmacro %}

{% macro mysql__get_grant_sql(relation, privilege, grantees) -%}
  grant {{ privilege }} on {{ relation.render() }} to {{ mysql__accounts(grantees) }}
{%- endmacro %}

{% macro mysql__get_revoke_sql(relation, privilege, grantees) -%}
  revoke {{ privilege }} on {{ relation.render() }} from {{ mysql__accounts(grantees) }}
{%- endmacro %}

{% macro mysql__accounts(grantees) %}
  {%- set accounts = [] -%}
  {%- for grantee in grantees %}{% do accounts.append(adapter.account(grantee)) %}{% endfor -%}
  {{ return(accounts | join(', ')) }}
{% endmacro %}
