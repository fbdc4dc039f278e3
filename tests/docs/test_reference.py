"""Every key and command is in docs/reference."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from dvt.config.bucket_entries import EntryKeys, names_of, settings_of
from dvt.config.bucket_types import BUCKETS
from dvt.config.buckets_file import ProfileBuckets
from dvt.config.computes import ProfileComputes
from dvt.core.operation_record import FORMAT, Failure, NodeRecord, OperationRecord
from dvt.core.reports import Moved
from dvt.engines.duckdb import DuckDBSettings
from dvt.runs.operation_files import as_bytes, node_text
from dvt.runs.running_operations import DIED
from tests.docs.pages import ROOT

REFERENCE = ROOT / "docs" / "reference"


@pytest.mark.parametrize("model", [ProfileComputes, DuckDBSettings])
def test_every_key_of_computes_yml_is_documented(model):
    page = (REFERENCE / "computes.md").read_text(encoding="utf-8")
    assert not [key for key in model.model_fields if f"{key}:" not in page and f"`{key}`" not in page]


def test_every_key_of_buckets_yml_is_documented():
    page = (REFERENCE / "buckets.md").read_text(encoding="utf-8")
    keys = {*ProfileBuckets.model_fields, *EntryKeys.model_fields}
    keys |= {key for kind in BUCKETS for key in names_of(settings_of(kind))}
    assert not sorted(key for key in keys if f"`{key}`" not in page)


@pytest.mark.parametrize("kind", sorted(BUCKETS))
def test_every_type_of_bucket_is_documented(kind):
    assert f"## `type: {kind}`" in (REFERENCE / "buckets.md").read_text(encoding="utf-8")


def test_every_key_of_a_mysql_output_is_documented():
    from dvt.drivers.mysql.settings import MySQLSettings

    page = "".join(page.read_text(encoding="utf-8") for page in REFERENCE.glob("outputs*.md"))
    keys = [field.alias or name for name, field in MySQLSettings.model_fields.items()]
    assert not [key for key in keys if f"`{key}`" not in page]


def test_the_page_of_operation_files_names_all_keys_and_no_others():
    node = NodeRecord(
        unique_id="",
        name="",
        resource_type="",
        error=Failure(text=""),
        moved=(Moved(what="", connection="", rows=0, bytes=0, seconds=0),),
    )
    record = OperationRecord(nodes=(node,), error=Failure(text=""))
    content = json.loads(as_bytes(record, [node_text(node)]))
    page = (REFERENCE / "operations.md").read_text(encoding="utf-8")
    head, _, nodes = page.partition("## Keys")[2].partition("## Secrets")[0].partition("Keys of a node:")
    assert _keys_of_table(head) == list(content)
    assert sorted(_keys_of_table(nodes)) == sorted(content["nodes"][0])
    for part in (content["totals"], content["error"], content["nodes"][0]["stages"][0]):
        assert not [key for key in part if f"`{key}`" not in head + nodes]
    assert f"Version of this format: {FORMAT}." in head
    assert f"`{DIED}`" in page


def _keys_of_table(text: str) -> list[str]:
    """Return what is in backticks in the first column of a table."""
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    return [key for row in rows for key in re.findall(r"`(\w+)`", row)]


def test_every_command_is_documented():
    page = (REFERENCE / "cli.md").read_text(encoding="utf-8")
    help_text = subprocess.run(
        [sys.executable, "-m", "dvt.cli.main", "--help"], capture_output=True, text=True, check=True
    ).stdout
    commands = _commands(help_text)
    assert {"run", "build", "explain"} <= commands
    assert not sorted(name for name in commands if f"dvt {name}" not in page)


def _commands(help_text: str) -> set[str]:
    """Return the first words of the lines below the help's heading of commands."""
    _, _, listed = help_text.partition("ommands:")
    return {line.split()[0] for line in listed.splitlines() if line.startswith("  ") and line.strip()}
