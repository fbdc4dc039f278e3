"""The connector of `lines` keeps every promise that a folder of text files can keep."""

import duckdb
import pytest

from dvt.core.errors import TableNotFound
from dvt.testing.databases import Database
from dvt.testing.suites import ConnectorSuite


class Folder(Database):
    """A folder of text files."""

    name = "lines"

    def __init__(self, path):
        self.path = path

    def settings(self, **more):
        return {"type": "lines", "path": str(self.path), **more}

    def execute(self, *statements):
        raise TypeError("text files take no SQL")

    def fill(self, ref, rows):
        lines = f"SELECT repeat(md5(n::VARCHAR), 3) FROM range(1, {rows} + 1) r(n)"
        duckdb.execute(f"COPY ({lines}) TO '{self.path}/{ref.identifier}.txt' (FORMAT csv, HEADER false)")

    def sleeping(self, seconds):
        return f"(SELECT count(*)::INTEGER FROM range({seconds * 500_000_000}) r(i) WHERE hash(i) = 0)"


class TestLines(ConnectorSuite):
    never = {
        "test_extractions_of_one_snapshot_agree_while_others_write": "a file has no moments",
        **dict.fromkeys(
            [
                "test_several_tables_are_described_at_once",
                "test_names_of_tables_and_columns_may_hold_anything",
                "test_every_value_arrives_as_it_was_or_the_extraction_stops",
                "test_an_empty_table_is_a_dataset_with_columns_and_no_rows",
                "test_a_table_of_five_hundred_columns_arrives_whole_and_in_order",
                "test_tables_of_one_connection_are_joined_there",
                "test_a_join_is_filtered_by_conditions_on_each_table",
                "test_a_join_is_aggregated_there",
                "test_a_condition_may_read_another_table",
                "test_a_table_may_be_read_twice_by_one_query",
                "test_names_of_joined_tables_may_hold_anything",
            ],
            "every file has the same two columns",
        ),
    }

    @pytest.fixture
    def database(self, tmp_path):
        folder = tmp_path / "logs"
        folder.mkdir()
        return Folder(folder)

    def test_every_line_is_a_row(self, bench):
        (bench.database.path / "calls.txt").write_text("ok\nbusy, again\n")
        assert bench.rows(bench.read_table(bench.database.table("calls"))) == [
            ("1", "ok"),
            ("2", "busy, again"),
        ]
        with pytest.raises(TableNotFound, match="did you mean 'calls'"):
            bench.describe(bench.database.table("call"))
