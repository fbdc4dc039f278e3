"""What is filled in for a policy is checked as lifecycle.yml is; what the form does not have stays."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from dvt.core.retention import Action, AgeBy, Match, Policy, Rule
from dvt.web.pages.policy_forms import FormInvalid, policy_of

POLICY = Policy(
    data_type="dbt_logs",
    rule=Rule(days=7, keep_last=3, max_total_bytes=100, age_by=frozenset({AgeBy.MODIFIED})),
    special=((Match(glob=("*.gz",)), Rule(days=90)),),
    protect=("*golden*",),
    version=4,
)


def test_what_the_form_does_not_have_stays():
    assert policy_of({}, POLICY) == POLICY
    assert policy_of({"days": "9"}, POLICY) == replace(POLICY, rule=replace(POLICY.rule, days=9))


def test_all_fields_are_taken():
    form = {
        "days": "1.5",
        "action": "archive",
        "min_keep": "2",
        "keep_last": "0",
        "keep_daily": "3",
        "keep_weekly": "4",
        "keep_monthly": "5",
        "max_total_size": "2GB",
        "grace": "2d",
        "quarantine_days": "3",
        "protect": " a* \n\n*.keep\n",
        "description": " logs ",
        "max_delete": "25",
        "is_whole": "1",
    }
    changed = policy_of(form, POLICY)
    assert changed.rule == Rule(
        days=1.5,
        enabled=False,
        action=Action.ARCHIVE,
        min_keep=2,
        keep_last=0,
        keep_daily=3,
        keep_weekly=4,
        keep_monthly=5,
        max_total_bytes=2_000_000_000,
        age_by=frozenset({AgeBy.MODIFIED}),
        grace=timedelta(days=2),
        quarantine_days=3,
    )
    assert (changed.protect, changed.description, changed.max_delete_share) == (
        ("a*", "*.keep"),
        "logs",
        0.25,
    )
    assert changed.special == POLICY.special


def test_an_empty_size_takes_the_limit_away():
    assert policy_of({"max_total_size": ""}, POLICY).rule.max_total_bytes is None


@pytest.mark.parametrize(
    ("form", "problem"),
    [
        ({"days": ""}, "days: a number of days is needed"),
        ({"days": "-1"}, "days: Input should be greater than or equal to 0"),
        ({"days": "nan"}, "days: Input should be a finite number"),
        ({"days": "soon"}, "days: Input should be a valid number"),
        ({"action": "burn"}, "action: Input should be 'delete', 'archive', 'compress' or 'quarantine'"),
        ({"min_keep": "1.5"}, "min_keep: '1.5' is no whole number"),
        ({"keep_last": "-2"}, "keep_last: Input should be greater than or equal to 0"),
        ({"max_total_size": "much"}, "max_total_size: should be a size such as 500MB, 10GB or 1.5TiB"),
        ({"max_delete": "120"}, "max_delete: a number from 0 to 100 is needed"),
        ({"max_delete": "half"}, "max_delete: 'half' is no number of percents"),
    ],
)
def test_what_is_wrong_is_told(form: dict[str, str], problem: str):
    with pytest.raises(FormInvalid) as error:
        policy_of(form, POLICY)
    assert any(problem in text for text in error.value.problems), error.value.problems
