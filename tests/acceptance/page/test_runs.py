"""The run monitor in a browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from dvt.core.status import Status
from tests.acceptance.page.site import Site, operation

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("tidy")]


def test_a_run_is_watched_until_it_ends(site: Site, page: Page):
    operation(site, "live", Status.RUNNING)
    page.goto("/runs")
    page.get_by_role("link", name="dvt build").first.click()
    expect(page.locator("#progress")).to_have_attribute("value", "75")
    operation(site, "live", Status.COMPLETED)
    expect(page.locator("#run .badge").first).to_contain_text("completed")
    assert page.locator("#progress").count() == 0


def test_a_node_is_opened_from_the_graph(site: Site, page: Page):
    operation(site, "built")
    page.goto("/runs/built")
    page.locator('[data-node="model.shop.joined"]').click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("120,000")
    dialog.get_by_role("link", name="model.shop.report").click()
    expect(dialog).to_contain_text("DVT108 report: no such column")
    page.keyboard.press("Escape")
    page.get_by_label("Part of a node's name").fill("unique")
    expect(page.locator("#nodes tbody tr:visible")).to_have_count(1)
