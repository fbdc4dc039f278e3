"""The cleanup in a browser: every control, from a dry run to a restored file."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from dvt.config.lifecycle_file import load_lifecycle
from dvt.core.retention import CleanupType, RunRecord, RunStatus
from dvt.lifecycle import retire
from dvt.lifecycle.system import System
from dvt.lifecycle.work import Wishes
from tests.acceptance.page.site import CLEANUP, WAIT, Site, dry_run

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("tidy")]


def test_from_a_dry_run_to_a_restored_file(site: Site, page: Page):
    for name in ("a.log", "b.log", "golden.log"):
        site.files.log(name, age=30)
    site.files.log("new.log", age=1)
    page.goto(CLEANUP)
    dry_run(page)
    items = page.locator("#items tbody tr")
    expect(items).to_have_count(3)
    expect(items.filter(has_text="a.log")).to_contain_text("30 days old, older than 7 days")
    assert {"a.log", "b.log", "golden.log", "new.log"} <= site.files.names()

    page.get_by_label("Keep logs/b.log").check()
    expect(page.locator("[data-count]")).to_have_text("1 kept by hand")
    page.get_by_label("Keep what fits").fill("*golden*")
    page.get_by_role("button", name="Run cleanup…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Back up and clean 1 item?")
    dialog.get_by_role("button", name="Run cleanup").click()
    expect(page.locator("#run .badge").first).to_contain_text("completed")
    assert "a.log" not in site.files.names()
    assert {"b.log", "golden.log", "new.log"} <= site.files.names()

    page.get_by_role("link", name="Restore…").click()
    page.get_by_role("dialog").get_by_role("button", name="Restore").click()
    expect(page.get_by_role("dialog")).to_contain_text("1 file restored")
    assert "a.log" in site.files.names()

    page.goto(f"{CLEANUP}/backups")
    page.get_by_label("Restore logs/a.log").check()
    page.get_by_role("button", name="Restore what is chosen").click()
    expect(page.get_by_role("dialog")).to_contain_text("it is there already")


def test_policies_are_changed_with_their_effect_in_sight(site: Site, page: Page):
    site.files.log("a.log", age=30)
    site.files.log("b.log", age=5)
    site.files.log("new.log", age=0.5)
    page.goto(CLEANUP)
    page.get_by_role("link", name="Edit the policy of dbt_logs").click()
    dialog = page.get_by_role("dialog")
    dialog.locator("[name=days]").fill("2")
    expect(dialog.locator("[data-effect]")).to_contain_text("1 item, 70 B more would be due")
    dialog.locator("[name=days]").fill("40")
    expect(dialog.locator("[data-effect]")).to_contain_text("1 item, 70 B less would be due")
    dialog.get_by_label("Why").fill("more room")
    dialog.get_by_role("button", name="Save").click()
    expect(page.locator("#policies")).to_contain_text("40 days")
    expect(page.locator("#toasts")).to_contain_text("The policy is saved.")
    expect(page.locator("#state")).to_contain_text("lifecycle.yml says something else")

    page.get_by_role("link", name="History of the policy of dbt_logs").click()
    expect(dialog).to_contain_text("more room")
    dialog.get_by_role("button", name="Go back to version").first.click()
    dialog.get_by_role("button", name="Go back").click()
    expect(page.locator("#toasts")).to_contain_text("as it was in that version")

    page.get_by_role("link", name="Settings…").click()
    dialog.get_by_label("dbt_logs", exact=True).fill("3")
    dialog.get_by_label("Why").fill("less room")
    dialog.get_by_role("button", name="Save").click()
    dialog.get_by_label("I want that").check()
    dialog.get_by_role("button", name="Save").click()
    expect(page.locator("#toasts")).to_contain_text("The settings are saved.")

    page.get_by_role("button", name="Make lifecycle.yml valid…").click()
    expect(dialog).to_contain_text("dbt_logs: days is 3, and 7 in lifecycle.yml")
    dialog.get_by_label("Why").fill("as written")
    dialog.get_by_role("button", name="Apply").click()
    expect(page.locator("#policies")).to_contain_text("7 days")


def test_a_run_of_another_process_is_stopped_by_a_click(site: Site, page: Page):
    for number in range(retire._BATCH + 10):
        site.files.log(f"many.log.{number}", age=30)

    def stop(record: RunRecord) -> None:
        if not record.results:
            return
        page.goto(CLEANUP)
        state = page.locator("#state")
        expect(state).to_contain_text("A cleanup is running")
        state.get_by_role("button", name="Stop").click()
        expect(page.get_by_role("button", name="Stopping…")).to_be_disabled()

    with System(load_lifecycle(site.files.folder), by="ana") as system:
        record = system.run(system.plan(), CleanupType.MANUAL, Wishes(report=stop))
    assert record.status is RunStatus.STOPPED
    assert sum(name.startswith("many.log.") for name in site.files.names()) > 0
    expect(page.get_by_text("somebody has stopped it")).to_be_visible()
    expect(page.get_by_role("link", name="Restore…")).to_be_visible()


def test_all_stops_at_once_and_goes_on(page: Page):
    page.goto(CLEANUP)
    page.get_by_role("switch", name="Policy of dbt_logs").click()
    expect(page.get_by_role("switch", name="Policy of dbt_logs")).not_to_be_checked()
    page.get_by_role("switch", name="Policy of dbt_logs").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Why").fill("on again")
    dialog.get_by_label("I want that").check()
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_role("switch", name="Policy of dbt_logs")).to_be_checked()

    page.get_by_role("link", name="Disable all…").click()
    dialog.get_by_label("Why").fill("fire")
    dialog.get_by_role("button", name="Disable all").click()
    expect(page.locator("#state")).to_contain_text("All policies are disabled")
    page.get_by_role("button", name="Enable those that were disabled all at once").click()
    expect(page.locator("#state")).not_to_contain_text("All policies are disabled")


def test_what_is_pinned_stays_and_is_explained(site: Site, page: Page):
    site.files.log("a.log", age=30)
    site.files.log("new.log", age=1)
    page.goto(CLEANUP)
    page.get_by_role("link", name="Pin something…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("What", exact=False).first.fill("a.*")
    dialog.get_by_label("Why").fill("an open dispute")
    dialog.get_by_role("button", name="Pin").click()
    expect(page.locator("#pins")).to_contain_text("an open dispute")
    dry_run(page)
    expect(page.locator("#plan")).to_contain_text("Nothing is due.")
    page.get_by_label("A file").fill("logs/a.log")
    page.get_by_role("button", name="Explain").click()
    expect(dialog).to_contain_text("pinned")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Remove the pin of a.*").click()
    expect(page.locator("#pins")).to_contain_text("Nothing is pinned.")


def test_viewers_see_no_control_that_changes_something(site: Site, browser: Browser):
    token = site.token("eve", "viewer")
    context = browser.new_context(base_url=site.address)
    context.set_default_timeout(WAIT)
    page = context.new_page()
    page.goto(CLEANUP)
    page.get_by_label("Token").fill(token)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Cleanup", exact=True)).to_be_visible()
    for name in ("Dry run", "Run cleanup…", "Enable those that were disabled all at once"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Token")).to_be_visible()
    context.close()
