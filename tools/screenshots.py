"""`make screenshots`: the pictures of the page in docs/images, of a project with runs and with a mess.

The project is the shop of examples/shop, built once, with the files of examples/messy in it.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).parent.parent
IMAGES = ROOT / "docs/images"
BIN = Path(sys.executable).parent
WIDE, PHONE = (1200, 860), (390, 844)
LINK = re.compile(r"(http://\S+)/login\?link=\S+")


def main() -> None:
    """Take all pictures."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        project = Path(folder, "shop")
        make(project)
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        with served(project) as link:
            take(browser, link)
        browser.close()


def make(project: Path) -> None:
    """Make the project."""
    shutil.copytree(
        ROOT / "examples/shop", project, ignore=shutil.ignore_patterns(".dvt", "data", "target", "logs")
    )
    shutil.copy(ROOT / "examples/messy/lifecycle.yml", project)
    shutil.copy(ROOT / "examples/messy/generate.py", project / "mess.py")
    run(project, sys.executable, "mess.py")
    run(project, "dvt", "lifecycle", "init")
    run(project, sys.executable, "generate.py")
    run(project, "dvt", "build")
    run(project, sys.executable, "generate.py", "--next-month")
    run(project, "dvt", "build", "--select", "activity+")


def run(project: Path, program: str, *arguments: str) -> None:
    """Run a command in the project."""
    path = program if "/" in program else str(BIN / program)
    subprocess.run([path, *arguments], cwd=project, check=True, capture_output=True)


@contextmanager
def served(project: Path) -> Iterator[str]:
    """Serve the project; give the link that signs in."""
    command = [BIN / "dvt", "web", "--port", "0", "--no-open"]
    with subprocess.Popen(command, cwd=project, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield next(found[0] for line in server.stdout if (found := LINK.search(line)))
        finally:
            server.terminate()


def take(browser: Browser, link: str) -> None:
    """Take the pictures, in both colours."""
    address = link.partition("/login")[0]
    first = browser.new_context()
    first.new_page().goto(link)
    state = first.storage_state()

    def page(size: tuple[int, int], scheme: str) -> Page:
        width, height = size
        context = browser.new_context(
            base_url=address,
            storage_state=state,
            viewport={"width": width, "height": height},
            color_scheme="dark" if scheme == "dark" else "light",
        )
        return context.new_page()

    light, dark, phone = page(WIDE, "light"), page(WIDE, "dark"), page(PHONE, "light")
    take_runs(light, dark)
    take_cleanup(light, dark, phone)


def take_runs(light: Page, dark: Page) -> None:
    """Take the pictures of the run monitor."""
    light.goto("/runs")
    shoot(light, "runs")
    light.get_by_role("link", name="dvt build", exact=True).last.click()
    light.wait_for_selector("#nodes")
    shoot(light, "run")
    dark.goto(light.url)
    shoot(dark, "run-dark")
    light.locator("[data-node]", has_text="customer_value").click()
    light.get_by_role("link", name="Show its plan").click()
    light.wait_for_selector(".plan")
    shoot(light, "node")


def take_cleanup(light: Page, dark: Page, phone: Page) -> None:
    """Take the pictures of the cleanup."""
    light.goto("/pipeline-management")
    light.get_by_role("button", name="Dry run").click()
    light.wait_for_selector("#items")
    shoot(light, "cleanup")
    light.get_by_role("link", name="Edit the policy of dbt_logs").click()
    light.locator("dialog [name=days]").fill("30")
    light.get_by_text("would be due").first.wait_for()
    shoot(light, "policy")
    dark.goto("/pipeline-management")
    shoot(dark, "cleanup-dark")
    phone.goto("/pipeline-management")
    shoot(phone, "cleanup-phone")


def shoot(page: Page, name: str) -> None:
    """Take one picture of what is in sight."""
    page.wait_for_timeout(500)
    page.screenshot(path=IMAGES / f"page-{name}.png")


if __name__ == "__main__":
    main()
