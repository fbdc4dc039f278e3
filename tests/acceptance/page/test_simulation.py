"""What a policy would have left, drawn beside its form, in a browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.page.site import CLEANUP, Site

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("tidy")]


def test_what_a_policy_would_have_left_is_drawn_while_it_is_filled_in(site: Site, page: Page):
    page.goto(CLEANUP)
    page.get_by_role("link", name="Edit the policy of dbt_logs").click()
    drawn = page.get_by_role("dialog").locator("[data-simulation]")
    expect(drawn).to_contain_text("Nothing of dbt_logs is known in the last 90 days")
    for age in (30.5, 5.5, 0.5):
        site.files.log(f"{age}.log", age)
    days = page.get_by_role("dialog").locator("[name=days]")
    days.fill("2")
    chart = page.get_by_role("img", name="Disk use of dbt_logs in the last 90 days")
    expect(chart).to_be_visible()
    expect(drawn).to_contain_text("with this policy: 70 B now")
    expect(drawn).to_contain_text("with the valid policy: 140 B now")
    expect(drawn).to_contain_text("in fact: 210 B now")
    drawn.get_by_text("The numbers, as a table").click()
    expect(drawn.get_by_role("row")).to_have_count(14)
    days.fill("40")
    expect(drawn).to_contain_text("with this policy: 210 B now")
    expect(drawn.get_by_role("row")).to_have_count(14)
    page.get_by_label("Disk use, if it had been so").select_option("30 days")
    expect(page.get_by_role("img", name="Disk use of dbt_logs in the last 30 days")).to_be_visible()
