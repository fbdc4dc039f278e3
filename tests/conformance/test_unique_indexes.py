"""What tells the rows of a table apart: its primary key, or a unique index that holds each of its rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dvt.testing.connectors import Bench

pytestmark = pytest.mark.slow

COLUMNS = "a int NOT NULL, b int NOT NULL, c varchar(20) NOT NULL, d int, e int NOT NULL"
BOTH = [
    ("", (), (), ()),
    ("", ("UNIQUE INDEX i ON dvt_unique (b)",), (), ("b",)),
    ("", ("UNIQUE INDEX i ON dvt_unique (b, a)",), (), ("b", "a")),
    ("", ("UNIQUE INDEX i ON dvt_unique (a, b)", "UNIQUE INDEX j ON dvt_unique (e)"), (), ("e",)),
    ("", ("UNIQUE INDEX z ON dvt_unique (a)", "UNIQUE INDEX y ON dvt_unique (e)"), (), ("e",)),
    ("", ("UNIQUE INDEX i ON dvt_unique (d)", "UNIQUE INDEX j ON dvt_unique (a, d)"), (), ()),
    ("", ("INDEX i ON dvt_unique (a)",), (), ()),
    (", PRIMARY KEY (b, a)", ("UNIQUE INDEX i ON dvt_unique (c)",), ("b", "a"), ("c",)),
    (", UNIQUE (c)", (), (), ("c",)),
]
"""More of the table, its indexes, the primary key, and what tells rows apart beside that."""
POSTGRES = [
    *BOTH,
    ("", ("UNIQUE INDEX i ON dvt_unique (a) WHERE b > 0",), (), ()),
    ("", ("UNIQUE INDEX i ON dvt_unique ((a + b))", "UNIQUE INDEX j ON dvt_unique (a, (b + 1))"), (), ()),
    ("", ("UNIQUE INDEX i ON dvt_unique (a) INCLUDE (d)",), (), ("a",)),
    (", UNIQUE (a) DEFERRABLE", (), (), ()),
    (", PRIMARY KEY (a) INCLUDE (d)", (), ("a",), ()),
    ("", ("UNIQUE INDEX i ON dvt_unique (d) NULLS NOT DISTINCT",), (), ()),
    (", EXCLUDE (a WITH =)", (), (), ()),
]
MARIADB = [
    *BOTH,
    ("", ("UNIQUE INDEX i ON dvt_unique (c(3))", "UNIQUE INDEX j ON dvt_unique (a, c(3))"), (), ()),
    (", PRIMARY KEY (b)", ("UNIQUE INDEX i ON dvt_unique (a) IGNORED",), ("b",), ("a",)),
    (", f longtext NOT NULL, UNIQUE (f)", (), (), ("f",)),
    (", f int NOT NULL INVISIBLE DEFAULT 1, UNIQUE (f)", (), (), ()),
    (", f int INVISIBLE AUTO_INCREMENT PRIMARY KEY", (), (), ()),
]


@pytest.fixture(params=["postgres", "mariadb"])
def database(request: pytest.FixtureRequest, databases: Callable[[str], Any]) -> Iterator[Any]:
    """Each server."""
    server = databases(request.param)
    yield server
    server.execute("DROP TABLE IF EXISTS dvt_child", "DROP TABLE IF EXISTS dvt_unique")


@pytest.fixture
def of(bench: Bench) -> Callable[..., tuple[Any, Any]]:
    """Return what tells rows of a table apart that is made by these statements."""

    def described(*statements: str) -> tuple[Any, Any]:
        bench.database.execute("DROP TABLE IF EXISTS dvt_child", "DROP TABLE IF EXISTS dvt_unique")
        bench.database.execute(*statements)
        table = bench.describe(bench.database.table("dvt_unique"))
        return table.key, table.unique

    return described


def test_the_smallest_unique_index_that_holds_all_rows_tells_them_apart(
    bench: Bench, of: Callable[..., tuple[Any, Any]]
) -> None:
    cases = POSTGRES if bench.database.name == "postgres" else MARIADB
    for more, indexes, key, unique in cases:
        statements = [f"CREATE TABLE dvt_unique ({COLUMNS}{more})", *(f"CREATE {index}" for index in indexes)]
        assert of(*statements) == (key, unique), statements


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
def test_an_index_that_could_not_be_built_tells_nothing(
    bench: Bench, of: Callable[..., tuple[Any, Any]]
) -> None:
    statements = [
        f"CREATE TABLE dvt_unique ({COLUMNS})",
        "INSERT INTO dvt_unique VALUES (1, 1, 'x', 1, 1), (1, 1, 'x', 1, 1)",
    ]
    of(*statements)
    with pytest.raises(Exception, match="could not create unique index"):
        bench.database.execute("CREATE UNIQUE INDEX CONCURRENTLY i ON dvt_unique (a)")
    table = bench.describe(bench.database.table("dvt_unique"))
    assert table.unique == ()


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
def test_no_index_of_a_parent_tells_its_childrens_rows_apart(of: Callable[..., tuple[Any, Any]]) -> None:
    parent = f"CREATE TABLE dvt_unique ({COLUMNS}, PRIMARY KEY (a), UNIQUE (b))"
    assert of(parent) == (("a",), ("b",))
    assert of(parent, "CREATE TABLE dvt_child () INHERITS (dvt_unique)") == ((), ())
    parent = f"CREATE TABLE dvt_unique ({COLUMNS}, PRIMARY KEY (a), UNIQUE (a, b)) PARTITION BY LIST (a)"
    part = "CREATE TABLE dvt_child PARTITION OF dvt_unique DEFAULT"
    assert of(parent, part) == (("a",), ("a", "b")), "which holds those of all partitions"
    assert of(
        f"CREATE TABLE dvt_unique ({COLUMNS}) PARTITION BY LIST (a)",
        part,
        "CREATE UNIQUE INDEX i ON ONLY dvt_unique (a)",
    ) == ((), ())


@pytest.mark.parametrize("database", ["mariadb"], indirect=True)
def test_no_index_of_a_merge_table_tells_its_tables_rows_apart(of: Callable[..., tuple[Any, Any]]) -> None:
    columns = "a int NOT NULL, PRIMARY KEY (a), UNIQUE i (a)"
    assert of(
        f"CREATE TABLE dvt_child ({columns}) ENGINE=MyISAM",
        f"CREATE TABLE dvt_unique ({columns}) ENGINE=MERGE UNION=(dvt_child)",
    ) == ((), ())
