"""The pages of the cleanup: what they show, what their forms do, and what each role may."""

from __future__ import annotations

import re
import threading

import pytest

from dvt.core.retention import CleanupType, Outcome, Result, RunStatus, Source
from dvt.lifecycle.delete.files import FileRemover
from dvt.lifecycle.work import Wishes
from dvt.web.pages import overview

pytestmark = pytest.mark.slow

CLEANUP = "/pipeline-management"
FRAGMENT = {"X-Fragment": "1"}


def dry_run(client) -> str:
    """Make a plan on the page; return its id."""
    answer = client.post(f"{CLEANUP}/plans", data={})
    assert answer.status_code == 303, answer.text
    return re.search(r"plan=(\w+)", answer.headers["Location"])[1]


def wait_for_end(served, answer) -> None:
    """Wait for the end of the run that an answer leads to."""
    served.project.runs.get(answer.headers["Location"].rpartition("/")[2]).thread.join()


def test_a_dry_run_shows_what_is_due_and_why(served, operator):
    served.files.log("old.log", age=30)
    served.files.log("new.log", age=1)
    text = operator.get(f"{CLEANUP}?plan={dry_run(operator)}").text
    assert "logs/old.log" in text
    assert "30 days old, older than 7 days" in text
    assert "logs/new.log" not in text
    assert served.files.names() == {"old.log", "new.log"}


def test_why_an_automatic_run_would_stop_is_told_before_all_else(served, operator):
    served.files.log("old.log", age=30)
    dry_run(operator)
    text = operator.get(CLEANUP).text
    assert "The circuit breaker is open" in text
    assert "1 of 1 items of dbt_logs would go, which is more than 50%" in text


def test_a_plan_is_run_but_for_what_is_kept(served, operator):
    for name in ("a.log", "b.log", "golden.log", "new.log"):
        served.files.log(name, age=1 if name == "new.log" else 30)
    plan = dry_run(operator)
    asked = operator.post(
        f"{CLEANUP}/plans/{plan}/confirm",
        data={"keep": [str(served.files.logs / "b.log")], "patterns": "nothing, *golden*"},
    )
    assert "Back up and clean 1 item?" in asked.text
    assert "and 2 items of the plan stay" in asked.text
    kept = re.findall(r'name="(keep|patterns)" value="([^"]*)"', asked.text)
    assert len(kept) == 2, "what fits a pattern may be many, and more than a request may have"
    answer = operator.post(f"{CLEANUP}/plans/{plan}/run", data=dict(kept))
    wait_for_end(served, answer)
    assert served.files.names() == {"b.log", "golden.log", "new.log"}
    page = operator.get(answer.headers["Location"]).text
    assert "logs/a.log" in page
    assert "2 more were kept by hand" in page


def test_what_a_run_has_deleted_is_restored(served, operator):
    served.files.log("a.log", age=30)
    served.files.log("new.log", age=1)
    answer = operator.post(f"{CLEANUP}/plans/{dry_run(operator)}/run")
    wait_for_end(served, answer)
    assert served.files.names() == {"new.log"}
    run = answer.headers["Location"].rpartition("/")[2]
    assert "Restore what this cleanup has deleted?" in operator.get(f"{CLEANUP}/runs/{run}/restore").text
    assert "logs/a.log" in operator.get(f"{CLEANUP}/backups").text
    served.files.log("b.log", age=30)
    wait_for_end(served, operator.post(f"{CLEANUP}/plans/{dry_run(operator)}/run"))
    assert "1 file restored" in operator.post(f"{CLEANUP}/restore", data={"run": run}).text
    assert served.files.names() == {"a.log", "new.log"}


def test_a_dry_run_from_before_the_last_cleanup_is_told(served, operator):
    told = "There was a cleanup since this dry run"
    served.files.log("a.log", age=30)
    plan = dry_run(operator)
    assert told not in operator.get(CLEANUP).text
    wait_for_end(served, operator.post(f"{CLEANUP}/plans/{plan}/run"))
    assert told in operator.get(CLEANUP).text
    assert told in operator.get(f"{CLEANUP}/state").text
    dry_run(operator)
    assert told not in operator.get(CLEANUP).text


def test_numbers_are_told_where_they_keep_anything(served, admin):
    parts = admin.get(CLEANUP).text.split("<tr")
    rows = {
        name: next(of for of in parts if f"policies/{name}" in of)
        for name in ("failed_operations", "dbt_logs")
    }
    assert "newest 1 of each group" in rows["failed_operations"]
    assert "newest 1 of each group" not in rows["dbt_logs"]


def test_what_was_moved_aside_can_be_restored_and_frees_nothing(served, operator):
    served.files.settings("dbt_logs: {days: 7, action: quarantine}")
    with served.project.system("test", Source.API) as system:
        system.apply_policies("test")
    served.files.log("a.log", age=30)
    answer = operator.post(f"{CLEANUP}/plans/{dry_run(operator)}/run")
    wait_for_end(served, answer)
    run = answer.headers["Location"].rpartition("/")[2]
    row = next(of for of in operator.get(CLEANUP).text.split("<tr>") if f"runs/{run}/restore" in of)
    assert re.findall(r'<td class="num">([^<]*)</td>', row) == ["1", "0 B"]


def test_a_run_is_watched_and_stopped_after_its_batch(served, operator, viewer, monkeypatch):
    for number in range(300):
        served.files.log(f"{number}.log", age=30)
    has_begun, may_go_on, back_up = threading.Event(), threading.Event(), FileRemover.back_up

    def waiting(self, planned):
        has_begun.set()
        may_go_on.wait(600)
        return back_up(self, planned)

    monkeypatch.setattr(FileRemover, "back_up", waiting)
    address = operator.post(f"{CLEANUP}/plans/{dry_run(operator)}/run").headers["Location"]
    run = address.rpartition("/")[2]
    try:
        text = operator.get(address).text
        assert ">Stop</button>" in text
        # Before its first batch has begun, stopping it would end it at once.
        assert has_begun.wait(600)
        assert "0 of 300 items" in text
        assert "Stop" not in viewer.get(address).text
        assert "A cleanup is running" in viewer.get(CLEANUP).text
        again = operator.post(f"{CLEANUP}/plans/{dry_run(operator)}/run").text
        assert "wait for its end, or stop it" in again
        assert operator.post(f"{address}/stop").headers["Location"] == address
        assert "Stopping…" in operator.get(address).text
        assert "Stopping after this batch" in operator.get(f"{CLEANUP}/state", headers=FRAGMENT).text
        again = operator.post(f"{CLEANUP}/plans/{dry_run(operator)}/run", headers=FRAGMENT)
        assert again.status_code == 409
    finally:
        may_go_on.set()
    served.project.runs.get(run).thread.join()
    assert len(served.files.names()) == 300 - 256
    text = operator.get(address).text
    assert "stopped" in text
    assert "44 more were kept by hand, or not reached" in text


def test_a_run_whose_process_is_dead_is_not_under_way(served, viewer):
    served.files.log("old.log", age=30)
    with served.project.system("ana", Source.CLI) as system:
        plan, store = system.plan(), system.store
        with store.one_cleaner():
            store.audit.begin(plan.head, "20260301killed", system.asking(), plan.head.made)
            assert "A cleanup is running" in viewer.get(CLEANUP).text
            assert "data-live" in viewer.get(f"{CLEANUP}/runs/20260301killed").text
    told = viewer.get(CLEANUP).text
    assert "A cleanup is running" not in told
    assert "> killed</span>" in told
    told = viewer.get(f"{CLEANUP}/runs/20260301killed").text
    assert "It was killed." in told
    assert "data-live" not in told


def test_a_run_of_another_process_is_stopped_on_the_page(served, operator, viewer):
    for number in range(300):
        served.files.log(f"{number}.log", age=30)

    def stop(record):
        address = f"{CLEANUP}/runs/{record.id}"
        if record.results:
            assert ">Stop</button>" in operator.get(address).text
            assert ">Stop</button>" in operator.get(CLEANUP).text
            assert "Stop</button>" not in viewer.get(CLEANUP).text + viewer.get(address).text
            assert operator.post(f"{address}/stop").headers["Location"] == address
            assert "Stopping…" in operator.get(address).text
            assert "Stopping after this batch" in viewer.get(CLEANUP).text

    with served.project.system("ana", Source.SCHEDULER) as system:
        record = system.run(system.plan(), CleanupType.MANUAL, Wishes(report=stop))
    assert record.status is RunStatus.STOPPED
    assert len(served.files.names()) == 300 - 256


def test_a_run_that_is_over_cannot_be_stopped(served, operator):
    assert operator.post(f"{CLEANUP}/runs/none/stop").headers["Location"] == f"{CLEANUP}?done=over"


def test_a_file_is_explained(served, viewer):
    served.files.log("new.log", age=1)
    text = viewer.get(f"{CLEANUP}/explain", params={"path": "logs/new.log"}).text
    assert "dbt_logs" in text
    assert "kept: 1 day old" in text
    assert "is no item" in viewer.get(f"{CLEANUP}/explain", params={"path": "nothing"}).text


def test_a_change_of_days_is_shown_before_it_is_made(served, admin):
    served.files.log("a.log", age=30)
    served.files.log("b.log", age=5)
    served.files.log("new.log", age=0.5)
    form = {"days": "40"}
    text = admin.post(f"{CLEANUP}/policies/dbt_logs/preview", data=form, headers=FRAGMENT).text
    assert "dbt_logs: 1 item, 70 B less would be due" in text
    text = admin.post(f"{CLEANUP}/policies/dbt_logs/preview", data={"days": "2"}, headers=FRAGMENT).text
    assert "dbt_logs: 1 item, 70 B more would be due" in text
    assert "asks for a confirmation" in text
    wrong = admin.post(f"{CLEANUP}/policies/dbt_logs/preview", data={"days": "x"}, headers=FRAGMENT).text
    assert "valid number" in wrong
    assert served.project.store().policies()["dbt_logs"].rule.days == 7


def test_a_policy_is_saved_with_its_reason(served, admin):
    form = {"days": "9", "enabled": "on", "is_whole": "1", "based_on": "1", "reason": "room"}
    assert admin.post(f"{CLEANUP}/policies/dbt_logs", data=form).status_code == 303
    change = served.project.store().policy_table.history("dbt_logs")[0]
    assert (change.after.rule.days, change.by, change.reason) == (9, "admin", "room")
    assert "room" in admin.get(f"{CLEANUP}/policies/dbt_logs/history").text


def test_a_much_shorter_retention_is_asked_for_twice(served, admin):
    form = {"days": "1", "enabled": "on", "is_whole": "1", "based_on": "1", "reason": "room"}
    asked = admin.post(f"{CLEANUP}/policies/dbt_logs", data=form)
    assert "I want that" in asked.text
    assert served.project.store().policies()["dbt_logs"].rule.days == 7
    assert admin.post(f"{CLEANUP}/policies/dbt_logs", data={**form, "confirmed": "on"}).status_code == 303
    assert served.project.store().policies()["dbt_logs"].rule.days == 1


def test_a_change_of_what_somebody_else_has_changed_meanwhile_is_refused(served, admin):
    form = {"days": "9", "enabled": "on", "is_whole": "1", "based_on": "1", "reason": "room"}
    admin.post(f"{CLEANUP}/policies/dbt_logs", data=form)
    answer = admin.post(f"{CLEANUP}/policies/dbt_logs", data={**form, "days": "8"}, headers=FRAGMENT)
    assert answer.status_code == 409
    assert served.project.store().policies()["dbt_logs"].rule.days == 9


def test_settings_change_several_policies_at_once(served, admin):
    valid = served.project.store().policies()
    text = admin.get(f"{CLEANUP}/settings").text
    assert all(f'name="days:{name}"' in text for name in valid)
    form = {f"days:{name}": "44" for name in valid} | {f"version:{name}": "1" for name in valid}
    form |= {f"enabled:{name}": "on" for name in valid if name != "dbt_logs"} | {"reason": "one for all"}
    asked = admin.post(f"{CLEANUP}/settings", data=form)
    assert "I want that" in asked.text, "completed operations would stay for less than half of their time"
    admin.post(f"{CLEANUP}/settings", data={**form, "confirmed": "on"})
    now = served.project.store().policies()
    assert {of.rule.days for of in now.values()} == {44}
    assert [name for name, of in now.items() if not of.rule.enabled] == ["dbt_logs"]


def test_a_policy_is_switched_off_and_on(served, admin):
    assert admin.post(f"{CLEANUP}/policies/dbt_logs/disable").status_code == 303
    assert not served.project.store().policies()["dbt_logs"].rule.enabled
    assert "I want that" in admin.post(f"{CLEANUP}/policies/dbt_logs/enable").text, "it asks, as for any risk"
    back = {"version": "1", "confirmed": "yes"}
    assert admin.post(f"{CLEANUP}/policies/dbt_logs/revert", data=back).status_code == 303
    assert served.project.store().policies()["dbt_logs"].rule.enabled


def test_to_go_back_to_a_version_is_asked_for_where_much_more_would_go(served, admin):
    served.files.log("old.log", age=30)
    served.files.log("new.log", age=1)
    for days in (40, 41):
        form = {"days": days, "is_whole": "1", "enabled": "on", "based_on": days - 39, "reason": "room"}
        assert admin.post(f"{CLEANUP}/policies/dbt_logs", data=form).status_code == 303
    revert = f"{CLEANUP}/policies/dbt_logs/revert"
    assert admin.post(revert, data={"version": "2"}).status_code == 303, "41 days become 40: no question"
    asked = admin.post(revert, data={"version": "1"})
    assert "Go back to version 1 of dbt_logs?" in asked.text
    assert "1 item, 70 B more would be due" in asked.text
    assert served.project.store().policies()["dbt_logs"].rule.days == 40
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', asked.text))
    assert admin.post(revert, data=fields).status_code == 303
    assert served.project.store().policies()["dbt_logs"].rule.days == 7


def test_all_is_stopped_at_once_and_goes_on(served, admin):
    assert "Disable all policies?" in admin.get(f"{CLEANUP}/stop").text
    admin.post(f"{CLEANUP}/stop", data={"reason": "fire"})
    assert not any(of.rule.enabled for of in served.project.store().policies().values())
    assert "All policies are disabled" in admin.get(CLEANUP).text
    admin.post(f"{CLEANUP}/policies-enable")
    assert all(of.rule.enabled for of in served.project.store().policies().values())


def test_policies_of_the_file_are_made_valid_after_a_question(served, admin):
    served.files.settings("dbt_logs: {days: 5}")
    assert "lifecycle.yml says something else" in admin.get(CLEANUP).text
    asked = admin.post(f"{CLEANUP}/apply")
    assert "dbt_logs: days is 7, and 5 in lifecycle.yml" in asked.text
    assert served.project.store().policies()["dbt_logs"].rule.days == 7
    admin.post(f"{CLEANUP}/apply", data={"confirmed": "yes", "reason": "as written"})
    assert served.project.store().policies()["dbt_logs"].rule.days == 5


def test_a_pin_keeps_what_it_fits(served, operator):
    served.files.log("a.log", age=30)
    served.files.log("new.log", age=1)
    operator.post(f"{CLEANUP}/pins", data={"pattern": "a.*", "reason": "hold", "until": "2100-01-01"})
    assert "hold" in operator.get(CLEANUP).text
    assert "Nothing is due." in operator.get(f"{CLEANUP}?plan={dry_run(operator)}").text
    (pin,) = served.project.store().pins()
    operator.post(f"{CLEANUP}/pins/{pin.id}/remove")
    assert served.project.store().pins() == ()


def test_a_pin_until_no_day_is_refused(served, operator):
    answer = operator.post(
        f"{CLEANUP}/pins", data={"pattern": "a", "reason": "b", "until": "soon"}, headers=FRAGMENT
    )
    assert answer.status_code == 400
    assert "no day" in answer.text


def test_viewers_see_all_and_change_nothing(served, viewer):
    text = viewer.get(CLEANUP).text
    for word in ("Dry run", "Settings…", "Disable all", "Pin something"):
        assert word not in text
    for address in (
        "/plans",
        "/plans/x/confirm",
        "/plans/x/run",
        "/runs/x/stop",
        "/restore",
        "/pins",
        "/pins/x/remove",
        "/stop",
    ):
        assert viewer.post(CLEANUP + address).status_code == 403, address


def test_operators_do_not_change_policies(served, operator):
    for address in (
        "/policies/dbt_logs",
        "/policies/dbt_logs/disable",
        "/settings",
        "/policies-enable",
        "/apply",
    ):
        assert operator.post(CLEANUP + address, data={"reason": "x"}).status_code == 403, address


def test_a_part_of_a_page_is_its_content_alone(served, viewer):
    assert "<html" not in viewer.get(CLEANUP, headers=FRAGMENT).text
    assert "<html" in viewer.get(CLEANUP).text


def test_a_failure_of_the_server_is_a_page_without_its_cause(served, admin, monkeypatch):
    def failing(_system):
        message = "a secret"
        raise RuntimeError(message)

    monkeypatch.setattr(overview, "latest_plan", failing)
    answer = admin.get(CLEANUP, headers={"Accept": "text/html"})
    assert (answer.status_code, answer.headers["X-Frame-Options"]) == (500, "DENY")
    assert "the server has failed: RuntimeError</" in answer.text.replace("\n", "")
    assert "<nav" in answer.text
    assert "a secret" not in answer.text
    large = {"Accept": "text/html", "Content-Type": "application/x-www-form-urlencoded"}
    answer = admin.post(f"{CLEANUP}/plans", content=b"x" * 1_000_001, headers=large)
    assert answer.status_code == 413
    assert "<nav" in answer.text
    elsewhere = admin.get(CLEANUP, headers={"Accept": "text/html", "Host": "evil.example"})
    assert elsewhere.status_code == 421
    assert served.project.name not in elsewhere.text


def test_who_is_not_signed_in_is_led_to_the_form(served):
    answer = served.client().get(CLEANUP, headers={"Accept": "text/html"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/login")
    assert served.client().get(CLEANUP, headers=FRAGMENT).status_code == 401


def test_paths_that_are_none_of_the_projects_are_masked(served, viewer):
    served.files.log("old.log", age=30)
    with served.project.system("ana", Source.CLI) as system:
        plan = system.plan()
        with system.store.one_cleaner():
            recorded = system.store.audit.begin(plan.head, "20260301x", system.asking(), plan.head.made)
            recorded.planned(list(plan.items()))
            detail = "/mnt/elsewhere/b is full"
            recorded.ended(
                [Outcome(item=of.item, result=Result.FAILED, detail=detail) for of in plan.items()]
            )
            recorded.close(RunStatus.FAILED, detail)
    for address in (CLEANUP, f"{CLEANUP}/runs/20260301x"):
        text = viewer.get(address).text
        assert "/mnt/elsewhere" not in text
        assert "…/b is full" in text
    assert "logs/old.log" in viewer.get(f"{CLEANUP}/runs/20260301x").text
