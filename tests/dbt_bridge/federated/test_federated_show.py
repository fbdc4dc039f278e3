"""`show` and `compile` over several databases: of models, built or not, and of --inline queries."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.dbt_bridge.federated.project import Project

NAMES = """
select customers.name, count(*) as n from {{ source('crm', 'customers') }}
join {{ source('ledger', 'orders') }} on orders.customer = customers.id group by 1 order by 1
"""


def shown(shop: Project, *args: str) -> list[dict[str, Any]]:
    """Run show and return its rows."""
    assert shop.dvt("show", "--output", "json", *args), f"{shop.messages()}{shop.result.exception}"
    (event,) = [event for event in shop.events if event.info.name == "ShowNode"]
    rows = json.loads(event.data.preview)
    assert isinstance(rows, list)
    return rows


def extracted(shop: Project) -> dict[str, str]:
    """Return the rows extracted by the last command, by connection."""
    lines = [line.split("extract ")[1] for line in shop.messages().splitlines() if "extract " in line]
    return {line.split(":")[0]: line.split(": ")[1].split(" rows")[0] for line in lines}


def test_a_model_that_was_never_built_is_shown_and_nothing_is_built(shop: Project) -> None:
    shop.model("names", NAMES, materialized="table")
    assert shown(shop, "--select", "names") == [{"name": "Ada", "n": 2}, {"name": "Bo", "n": 1}]
    assert shown(shop, "--select", "names", "--limit", "1") == [{"name": "Ada", "n": 2}]
    assert shop.tables() == []


def test_an_ephemeral_model_over_several_databases_is_shown(shop: Project) -> None:
    shop.model("names", NAMES, materialized="ephemeral")
    assert len(shown(shop, "--select", "names")) == 2


def test_a_query_joins_sources_of_several_outputs(shop: Project) -> None:
    shop.model("totals", "select 10 as id, 5 as total", materialized="table")
    assert shop.dvt("run"), shop.messages()
    query = (
        "select c.name, t.total from {{ ref('totals') }} t "
        "join {{ source('ledger', 'orders') }} o on o.id = t.id "
        "join {{ source('crm', 'customers') }} c on c.id = o.customer"
    )
    assert shown(shop, "--inline", query) == [{"name": "Ada", "total": 5}]


def test_a_query_of_an_output_that_can_only_be_read_reads_no_more_than_it_shows(shop: Project) -> None:
    rows = ", ".join(f"({number}, 'name {number}')" for number in range(4, 2000))
    shop.run_sql("lite", f"insert into customers values {rows}")
    query = "with c as (select * from {{ source('crm', 'customers') }}) select id, upper(name) as u from c"
    assert len(shown(shop, "--inline", query)) == 5
    assert extracted(shop) == {"lite": "5"}
    assert len(shown(shop, "--inline", f"{query} limit 3")) == 3
    assert extracted(shop) == {"lite": "3"}
    assert len(shown(shop, "--inline", f"{query} where id > 7 limit 3")) == 3
    assert extracted(shop)["lite"] in {"3", "1,992"}
    (row,) = shown(shop, "--inline", f"{query} order by id desc limit 1")
    assert row == {"id": 1999, "u": "NAME 1999"}
    assert len(shown(shop, "--inline", query, "--limit", "-1")) == 1999


@pytest.mark.parametrize("limit", [[], ["--limit", "1"]])
def test_a_query_with_a_limit_of_its_own_is_shown(shop: Project, limit: list[str]) -> None:
    shop.model("numbers", "select 1 as id union all select 2 union all select 3", materialized="table")
    assert shop.dvt("run"), shop.messages()
    native = "select * from {{ ref('numbers') }} order by id desc limit 2"
    federated = "select id from {{ source('crm', 'customers') }} order by id desc limit 2 -- the last"
    expected = [{"id": 3}, {"id": 2}][: 1 if limit else 2]
    assert shown(shop, "--inline", native, *limit) == expected
    assert shown(shop, "--inline", federated, *limit) == expected


def test_a_query_that_is_wrong_is_an_error_that_names_it(shop: Project) -> None:
    assert not shop.dvt("show", "--inline", "select nothing from {{ source('crm', 'customers') }}")
    assert "DVT121" in f"{shop.messages()}{shop.result.exception}"


@pytest.mark.parametrize("name", ["duck_shop", "pg_shop"])
def test_a_querys_error_quotes_its_line_with_real_names(name: str, request: pytest.FixtureRequest) -> None:
    shop: Project = request.getfixturevalue(name)
    query = "select mislaid(customers.id) from {{ source('crm', 'customers') }} as customers"
    assert not shop.dvt("show", "--compute", "target", "--inline", query)
    dot = ".".join(shop.quoted(part) for part in ("lite", "crm", "customers"))
    assert (
        f"line 1: select mislaid(customers.id) from {dot} as" in f"{shop.messages()}{shop.result.exception}"
    )


def test_a_query_is_compiled_with_real_names(shop: Project) -> None:
    query = "select * from {{ source('crm', 'customers') }} join {{ source('ledger', 'orders') }} using (id)"
    assert shop.dvt("compile", "--inline", query), shop.messages()
    dot = ".".join(shop.quoted(part) for part in ("lite", "crm", "customers"))
    assert f"select * from {dot} join" in shop.messages()
