"""Relations of a federated model have their real names, in the quoting of the model's SQL."""

from __future__ import annotations

import pytest
from dbt.adapters.base.relation import BaseRelation

from dvt.core.names import TableRef
from dvt.dbt_bridge.jinja.aliases import with_one_alias
from dvt.dbt_bridge.jinja.relations import is_marked, mark, table_ref, unmarked

UID = "model.shop.orders"


def _real(**more: object) -> BaseRelation:
    return BaseRelation.create(database="db", schema="Sch", identifier="orders", **more)


@pytest.mark.parametrize(
    ("dialect", "text"),
    [
        ("postgres", '"db"."Sch"."orders"'),
        ("mysql", "`db`.`Sch`.`orders`"),
        ("tsql", "[db].[Sch].[orders]"),
    ],
)
def test_a_name_is_quoted_as_the_sqls_dialect_quotes(dialect: str, text: str) -> None:
    assert str(mark(_real(), UID, "out", dialect)) == text


def test_an_unquoted_identifier_stays_unquoted_if_it_can() -> None:
    policy = {"quote_policy": {"identifier": False}}
    assert str(mark(_real(**policy), UID, "out", "snowflake")).endswith(".orders")
    odd = BaseRelation.create(identifier="Odd Name", **policy)
    assert str(mark(odd, UID, "out", "snowflake")) == '"out"."Odd Name"'


def test_the_output_stands_for_a_database_that_tells_too_little() -> None:
    assert str(mark(_real(), UID, "out", "postgres", by_output=True)) == '"out"."Sch"."orders"'


def test_a_marked_relation_has_the_real_names() -> None:
    marked = mark(_real(), UID, "out", "postgres")
    assert (marked.database, marked.schema, marked.identifier) == ("db", "Sch", "orders")
    assert marked.name == marked.table == "orders"


def test_packages_take_a_marked_relation_for_a_relation() -> None:
    assert mark(_real(), UID, "out", "postgres").get("metadata")["type"].endswith("Relation")


def test_a_limit_renders_around_the_name_with_an_alias_of_dbts() -> None:
    marked = mark(_real(limit=0), UID, "out", "postgres")
    subquery = '(select * from "db"."Sch"."orders" where false limit 0)'
    assert str(marked) == f'{subquery} "_dbt_limit_subq_orders"'
    assert with_one_alias(f"from {marked} o", "postgres") == f"from {subquery} o"


def test_changed_names_render_as_they_are() -> None:
    changed = mark(_real(), UID, "out", "postgres").incorporate(path={"identifier": "other"})
    assert str(changed) == '"db"."Sch"."other"'


def test_the_owner_gets_its_own_relation_back() -> None:
    marked = mark(_real(), UID, "out", "postgres")
    real = unmarked(marked)
    assert is_marked(marked)
    assert not is_marked(real)
    assert type(real) is BaseRelation
    assert str(real) == '"db"."Sch"."orders"'


def test_a_table_is_named_as_its_database_stores_it() -> None:
    unquoted = _real(quote_policy={"schema": False, "database": False})
    assert table_ref(unquoted, "out", "postgres") == TableRef(
        connection="out", database="db", schema="sch", identifier="orders"
    )
    assert table_ref(unquoted, "out", "snowflake").schema == "SCH"
    assert table_ref(_real(), "out", "snowflake").schema == "Sch"
