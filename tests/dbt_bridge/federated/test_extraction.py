"""The config `extraction` of sources and models: what runs take of earlier ones, and its errors."""

from __future__ import annotations

import sqlite3
import time
from typing import Any

import pytest

from tests.dbt_bridge.federated.project import SOURCES, Project

NAMES = "select name from {{ source('crm', 'customers') }}"


def incremental(**keys: Any) -> dict[str, Any]:
    return {"method": "incremental", "incremental": keys}


@pytest.fixture
def shop(duck_shop: Project) -> Project:
    duck_shop.model("names", NAMES, materialized="table")
    configure(duck_shop, {"method": "auto"})
    time.sleep(0.15)  # a file that was written just now has no token
    return duck_shop


def configure(shop: Project, extraction: Any, of_tables: Any = None) -> None:
    """Give the source on SQLite this config, and its tables another one."""
    crm, ledger = SOURCES["sources"]
    config = {"connection": "lite", "extraction": extraction}
    own = {} if of_tables is None else {"config": {"extraction": of_tables}}
    tables = [{**entry, **own} for entry in crm["tables"]]
    shop.write("models/sources.yml", {"sources": [{**crm, "config": config, "tables": tables}, ledger]})


def run(shop: Project, *args: str, select: tuple[str, ...] = ("names",)) -> str:
    """Run models; return what that has logged."""
    assert shop.dvt("run", "--select", *select, *args), shop.messages()
    return str(shop.messages())


def names(shop: Project) -> list[str]:
    return sorted(row[0] for row in shop.rows("house", "select name from names"))


def insert(shop: Project) -> None:
    with sqlite3.connect(shop.root / "crm.sqlite") as db:
        db.execute("insert into customers (id, name) values (99, 'Zoe')")
    db.close()
    time.sleep(0.15)


def test_a_second_run_takes_what_has_not_changed(shop: Project) -> None:
    assert "reused" not in run(shop)
    before = names(shop)
    assert "(unchanged: reused)" in run(shop)
    assert names(shop) == before
    insert(shop)
    assert "reused" not in run(shop)
    assert names(shop) == [*before, "Zoe"]
    assert "(unchanged: reused)" in run(shop)
    assert "reused" not in run(shop, "--full-refresh")


def test_a_tables_config_overrides_its_sources(shop: Project) -> None:
    configure(shop, {"method": "auto"}, {"method": "full"})
    run(shop)
    assert "reused" not in run(shop)
    assert not list((shop.root / ".dvt").rglob("state.json"))


def test_models_that_need_other_columns_share_what_is_kept(shop: Project) -> None:
    shop.model("ids", NAMES.replace("name", "id", 1), materialized="table")
    run(shop, select=("names", "ids"))
    assert len(list((shop.root / ".dvt").rglob("state.json"))) == 1
    assert "(unchanged: reused)" in run(shop)
    assert "(unchanged: reused)" in run(shop, select=("ids",))


def test_a_model_that_others_read_may_be_kept(shop: Project) -> None:
    keep = {"materialized": "table", "target": "other", "extraction": {"method": "cached", "ttl": "1h"}}
    shop.model("there", "select 7 as id", **keep)
    shop.model("names", "select id as name from {{ ref('there') }}", materialized="table")
    run(shop, select=("there", "names"))
    assert "reused" not in run(shop)
    assert "old: reused)" in run(shop)
    shop.model("there", "select 8 as id", **keep)
    run(shop, select=("there", "names"))
    assert shop.rows("house", "select name from names") == [(8,)], "what the run has written is read anew"


@pytest.mark.parametrize(
    ("extraction", "message"),
    [
        ("auto", "extraction: 'auto' is no mapping"),
        (incremental(strategy="watermark", watermark={"colum": "at"}), "colum: there is no such key"),
        ({"max_parallel": 0}, "max_parallel: 0 is no number of connections"),
    ],
)
def test_what_is_wrong_in_the_config_is_an_error_with_its_place(
    shop: Project, extraction: Any, message: str
) -> None:
    configure(shop, extraction)
    assert not shop.dvt("parse")
    assert "DVT175 source 'customers' (models/sources.yml, line 5): extraction: " in shop.messages()
    assert message in shop.messages()


@pytest.mark.parametrize("extraction", [{"partitions": 3}, {"partition_column": "id"}])
def test_ranges_are_refused_where_nothing_is_read_in_ranges(shop: Project, extraction: Any) -> None:
    configure(shop, extraction)
    assert not shop.dvt("run")
    assert "DVT175" in shop.messages()
    assert "is not read in ranges of a column" in shop.messages()


def test_a_models_config_is_checked_too(shop: Project) -> None:
    shop.model("names", NAMES, materialized="table", extraction={"method": "sometimes"})
    assert not shop.dvt("parse")
    assert "DVT175 model 'names' (models/names.sql, line 1)" in shop.messages()


def test_explain_says_what_tells_that_a_table_has_not_changed(shop: Project, capsys: Any) -> None:
    assert shop.dvt("explain", "--select", "names")
    told_by = "size and times of the file"
    assert (
        f"kept: taken from an earlier run while these are the same, which no rows are read for: {told_by}"
        in (" ".join(capsys.readouterr().out.split()))
    )
