"""A browser, a served project, and a tab that is signed in."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.acceptance.page.site import WAIT, Site, open_page
from tests.stores.programs import missing


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    if chromium is None:
        missing("chromium is not here: `make test`, which installs it, says why")
    expect.set_options(timeout=WAIT)
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        yield running
        running.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("shop"))
    yield site
    site.close()


@pytest.fixture(scope="module")
def session(site: Site, browser: Browser) -> dict[str, Any]:
    """Sign in by the link; return what the browser keeps of that."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(site.link)
    expect(page.get_by_role("heading", name="Cleanup", exact=True)).to_be_visible()
    state: dict[str, Any] = dict(context.storage_state())
    context.close()
    return state


@pytest.fixture
def page(site: Site, browser: Browser, session: Any) -> Iterator[Page]:
    """A tab that is signed in as admin; no error of the script may be left at its end."""
    tab, faults = open_page(browser, session, base_url=site.address)
    yield tab
    tab.context.close()
    assert not faults


@pytest.fixture
def tidy(site: Site) -> None:
    """Begin without files and with the policies of lifecycle.yml."""
    for folder in (site.files.operations, site.files.logs):
        for file in folder.glob("[!.]*"):
            if file.is_file():
                file.unlink()
    site.dvt("lifecycle", "policies", "apply", "--reason", "a new test", "--yes")
