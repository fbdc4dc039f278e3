"""docs/reference/lifecycle.md has every key of lifecycle.yml, and its example can be read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dvt.config.lifecycle_file import load_lifecycle
from dvt.config.lifecycle_keys import BackupKeys, DataKeys, FileKeys, MatchKeys, PolicyKeys
from dvt.config.lifecycle_tables import PRESETS, JoinKeys, SqlKeys
from dvt.config.schedule_keys import AlarmKeys, MailKeys, PressureKeys, ScheduleKeys, WebhookKeys

SCHEDULE = Path(__file__).parents[2] / "docs/reference/lifecycle-schedule.md"
TABLES = Path(__file__).parents[2] / "docs/reference/lifecycle-tables.md"
PAGE = Path(__file__).parents[2] / "docs/reference/lifecycle.md"


@pytest.mark.parametrize("model", [BackupKeys, DataKeys, FileKeys, MatchKeys, PolicyKeys])
def test_every_key_is_on_the_page(model):
    text = re.sub(r"```.*?```", "", PAGE.read_text(), flags=re.DOTALL)
    words = set(re.findall(r"[a-z_]+", " ".join(re.findall(r"`([^`]+)`", text))))
    words |= {"data", "policies", "backups", "sql"}
    assert {field.alias or name for name, field in model.model_fields.items()} <= words


@pytest.mark.parametrize("model", [ScheduleKeys, AlarmKeys, WebhookKeys, MailKeys, PressureKeys])
def test_every_key_of_the_schedule_is_on_its_page(model):
    text = re.sub(r"```.*?```", "", SCHEDULE.read_text(), flags=re.DOTALL)
    words = set(re.findall(r"[a-z_]+", " ".join(re.findall(r"`([^`]+)`", text))))
    assert model.model_fields.keys() <= words


@pytest.mark.parametrize("model", [SqlKeys, JoinKeys])
def test_every_key_of_tables_is_on_their_page(model):
    text = re.sub(r"```.*?```", "", TABLES.read_text(), flags=re.DOTALL)
    words = set(re.findall(r"[a-z_]+", " ".join(re.findall(r"`([^`]+)`", text))))
    assert {field.alias or name for name, field in model.model_fields.items()} <= words
    assert all(f"`{preset}`" in text for preset in PRESETS)


def test_the_example_of_tables_can_be_read(tmp_path):
    (example,) = re.findall(r"```yaml\n(.*?)```", TABLES.read_text(), re.DOTALL)
    (tmp_path / "lifecycle.yml").write_text(example)
    secrets = {"AIRFLOW_PASSWORD": "a", "DAGSTER_PASSWORD": "b"}
    assert load_lifecycle(tmp_path, environment=secrets).sql["airflow_runs"].table == "dag_run"


def test_the_example_of_a_schedule_can_be_read(tmp_path):
    (example,) = re.findall(r"```yaml\n(.*?)```", SCHEDULE.read_text(), re.DOTALL)
    (tmp_path / "lifecycle.yml").write_text(example)
    hook = {"ALARM_WEBHOOK": "https://hooks.example.com/1"}
    assert load_lifecycle(tmp_path, environment=hook).schedule.budget == 3600


def test_the_examples_can_be_read(tmp_path):
    first, *others = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (tmp_path / "lifecycle.yml").write_text(first)
    lifecycle = load_lifecycle(tmp_path)
    assert lifecycle.policies["exports"].special[0][1].days == 7
    for example in others:
        (tmp_path / "lifecycle.yml").write_text(example)
        assert load_lifecycle(tmp_path).policies
