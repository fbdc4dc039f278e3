"""Lines of a model's file for lines of its compiled SQL."""

from __future__ import annotations

import pytest

from dvt.core.raw_lines import raw_line

RAW = """
{{ config(materialized='table') }}
{%- set names = ['a', 'b'] %}

select
{% for name in names %}
  {{ name }} as {{ name }}_new,
{% endfor %}
  id
from {{ ref('one') }} o
join {{ ref('two') }} t using (id)
where id > 1
"""
COMPILED = """

select

  a as a_new,

  b as b_new,

  id
from "db"."one" o
join "db"."two" t using (id)
where id > 1"""


@pytest.mark.parametrize(
    ("of", "line"),
    [("select", 5), ("  id", 9), ('from "db"."one" o', 10), ("where id > 1", 12), ("join ", 11)],
)
def test_a_line_that_is_in_both_or_stands_between_such_is_found(of: str, line: int) -> None:
    compiled = next(at for at, text in enumerate(COMPILED.splitlines(), start=1) if text.startswith(of))
    assert raw_line(RAW, COMPILED, compiled) == line


@pytest.mark.parametrize("text", ["  a as a_new,", "  b as b_new,"])
def test_a_line_that_a_loop_has_made_is_not_guessed(text: str) -> None:
    assert raw_line(RAW, COMPILED, COMPILED.splitlines().index(text) + 1) is None


def test_there_is_no_line_beyond_the_text() -> None:
    assert raw_line(RAW, COMPILED, 99) is None


def test_sql_that_was_put_before_the_models_own_has_no_line() -> None:
    own = "select 1\nfrom x\n"
    assert raw_line(own, f"with __dbt__cte__x as (\n  select 2\n)\n{own}", 2) is None
    assert raw_line(own, f"with __dbt__cte__x as (\n  select 2\n)\n{own}", 5) == 2
