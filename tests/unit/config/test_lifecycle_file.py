"""lifecycle.yml says what may be cleaned, and for how long it stays; all that is wrong with it is told."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dvt.config.lifecycle_file import load_lifecycle
from dvt.core.errors import LifecycleInvalid, SeveralErrors
from dvt.core.retention import Action, AgeBy, Match, Policy, Rule, Status


@pytest.fixture
def load(tmp_path):
    def load(text, **environment):
        (tmp_path / "lifecycle.yml").write_text(text)
        return load_lifecycle(tmp_path, environment=environment)

    return load


def test_without_a_file_there_are_places_and_no_policies(tmp_path):
    lifecycle = load_lifecycle(tmp_path)
    assert lifecycle.policies == {}
    assert lifecycle.file is None
    assert lifecycle.data["failed_operations"].places == (tmp_path / ".dvt/operations",)
    assert lifecycle.data["temp_files"].recursive
    assert lifecycle.backups == tmp_path / ".dvt/lifecycle/backups"


def test_an_empty_file_is_none(load):
    assert load("").policies == {}


def test_a_policy_has_all_its_keys(load):
    lifecycle = load("""
        policies:
          failed_operations:
            days: 14.5
            enabled: false
            action: quarantine
            min_keep: 2
            keep_last: 3
            keep_daily: 4
            keep_weekly: 5
            keep_monthly: 6
            max_total_size: 1.5GB
            age_by: [recorded, mtime]
            grace: 36h
            quarantine_days: 3
            description: of failures
            protect: ["*golden*"]
            max_delete: 0.25
            max_delete_files: 100
            max_delete_size: 1KiB
            rules:
              - match: {glob: "*.json", status: failed, pipeline: [daily], tag: x,
                  smaller_than: 10kB, regex: "^/"}
                days: 1
                action: delete
    """)
    rule = Rule(
        days=14.5,
        enabled=False,
        action=Action.QUARANTINE,
        min_keep=2,
        keep_last=3,
        keep_daily=4,
        keep_weekly=5,
        keep_monthly=6,
        max_total_bytes=1_500_000_000,
        age_by=frozenset({AgeBy.RECORDED, AgeBy.MODIFIED}),
        grace=timedelta(hours=36),
        quarantine_days=3,
    )
    match = Match(
        glob=("*.json",),
        regex="^/",
        status=frozenset({Status.FAILED}),
        pipeline=("daily",),
        tag=("x",),
        smaller_than=10_000,
    )
    special = Rule(
        **{name: getattr(rule, name) for name in Rule.__dataclass_fields__}
        | {"days": 1, "action": Action.DELETE}
    )
    assert lifecycle.policies["failed_operations"] == Policy(
        data_type="failed_operations",
        rule=rule,
        description="of failures",
        special=((match, special),),
        protect=("*golden*",),
        max_delete_share=0.25,
        max_delete_items=100,
        max_delete_bytes=1024,
    )


def test_data_of_ones_own_has_places(load, tmp_path):
    data = load(
        "data: {exports: {in: [out, /data/x], files: '*.csv', group_by: folder, recursive: true}}"
    ).data
    assert data["exports"].places == (tmp_path / "out", tmp_path.__class__("/data/x"))
    assert data["exports"].files == ("*.csv",)


def test_a_known_data_type_keeps_what_the_file_does_not_say(load, tmp_path):
    data = load("data: {failed_operations: {in: /ops}}").data["failed_operations"]
    assert (data.kind, data.files, data.places) == (
        "operations",
        ("operation_*.json",),
        (tmp_path.__class__("/ops"),),
    )


def test_variables_are_replaced(load):
    assert load("store: ${STORE}", STORE="sqlite:///x").store == "sqlite:///x"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "policies: {exports: {days: 3}}",
            "line 1: policies.exports: there is no such data type; known: comp",
        ),
        (
            "policies: {dbt_logs: {days: 3, dais: 3}}",
            "policies.dbt_logs.dais: no such key here; did you mean 'days'",
        ),
        (
            "sql: {log: {url: 'sqlite:////log.db', table: log, time: at, stauts: state}}",
            "sql.log.stauts: no such key here; did you mean 'status'",
        ),
        (
            "sql: {log: {url: 'sqlite:////log.db', table: log, time: at, shema: public}}",
            "sql.log.shema: no such key here; did you mean 'schema'",
        ),
        (
            "policies: {dbt_logs: {days: -3}}",
            "policies.dbt_logs.days: input should be greater than or equal to 0",
        ),
        ("policies: {dbt_logs: {days: .nan}}", "policies.dbt_logs.days: input should be a finite number"),
        ("policies: {dbt_logs: {}}", "policies.dbt_logs.days: is missing"),
        (
            "policies:\n dbt_logs:\n  days: 1\n  rules:\n  - days: 2",
            "line 5: policies.dbt_logs.rules.0.match: is missing",
        ),
        (
            "policies: {dbt_logs: {days: 3, age_by: atime}}",
            "age_by: input should be 'recorded', 'mtime' or 'ctime'",
        ),
        (
            "policies: {dbt_logs: {days: 3, max_total_size: 3 apples}}",
            "max_total_size: should be a size such as",
        ),
        ("policies: {dbt_logs: {days: 3, grace: 3 years}}", "grace: invalid duration format: '3 years'"),
        (
            "policies: {dbt_logs: {days: 3, rules: [{days: 1, match: {regex: '('}}]}}",
            "this is no regular expression",
        ),
        ("zone: Mars/X", "zone: there is no time zone 'Mars/X'"),
        ("data: {x: {}}", "data.x: `in` should name the folders that it is in"),
        ("store: ${NOPE}", "environment variable NOPE is not set"),
        ("- 1", "the file: should be a mapping"),
        ("version: 2", "version: input should be 1"),
        ("\t", "a tab stands here"),
        ("policies: {dbt_logs: {days: yes}}", "dbt_logs.days: should be a number, but yes, no"),
        ("policies: {dbt_logs: {days: 3, max_delete: on}}", "max_delete: should be a number"),
        ("schedule: {budget: true}", "budget: should be a number"),
        ("policies: {dbt_logs: {days: 3, age_by: []}}", "age_by: should name at least one"),
        (
            "policies: {dbt_logs: {days: 3, rules: [{match: {glob: x}, protect: [x]}]}}",
            "rules.0.protect: no such key here",
        ),
        (
            "policies: {dbt_logs: {days: 3, keep_last: 5}}",
            "policies.dbt_logs.keep_last: keeps nothing, since items of dbt_logs have no group; `group_by",
        ),
        (
            "data: {x: {in: x}}\npolicies:\n x: {days: 3, rules: [{match: {glob: a}, days: 1, min_keep: 2}]}",
            "line 3: policies.x.rules.0.min_keep: keeps nothing",
        ),
        ("data: {x: {in: ['']}}", "data.x.in.0: should name a folder; an empty text is none"),
        ("backups: {path: ''}", "backups.path: should name a folder"),
        ("data: {x: {in: [x], files: ['**/*.csv']}}", "data.x.files.0: '**/*.csv' fits no name"),
        ("data: {x: {in: [x], files: []}}", "data.x.files: should name at least one"),
        ("policies: {dbt_logs: {days: 3}}\n---\npolicies: {}", "a second document begins here"),
        ("policies: {dbt_logs: &a {days: 3}, temp_files: {<<: *a}}", "`<<` is not read"),
        ("policies: " + "[" * 2000 + "]" * 2000, "nested too deeply"),
    ],
)
def test_what_is_wrong_is_told(load, text, problem):
    with pytest.raises((LifecycleInvalid, SeveralErrors)) as error:
        load(text)
    assert problem in str(error.value)
    assert "did you mean 'protect'" not in str(error.value)


def test_a_file_that_is_named_must_be_there(tmp_path):
    with pytest.raises(LifecycleInvalid, match="cannot be read"):
        load_lifecycle(tmp_path, tmp_path / "other.yml")


def test_a_file_of_another_ending_is_not_passed_over(tmp_path):
    (tmp_path / "lifecycle.yaml").write_text("policies: {dbt_logs: {days: 3}}")
    with pytest.raises(LifecycleInvalid, match=r"lifecycle.yaml: this file is not read"):
        load_lifecycle(tmp_path)
    (tmp_path / "lifecycle.yml").touch()
    load_lifecycle(tmp_path)


def test_numbers_of_groups_keep(load):
    lifecycle = load("""
        data: {dbt_logs: {group_by: name}, x: {in: x, kind: folders, group_by: folder}}
        policies:
          dbt_logs: {days: 3, keep_last: 5}
          x: {days: 3, min_keep: 2}
          temp_files: {days: 3, min_keep: 0}
          failed_operations: {days: 3, keep_daily: 3}
          dbt_invocations: {days: 3, keep_last: 3}
    """)
    assert lifecycle.policies["dbt_logs"].rule.keep_last == 5
