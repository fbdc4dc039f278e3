"""`schedule` in lifecycle.yml: when it cleans by itself, and who is told; what is wrong with it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dvt.config.lifecycle_file import load_lifecycle
from dvt.core.errors import LifecycleInvalid
from dvt.core.schedule import AlarmKind, Missed


@pytest.fixture
def load(tmp_path):
    def load(text, **environment):
        (tmp_path / "lifecycle.yml").write_text(text)
        return load_lifecycle(tmp_path, environment=environment)

    return load


def test_without_keys_it_is_daily_at_two(tmp_path):
    schedule = load_lifecycle(tmp_path).schedule
    assert schedule.cron.text == "0 2 * * *"
    assert schedule.zone.key == "UTC"
    assert schedule.missed is Missed.RUN_ONCE
    assert (schedule.budget, schedule.jitter, schedule.overdue_after) == (None, 0, None)
    assert schedule.pressure is None
    assert schedule.alarms.about == frozenset(AlarmKind)
    assert not load_lifecycle(tmp_path).spool_automatic


def test_a_schedule_has_all_its_keys(load):
    lifecycle = load(
        """
        zone: Europe/Berlin
        spool_automatic: true
        schedule:
          cron: 30 2 * * 1-5
          missed: skip
          budget: 3600
          jitter: 120.5
          nice: false
          overdue_after: 4d
          alarms:
            about: [partial, overdue]
            log: false
            webhook: { url: "${HOOK}", headers: { Authorization: "Bearer ${TOKEN}" } }
            mail:
              host: mail.example.com
              port: 465
              security: tls
              user: dvt
              password_env: MAIL_PASSWORD
              sender: dvt@example.com
              to: ops@example.com
          pressure: { free_below: 5%, order: [temp_files, dbt_logs], every: 60 }
        """,
        HOOK="https://hooks.example.com/x",
        TOKEN="s3cret",
    )
    schedule = lifecycle.schedule
    assert lifecycle.spool_automatic
    assert (schedule.cron.text, schedule.zone.key) == ("30 2 * * 1-5", "Europe/Berlin")
    assert (schedule.missed, schedule.budget, schedule.jitter) == (Missed.SKIP, 3600, 120.5)
    assert schedule.overdue_after == timedelta(days=4)
    assert schedule.alarms.about == {AlarmKind.PARTIAL, AlarmKind.OVERDUE}
    assert schedule.alarms.webhook.url == "https://hooks.example.com/x"
    assert schedule.alarms.mail.to == ("ops@example.com",)
    assert (schedule.pressure.free_below, schedule.pressure.is_share) == (5, True)
    assert schedule.pressure.order == ("temp_files", "dbt_logs")
    assert "s3cret" not in repr(lifecycle)
    assert "hooks.example.com" not in repr(lifecycle)


def test_room_may_be_a_size(load):
    pressure = load("schedule: {pressure: {free_below: 10GB, order: temp_files}}").schedule.pressure
    assert (pressure.free_below, pressure.is_share) == (10**10, False)


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("schedule:\n  cron: 0 25 * * *", 2, "schedule.cron: '25' is no hour: that is 0 to 23"),
        ("schedule:\n  corn: 0 2 * * *", 2, "schedule.corn: no such key here; did you mean 'cron'?"),
        ("schedule:\n  missed: later", 2, "schedule.missed: input should be 'run_once' or 'skip'"),
        ("schedule:\n  budget: 0", 2, "schedule.budget: input should be greater than 0"),
        ("schedule:\n  jitter: -1", 2, "schedule.jitter: input should be greater than or equal to 0"),
        ("schedule:\n  overdue_after: 26", 2, "schedule.overdue_after: invalid duration format"),
        ("schedule:\n  alarms: {about: [crash]}", 2, "schedule.alarms.about.0: input should be 'partial'"),
        (
            "schedule:\n  alarms:\n    webhook: {url: http://a.example/x}",
            3,
            "alarms.webhook: the address is not https; if others may read it, say `allow_http: true`",
        ),
        (
            "schedule:\n  alarms:\n    webhook: {url: file:///etc/passwd}",
            3,
            "should be an address as https://",
        ),
        ("schedule:\n  alarms:\n    webhook: {url: https://u:p@a.example/}", 3, "without user and password"),
        (
            "schedule:\n  alarms:\n    mail: {host: h, sender: a@b, to: c@d, password_env: pass word}",
            3,
            "should be the name of an environment variable",
        ),
        (
            "schedule:\n  alarms:\n    mail: {host: h, sender: a@b, to: c@d, password: secret}",
            3,
            "schedule.alarms.mail.password: no such key here; did you mean 'password_env'?",
        ),
        (
            "schedule:\n  pressure:\n    free_below: 5 percent\n    order: temp_files",
            3,
            "should be a share of the disk such as 5%, or a size such as 10GB",
        ),
        (
            "schedule:\n  pressure:\n    free_below: 5%\n    order:\n      - dbt_logs\n      - temp_file",
            6,
            "there is no data type 'temp_file'; did you mean 'temp_files'?",
        ),
        ("schedule: 02:00", 1, "schedule: should be a mapping"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(load, text, line, problem):
    with pytest.raises(LifecycleInvalid) as error:
        load(text)
    assert f"lifecycle.yml, line {line}: " in str(error.value)
    assert problem in error.value.message
    assert "secret" not in error.value.message.replace("'password_env'", "")
