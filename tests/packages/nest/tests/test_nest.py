"""The connector of `nest` keeps every connector's promises."""

from contextlib import closing

import pytest

from dvt.drivers.duckdb import FILES
from dvt.testing.databases import LoadCase, ReadCase, TargetDatabase
from dvt.testing.suites import ConnectorSuite, LoadingSuite


class NestFile(TargetDatabase):
    """A database file of the tests' own."""

    name = "nest"
    schema = "main"

    def __init__(self, path):
        self.path = str(path)

    def settings(self, **more):
        return {"type": "nest", "path": self.path, **more}

    def execute(self, *statements):
        with closing(FILES.connect(self.path)) as cursor:
            for statement in statements:
                cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def fill(self, ref, rows):
        table = f"SELECT n, repeat(md5(n::VARCHAR), 3) AS word FROM range(1, {rows} + 1) r(n)"
        self.execute(f"CREATE OR REPLACE TABLE {self.quoted(ref)} AS {table}")

    def sleeping(self, seconds):
        return f"(SELECT count(*)::INTEGER FROM range({seconds * 500_000_000}) r(i) WHERE hash(i) = 0)"

    def type_of(self, ref, column):
        types = {row[0]: row[1] for row in self.execute(f"DESCRIBE {self.quoted(ref)}")}
        return types[column]

    def as_text(self, ref):
        return self.execute(f"SELECT CAST(COLUMNS(*) AS VARCHAR) FROM {self.quoted(ref)}")


class TestNest(ConnectorSuite, LoadingSuite):
    read_cases = (
        ReadCase("DECIMAL(10,2)", "1.25", "DECIMAL(10,2)", "1.25"),
        ReadCase("UNION(n INTEGER, s VARCHAR)", "'x'", "VARCHAR", "x", loses=True),
    )
    load_cases = (LoadCase("DECIMAL(10,2)", "1.25", "DECIMAL(10,2)", "1.25"),)
    never = {"test_a_text_too_long_for_its_column_is_refused_and_not_cut": "to it varchar(3) is varchar"}

    @pytest.fixture
    def database(self, tmp_path):
        file = NestFile(tmp_path / "nest.duckdb")
        file.execute()  # makes the file
        yield file
        FILES.close(file.path)

    def test_a_view_is_read(self, bench):
        bench.database.execute("CREATE OR REPLACE VIEW answers AS SELECT 42 AS n")
        assert bench.rows(bench.read_table(bench.database.table("answers"))) == [("42",)]
