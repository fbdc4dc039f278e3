"""What dvt itself puts into a project's folder is told by its names, each kind as what it is."""

from __future__ import annotations

import io
import json
from contextlib import closing
from datetime import UTC, datetime

import pytest

from dvt.core.ports.staging import Location
from dvt.runs import operations
from dvt.staging import deletion
from dvt.staging.deletion import Deletions
from dvt.staging.housekeeping.health import examine
from dvt.staging.housekeeping.inventory import Kind, take_inventory
from dvt.staging.housekeeping.survey import dataset_of
from dvt.staging.leases import Lease
from dvt.staging.ownership import claim
from dvt.staging.parquet import ParquetSink
from dvt.staging.shared import Staging
from dvt.staging.state import StateColumn, States, TableState
from dvt.testing.memory_bucket import InMemoryBucket

RUN = "x7k2q9d0ab"


@pytest.fixture
def own():
    return claim(InMemoryBucket(), "my~20shop", "my shop")


def found(bucket):
    inventory = take_inventory(bucket.objects(""))
    assert inventory.foreign == ()
    return {folder.kind: folder for folder in inventory.folders}


def fill(sink):
    sink.location.bucket.put(sink.part(), io.BytesIO(b"rows"))
    return sink.commit((), 1)


def test_nothing_that_is_not_dvts_is_in_a_new_folder(own):
    assert found(own) == {}


def test_a_dataset_of_an_odd_connection_is_a_dataset(own):
    sink = Staging(own, RUN).claim("Mein CRM/ü", "0123456789abcdef01234567").sink
    dataset = fill(sink)
    folder = found(own)[Kind.DATASET]
    assert folder.path == dataset.at.prefix
    assert folder.run == RUN
    assert len(folder.objects) == 2


def test_what_runs_of_today_and_of_earlier_versions_stage_is_told(own, tmp_path):
    with closing(operations.begin(tmp_path)) as run:
        for name in (run.run, RUN):
            fill(Staging(own, name).claim("crm", "0123456789abcdef01234567").sink)
    inventory = take_inventory(own.objects(""))
    assert inventory.foreign == ()
    assert {folder.run for folder in inventory.of(Kind.DATASET)} == {run.run, RUN}
    assert {folder.run for folder in inventory.of(Kind.LEASE)} == {run.run, RUN}


@pytest.mark.parametrize("key", ["0123456789abcdef01234567", "changes-0123456789abcdef01234567"])
def test_an_answer_of_a_model_is_a_result(own, key):
    fill(Staging(own, RUN).result(key))
    assert found(own)[Kind.RESULT].run == RUN


@pytest.mark.parametrize("name", ["0000_part_00.parquet", "data_0.parquet", "manifest"])
def test_what_a_warehouse_has_unloaded_is_a_transfer(own, name):
    own.put_once(f"{RUN}/_transfers/3/rows/{name}", b"rows")
    assert found(own)[Kind.TRANSFER].run == RUN


def test_a_state_is_one_and_names_its_dataset(own):
    fill(ParquetSink(Location(own, f"{RUN}/crm/0123456789abcdef01234567")))
    state = TableState(
        source_name="Mein CRM",
        table_name="main.Kunden 1",
        schema_hash="ab" * 12,
        columns=(StateColumn("c", "VARCHAR", "ff"),),
        row_count=1,
        last_extracted_at="2026-03-01T00:00:00+00:00",
        extraction_method="auto",
        pk_columns=("id",),
        algorithm="",
        token="t",
        dataset=f"{RUN}/crm/0123456789abcdef01234567",
        parts=("part-0-0.parquet",),
        bytes=4,
    )
    States(own).put(state)
    folders = found(own)
    with own.get(folders[Kind.STATE].objects[0].key) as data:
        assert dataset_of(json.loads(data.read())) == folders[Kind.DATASET].path


def test_leases_and_deletions_are_told(own, monkeypatch):
    monkeypatch.setattr(Deletions, "_carry_out", lambda *_: None)
    with Lease(own, RUN) as lease:
        Deletions(own, lease).delete("run1/crm/aa11")
        folders = found(own)
    assert folders[Kind.LEASE].run == RUN
    assert folders[Kind.DELETION].path.startswith(f"{deletion.DELETING}/")


def test_a_probe_that_could_not_be_deleted_is_told(own, monkeypatch):
    monkeypatch.setattr(InMemoryBucket, "delete", lambda *_: None)
    examine(own, lambda: datetime.now(UTC))
    assert len(found(own)[Kind.PROBE].objects) == 2
