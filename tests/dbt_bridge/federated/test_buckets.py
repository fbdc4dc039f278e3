"""The bucket that a dbt project's data is staged in: config, folder, source, flag, and their errors."""

from __future__ import annotations

import shutil

import pytest

from tests.dbt_bridge.federated.project import SOURCES, Project

JOIN = (
    "select c.name, o.amount from {{ source('crm', 'customers') }} c join {{ source('ledger', 'orders') }} o"
)
SPENT = f"{JOIN} on o.customer = c.id"


@pytest.fixture
def shop(duck_shop: Project) -> Project:
    """Return a project with a model over two databases, and with two buckets."""
    buckets = {name: {"type": "filesystem", "path": str(duck_shop.root / "stores" / name)} for name in "ab"}
    duck_shop.write("buckets.yml", {"shop": {"target": "a", "buckets": buckets}})
    duck_shop.model("spent", SPENT, materialized="table")
    return duck_shop


def run(shop: Project, *args: str) -> set[str]:
    """Run a command that keeps what it stages; return bucket and connection of each dataset."""
    shutil.rmtree(shop.root / "stores", ignore_errors=True)
    assert shop.dvt(*args, "--keep-staging"), shop.messages()
    files = (shop.root / "stores").rglob("*.parquet")
    return {f"{file.parts[-6]} {file.parts[-3]}" for file in files}


def everything_in(bucket: str) -> set[str]:
    return {f"{bucket} {what}" for what in ("lite", "other", "_results")}


def test_data_is_staged_in_the_profiles_target(shop: Project) -> None:
    assert run(shop, "run") == everything_in("a")
    assert (shop.root / "stores" / "a" / "shop" / "_owner.json").exists()
    assert sorted(row[0] for row in shop.rows("house", "select name from spent")) == ["Ada", "Ada", "Bo"]


def test_a_models_config_names_its_bucket(shop: Project) -> None:
    shop.model("spent", SPENT, materialized="table", bucket="b")
    assert run(shop, "run") == everything_in("b")
    assert "DVT" not in shop.messages()
    assert "deprecat" not in shop.messages().lower()


def test_a_folders_config_names_the_bucket_of_its_models(shop: Project) -> None:
    project = {"name": "shop", "version": "1.0", "profile": "shop", "models": {"+bucket": "b"}}
    shop.write("dbt_project.yml", project)
    assert run(shop, "build") == everything_in("b")


def test_a_sources_config_names_the_bucket_of_its_rows(shop: Project) -> None:
    crm, ledger = SOURCES["sources"]
    config = {"connection": "lite", "bucket": "b"}
    shop.write("models/sources.yml", {**SOURCES, "sources": [{**crm, "config": config}, ledger]})
    assert run(shop, "run") == {"b lite", "a other", "a _results"}


def test_the_rows_of_a_model_are_in_its_bucket_whoever_reads_them(shop: Project) -> None:
    shop.model("there", "select 1 as customer", materialized="table", target="other", bucket="b")
    shop.model(
        "spent",
        "select c.name from {{ source('crm', 'customers') }} c join {{ ref('there') }} t on customer = id",
        materialized="table",
    )
    assert run(shop, "run") == {"b other", "a lite", "a _results"}


@pytest.mark.parametrize("command", ["run", "build", "show"])
def test_the_flag_overrides_every_config(shop: Project, command: str) -> None:
    shop.model("spent", SPENT, materialized="table", bucket="a")
    assert run(shop, command, "--select", "spent", "--bucket", "b") == everything_in("b")


def test_the_environment_may_name_the_bucket(shop: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVT_BUCKET", "b")
    assert run(shop, "run") == everything_in("b")


def test_a_data_test_over_databases_is_staged_in_a_bucket(shop: Project) -> None:
    assert shop.dvt("run"), shop.messages()
    shop.write("tests/none.sql", f"{{{{ config(bucket='b') }}}}\n{SPENT} where o.amount < 0")
    assert run(shop, "test") == everything_in("b")


def test_a_query_of_a_models_jinja_is_staged_in_the_models_bucket(shop: Project) -> None:
    query = "run_query('select count(*) from ' ~ crm).rows[0][0] if execute else 0"
    text = f"{{% set crm = source('crm', 'customers') %}}select {{{{ {query} }}}} as n"
    shop.model("counted", text, materialized="table", bucket="b")
    assert {"b lite"} <= run(shop, "run", "--select", "counted") <= everything_in("b")


def test_parse_tells_all_errors_at_once(shop: Project) -> None:
    shop.model("spent", SPENT, materialized="table", bucket="c")
    shop.write("models/props.yml", {"models": [{"name": "spent", "config": {"pushdown": "maybe"}}]})
    assert not shop.dvt("parse")
    assert "DVT148 spent (models/spent.sql, line 1): no bucket named 'c'" in shop.messages()
    assert "known: a, b, local" in shop.messages()
    assert "DVT118" in shop.messages()
    text = (shop.root / "buckets.yml").read_text().replace("path:", "pth:")
    shop.write("buckets.yml", text)
    assert not shop.dvt("parse")
    assert shop.messages().count("DVT114") == 2
    assert "DVT118" in shop.messages()


def test_a_source_that_names_no_bucket_of_the_file_is_an_error_with_its_place(shop: Project) -> None:
    crm, ledger = SOURCES["sources"]
    config = {"connection": "lite", "bucket": "bb"}
    shop.write("models/sources.yml", {**SOURCES, "sources": [{**crm, "config": config}, ledger]})
    assert not shop.dvt("parse")
    assert "(models/sources.yml, line 6): no bucket named 'bb'" in shop.messages()
    assert "did you mean 'b'" in shop.messages()


def test_an_unknown_bucket_on_the_command_line_is_one_error(shop: Project) -> None:
    assert not shop.dvt("run", "--bucket", "c")
    assert shop.messages().count("DVT148") == 1


def test_an_unset_variable_is_an_error_of_the_buckets_that_the_project_uses(shop: Project) -> None:
    text = (shop.root / "buckets.yml").read_text()
    shop.write("buckets.yml", text.replace(f"{shop.root}/stores/b", "${DVT_TEST_NEVER_SET}/b"))
    assert shop.dvt("run"), shop.messages()
    shop.model("spent", SPENT, materialized="table", bucket="b")
    assert not shop.dvt("parse")
    assert "environment variable DVT_TEST_NEVER_SET is not set" in shop.messages()
    assert shop.dvt("run", "--bucket", "a"), shop.messages()


def test_a_plain_project_does_not_read_the_file(shop: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DVT_COMPUTE")
    shop.write("buckets.yml", "shop: [")
    shop.drop_model("spent")
    shop.write("models/sources.yml", {"version": 2})
    shop.model("plain", "select 1 as one", materialized="table")
    assert shop.dvt("run"), shop.messages()


@pytest.mark.parametrize("value", ["['a']", "''"])
def test_a_bucket_that_is_no_name_is_an_error(shop: Project, value: str) -> None:
    shop.write("models/spent.sql", f"{{{{ config(bucket={value}) }}}}\n{SPENT}")
    assert not shop.dvt("parse")
    assert "DVT118" in shop.messages()
    assert "bucket cannot be" in shop.messages()
