"""Aliases of the subqueries that dbt writes for relations."""

from __future__ import annotations

import pytest

from dvt.dbt_bridge.jinja.aliases import alias_of_dbt, with_one_alias

SUBQUERY = "(select * from t where false limit 0)"


@pytest.mark.parametrize("dialect", ["mysql", "postgres", "duckdb"])
@pytest.mark.parametrize(
    "after",
    ["as u", "u", "AS u", "-- so\n as u", 'as "u"', "u join v on true", "as join_keys", "as u(a, b)"],
)
def test_the_models_alias_replaces_dbts(dialect: str, after: str) -> None:
    sql = f"select * from {SUBQUERY} _dbt_limit_subq_up {after}"
    assert with_one_alias(sql, dialect) == f"select * from {SUBQUERY} {after}"


@pytest.mark.parametrize("dialect", ["mysql", "postgres", "duckdb"])
@pytest.mark.parametrize(
    "after",
    ["", ", v", ") x", "where a", "join v", "left join v", "cross join v", "natural join v", "on true",
     "group by 1", "order by 1", "limit 1", "union all select 1", "having a", "using (a)", "offset 2",
     "window w as ()", "for update", "inner join v", "right join v", "intersect select 1"],
)  # fmt: skip
def test_without_one_the_subquery_is_called_like_its_table(dialect: str, after: str) -> None:
    sql = f"select * from {SUBQUERY}{alias_of_dbt('et_filter', 'Odd Name', dialect)} {after}"
    name = "`Odd Name`" if dialect == "mysql" else '"Odd Name"'
    assert with_one_alias(sql, dialect) == f"select * from {SUBQUERY} {name} {after}"


@pytest.mark.parametrize(
    "sql",
    [
        "select 1 as _dbt_limit_subq_up",
        "select '(x) _dbt_limit_subq_up as u'",
        "select 1 -- (x) _dbt_limit_subq_up as u",
        "select count(*) from up_subq_",
    ],
)
def test_what_is_no_alias_of_dbts_stays(sql: str) -> None:
    assert with_one_alias(sql, "duckdb") == sql


def test_a_sample_of_a_limited_table_has_an_alias_inside_and_outside() -> None:
    inner = f"(select * from {SUBQUERY} _dbt_limit_subq_up where a > 1)"
    sql = f"from {inner} _dbt_et_filter_subq_up as u"
    assert with_one_alias(sql, "mysql") == f"from (select * from {SUBQUERY} `up` where a > 1) as u"
