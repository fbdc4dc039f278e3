"""The original's five addresses answer in the original's shapes."""

from __future__ import annotations

import json

import pytest

from dvt.core.access import Role

pytestmark = pytest.mark.slow


def finish(served, process):
    running = served.project.runs.get(process)
    running.thread.join()
    return running.record


def test_stats_have_policies_and_history(served):
    served.files.log("dbt.log.1", 8)
    client = served.client(Role.OPERATOR)
    started = client.post("/api/cleanup/run", json={"cleanup_type": "manual", "dry_run": False}).json()
    assert {"success", "message", "cleanup_type", "dry_run", "process_id"} <= started.keys()
    assert (started["success"], started["message"]) == (True, "deleting 1 item, 70 B")
    assert finish(served, started["process_id"]).status == "completed"
    answer = client.get("/api/cleanup/stats").json()
    assert answer["success"] is True
    (logs,) = [of for of in answer["stats"] if of["data_type"] == "dbt_logs"]
    assert logs | {"last_cleanup": None} == {
        "data_type": "dbt_logs",
        "retention_days": 7,
        "enabled": True,
        "last_cleanup": None,
        "total_cleaned": 1,
        "space_saved": 70,
    }
    (row,) = [of for of in answer["history"] if of["records_deleted"]]
    assert {
        "data_type",
        "cleanup_type",
        "records_deleted",
        "space_freed",
        "executed_at",
        "executed_by",
    } <= row.keys()
    assert (row["data_type"], row["space_freed"], row["executed_by"]) == ("dbt_logs", 70, "operator")


def test_a_run_is_dry_unless_it_is_said(served):
    file = served.files.log("dbt.log.1", 8)
    for body in (None, {}, {"cleanup_type": "automatic"}):
        answer = served.client(Role.OPERATOR).post("/api/cleanup/run", json=body).json()
        assert (answer["dry_run"], answer["message"]) == (True, "1 item, 70 B would be deleted")
        assert answer["process_id"] == answer["plan"]
    assert file.exists()
    assert served.client(Role.VIEWER).get("/api/cleanup/runs").json() == []


def test_an_automatic_run_that_would_delete_too_much_is_refused(served):
    file = served.files.log("dbt.log.1", 8)
    body = {"cleanup_type": "automatic", "dry_run": False}
    answer = served.client(Role.OPERATOR).post("/api/cleanup/run", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "DVT223")
    assert file.exists()


def test_policies_are_listed_and_changed(served):
    client = served.client(Role.ADMIN)
    answer = client.get("/api/cleanup/policies").json()
    assert answer["success"] is True
    assert {"data_type", "retention_days", "enabled", "description"} <= answer["policies"][0].keys()
    saved = client.post("/api/cleanup/policies", json={"data_type": "dbt_logs", "retention_days": 14}).json()
    assert (saved["success"], saved["policy"]["retention_days"], saved["policy"]["version"]) == (True, 14, 2)
    assert answer["drift"] == []
    assert client.get("/api/cleanup/policies").json()["drift"] == [
        "dbt_logs: days is 14, and 7 in lifecycle.yml"
    ]


@pytest.mark.parametrize(
    "body",
    [{}, {"data_type": "dbt_logs"}, {"retention_days": 7}, {"data_type": "dbt_logs", "retention_days": -1}],
)
def test_a_policy_without_its_fields_is_refused(served, body):
    answer = served.client(Role.ADMIN).post("/api/cleanup/policies", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "DVT230")


@pytest.mark.parametrize(
    ("change", "confirmed"),
    [
        ({"retention_days": 3}, True),
        ({"retention_days": 7, "min_keep": 0}, True),
        ({"retention_days": 4}, False),
    ],
)
def test_a_change_that_would_delete_much_more_has_to_be_confirmed(served, change, confirmed):
    served.files.log("dbt.log.1", 5)
    client = served.client(Role.ADMIN)
    body = {"data_type": "dbt_logs", **change}
    preview = client.post("/api/cleanup/policies/preview", json=body).json()
    assert preview["needs_confirmation"] is confirmed
    assert preview["newly_due"] == (1 if change["retention_days"] < 5 else 0)
    answer = client.post("/api/cleanup/policies", json=body)
    assert answer.status_code == (409 if confirmed else 200)
    if confirmed:
        assert answer.json()["error"]["code"] == "DVT238"
        assert (
            client.get("/api/cleanup/policies/history", params={"data_type": "dbt_logs"}).json()[0]["version"]
            == 1
        )
        assert client.post("/api/cleanup/policies", json={**body, "confirm": True}).status_code == 200


def test_a_policy_that_somebody_else_has_changed_is_not_overwritten(served):
    client = served.client(Role.ADMIN)
    body = {"data_type": "dbt_logs", "retention_days": 14, "based_on": 1}
    assert client.post("/api/cleanup/policies", json=body).status_code == 200
    answer = client.post("/api/cleanup/policies", json={**body, "retention_days": 20})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "DVT207")
    reverted = client.post(
        "/api/cleanup/policies/dbt_logs/revert", json={"version": 1, "reason": "x", "confirm": True}
    )
    assert reverted.json()["policy"]["retention_days"] == 7


def test_a_restore_of_no_run_on_record_is_told(served):
    answer = served.client(Role.OPERATOR).post("/api/cleanup/restore", json={"run": "20260301x7k2q9d0ab"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "DVT235")


def test_files_have_what_is_decided_and_are_paged(served):
    due = {str(served.files.log(f"dbt.log.{number}", 8)) for number in range(5)}
    kept = str(served.files.operation("1", 3))
    client = served.client(Role.VIEWER)
    answer = client.get("/api/cleanup/files").json()
    assert (answer["success"], answer["total_files"]) == (True, 6)
    (operation,) = [of for of in answer["operations"] if of["file_path"] == kept]
    shape = {"file_path", "file_size", "created_at", "age_days", "status", "pipeline_name"}
    assert shape | {"decision", "policy", "reason", "due_at"} <= operation.keys()
    assert (operation["status"], operation["pipeline_name"], operation["decision"]) == (
        "completed",
        "daily",
        "keep",
    )
    found, cursor, pages = set(), None, 0
    while pages == 0 or cursor:
        parameters = {"due": "true", "limit": 2} | ({"cursor": cursor} if cursor else {})
        page = client.get("/api/cleanup/files", params=parameters).json()
        assert page["total_files"] == 5
        found |= {of["file_path"] for of in page["operations"]}
        cursor, pages = page["next"], pages + 1
    assert found == due
    assert (
        client.get("/api/cleanup/files", params={"text": "LOG.3"}).json()["operations"][0]["reason"] == "old"
    )
    assert client.get("/api/cleanup/files", params={"cursor": f"{'0' * 16}-0"}).status_code == 404


def test_a_list_is_new_after_a_change(served):
    served.files.log("dbt.log.1", 8)
    client = served.client(Role.OPERATOR)

    def due():
        return client.get("/api/cleanup/files", params={"due": True, "limit": 0}).json()["total_files"]

    assert due() == 1
    client.post("/api/cleanup/pins", json={"pattern": "dbt.log.1", "reason": "an audit"})
    assert due() == 0
    (pin,) = client.get("/api/cleanup/pins").json()
    assert client.delete(f"/api/cleanup/pins/{pin['pin']}").status_code == 204
    assert client.delete(f"/api/cleanup/pins/{pin['pin']}").status_code == 404
    assert due() == 1
    finish(served, client.post("/api/cleanup/run", json={"dry_run": False}).json()["process_id"])
    assert due() == 0


def test_an_export_proves_the_chain_and_is_no_formula(served):
    evil = served.client()
    evil.headers["Authorization"] = f"Bearer {served.token('=HYPERLINK(1)', Role.OPERATOR)}"
    evil.post("/api/cleanup/pins", json={"pattern": "x", "reason": "y"})
    client = served.client(Role.VIEWER)
    exported = client.get("/api/cleanup/audit/export", params={"format": "json"})
    content = json.loads(exported.text)
    chain, events = content["chain"], content["events"]
    assert chain["whole"] is True
    assert chain["head"] == events[chain["rows"] - 1]["hash"] == exported.headers["X-Chain-Head"]
    as_csv = client.get("/api/cleanup/audit/export").text
    assert ",'=HYPERLINK(1)," in as_csv
    assert ",=HYPERLINK" not in as_csv


def test_files_come_back(served):
    file = served.files.log("dbt.log.1", 8)
    client = served.client(Role.OPERATOR)
    run = client.post("/api/cleanup/run", json={"dry_run": False}).json()["process_id"]
    finish(served, run)
    (backup,) = client.get("/api/cleanup/backups", params={"run": run}).json()["backups"]
    assert backup["file_path"] == str(file)
    assert client.post("/api/cleanup/backups/verify").json() == {"verified": 1, "damaged": 0, "problems": []}
    answer = client.post("/api/cleanup/restore", json={"run": run}).json()
    assert (answer["restored"], answer["failed"]) == (1, 0)
    assert file.exists()
    explained = client.get("/api/cleanup/explain", params={"file_path": str(file)}).json()
    assert explained["lines"][0] == str(file)


def test_health_and_metrics_tell_no_paths(served):
    answer = served.client().get("/healthz")
    assert answer.json() == {
        "status": "ok",
        "last_run": None,
        "last_success": None,
        "overdue": False,
        "scheduler": "none",
        "running": False,
    }
    metrics = served.client(Role.VIEWER).get("/metrics").text
    assert 'dvt_lifecycle_retention_days{data_type="dbt_logs"} 7.0' in metrics
    assert str(served.files.folder) not in metrics


def test_operations_are_listed_and_read(served):
    served.files.operation("1", 3)
    served.files.operation("2", 1)
    client = served.client(Role.VIEWER)
    first = client.get("/api/cleanup/operations", params={"limit": 1}).json()
    second = client.get("/api/cleanup/operations", params={"before": first["next"]}).json()
    assert [of["operation_id"] for page in (first, second) for of in page["operations"]] == ["2", "1"]
    assert client.get("/api/cleanup/operations/1").json()["nodes"] == []
    assert client.get("/api/cleanup/operations/3").status_code == 404


def test_settings_that_are_wrong_are_told_and_right_ones_are_read(served):
    file = served.files.folder / "lifecycle.yml"
    right = file.read_text()
    file.write_text("zone: Nowhere/X\n")
    for client, path in ((served.client(Role.VIEWER), "/api/cleanup/stats"), (served.client(), "/healthz")):
        answer = client.get(path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "DVT220")
        assert "lifecycle.yml, line 1: zone: there is no time zone" in answer.json()["error"]["message"]
    file.write_text(right)
    assert served.client(Role.VIEWER).get("/api/cleanup/stats").status_code == 200


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("zone: Nowhere/X", "DVT220"),
        ("zone: Nowhere/X\npolicy: {}", "DVT109"),
        ("store: postgresql://ana:hunter2@127.0.0.1:1/shop_store", "DVT201"),
    ],
)
def test_health_tells_nobody_where_things_are(served, content, code):
    (served.files.folder / "lifecycle.yml").write_text(content)
    answer = served.client().get("/healthz")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, code)
    for told in (str(served.files.folder), "127.0.0.1", "shop_store", "hunter2"):
        assert told not in answer.text


def test_a_store_that_was_removed_is_another_one(served):
    for file in (served.files.folder / ".dvt/lifecycle").glob("lifecycle.db*"):
        file.unlink()
    assert served.client(Role.VIEWER).get("/api/cleanup/stats").status_code == 401
    token = served.token("ana", Role.VIEWER)
    answer = served.client().get("/api/cleanup/policies", headers={"Authorization": f"Bearer {token}"})
    assert answer.json()["policies"] == []


@pytest.mark.parametrize("query", ["dew=true", "due=true&due=false", "Due=true", "limit=1&=1"])
def test_a_filter_that_is_misspelt_or_given_twice_does_not_let_all_through(served, query):
    answer = served.client(Role.VIEWER).get(f"/api/cleanup/files?{query}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "DVT230")


def test_a_policy_is_simulated_over_the_past(served):
    served.files.log("old.log", 20.5)
    served.files.log("new.log", 3.5)
    client = served.client(Role.VIEWER)
    body = {"data_type": "dbt_logs", "retention_days": 2, "over_days": 30}
    said = client.post("/api/cleanup/policies/simulate", json=body).json()
    assert (said["success"], said["over_days"], len(said["steps"])) == (True, 30, 31)
    assert said["steps"][-1]["simulated"]["items"] == 0
    assert said["steps"][-1]["valid"]["items"] == 1
    assert said["steps"][-1]["known"]["items"] == 2
    valid = client.post("/api/cleanup/policies/simulate", json={"data_type": "dbt_logs"}).json()
    assert valid["policy"] == valid["valid_policy"]
    assert (valid["over_days"], valid["policy"]["retention_days"]) == (90, 7)
    assert client.get("/api/cleanup/policies").json()["policies"][1]["retention_days"] == 7


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"data_type": "dbt_logs", "over_days": 0}, 400),
        ({"data_type": "dbt_logs", "over_days": 4000}, 400),
        ({"data_type": "dbt_logs", "retention_days": -1}, 400),
        ({"data_type": "dbt_logs", "reason": "none is needed"}, 400),
        ({"data_type": "temp_files", "keep_last": 3}, 404),
        ({"data_type": "nonsense"}, 404),
        ({"data_type": "nonsense", "retention_days": 3}, 404),
        ({"data_type": "temp_files"}, 200),
    ],
)
def test_a_simulation_of_what_is_not_there_is_refused(served, body, status):
    answer = served.client(Role.VIEWER).post("/api/cleanup/policies/simulate", json=body)
    assert answer.status_code == status
