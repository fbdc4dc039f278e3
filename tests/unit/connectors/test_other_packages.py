"""Connectors and output types that packages bring by entry points."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dvt.core.errors import TableNotFound
from dvt.core.names import TableRef
from dvt.core.registry import Registry
from dvt.resolution import output_types
from dvt.testing import connectors
from dvt.testing.connectors import Bench
from tests.packages import installed

Make = Callable[..., Bench]


class Lines:
    """A folder of text files."""

    name = "logs"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def settings(self) -> dict[str, Any]:
        return {"type": "lines", "path": str(self._folder)}

    def table(self, identifier: str) -> TableRef:
        return TableRef(connection="logs", schema="main", identifier=identifier)

    def quoted(self, ref: TableRef) -> str:
        return f'"{ref.schema}"."{ref.identifier}"'

    def name_of(self, column: str) -> str:
        return f'"{column}"'


@pytest.fixture
def lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lines:
    for folder in installed(tmp_path / "site-packages", "lines"):
        monkeypatch.syspath_prepend(folder)
    monkeypatch.setattr(connectors, "CONNECTORS", Registry("dvt.connectors", {}))
    monkeypatch.setattr(output_types, "_OTHERS", Registry("dvt.output_types", {}))
    (tmp_path / "calls.txt").write_text("ok\nbusy, again\n")
    return Lines(tmp_path)


def test_a_package_brings_a_connector(lines: Lines, bench_of: Make) -> None:
    bench = bench_of(lines)
    assert bench.rows(bench.read_table(lines.table("calls"))) == [("1", "ok"), ("2", "busy, again")]
    with pytest.raises(TableNotFound, match="did you mean 'calls'"):
        bench.describe(lines.table("call"))


def test_a_package_brings_the_row_of_its_output_type(lines: Lines) -> None:
    del lines
    row = output_types.output_type("lines")
    assert not row.can_be_target
    assert row.install_line == "pip install dvt-lines"
    assert row in list(output_types.output_types())
