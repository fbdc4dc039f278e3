"""Seeds with `engine: dvt`: the table is the one that dbt makes of the file, on every target."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.dbt_bridge.federated.project import Project

OWN: dict[str, Any] = {"engine": "dvt"}


def write(project: Project, text: str, own: dict[str, Any] | None = None, **config: Any) -> None:
    """Write a seed twice: `ours`, which dvt loads, and `dbts`, which dbt loads; with the same configs."""
    for name in ("ours", "dbts"):
        file = project.root / "seeds" / f"{name}.csv"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(text.encode())
    settings = {
        "ours": {f"+{key}": value for key, value in {**config, **OWN, **(own or {})}.items()},
        "dbts": {f"+{key}": value for key, value in config.items()},
    }
    base = yaml.safe_load((project.root / "dbt_project.yml").read_text())
    project.write("dbt_project.yml", {**base, "seeds": {"shop": settings}})


def is_duckdb(project: Project) -> bool:
    return bool(project.outputs["house"]["type"] == "duckdb")


def as_slow(project: Project) -> dict[str, Any]:
    """Return the config by which dbt-duckdb loads cells as dbt reads them, not as DuckDB's COPY does."""
    return {"fast": False} if is_duckdb(project) else {}


def columns(project: Project, table: str) -> list[tuple[str, ...]]:
    """Return names and types of a table's columns."""
    schema = project.outputs["house"]["schema"]
    query = (
        "select column_name, data_type, character_maximum_length, numeric_precision, numeric_scale"
        f" from information_schema.columns where table_schema = '{schema}' and table_name = '{table}'"
        " order by ordinal_position"
    )
    return [tuple(map(str, row)) for row in project.rows("house", query)]


def rows(project: Project, table: str) -> list[tuple[Any, ...]]:
    return sorted(project.rows("house", f"select * from {table}"), key=repr)


def same(project: Project) -> None:
    """Load both seeds, and check that the two tables are the same."""
    assert project.dvt("seed"), project.messages()
    assert columns(project, "ours") == columns(project, "dbts")
    assert rows(project, "ours") == rows(project, "dbts")
    ours, dbts = (project.run_results()[name] for name in ("ours", "dbts"))
    assert ours["message"] == dbts["message"]
    assert ours["adapter_response"]["rows_affected"] == dbts["adapter_response"]["rows_affected"]


KINDS = """\
id,padded,part,power,money,day,at,iso,flag,mixed,text,none,space
1,007,1.50,1e2,"$1,000",2020-01-31,2020-01-31 10:20:30,2020-01-31T10:20:30.5,true,2020-01-31,plain,,\x20
2,08,2,2e0,-$5,2020-1-5,2020-01-31 1:2:3,2020-01-31T10:20,False,12,"a ""quoted"", text",null,x
-3,0,1.00,3,€7,0001-01-01,1999-12-31 23:59:59,1999-12-31T23:59:59,TRUE,x,"two
lines",NULL,\x20y\x20
4,,,,,,,,,,Ünïcode ✓ 😀,,
"""


def test_types_and_values_are_those_of_dbts_own_seeds(shop: Project) -> None:
    text = KINDS
    if shop.outputs["house"]["type"] == "mariadb":
        text = text.replace("✓ 😀", "")  # which the schema's character set lacks
    if is_duckdb(shop):
        text = text.replace("1e2", "100").replace("2e0", "2")  # of which dbt's own seed makes 1 there
    write(shop, text, **as_slow(shop))
    same(shop)
    assert len(rows(shop, "ours")) == 4


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # agate's, of names that it changes
@pytest.mark.parametrize(
    "text",
    [
        'a,b\r\n1,x\r\n2,"y\r\nz"\r\n',
        "a,b\n1,x\r\n2,y\r3,z\n",
        "\ufeffa,b\n1,x",
        "a,b\n",
        "a,a,,\n1,2,3,4\n",
        'a\n""\n1\n"null"\n',
        'a,b\n1, "x" \n2,"y"z\n3,q"r\n',
        "a,b\n1.5.2,10.0.0.1\n",
        "a\n2020-02-30\n2020-01-01\n",
        "a\n" + "".join(f"{number}\n" for number in range(2500)) + "x\n",
    ],
    ids=["crlf", "mixed", "bom", "no rows", "names", "empty", "quotes", "dots", "day", "late"],
)
def test_files_are_cut_as_dbt_cuts_them(shop: Project, text: str) -> None:
    write(shop, text, **as_slow(shop))
    same(shop)


GIVEN = """\
code,price,day,at,flag,name,odd
007,1.50,2020-01-31,2020-01-31 10:20,true,Ada,{"a": 1}
,,,,,,
08,-2.5,2020-02-29,2020-01-31 10:20:30.25,false,  Bo ,"[1, 2]"
"""


def test_given_types_are_the_columns_types_and_texts_keep_zeros(shop: Project) -> None:
    types = {
        "code": "varchar(5)",
        "price": "numeric(10,3)",
        "day": "date",
        "at": "timestamp" if shop.outputs["house"]["type"] != "mariadb" else "datetime(6)",
        "flag": "boolean",
        "name": "text",
        "odd": "json",
    }
    write(shop, GIVEN, column_types=types, **as_slow(shop))
    same(shop)
    assert ("007",) in shop.rows("house", "select code from ours")


def test_numbers_that_dbts_type_cannot_hold_get_a_wider_one(shop: Project) -> None:
    write(shop, "a,b,c\n3000000000,12345678901234567890,99999999999999999999999999999999999999\n")
    assert shop.dvt("seed", "--select", "ours"), shop.messages()
    values = [str(value) for value in shop.rows("house", "select * from ours")[0]]
    assert values == ["3000000000", "12345678901234567890", "9" * 38]


@pytest.mark.parametrize(
    ("text", "types", "expected"),
    [
        ('a,n\n1,5\n2,"x\ny"\n3,7x\n', {"n": "integer"}, ["DVT157", "ours.csv, line 3, column n", "'x\\ny'"]),
        ("n\n5.75\n", {"n": "integer"}, ["DVT157", "line 2, column n", "'5.75'"]),
        ("n\n1.005\n", {"n": "numeric(10,2)"}, ["DVT157", "line 2, column n", "'1.005'"]),
        ("d\n2020-01-31\n2020-02-30\n", {"d": "date"}, ["DVT157", "line 3, column d", "'2020-02-30'"]),
        ("n\n1.5\n1e400\n", {}, ["DVT157", "line 3, column n", "'1e400'"]),
        ("n\n1\n1e400\n", {}, ["DVT157", "line 3, column n", "'1e400'"]),
        ("n\n" + "9" * 39 + "\n", {}, ["DVT157", "line 2, column n"]),
        ('a,b\n1,2\n"3\n4"\n', {}, ["DVT156", "line 3", "1 cells", "2"]),
        ("a,b\n1,2,3\n", {}, ["DVT156", "line 2", "3 cells"]),
        ("", {}, ["DVT156", "it is empty"]),
        ("a\n1_000\n", {}, ["DVT158", "column a", "'1_000'"]),
        ("a\nnan\n", {}, ["DVT158", "column a", "'nan'"]),
        ("a\n2020-01-01T10:00:00Z\n", {}, ["DVT158", "column a", "timestamp"]),
    ],
)
def test_a_wrong_cell_is_named_by_file_line_column_and_value(
    duck_shop: Project, text: str, types: dict[str, str], expected: list[str]
) -> None:
    shop = duck_shop
    write(shop, "a\n1\n", column_types=types)
    assert shop.dvt("seed", "--select", "ours"), shop.messages()
    write(shop, text, column_types=types)
    assert not shop.dvt("seed", "--select", "ours", "--full-refresh")
    message = shop.run_results()["ours"]["message"]
    assert [part for part in expected if part not in message] == [], message
    assert shop.rows("house", "select * from ours") == [(1,)], "the table is as it was"
    assert shop.tables() == [("ours", "BASE TABLE")]


def test_a_text_that_is_too_long_for_its_type_is_named(pg_shop: Project) -> None:
    write(pg_shop, "t\nabc\nabcd\n", column_types={"t": "varchar(3)"})
    assert not pg_shop.dvt("seed", "--select", "ours")
    message = pg_shop.run_results()["ours"]["message"]
    assert "ours.csv, line 3, column t: 'abcd' is no varchar(3)" in message


def test_a_text_in_another_encoding_is_read_or_its_line_is_named(duck_shop: Project) -> None:
    shop = duck_shop
    write(shop, "a\nx\n")
    (shop.root / "seeds/ours.csv").write_bytes("a\nx\nÄpfel\n".encode("latin-1"))
    assert not shop.dvt("seed", "--select", "ours")
    assert "ours.csv, line 3: it is not written in utf-8" in shop.run_results()["ours"]["message"]
    text = (shop.root / "seeds/ours.csv").read_bytes()
    write(shop, "a\nx\n", {"encoding": "latin-1"})
    (shop.root / "seeds/ours.csv").write_bytes(text)
    assert shop.dvt("seed", "--select", "ours"), shop.messages()
    assert shop.rows("house", "select a from ours order by 1") == [("x",), ("Äpfel",)]


def test_nulls_and_formats_are_configurable(shop: Project) -> None:
    own = {"null_value": ["-", "N/A"], "date_format": "%d.%m.%Y", "timestamp_format": "%d.%m.%Y %H:%M"}
    write(shop, "a,d,moment\n1,31.12.2020,31.12.2020 10:20\n-,n/a,-\n", own)
    assert shop.dvt("seed", "--select", "ours"), shop.messages()
    kept = shop.rows("house", "select a, d, moment from ours order by a")
    assert [str(value) for row in kept for value in row if value is not None] == [
        "1",
        "2020-12-31",
        "2020-12-31 10:20:00",
    ]
    assert len(kept) == 2


def test_a_table_that_is_there_keeps_its_views_and_gets_the_new_rows(shop: Project) -> None:
    write(shop, "a,b\n1,x\n2,y\n")
    assert shop.dvt("seed", "--select", "ours"), shop.messages()
    shop.run_sql("house", "create view seen as select * from ours")
    write(shop, "a,b\n3,z\n")
    assert shop.dvt("seed", "--select", "ours"), shop.messages()
    assert shop.rows("house", "select * from seen") == [(3, "z")]
    assert shop.run_results()["ours"]["message"] == "INSERT 1"
    write(shop, "a,c\n3,z\n")
    assert not shop.dvt("seed", "--select", "ours")
    assert "DVT107" in shop.run_results()["ours"]["message"]
    assert shop.rows("house", "select * from ours") == [(3, "z")]
    write(shop, "a,b\nx,z\n")
    assert not shop.dvt("seed", "--select", "ours")
    assert "DVT107" in shop.run_results()["ours"]["message"]
    shop.run_sql("house", "drop view seen")
    assert shop.dvt("seed", "--select", "ours", "--full-refresh"), shop.messages()
    assert shop.rows("house", "select * from ours") == [("x", "z")]
    assert shop.run_results()["ours"]["message"].endswith(" 1")
    assert [name for name, _ in shop.tables() if name.startswith("dvt_")] == []


def test_hooks_quoting_and_show_are_dbts(shop: Project) -> None:
    hooks = {"pre-hook": "create table earlier (a integer)", "post-hook": "insert into earlier values (7)"}
    schema = shop.quoted(shop.outputs["house"]["schema"])
    qualified = {key: sql.replace("earlier", f"{schema}.earlier") for key, sql in hooks.items()}
    write(shop, "Some Id,b\n1,2\n", {**qualified, "quote_columns": True})
    assert shop.dvt("seed", "--select", "ours", "--show"), shop.messages()
    assert shop.rows("house", f"select {shop.quoted('Some Id')} from ours") == [(1,)]
    assert shop.rows("house", "select a from earlier") == [(7,)]
    assert "Random sample of table" in shop.messages()


def test_a_column_type_for_no_column_is_a_warning(duck_shop: Project) -> None:
    write(duck_shop, "a\n1\n", column_types={"b": "text"})
    assert duck_shop.dvt("seed", "--select", "ours"), duck_shop.messages()
    assert "DVT010" in duck_shop.messages()
    assert "its columns are a" in duck_shop.messages()
