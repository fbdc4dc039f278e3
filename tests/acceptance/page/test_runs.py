"""The run monitor in a browser."""

from __future__ import annotations

import re

import duckdb
import pytest
from playwright.sync_api import Page, expect

from dvt.core.status import Status
from tests.acceptance.page.site import Site, operation
from tests.acceptance.project import Project as DbtProject

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("tidy")]


def test_a_run_is_watched_until_it_ends(site: Site, page: Page):
    operation(site, "live", Status.RUNNING)
    page.goto("/runs")
    page.get_by_role("link", name="dvt build").first.click()
    expect(page.locator("#progress")).to_have_attribute("value", "75")
    operation(site, "live", Status.COMPLETED)
    expect(page.locator("#run .badge").first).to_contain_text("completed")
    assert page.locator("#progress").count() == 0


def test_runs_are_searched_for_while_the_page_stays(site: Site, page: Page):
    operation(site, "one", Status.COMPLETED, command=("dvt", "seed"))
    operation(site, "two")
    page.goto("/runs")
    expect(page.locator("#list tbody tr")).to_have_count(2)
    page.get_by_label("Part of the command").fill("seed")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("#list tbody tr")).to_have_count(1)
    expect(page).to_have_url(re.compile("text=seed"))
    page.get_by_label("Part of the command").fill("")
    page.get_by_label("Status").select_option("failed")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("#list tbody tr")).to_have_count(1)
    expect(page.locator("#list")).to_contain_text("dvt build")


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


def test_the_plan_of_a_federated_node_is_opened_from_a_run(site: Site, page: Page):
    folder = site.files.folder
    for name, table in (("crm", "people"), ("wh", "orders")):
        with duckdb.connect(str(folder / f"{name}.duckdb")) as database:
            database.execute(f"CREATE TABLE {table} AS SELECT i AS id, i % 7 AS kind FROM range(1000) t(i)")
    outputs = {name: {"type": "duckdb", "path": str(folder / f"{name}.duckdb")} for name in ("crm", "wh")}
    project = DbtProject(folder, outputs, default="wh")
    project.source("crm", "crm", ["people"], schema="main")
    project.source("wh", "wh", ["orders"], schema="main")
    query = "SELECT id FROM {{ source('crm', 'people') }} JOIN {{ source('wh', 'orders') }} USING (id)"
    project.model("joined", query, materialized="table")
    site.dvt("run")
    page.goto("/runs")
    page.get_by_role("link", name="dvt run").first.click()
    expect(page.locator("#run .badge").first).to_contain_text("completed")
    page.locator('[data-node="model.shop.joined"]').click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("federated")
    dialog.get_by_role("link", name="Show its plan").click()
    expect(dialog.locator("#plan pre")).to_contain_text("extract")
    expect(dialog.locator("#plan pre")).to_contain_text("people")
