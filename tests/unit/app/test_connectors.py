"""Outputs of a profiles.yml are opened and read by a command that needs no dbt."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import duckdb

READ = """
import json, os, sys
from pathlib import Path

sys.modules["dbt"] = sys.modules["dbt_common"] = None  # whoever imports them fails

from dvt.app.connectors import open_connectors
from dvt.config.profiles import load_profile, profiles_dir
from dvt.core.names import TableRef
from dvt.core.ports.connectors import Job
from dvt.core.ports.staging import BucketContext, Location
from dvt.core.queries import ExtractedColumn, SourceQuery
from dvt.buckets.filesystem import FilesystemBucket
from dvt.drivers.duckdb import MemoryInstance
from dvt.drivers.duckdb.staging import scan
from dvt.staging.parquet import ParquetSink

project = Path(sys.argv[1])
bucket = FilesystemBucket("b", {"path": f"staged/{os.getpid()}"}, BucketContext(project_dir=project))
shown = {}
with open_connectors(load_profile(profiles_dir(project), "shop"), project) as open_connector:
    for name in sys.argv[2:]:
        connector = open_connector(name)
        ref = TableRef(connection=name, schema="main", identifier="t")
        (table,) = connector.describe([ref]).values()
        columns = tuple(
            ExtractedColumn(name=f"c{place}", column=column) for place, column in enumerate(table.columns)
        )
        select = tuple(f'{each.column.read.format(chr(34) + each.column.name + chr(34))} AS "{each.name}"'
            for each in columns)
        query = SourceQuery(alias="t", connection=name, tables=(table.ref,), select=select, columns=columns)
        jobs, datasets = [Job(query, ParquetSink(Location(bucket, name)))], []
        with connector.snapshot() as snapshot:
            snapshot.extract(jobs, lambda job, dataset: datasets.append(dataset))
        shown[name] = MemoryInstance().cursor().execute(scan(datasets[0])).fetchall()
print(json.dumps(shown))
"""

PROFILES = """\
shop:
  outputs:
    lite: {type: sqlite, path: "{{ env_var('NAME', 'crm') }}.sqlite"}
    duck: {type: duckdb, path: "{{ var('folder', '.') }}/duck.db", max_connections: "{{ 2 | as_number }}"}
    no_variable: {type: duckdb, path: "{{ env_var('NOT_THERE') }}"}
    unknown: {type: vertica}
"""


def read(project: Path, *outputs: str) -> subprocess.CompletedProcess[str]:
    # From a file: of code on the command line DuckDB takes it that somebody watches, and shows its progress.
    script = project / "read.py"
    script.write_text(READ)
    return subprocess.run(
        [sys.executable, str(script), str(project), *outputs], capture_output=True, text=True, check=False
    )


def make(project: Path) -> None:
    (project / "profiles.yml").write_text(PROFILES)
    with sqlite3.connect(project / "crm.sqlite") as lite:
        lite.execute("CREATE TABLE t (id INTEGER, name TEXT)")
        lite.execute("INSERT INTO t VALUES (1, 'ü')")
    lite.close()
    with duckdb.connect(str(project / "duck.db")) as duck:
        duck.execute("CREATE TABLE t AS SELECT 2 AS id, 'duck' AS name")


def test_tables_of_outputs_are_read_where_dbt_cannot_be_imported(tmp_path: Path) -> None:
    make(tmp_path)
    done = read(tmp_path, "lite", "duck")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"lite": [[1, "ü"]], "duck": [[2, "duck"]]}
    assert list((tmp_path / ".dvt" / "operations").iterdir()) == []


def test_an_output_that_cannot_be_opened_says_why_and_leaves_nothing(tmp_path: Path) -> None:
    make(tmp_path)
    for output, problem in (
        ("no_variable", "line 5: profile 'shop', outputs.no_variable.path: environment variable 'NOT_THERE'"),
        ("unknown", "dvt moves no data from or to this type"),
        ("ducks", "did you mean 'duck'?"),
    ):
        done = read(tmp_path, "duck", output)
        assert done.returncode == 1
        assert problem in done.stderr
        assert list((tmp_path / ".dvt" / "operations").iterdir()) == []
