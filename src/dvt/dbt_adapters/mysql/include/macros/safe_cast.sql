{# safe_cast: NULL for a value that the type cannot hold. In a query, CAST alone would do; in a statement that writes
   a table, strict mode makes it an error. So the text is checked before it is converted. #}

{% macro mysql__safe_cast(field, type) -%}
  {%- set kind, text = adapter.kind_of(type), 'trim(cast(' ~ field ~ ' as char))' -%}
  {%- if dvt_federated is defined -%}
    {#- The engine that the SQL is translated for has TRY_CAST. #}
    try_cast({{ field }} as {{ adapter.cast_type(type, False) }})
  {%- elif kind in ('integer', 'decimal', 'year', 'bit') -%}
    {{ mysql__safe_exact(text, adapter.cast_type(type)) }}
  {%- elif kind == 'double' -%}
    case when {{ text }} regexp {{ mysql__double_pattern() }} then {{ text }} + 0e0 end
  {%- elif kind in ('date', 'datetime') -%}
    {{ mysql__safe_date(text, adapter.cast_type(type)) }}
  {%- elif kind == 'time' -%}
    case when {{ text }} regexp '^-?([0-7]?[0-9]{1,2}|8[0-2][0-9]|83[0-8]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,6})?)?\\z'
      then cast({{ text }} as {{ adapter.cast_type(type) }}) end
  {%- elif kind == 'json' -%}
    case when json_valid({{ text }}) then cast({{ field }} as {{ adapter.cast_type(type) }}) end
  {%- else -%}
    {#- The type has no size, so text is never cut. #}
    cast({{ field }} as {{ adapter.cast_type(type, False) }})
  {%- endif -%}
{%- endmacro %}

{% macro mysql__double_pattern() -%}
  '^[+-]?(([0-9]{1,60}([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]{1,2})?|[0-9]([.][0-9]*)?[eE][+-]?([12][0-9]{2}|30[0-7]))\\z'
{%- endmacro %}

{# Whole numbers and decimals. Digits are rounded to the type's scale exactly; a text with an exponent is rounded as
   a double. #}
{% macro mysql__safe_exact(text, into) -%}
  {%- set size = modules.re.findall('[0-9]+', into) | map('int') | list -%}
  {%- if into == 'signed' -%}
    {%- set scale, least, most = 0, '-9223372036854775808', '9223372036854775807' -%}
  {%- elif into == 'unsigned' -%}
    {%- set scale, least, most = 0, '0', '18446744073709551615' -%}
  {%- else -%}
    {%- set digits, scale = size[0] if size else 10, size[1] if size | length > 1 else 0 -%}
    {%- set most = '9' * (digits - scale) ~ '.' ~ '9' * scale -%}
    {%- set least = '-' ~ most -%}
  {%- endif -%}
  {%- set exact = 'cast(' ~ text ~ ' as decimal(65,' ~ scale ~ '))' -%}
  case when {{ text }} regexp '^[+-]?([0-9]{1,{{ 64 - scale }}}([.][0-9]*)?|[.][0-9]+)\\z'
      then case when {{ exact }} between {{ least }} and {{ most }} then cast({{ exact }} as {{ into }}) end
    when {{ text }} regexp {{ mysql__double_pattern() }}
      then case when {{ text }} + 0e0 > {{ least }} and {{ text }} + 0e0 < {{ most }} then cast({{ text }} + 0e0 as {{ into }}) end
  end
{%- endmacro %}

{# Dates and timestamps in ISO format, with or without a time. #}
{% macro mysql__safe_date(text, into) -%}
  {%- set length = 10 if into == 'date' else 26 -%}
  case when {{ text }} regexp '^(?!0000)[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])([ T]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]+)?)?)?\\z'
    then case when substr({{ text }}, 9, 2) <= day(last_day(concat(left({{ text }}, 7), '-01')))
      then cast(left({{ text }}, {{ length }}) as {{ into }}) end
  end
{%- endmacro %}
