"""Numbers that would keep nothing, since items of their data type are of no group, are refused."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.slow


def test_the_page_and_the_api_refuse_them(served, admin):
    address = "/pipeline-management/policies/dbt_logs"
    form = {
        "days": "9",
        "enabled": "on",
        "is_whole": "1",
        "based_on": "1",
        "reason": "room",
        "keep_last": "5",
    }
    answer = admin.post(address, data=form)
    assert answer.status_code == 422
    assert "keep_last of dbt_logs would keep nothing" in answer.text
    assert "group_by: name" in answer.text
    body = {"data_type": "dbt_logs", "retention_days": 9, "keep_daily": 5}
    answer = admin.post("/api/cleanup/policies", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "DVT218")
    rule = served.project.store().policies()["dbt_logs"].rule
    assert (rule.days, rule.keep_last, rule.keep_daily) == (7, 0, 0)
    body = {"data_type": "failed_operations", "retention_days": 20, "keep_last": 5}
    assert admin.post("/api/cleanup/policies", json=body).status_code == 200


def test_they_keep_what_has_a_group(served, admin):
    settings = served.files.folder / "lifecycle.yml"
    settings.write_text(settings.read_text() + "\ndata: { dbt_logs: { group_by: name } }\n")
    body = {"data_type": "dbt_logs", "retention_days": 9, "keep_last": 5}
    assert admin.post("/api/cleanup/policies", json=body).status_code == 200
    assert served.project.store().policies()["dbt_logs"].rule.keep_last == 5
