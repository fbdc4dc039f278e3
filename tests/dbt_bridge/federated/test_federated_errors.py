"""Errors and warnings of federated models: the model, its file, the line in it, and a hint that helps."""

from __future__ import annotations

import pytest

from tests.dbt_bridge.federated.project import Project

WRONG = {
    "no_column": ("select c.id,\n  c.nam\nfrom {C} c", "DVT121", 4),
    "syntax": ("select c.id\nfrom {C} c\nwhere c.id = = 3", "DVT122", 5),
    "no_function": ("select\n  nofunc(c.id) as x\nfrom {C} c", "DVT122", 4),
    "value": ("select\n  c.id,\n  cast(c.name as integer) as n\nfrom {C} c", "DVT134", 5),
    "constant": ("select id,\n  cast('2024-13-01' as date) as d\nfrom {C} c", "DVT134", 4),
    "secret": ("select id,\n  token\nfrom {C} c", "DVT121", 4),
}
"""Models of a DuckDB target with two lines of Jinja before them: SQL, code, line in the file."""


@pytest.fixture
def messages(duck_shop: Project) -> dict[str, str]:
    """Return the messages of all wrong models, by name."""
    for name, (sql, _, _) in WRONG.items():
        text = sql.format(C="{{ source('crm', 'customers') }}")
        duck_shop.write(f"models/{name}.sql", f"{{{{ config(materialized='table') }}}}\n\n{text}\n")
    assert not duck_shop.dvt("run")
    return {name: result["message"] for name, result in duck_shop.run_results().items()}


def test_an_error_names_its_line_in_the_models_file(messages: dict[str, str]) -> None:
    for name, (_, code, line) in WRONG.items():
        assert messages[name].startswith(f"{code} {name} (models/{name}.sql, line {line}): "), messages[name]
        assert "withheld" not in messages[name]


def test_a_value_that_the_model_makes_is_not_to_be_changed_in_a_source(messages: dict[str, str]) -> None:
    for name in ("value", "constant"):
        assert "the model's SQL: " in messages[name]
        assert "TRY_CAST" in messages[name]
        assert "source" not in messages[name].split("hint:")[1]


def test_a_message_of_the_models_own_error_is_shown(duck_shop: Project) -> None:
    sql = "select error('the password of ' || name || ' is bad') as x from {{ source('crm', 'customers') }}"
    duck_shop.model("failing", sql, materialized="table")
    assert not duck_shop.dvt("run")
    assert "the password of Ada is bad" in duck_shop.run_results()["failing"]["message"]


def test_a_line_of_a_translated_model_is_found_by_the_columns_name(pg_shop: Project) -> None:
    pg_shop.model(
        "wrong", "select c.id,\n  c.nam\nfrom {{ source('crm', 'customers') }} c", materialized="table"
    )
    assert not pg_shop.dvt("run")
    assert "DVT121 wrong (models/wrong.sql, line 3): " in pg_shop.run_results()["wrong"]["message"]


@pytest.mark.parametrize("shop_name", ["pg_shop", "my_shop"])
def test_a_value_that_the_target_refuses_names_the_output_column(
    request: pytest.FixtureRequest, shop_name: str
) -> None:
    shop: Project = request.getfixturevalue(shop_name)
    columns = [{"name": "id", "data_type": "smallint"}, {"name": "name", "data_type": "varchar(10)"}]
    model = {"name": "kept", "config": {"contract": {"enforced": True}}, "columns": columns}
    shop.write("models/kept.yml", {"version": 2, "models": [model]})
    shop.model(
        "kept", "select id * 100000 as id, name from {{ source('crm', 'customers') }}", materialized="table"
    )
    assert not shop.dvt("run")
    message = shop.run_results()["kept"]["message"]
    assert message.startswith("DVT134 kept (models/kept.sql): "), message
    assert "dvt_" not in message
    assert "id" in message.split(": ", 1)[1]


def test_a_warning_names_its_model(shop: Project) -> None:
    shop.model("seen", "select name from {{ source('crm', 'customers') }}", materialized="view")
    assert shop.dvt("run"), shop.messages()
    assert "DVT001 seen (models/seen.sql): " in shop.messages()


def test_a_refusal_names_no_place_that_cannot_speak_the_models_dialect(duck_shop: Project) -> None:
    select = "select id, justify_days(age(placed_at, placed_at)) as v from {{ source('ledger', 'orders') }}"
    duck_shop.model("odd", select, dialect="postgres")
    assert not duck_shop.dvt("run")
    message = duck_shop.run_results()["odd"]["message"]
    assert "DVT123" in message
    assert "compute: target" not in message
    assert "an output that speaks postgres" in message
