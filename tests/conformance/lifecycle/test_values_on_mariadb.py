"""Every value of a table of MariaDB comes back bit by bit, or its row stays."""

from __future__ import annotations

import re
from contextlib import closing

import pytest

from dvt.core.retention import CleanupType, Result, RunStatus
from dvt.lifecycle.restore import Wanted
from tests.conformance.lifecycle.foreign_tables import Tables, ago, due, opened, told

pytestmark = pytest.mark.slow

MANUAL = CleanupType.MANUAL
KEYS = {"table": "a", "time": "at"}
EVERYTHING = Wanted(patterns=("*",))


@pytest.fixture
def tables(mariadb_database) -> Tables:
    return mariadb_database


def there_and_back(folder, tables, keys=KEYS):
    """Delete all rows of a table that are old, and put them back; return how many items that were."""
    with opened(folder, tables, {"mine": keys}, mine={"days": 30}) as system:
        plan = system.plan()
        record = system.run(plan, MANUAL)
        assert record.status is RunStatus.COMPLETED, (told(system, record), plan.head.problems)
        assert tables.execute(f"SELECT * FROM {keys['table']}") == []
        outcomes = list(system.restore(EVERYTHING))
        assert {of.result for of in outcomes} == {Result.RESTORED}, outcomes
        return len(due(plan))


_TYPES = {
    "TINYINT": ("-128", "127", "0"),
    "TINYINT UNSIGNED": ("255", "0"),
    "SMALLINT": ("-32768",),
    "MEDIUMINT UNSIGNED": ("16777215",),
    "INT(7) ZEROFILL": ("42", "4294967295"),
    "BIGINT": ("-9223372036854775808", "9223372036854775807", "9007199254740993"),
    "BIGINT UNSIGNED": ("18446744073709551615",),
    "DECIMAL(65,30)": ("'-" + "9" * 35 + "." + "9" * 30 + "'", "'0." + "0" * 29 + "1'"),
    "DECIMAL(65,0) UNSIGNED": ("'" + "9" * 65 + "'",),
    "FLOAT": ("0.1", "16777217", "3.4028234e38", "'1.401298464324817e-45'", "1234567.8", "-0e0"),
    "FLOAT(7,3)": ("1234.567",),
    "DOUBLE": ("0.1e0 + 0.2e0", "1.7976931348623157e308", "5e-324", "123456789012345680", "-0e0"),
    "DOUBLE(10,3)": ("1234567.891",),
    "BIT(1)": ("b'1'", "b'0'"),
    "BIT(64)": ("18446744073709551615", "0"),
    "YEAR": ("1901", "2155", "'0000'"),
    "DATE": ("'0000-00-00'", "'2024-00-10'", "'2024-02-31'", "'9999-12-31'", "'0001-01-01'"),
    "DATETIME": ("'0000-00-00 00:00:00'", "'2024-03-31 02:30:00'"),
    "DATETIME(6)": ("'9999-12-31 23:59:59.999999'", "'2024-00-00 10:00:00.000001'"),
    "TIMESTAMP NULL": ("'0000-00-00 00:00:00'", "'1970-01-01 00:00:01'"),
    "TIMESTAMP(6) NULL": ("'2038-01-19 03:14:07.999999'", "'2024-10-27 01:30:00.000001'"),
    "TIME": ("'-838:59:59'", "'838:59:59'"),
    "TIME(6)": ("'-00:00:00.000001'", "'838:59:59.999999'"),
    "CHAR(5)": ("'ab'", "''", "'  a'"),
    "VARCHAR(99)": (
        "''",
        "'ab  '",
        "X'00'",
        "X'003F'",
        "'%s %% :x \\\\ \\' \" ` \\n\\r\\Z\\0 end'",
        "'ü€😀'",
        "X'E280A8'",
    ),
    "VARCHAR(99) CHARACTER SET latin1": ("'ü€ÿ'", "_latin1 X'818D8F909D00FF'", "_latin1 X'80'"),
    "VARCHAR(99) CHARACTER SET ascii COLLATE ascii_bin": ("'a'", "X'7F00'"),
    "VARCHAR(99) CHARACTER SET utf8mb3 COLLATE utf8mb3_bin": ("'é\\0'",),
    "VARCHAR(99) CHARACTER SET cp932": ("_cp932 X'8790FA5481E0879081CA'", "_cp932 X'FA4AED40EEEF'", "'表'"),
    "VARCHAR(99) CHARACTER SET sjis": ("_sjis X'5C7E815F'",),
    "VARCHAR(99) CHARACTER SET gbk": ("_gbk X'A1A4A844'",),
    "VARCHAR(99) CHARACTER SET big5": ("_big5 X'A1C3A2CCA451'",),
    "VARCHAR(99) CHARACTER SET ucs2": ("_ucs2 X'D83D0041'", "'Ж'"),
    "VARCHAR(99) CHARACTER SET utf16": ("'😀'",),
    "VARCHAR(99) CHARACTER SET utf32": ("'😀'",),
    "VARCHAR(99) CHARACTER SET koi8r": ("_koi8r X'80FF'",),
    "TINYTEXT": ("''",),
    "MEDIUMTEXT": ("REPEAT('ü\\'\\\\', 200000)",),
    "LONGTEXT CHARACTER SET latin1": ("REPEAT('é', 300000)",),
    "ENUM('a','B b','')": ("'a'", "''", "0"),
    "ENUM('x','ü,')": ("'ü,'", "'nonsense'"),
    "SET('a','b','c')": ("'a,c'", "''"),
    "SET('','b')": ("''", "1", "3"),
    "BINARY(4)": ("X'00FF27'", "X'00'"),
    "VARBINARY(60000)": ("X'00FF5C27E9'", "''", "REPEAT(X'00', 60000)"),
    "TINYBLOB": ("X'80'",),
    "LONGBLOB": ("''", "REPEAT(X'00275CFF', 300000)"),
    "JSON": ('\'{"a": [1.50, "é", null], "a":  2}\'', "'null'"),
    "UUID": ("'123E4567-e89b-12d3-a456-426655440000'",),
    "INET6": ("'2001:db8::1'", "'::ffff:192.0.2.1'"),
    "INET4": ("'192.0.2.1'",),
    "GEOMETRY": (
        "ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 -2.5),LINESTRING(0 0,1 1))', 4326)",
        "POINT(1e308, -0e0)",
    ),
    "POLYGON": ("ST_GeomFromText('POLYGON((0 0,1 0,1 1,0 0))')",),
}


_NUMBERS = re.compile(r".*int|decimal|float|double|bit|enum|set|year")


def dump(tables, table="a"):
    """Return all that can be seen of values: their bytes, and their numbers."""
    seen = []
    for column, type_, *_ in tables.execute(f"SHOW COLUMNS FROM {table}"):
        number = f'CAST("{column}" * 1e0 AS CHAR), ' if _NUMBERS.match(type_) else ""
        stored = f'CAST("{column}" AS BINARY)'
        bytes_ = f'IF(LENGTH({stored}) < 99, HEX({stored}), MD5({stored})), LENGTH("{column}")'
        rows = tables.execute(f"SELECT id, {number}{bytes_} FROM {table} ORDER BY id")
        seen.append((column, type_, rows))
    return seen


def test_every_value_of_every_type_comes_back_bit_by_bit(tables, tmp_path):
    columns = ", ".join(f"c{number} {type_}" for number, type_ in enumerate(_TYPES))
    tables.make(
        f"CREATE TABLE a (id INT PRIMARY KEY AUTO_INCREMENT, at TIMESTAMP, {columns}) ROW_FORMAT=DYNAMIC"
    )
    with closing(tables.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SET SESSION sql_mode = 'ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO'")
        cursor.execute("INSERT INTO a (id, at) VALUES (0, '2020-01-01')")
        identity = 0
        for number, values in enumerate(_TYPES.values()):
            for value in values:
                identity += 1
                cursor.execute(
                    f"INSERT INTO a (id, at, c{number}) VALUES ({identity}, '2020-01-01', {value})"
                )
        connection.commit()
    before = dump(tables)
    assert there_and_back(tmp_path / "shop", tables) == identity + 1
    for was, now in zip(before, dump(tables), strict=True):
        assert now == was


def test_a_row_that_could_not_be_put_back_stays(mariadb, tables, tmp_path):
    """One statement is one packet: quotes in a value double, and what is too long cannot be inserted."""
    tables.make("CREATE TABLE a (id INT PRIMARY KEY, at DATE, b LONGBLOB, v LONGTEXT CHARACTER SET utf16)")
    limit = 1 << 20
    for number, size in ((1, limit * 2 // 3), (2, 10)):
        tables.execute(f"INSERT INTO a (id, at, b) VALUES ({number}, '2020-01-01', REPEAT('''', {size}))")
    ((before,),) = mariadb.execute("SELECT @@max_allowed_packet")
    mariadb.execute(f"SET GLOBAL max_allowed_packet = {limit}")
    try:
        with opened(tmp_path / "shop", tables, {"mine": KEYS}, mine={"days": 30}) as system:
            record = system.run(system.plan(), MANUAL)
            assert (
                told(system, record)["1"] == "a row of a is too long to be put back: see max_allowed_packet"
            )
            assert tables.ids("a") == [1]
            assert [of.result for of in system.restore(EVERYTHING)] == [Result.RESTORED]
    finally:
        mariadb.execute(f"SET GLOBAL max_allowed_packet = {before}")
    assert tables.ids("a") == [1, 2]


def test_a_value_that_is_not_read_whole_is_not_taken_for_none(mariadb, tables, tmp_path):
    """A function of the server gives NULL where its result is longer than a packet."""
    tables.make("CREATE TABLE a (id INT PRIMARY KEY, at DATE, g GEOMETRY)")
    points = ",".join(f"{number} {number}" for number in range(40_000))
    tables.execute(f"INSERT INTO a VALUES (1, '2020-01-01', ST_GeomFromText('LINESTRING({points})'))")
    ((before,),) = mariadb.execute("SELECT @@max_allowed_packet")
    mariadb.execute(f"SET GLOBAL max_allowed_packet = {1 << 20}")
    try:
        with opened(tmp_path / "shop", tables, {"mine": KEYS}, mine={"days": 30}) as system:
            record = system.run(system.plan(), MANUAL)
            assert told(system, record)["1"].startswith("a value of a cannot be read whole")
    finally:
        mariadb.execute(f"SET GLOBAL max_allowed_packet = {before}")
    assert tables.ids("a") == [1]


def test_keys_that_a_collation_holds_to_be_equal_are_items_of_their_own(tables, tmp_path):
    tables.make("CREATE TABLE a (id INT PRIMARY KEY, at DATE, k VARCHAR(9), KEY (k))")
    for number, key in enumerate(("a", "A", "a ", "á", "a", "A")):
        tables.insert("a", number, "2020-01-01", key)
    tables.insert("a", 9, ago(0)[:10], "A")
    before = dump(tables)
    keys = {**KEYS, "key": "k"}
    with opened(tmp_path / "shop", tables, {"mine": keys}, mine={"days": 30}) as system:
        plan = system.plan()
        assert due(plan) == ["%C3%A1", "a", "a%20"]
        assert system.run(plan, MANUAL).status is RunStatus.COMPLETED
        assert tables.ids("a") == [1, 5, 9]
        assert {of.result for of in system.restore(EVERYTHING)} == {Result.RESTORED}
    assert dump(tables) == before


def test_keys_of_bytes_and_numbers_are_found_again(tables, tmp_path):
    tables.make(
        "CREATE TABLE a (b BINARY(4), u BIGINT UNSIGNED, d DATETIME(6), e ENUM('x','y'), at DATE, "
        "g INT AS (MONTH(at)) STORED, h INT AS (DAY(at)) VIRTUAL, i INT INVISIBLE DEFAULT 7, "
        '"o`dd %s :n {x} \\" INT DEFAULT 8, '
        "PRIMARY KEY (b, u, d, e))"
    )
    for value in ("X'00FF2C2F', 18446744073709551615", "X'00000000', 9007199254740993"):
        tables.execute(
            f"INSERT INTO a (b, u, d, e, at) VALUES ({value}, '2020-01-01 00:00:00.5', 'y', '2020-02-03')"
        )
    tables.execute("UPDATE a SET i = u MOD 1000")
    texts = 'SELECT HEX(b), u, d, e, at, g, h, i, "o`dd %s :n {x} \\" FROM a ORDER BY b'
    before = tables.execute(texts)
    assert there_and_back(tmp_path / "shop", tables) == 2
    keys = {**KEYS, "where": "HEX(b) LIKE '00%' AND e = 'y' AND '12:30' <> \"b:c\""}
    assert there_and_back(tmp_path / "shop2", tables, keys) == 2
    assert tables.execute(texts) == before


def test_what_another_makes_of_a_row_that_is_put_back_is_told(tables, tmp_path):
    tables.make("CREATE TABLE a (id INT PRIMARY KEY, at DATE, n INT)")
    tables.execute("INSERT INTO a VALUES (1, '2020-01-01', 5)")
    with opened(tmp_path / "shop", tables, {"mine": KEYS}, mine={"days": 30}) as system:
        system.run(system.plan(), MANUAL)
        tables.execute("CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW SET NEW.n = NEW.n + 1")
        (outcome,) = system.restore(EVERYTHING)
        assert (outcome.result, outcome.detail) == (Result.FAILED, "a does not take n as they were")
        assert tables.execute("SELECT * FROM a") == []
        tables.execute("DROP TRIGGER t")
        assert [of.result for of in system.restore(EVERYTHING)] == [Result.RESTORED]
    assert tables.execute("SELECT n FROM a") == [(5,)]


def test_a_timestamp_is_a_moment_and_a_datetime_may_be_of_any_zone(tables, tmp_path):
    """The zone of the server is another one than UTC."""
    for table, type_ in (("a", "TIMESTAMP(6)"), ("b", "DATETIME(6)")):
        tables.make(f"CREATE TABLE {table} (id INT PRIMARY KEY, at {type_})")
        for number, hours in ((1, -1), (2, 1), (3, 11), (4, 13)):
            tables.insert(table, number, ago(30 + hours / 24))
    sql = {"mine": KEYS, "other": {**KEYS, "table": "b"}}
    with opened(tmp_path / "shop", tables, sql, mine={"days": 30}, other={"days": 30}) as system:
        assert due(system.plan(data_types=["mine"])) == ["2", "3", "4"]
        assert due(system.plan(data_types=["other"])) == ["4"]


def test_a_year_lasts_until_its_end(tables, tmp_path):
    tables.make("CREATE TABLE a (id INT PRIMARY KEY, at YEAR)")
    this_year = int(ago(0)[:4])
    for number, year in ((1, this_year), (2, this_year - 2), (3, 0)):
        tables.insert("a", number, year)
    with opened(tmp_path / "shop", tables, {"mine": KEYS}, mine={"days": 366}) as system:
        assert due(system.plan()) == ["2"]
