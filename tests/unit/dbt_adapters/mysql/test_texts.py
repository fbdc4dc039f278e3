"""Types, names, grantees, comments and indexes as the adapter writes them."""

from __future__ import annotations

import pytest

from dvt.dbt_adapters.mysql.column import MySQLColumn, cast_type, kind_of
from dvt.dbt_adapters.mysql.comments import comment_clauses
from dvt.dbt_adapters.mysql.grants import account, by_privilege, grantee
from dvt.dbt_adapters.mysql.indexes import index_clauses
from dvt.dbt_adapters.mysql.relation import MySQLRelation, shortened


@pytest.mark.parametrize(
    ("native", "kind", "cast"),
    [
        ("int(11)", "integer", "signed"),
        ("bigint(20) unsigned", "integer", "unsigned"),
        ("tinyint(1)", "integer", "signed"),
        ("decimal(65,30)", "decimal", "decimal(65,30)"),
        ("double precision", "double", "double"),
        ("varchar(20)", "text", "char(20)"),
        ("enum('a,b','c(1)')", "text", "char"),
        ("datetime(3)", "datetime", "datetime(3)"),
        ("timestamp", "datetime", "datetime(6)"),
        ("time", "time", "time(6)"),
        ("varbinary(9)", "bytes", "binary(9)"),
        ("json", "json", "char"),
        ("uuid", "text", "char"),
    ],
)
def test_a_native_type_has_a_kind_and_a_type_to_cast_to(native: str, kind: str, cast: str):
    assert kind_of(native) == kind
    assert cast_type(native) == cast


def test_json_is_a_type_where_the_server_has_one():
    assert cast_type("json", "json") == "json"


@pytest.mark.parametrize(
    ("native", "data_type"),
    [
        ("int(1)", "int"),
        ("bigint(20) unsigned", "bigint unsigned"),
        ("tinyint(1)", "tinyint(1)"),
        ("int(5) unsigned zerofill", "int(5) unsigned zerofill"),
        ("datetime(6) /* mariadb-5.3 */", "datetime(6)"),
        ("varchar(20)", "varchar(20)"),
        ("enum('1','20')", "enum('1','20')"),
    ],
)
def test_a_columns_type_is_as_shown_without_what_depends_on_data(native: str, data_type: str):
    assert MySQLColumn.from_row("c", native).data_type == data_type
    assert MySQLColumn.from_description("c", native).data_type == data_type


def test_a_text_column_expands_to_a_longer_one():
    short, long, text = (
        MySQLColumn.from_row("c", native) for native in ("varchar(5)", "varchar(9)", "longtext")
    )
    assert short.can_expand_to(long)
    assert long.can_expand_to(text)
    assert not text.can_expand_to(long)
    assert MySQLColumn.string_type(text.string_size()) == "longtext"


def test_a_name_that_is_too_long_keeps_its_suffix_and_stays_unique():
    first, second = shortened("a" * 63 + "1", "__dbt_tmp"), shortened("a" * 63 + "2", "__dbt_tmp")
    assert len(first) == len(second) == 64
    assert first != second
    assert first.endswith("__dbt_tmp")


def test_a_relation_is_quoted_exactly_and_without_a_database():
    relation = MySQLRelation.create(database="none", schema="a`b", identifier="c d", type="table")
    assert str(relation) == "`a``b`.`c d`"


@pytest.mark.parametrize(
    ("written", "canonical", "sql"),
    [
        ("reader", "reader", "'reader'"),
        ("'reader'@'%'", "reader", "'reader'"),
        ("reader@localhost", "reader@localhost", "'reader'@'localhost'"),
        ("`a b`@`10.0.%`", "a b@10.0.%", "'a b'@'10.0.%'"),
        ("'o''neil'@'%'", "o'neil", "'o''neil'"),
        ("'role'@''", "role", "'role'"),
    ],
)
def test_a_grantee_is_read_and_written_as_the_server_does(written: str, canonical: str, sql: str):
    assert grantee(written) == canonical
    assert account(canonical) == sql


def test_what_is_granted_is_spelled_as_the_config():
    assert by_privilege([("'a'@'%'", "SELECT"), ("'b'@'h'", "SELECT")]) == {"select": ["a", "b@h"]}


LATIN = "CHARACTER SET latin1 COLLATE latin1_swedish_ci"
BINARY = "CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
CREATED = f"""CREATE TABLE `t` (
  `id` int(11) NOT NULL COMMENT 'it''s old',
  `a``b` varchar(10) {LATIN} DEFAULT 'x, COMMENT ''y''',
  `j` longtext {BINARY} DEFAULT NULL CHECK (json_valid(`j`)),
  PRIMARY KEY (`id`)
) ENGINE=InnoDB"""


def test_a_comment_repeats_the_columns_definition():
    columns = {name: {"description": text} for name, text in (("ID", "new"), ("a`b", "it's"), ("j", "json"))}
    assert comment_clauses(CREATED, columns) == [
        "modify column `id` int(11) NOT NULL comment 'new'",
        f"modify column `a``b` varchar(10) {LATIN} DEFAULT 'x, COMMENT ''y''' comment 'it''s'",
        f"modify column `j` longtext {BINARY} DEFAULT NULL comment 'json' CHECK (json_valid(`j`))",
    ]


def test_a_comment_that_is_there_already_changes_nothing():
    assert comment_clauses(CREATED, {"id": {"description": "it's old"}}) == []


def test_an_index_config_becomes_a_clause():
    indexes = [
        {"columns": ["a", "b"], "unique": True, "lengths": {"b": 7}, "name": "i"},
        {"columns": ["c"], "type": "fulltext", "name": "f"},
        {"columns": ["d"], "type": "hash", "name": "h"},
    ]
    assert index_clauses(indexes) == [
        "add unique index `i` (`a`, `b`(7))",
        "add fulltext index `f` (`c`)",
        "add index `h` (`d`) using hash",
    ]
