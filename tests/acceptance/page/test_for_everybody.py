"""The page for everybody: by keyboard, by screen reader, on a phone, with few and many files."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.acceptance.page.site import CLEANUP, Site, dry_run, messy, open_page, operation
from tests.stores.programs import program

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("tidy")]


def audit(page: Page, where: str) -> list[str]:
    """Return what axe-core finds that is serious or critical."""
    if not page.evaluate("!!window.axe"):
        page.add_script_tag(path=program("axe-core", "node_modules/axe-core/axe.min.js"))
    found = page.evaluate("axe.run()")["violations"]
    return [
        f"{where}: {of['id']}: {json.dumps([node['html'][:200] for node in of['nodes'][:3]])}"
        for of in found
        if of["impact"] in {"serious", "critical"}
    ]


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 360)])
def test_nothing_serious_is_missing_for_a_screen_reader(
    site: Site, browser: Browser, session: Any, scheme: Any, width: int
):
    messy(site, 30)
    operation(site, "built")
    page, faults = open_page(
        browser,
        session,
        base_url=site.address,
        color_scheme=scheme,
        bypass_csp=True,
        viewport={"width": width, "height": 800},
        reduced_motion="reduce",
    )
    found = []
    for address in (
        "/runs",
        "/runs/built",
        "/runs/built/nodes/model.shop.joined",
        CLEANUP,
        f"{CLEANUP}/backups",
    ):
        page.goto(address)
        found += audit(page, address)
        overflow = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert overflow <= 0, f"{address} is {overflow} pixels wider than {width}"
    page.goto(CLEANUP)
    dry_run(page)
    expect(page.locator("#items")).to_be_visible()
    found += audit(page, "a plan")
    for name in ("Settings…", "Edit the policy of dbt_logs", "Pin something…", "Disable all…"):
        page.get_by_role("link", name=name).click()
        expect(page.get_by_role("dialog")).to_be_visible()
        if name.startswith("Edit"):
            parts = page.locator("[data-simulation] summary")
            parts.first.wait_for()
            for part in parts.all():
                part.click()
            expect(page.get_by_role("table", name="Disk use of dbt_logs")).to_be_visible()
        found += audit(page, name)
        page.keyboard.press("Escape")
    page.context.close()
    assert not found
    assert not faults


def test_all_is_done_by_keyboard_alone(site: Site, page: Page):
    site.files.log("a.log", age=30)
    site.files.log("new.log", age=1)
    page.goto(CLEANUP)

    def go_to(name: str) -> None:
        """Press Tab until what has the focus has this name."""
        for _ in range(200):
            page.keyboard.press("Tab")
            focused = page.evaluate(
                "(e => e.getAttribute('aria-label') || e.textContent.trim())(document.activeElement)"
            )
            if focused == name:
                return
        pytest.fail(f"the keyboard does not come to {name}")

    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    go_to("Dry run")
    page.keyboard.press("Enter")
    expect(page.locator("#items tbody tr")).to_have_count(1)
    go_to("Run cleanup…")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    go_to("Run cleanup")
    page.keyboard.press("Enter")
    expect(page.locator("#run .badge").first).to_contain_text("completed")
    assert "a.log" not in site.files.names()
    page.goto(CLEANUP)
    go_to("Edit the policy of dbt_logs")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).not_to_be_visible()
    focused = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert focused == "Edit the policy of dbt_logs"


@pytest.mark.parametrize("count", [0, 3, 3000])
def test_few_and_many_files_are_shown(site: Site, page: Page, count: int):
    messy(site, count)
    page.goto(CLEANUP)
    dry_run(page)
    if count < 3000:
        expect(page.locator("#plan")).to_contain_text("due")
    else:
        expect(page.locator("#items tbody tr")).to_have_count(1000)
        expect(page.locator("#plan")).to_contain_text("The first 1,000 are shown.")
        began = time.monotonic()
        page.get_by_label("Part of a path or reason").fill("hourly")
        page.get_by_role("button", name="Size").click()
        assert time.monotonic() - began < 30


def test_errors_are_told_on_the_page(site: Site, browser: Browser, session: Any):
    page, _ = open_page(browser, session, base_url=site.address)
    page.goto(f"{CLEANUP}?plan=20260101nothinghere")
    expect(page.locator(".banner.bad")).to_contain_text("DVT")
    page.goto("/runs/none")
    expect(page.locator(".banner.bad")).to_contain_text("there is no run")
    page.context.close()


def test_who_prefers_the_other_colours_keeps_them(page: Page):
    page.goto("/runs")
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.get_by_role("button", name="Change between light and dark").click()
    after = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert before != after
    page.goto(CLEANUP)
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == after
