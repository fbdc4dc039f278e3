"""Files that readers are known to get wrong in silence: each is read exactly, or is one clear error.

`EXACT` cases are compared with Python's csv and json modules and with pyarrow; the others name the error.
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

EXACT = ""
"""What a case expects that is read exactly; other cases expect a pattern of the error's message."""
LATE = 300
"""Number of rows before an odd value."""
SAMPLE = {"sample_size": 100}
"""Option by which the odd value is in no sample."""


@dataclass(frozen=True)
class Case:
    """A table's files, the options of its output, and what is expected."""

    name: str
    files: Mapping[str, bytes]
    expected: str = EXACT
    options: Mapping[str, Any] = field(default_factory=dict)
    skipped: frozenset[str] = frozenset()
    """Files that are no data."""

    @property
    def format(self) -> str:
        """The output's format."""
        names = " ".join(self.files)
        return "csv" if ".csv" in names or ".tsv" in names else "json" if ".json" in names else "parquet"


def _csv(name: str, text: str | bytes, expected: str = EXACT, **options: Any) -> Case:
    content = text.encode() if isinstance(text, str) else text
    return Case(name, {"t.csv": content}, expected, options)


def _late(name: str, values: str, odd: str, expected: str = EXACT, **options: Any) -> Case:
    text = "k,v\n" + "".join(f"{i},{values}\n" for i in range(LATE)) + f"{LATE},{odd}\n"
    return _csv(name, text, expected, **SAMPLE | options)


def _json(name: str, *records: str, expected: str = EXACT, **options: Any) -> Case:
    return Case(name, {"t.json": "\n".join(records).encode() + b"\n"}, expected, options)


def _late_json(name: str, value: str, odd: str, expected: str = EXACT) -> Case:
    lines = [f'{{"k":{i},"v":{value}}}' for i in range(LATE)]
    return _json(name, *lines, f'{{"k":{LATE},"v":{odd}}}', expected=expected, **SAMPLE)


def _parquet(*columns: tuple[str, list[Any], Any]) -> bytes:
    schema = pa.schema([(name, type_) for name, _, type_ in columns])
    arrays = [pa.array(values, type_) for _, values, type_ in columns]
    sink = io.BytesIO()
    pq.write_table(pa.table(arrays, schema=schema), sink)
    return sink.getvalue()


def _files(name: str, *files: bytes, expected: str = EXACT, suffix: str = "parquet", **options: Any) -> Case:
    return Case(name, {f"t/{n}.{suffix}": content for n, content in enumerate(files)}, expected, options)


_LINE = rf"t\.csv, line {LATE + 2}, column v: "
_JSON_LINE = rf"t\.json, line {LATE + 1}, column v: "
_INT, _TEXT, _DOUBLE = pa.int64(), pa.string(), pa.float64()
_STRUCT = pa.struct([("a", _INT)])

CSV = [
    _late("a fraction late in a column of whole numbers", "10", "5.75"),
    _late("a leading zero late in a column of numbers", "100", "007", _LINE + "'007' is no BIGINT"),
    _late("a time late in a column of dates", "2024-01-01", "2024-01-02 23:30:00"),
    _late("a text late in a column of numbers", "1", "n/a", _LINE + "'n/a'"),
    _late("a number late in a column of booleans", "true", "5", _LINE + "'5' is no BOOLEAN"),
    _late("a number past 64 bits late", "1", "12345678901234567890"),
    _late("a number past 38 digits late", "1", "9" * 45, _LINE),
    _late("an exponent late in a column of whole numbers", "1", "1e3"),
    _late("a zone late in a column of timestamps", "2024-01-01 10:00:00", "2024-01-01T10:00:00+02:00", _LINE),
    _late(
        "nanoseconds late in a column of timestamps",
        "2024-01-01 10:00:00",
        "2024-01-01 10:00:00.123456789",
        _LINE,
    ),
    _late("a first quote late", "x", '"a,b ""c"""'),
    _late("a first line break in quotes late", "x", '"a\nb"'),
    _late("another day-month order late", "2024-01-01", "31/12/2024", _LINE),
    _late("a third field late", "x", "y,z", rf"t\.csv, line {LATE + 2}: .*2 Found: 3"),
    _late("a quote that is never closed", "x", '"y', rf"t\.csv, line {LATE + 2}: .*[Qq]uote"),
    _late(
        "a given type that a late value does not fit",
        "1",
        "2.5",
        _LINE + "'2.5' is no INTEGER",
        types={"v": "INTEGER"},
    ),
    _late(
        "a given type by another name of it",
        "1",
        "2.5",
        _LINE + "'2.5' is no INTEGER",
        types={"V": "int4"},
    ),
    _late(
        "a given date that a late time does not fit",
        "2024-01-01",
        "2024-01-01 00:00:01",
        _LINE,
        types={"v": "DATE"},
    ),
    _late("a text in a column that all rows decide", "1", "n/a", sample_size=-1),
    _csv(
        "a row that is wider from row 101 on",
        "a,b\n" + "1,x\n" * 100 + "2,y,z\n" * 900,
        r"line 102: .*2 Found: 3",
    ),
    _csv("one column, and a semicolon in a value", "note\ncall back\nbread; milk\n"),
    _csv("one column, and a comma in a value", "note\ncall back\nbread, milk\n", r"line 3: .*1 Found: 2"),
    _csv("a short row", "a,b,c\n1,2,3\n4,5\n", r"line 3: .*3 Found: 2"),
    _csv(
        "a short row after line breaks in quotes",
        'a,b\n1,"x\ny"\n\n2,y\n3\n',
        r"t\.csv, line 6: .*2 Found: 1",
    ),
    _csv("a short row below a title", "Sales\n" + 'a,b\n1,"x\ny"\n3\n', r"t\.csv, line 5: ", skip=1),
    _csv(
        "a value after line breaks in quotes",
        'a,b\n1,"x\ny"\n\n2.5,y\n',
        r"t\.csv, line 5, column a",
        types={"a": "INTEGER"},
    ),
    _csv("a header that is narrower than the rows", "id,side\n1,sell,0\n2,sell,0\n", r"line 2: .*2 Found: 3"),
    _csv("a title above the header", "Sales\nid,name\n1,x\n2,y\n", r"line 1 is one field"),
    _csv("a title above the header that skip names", "Sales\nid,name\n1,x\n2,y\n", skip=1),
    _csv("no header", "1,2\n3,4\n", r"line 1 may be a header or a row"),
    _csv("no header, as an option says", "1,2\n3,4\n", header=False),
    _csv("numbers as names", "2023,2024\n1,2\n", r"`header: true`"),
    _csv("numbers as names, as an option says", "2023,2024\n1,2\n", header=True),
    _csv("a header of which one name is empty", ",name\n0,Ann\n1,Bob\n"),
    _csv("texts only", "name,city\nAnn,Oslo\nBob,Rome\n"),
    _csv("a line break in the header", '"a\nb",c\n1,x\n'),
    _csv("a header alone", "a,b\n"),
    _csv("zip codes and telephone numbers", "zip,tel\n00501,+4712345678\n90210,+4787654321\n"),
    _csv("decimals that a DOUBLE cannot hold", "a\n12345678901234567.89\n0.1\n"),
    _csv("floating point as programs print it", "a\n0.30000000000000004\n1e-05\n2.5\n"),
    _csv("NaN and infinities among numbers", "a\n1.5\nNaN\n-inf\n"),
    _csv(
        "an exponent beside more digits than a DOUBLE has",
        "a\n1e-5\n12345678901234567.89\n",
        r"t\.csv, line 3, column a: '12345678901234567.89' is no DOUBLE",
    ),
    _csv("nan as a name", "name\nnan\ninf\n"),
    _csv("dates of which nobody knows the order", "d\n01/02/2024\n03/04/2024\n"),
    _csv("a date that no calendar has", "d\n2024-02-30\n2024-02-29\n"),
    _csv("digits with underscores and hexadecimals", "a,b\n1_000,0x10\n2_000,0x20\n"),
    _csv("letters that DuckDB takes for booleans", "a\nt\nf\nt\n"),
    _csv("blanks around values", "a,b\n 1, x \n2,y\n"),
    _csv("lines that end in two ways", b"id,name\r\n1,Ann\n2,Bob\r\n", r"new_line.*encoding"),
    _csv("lines that end by CR alone", b"id,name\r1,Ann\r2,Bob\r"),
    _csv("line breaks in quotes that are not the file's", b'id,name\r\n1,"a\nb"\r\n2,"c"\r\n'),
    _csv("new_line that is not the file's", b"id,name\n1,Ann\n", r"`new_line`", new_line="\\r\\n"),
    _csv("lines that begin with #", "id,name\n#1,x\n#2,y\n"),
    _csv("quotes of another kind", "id,name\n1,'a'\n2,it's\n"),
    _csv("a quote within a value", 'id,size\n1,5" pipe\n2,6"\n'),
    _csv("escapes by a backslash", 'id,name\n1,"a \\"b\\""\n', r"line 2: .*`escape`"),
    _csv("escapes by a backslash, as an option says", 'id,name\n1,"a \\"b\\""\n', escape="\\"),
    _csv("two delimiters that both fit", "a;b,c\n1;2,3\n", r"cut at ',' and at ';'"),
    _csv("two delimiters of which one fits", "id,a|b\n1,x\n2,y\n"),
    _csv("another delimiter, and commas in values", "id;price\n1;1,5\n2;2,5\n", delim=";"),
    _csv("letters of Latin-1", "id,name\n1,café\n".encode("latin-1"), r"line 2: .*unicode"),
    _csv("letters of Latin-1, as an option says", "id,name\n1,café\n".encode("latin-1"), encoding="latin-1"),
    _csv("a byte order mark", b"\xef\xbb\xbfid,name\n1,x\n"),
    _csv(
        "a line that is longer than the reader's limit",
        "id,v\n1," + "x" * 3_000_000 + "\n",
        r"`max_line_size`",
    ),
    _csv("an empty file", "", r"empty"),
    _csv("blank lines between rows", "a,b\n1,2\n\n3,4\n"),
    _files("files whose columns have another order", b"a,b\n1,x\n", b"b,a\ny,2\n", suffix="csv"),
    _files(
        "a file with one more column", b"a\n1\n", b"a,b\n2,x\n", suffix="csv", expected=r"1\.csv: .*0\.csv"
    ),
    _files("a file with one more column, united", b"a\n1\n", b"a,b\n2,x\n", suffix="csv", union_by_name=True),
    _files("a file without rows", b"a,b\n1,x\n", b"a,b\n", suffix="csv"),
    _files("a file of 0 bytes among others", b"a,b\n1,x\n", b"", suffix="csv"),
    _files("whole numbers, then fractions in the next file", b"a\n1\n2\n", b"a\n2.5\n", suffix="csv"),
    _files("numbers, then texts in the next file", b"a\n1\n2\n", b"a\nx\n", suffix="csv"),
    _files(
        "many numbers, then texts in the next file",
        b"a\n" + b"1\n" * LATE,
        b"a\nx\n",
        suffix="csv",
        expected=r"1\.csv, line 2, column a: 'x' is no BIGINT, as which .*0\.csv",
        **SAMPLE,
    ),
    Case(
        "a compressed file beside others",
        {"t/0.csv": b"a\n1\n", "t/1.csv.gz": gzip.compress(b"a\n2\n"), "t/2.CSV": b"a\n3\n"},
    ),
    Case(
        "a file and its compressed copy",
        {"t/0.csv": b"a\n1\n", "t/0.csv.gz": gzip.compress(b"a\n1\n")},
        r"same name",
    ),
    Case(
        "hidden files and folders",
        {"t/0.csv": b"a\n1\n", "t/._0.csv": b"\0\1", "t/_tmp/1.csv": b"b\nx\n", "t/.git/2.csv": b"a\n2\n"},
        skipped=frozenset({"t/._0.csv", "t/_tmp/1.csv", "t/.git/2.csv"}),
    ),
]

JSON = [
    _late_json("a fraction late", "10", "5.75"),
    _late_json("a number late in a column of booleans", "true", "5", _JSON_LINE + "'5' is no BOOLEAN"),
    _late_json("a boolean late in a column of numbers", "7", "true", _JSON_LINE + "'true' is no BIGINT"),
    _late_json("a text late in a column of numbers", "7", '"x"', _JSON_LINE),
    _late_json("an object late in a column of numbers", "7", '{"a":1}', _JSON_LINE),
    _late_json("a number late in a column of texts", '"x"', "5", _JSON_LINE),
    _late_json("a time late in a column of dates", '"2024-01-01"', '"2024-01-02 23:30:00"'),
    _late_json("a field late in an object", '{"a":1}', '{"a":2,"b":0.5}'),
    _late_json("a fraction late in an object", '{"a":1}', '{"a":2.5}'),
    _json("a key that comes late", *['{"k":1}'] * LATE, '{"k":2,"b":3}', **SAMPLE),
    _json("whole numbers past 64 bits", '{"a":1}', '{"a":12345678901234567890123}'),
    _json(
        "whole numbers past 38 digits",
        '{"a":1}',
        f'{{"a":{"9" * 45}}}',
        expected=r"t\.json, line 2, column a",
    ),
    _json("whole numbers past 2^53 beside fractions", '{"a":9007199254740993}', '{"a":0.5}'),
    _json("the same in an object", '{"o":{"a":9007199254740993}}', '{"o":{"a":0.5}}', expected=r"column o"),
    _json(
        "more digits than a DOUBLE has",
        '{"a":0.12345678901234567890123}',
        expected=r"column a: .*more digits",
    ),
    _json(
        "more digits than a DOUBLE has, in an array",
        '{"a":[1.5,0.12345678901234567890123]}',
        expected=r"column a: .*more",
    ),
    _json("an exponent after more digits than a DOUBLE has", '{"a":9007199254740993e1}', expected="column a"),
    _json("long numbers within texts", '{"a":"0.12345678901234567890123","b":0.5}'),
    _json("texts of digits", '{"zip":"00501"}', '{"zip":"90210"}'),
    _json(
        "texts of moments with zones", '{"at":"2024-01-01T10:00:00+02:00"}', '{"at":"2024-01-01T10:00:00Z"}'
    ),
    _json("a key twice", '{"a":1,"a":2}', expected=r"duplicate"),
    _json("a record that is no object", '{"a":1}', "5", expected=r"some of its records"),
    _json("a line that is cut off", *['{"a":1}'] * LATE, '{"a":', expected=rf"t\.json, line {LATE + 2}"),
    _json("letters of Latin-1", '{"a":"x"}', expected=EXACT),
    _json("records over several lines", '{"a":1,\n "b":"x"}', '{"a":2,\n "b":"y"}'),
    Case("an array of records", {"t.json": b'[{"a":1,"b":"x"},\n {"a":2.5}]'}),
    Case("an empty array", {"t.json": b"[]"}, r"no records"),
    _files("a file with one more key", b'{"a":1}\n', b'{"a":2,"b":0.5}\n', suffix="json"),
    Case(
        "a key in the fortieth file only",
        {f"t/{n:02}.json": b'{"a":1}' for n in range(40)} | {"t/40.json": b'{"a":1,"z":2}'},
    ),
]

PARQUET = [
    _files("INTEGER, then DOUBLE", _parquet(("a", [5], pa.int32())), _parquet(("a", [5.75], _DOUBLE))),
    _files(
        "small and large decimals",
        _parquet(("a", [Decimal("1.5")], pa.decimal128(9, 1))),
        _parquet(("a", [Decimal("2.25")], pa.decimal128(9, 2))),
    ),
    _files(
        "DATE, then TIMESTAMP", _parquet(("a", [0], pa.date32())), _parquet(("a", [1], pa.timestamp("us")))
    ),
    _files(
        "BIGINT up to 2^53, then DOUBLE",
        _parquet(("a", [2**53, None], _INT)),
        _parquet(("a", [0.5], _DOUBLE)),
    ),
    _files(
        "microseconds, then nanoseconds",
        _parquet(("a", [1], pa.timestamp("us"))),
        _parquet(("a", [1000], pa.timestamp("ns"))),
    ),
    _files(
        "BIGINT past 2^53, then DOUBLE",
        _parquet(("a", [2**53 + 1], _INT)),
        _parquet(("a", [0.5], _DOUBLE)),
        expected=r"1\.parquet: column a .*0\.parquet",
    ),
    _files("UBIGINT, then BIGINT", _parquet(("a", [2**64 - 1], pa.uint64())), _parquet(("a", [-1], _INT))),
    _files(
        "whole numbers, then texts",
        _parquet(("a", [1], _INT)),
        _parquet(("a", ["x"], _TEXT)),
        expected=r"1\.parquet: column a .*0\.parquet",
    ),
    _files(
        "a column that the first file lacks",
        _parquet(("a", [1], _INT)),
        _parquet(("a", [2], _INT), ("b", ["x"], _TEXT)),
        expected=r"1\.parquet: .*column b.*0\.parquet",
    ),
    _files(
        "a column that the first file lacks, united",
        _parquet(("a", [1], _INT)),
        _parquet(("a", [2], _INT), ("b", ["x"], _TEXT)),
        union_by_name=True,
    ),
    _files(
        "a column that the second file lacks",
        _parquet(("a", [2], _INT), ("b", ["x"], _TEXT)),
        _parquet(("a", [1], _INT)),
        expected=r"1\.parquet: .*no column b",
    ),
    _files(
        "a field that the first file lacks",
        _parquet(("s", [{"a": 1}], _STRUCT)),
        _parquet(("s", [{"a": 2, "b": "x"}], pa.struct([("a", _INT), ("b", _TEXT)]))),
        expected=r"column s.*union_by_name|union_by_name",
    ),
    _files(
        "a field that the first file lacks, united",
        _parquet(("s", [{"a": 1}], _STRUCT)),
        _parquet(("s", [{"a": 2, "b": "x"}], pa.struct([("a", _INT), ("b", _TEXT)]))),
        union_by_name=True,
    ),
    _files(
        "a wider field",
        _parquet(("s", [{"a": 1}], pa.struct([("a", pa.int16())]))),
        _parquet(("s", [{"a": 2**40}], _STRUCT)),
    ),
    _files(
        "a wider element",
        _parquet(("l", [[1]], pa.list_(pa.int16()))),
        _parquet(("l", [[2**40]], pa.list_(_INT))),
    ),
    _files(
        "columns in another order",
        _parquet(("a", [1], _INT), ("b", [2], _INT)),
        _parquet(("b", [4], _INT), ("a", [3], _INT)),
    ),
    _files("a column without values", _parquet(("a", [None], pa.null())), _parquet(("a", ["x"], _TEXT))),
    Case(
        "a decimal of 50 digits",
        {"t.parquet": _parquet(("a", [Decimal("1" * 44 + ".5")], pa.decimal256(50, 2)))},
        r"column a: .*DECIMAL\(50,2\)",
    ),
    Case(
        "a decimal of 50 digits without a value", {"t.parquet": _parquet(("a", [None], pa.decimal256(50, 2)))}
    ),
    Case(
        "a decimal of 50 digits in an object",
        {"t.parquet": _parquet(("s", [{"a": Decimal(1)}], pa.struct([("a", pa.decimal256(50, 2))])))},
        r"column s",
    ),
    Case("an empty file", {"t.parquet": b""}, r"t\.parquet cannot be read"),
    Case(
        "an empty file beside others",
        {"t/0.parquet": _parquet(("a", [1], _INT)), "t/1.parquet": b""},
        r"1\.parquet cannot be read",
    ),
    Case(
        "a file without rows beside others",
        {"t/0.parquet": _parquet(("a", [], _INT)), "t/1.parquet": _parquet(("a", [1], _INT))},
    ),
    Case(
        "hidden copies",
        {
            "t/0.parquet": _parquet(("a", [1], _INT)),
            "t/.0.parquet": _parquet(("a", [1], _INT)),
            "t/_temporary/0.parquet": b"x",
        },
        skipped=frozenset({"t/.0.parquet", "t/_temporary/0.parquet"}),
    ),
]

HOSTILE = [*CSV, *JSON, *PARQUET]
