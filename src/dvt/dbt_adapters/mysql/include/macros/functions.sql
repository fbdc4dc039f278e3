{# dbt's cross-database macros. #}

{% macro mysql__current_timestamp() -%}
  current_timestamp(6)
{%- endmacro %}

{% macro mysql__current_timestamp_backcompat() -%}
  current_timestamp(6)
{%- endmacro %}

{# Types that CAST takes, since dbt's packages use these macros in casts; not all are types of columns. #}
{% macro mysql__type_string() %}char{% endmacro %}
{% macro mysql__type_int() %}signed{% endmacro %}
{% macro mysql__type_bigint() %}signed{% endmacro %}
{% macro mysql__type_boolean() %}signed{% endmacro %}
{% macro mysql__type_float() %}double{% endmacro %}
{% macro mysql__type_numeric() %}decimal(28,6){% endmacro %}
{% macro mysql__type_timestamp() %}datetime(6){% endmacro %}

{% macro mysql__cast(field, type) -%}
  cast({{ field }} as {{ adapter.cast_type(type) }})
{%- endmacro %}

{% macro mysql__hash(field) -%}
  md5(cast({{ field }} as char))
{%- endmacro %}

{% macro mysql__any_value(expression) -%}
  max({{ expression }})
{%- endmacro %}

{% macro mysql__bool_or(expression) -%}
  max({{ expression }})
{%- endmacro %}

{% macro mysql__concat(fields) -%}
  concat({{ fields | join(', ') }})
{%- endmacro %}

{% macro mysql__length(expression) -%}
  char_length({{ expression }})
{%- endmacro %}

{% macro mysql__cast_bool_to_text(field) -%}
  case when {{ field }} then 'true' when not ({{ field }}) then 'false' end
{%- endmacro %}

{% macro mysql__escape_single_quotes(expression) -%}
{{ expression | replace("\\", "\\\\") | replace("'", "''") }}
{%- endmacro %}

{% macro mysql__split_part(string_text, delimiter_text, part_number) -%}
  {%- set parts = '(char_length(' ~ string_text ~ ') - char_length(replace(' ~ string_text ~ ', ' ~ delimiter_text ~ ", ''))) / char_length(" ~ delimiter_text ~ ') + 1' -%}
  case when {{ string_text }} is null or {{ delimiter_text }} is null then null
    when abs({{ part_number }}) > {{ parts }} then ''
    when {{ part_number }} < 0 then substring_index(substring_index({{ string_text }}, {{ delimiter_text }}, {{ part_number }}), {{ delimiter_text }}, 1)
    else substring_index(substring_index({{ string_text }}, {{ delimiter_text }}, {{ part_number }}), {{ delimiter_text }}, -1) end
{%- endmacro %}

{% macro mysql__listagg(measure, delimiter_text, order_by_clause, limit_num) -%}
  {%- set list = 'group_concat(' ~ measure ~ ' ' ~ (order_by_clause or '') ~ ' separator ' ~ delimiter_text ~ ')' -%}
  {%- if limit_num -%}
    substring_index({{ list }}, {{ delimiter_text }}, {{ limit_num }})
  {%- else -%}
    {{ list }}
  {%- endif -%}
{%- endmacro %}

{% macro mysql__date(year, month, day) -%}
  {%- set day_text = modules.datetime.date(year, month, day).strftime('%Y-%m-%d') -%}
  cast('{{ day_text }}' as date)
{%- endmacro %}

{% macro mysql__dateadd(datepart, interval, from_date_or_timestamp) -%}
  {%- if datepart | lower == 'millisecond' -%}
    date_add({{ from_date_or_timestamp }}, interval ({{ interval }}) * 1000 microsecond)
  {%- else -%}
    date_add({{ from_date_or_timestamp }}, interval ({{ interval }}) {{ datepart }})
  {%- endif -%}
{%- endmacro %}

{# The number of boundaries between two dates, as in the other databases; weeks begin on Sunday. #}
{% macro mysql__datediff(first_date, second_date, datepart) -%}
  {%- set part = datepart | lower -%}
  {%- if part == 'day' -%}
    datediff({{ second_date }}, {{ first_date }})
  {%- elif part == 'week' -%}
    (floor((to_days({{ second_date }}) - 1) / 7) - floor((to_days({{ first_date }}) - 1) / 7))
  {%- elif part == 'month' -%}
    (12 * (year({{ second_date }}) - year({{ first_date }})) + month({{ second_date }}) - month({{ first_date }}))
  {%- elif part == 'quarter' -%}
    (4 * (year({{ second_date }}) - year({{ first_date }})) + quarter({{ second_date }}) - quarter({{ first_date }}))
  {%- elif part == 'year' -%}
    (year({{ second_date }}) - year({{ first_date }}))
  {%- elif part in ('hour', 'minute', 'second') -%}
    timestampdiff({{ part }}, {{ mysql__date_trunc(part, first_date) }}, {{ mysql__date_trunc(part, second_date) }})
  {%- elif part == 'millisecond' -%}
    {%- set to_millisecond = ["left(date_format(", ", '%Y-%m-%d %H:%i:%s.%f'), 23)"] -%}
    (timestampdiff(microsecond, {{ to_millisecond | join(first_date) }}, {{ to_millisecond | join(second_date) }}) div 1000)
  {%- elif part == 'microsecond' -%}
    timestampdiff(microsecond, {{ first_date }}, {{ second_date }})
  {%- else -%}
    {{ exceptions.raise_compiler_error('datediff has no part ' ~ datepart) }}
  {%- endif -%}
{%- endmacro %}

{# Returns a datetime; weeks begin on Monday. #}
{% macro mysql__date_trunc(datepart, date) -%}
  {%- set part = datepart | lower -%}
  {%- if part in ('second', 'minute', 'hour', 'day', 'month') -%}
    {%- set format = {'second': '%Y-%m-%d %H:%i:%s', 'minute': '%Y-%m-%d %H:%i:00', 'hour': '%Y-%m-%d %H:00:00',
                      'day': '%Y-%m-%d 00:00:00', 'month': '%Y-%m-01 00:00:00'}[part] -%}
    cast(date_format({{ date }}, '{{ format }}') as datetime)
  {%- elif part == 'week' -%}
    cast(date_sub(date({{ date }}), interval weekday({{ date }}) day) as datetime)
  {%- elif part == 'quarter' -%}
    cast(date_add(makedate(year({{ date }}), 1), interval (quarter({{ date }}) - 1) quarter) as datetime)
  {%- elif part == 'year' -%}
    cast(makedate(year({{ date }}), 1) as datetime)
  {%- else -%}
    {{ exceptions.raise_compiler_error('date_trunc has no part ' ~ datepart) }}
  {%- endif -%}
{%- endmacro %}

{% macro mysql__last_day(date, datepart) -%}
  {%- if datepart | lower == 'month' -%}
    last_day({{ date }})
  {%- else -%}
    {{ dbt.default_last_day(date, datepart) }}
  {%- endif -%}
{%- endmacro %}

{% macro mysql__generate_series(upper_bound) %}
  {% set n = dbt.get_powers_of_two(upper_bound) %}
  with p as (select 0 as bit union all select 1),
  numbers as (
    select {% for i in range(n) %}p{{ i }}.bit * {{ 2 ** i }} + {% endfor %}1 as generated_number
    from {% for i in range(n) %}p as p{{ i }}{{ ' cross join ' if not loop.last }}{% endfor %}
  )
  select generated_number from numbers where generated_number <= {{ upper_bound }} order by generated_number
{% endmacro %}

{% macro mysql__array_construct(inputs, data_type) %}{{ mysql__no_arrays() }}{% endmacro %}
{% macro mysql__array_append(array, new_element) %}{{ mysql__no_arrays() }}{% endmacro %}
{% macro mysql__array_concat(array_1, array_2) %}{{ mysql__no_arrays() }}{% endmacro %}

{% macro mysql__no_arrays() %}
  {{ exceptions.raise_compiler_error('MySQL and MariaDB have no arrays; json_array() may serve') }}
{% endmacro %}
