"""The pages name what exists, and what exists is on a page."""

from __future__ import annotations

import re
import tomllib

import pytest

from dvt.core.errors import WARNINGS, DvtError
from tests.docs.pages import ROOT, links, pages, reference_tool


@pytest.mark.parametrize("name", sorted(reference_tool().PAGES))
def test_generated_files_are_fresh(name: str):
    text = (ROOT / name).read_text(encoding="utf-8")
    assert text == reference_tool().PAGES[name](), f"{name} is stale: run make docs"


def test_every_code_is_documented():
    page = (ROOT / "docs" / "reference" / "errors.md").read_text(encoding="utf-8")
    assert not [code for code in [*WARNINGS, *DvtError.registry] if code not in page]


@pytest.mark.parametrize("code", sorted(DvtError.registry))
def test_every_error_says_what_it_is(code: str):
    error = DvtError.registry[code]
    assert (error.__doc__ or "").strip().endswith("."), f"{error.__name__} needs a sentence as docstring"


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_relative_link_leads_to_a_file(page):
    dead = [target for target in links(page) if not (page.parent / target).exists()]
    assert not dead


def test_every_dependency_is_explained():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    requirements = [*project["dependencies"], *(requirement for extra in extras for requirement in extra)]
    names = {re.split(r"[\[<>=~! ]", requirement)[0] for requirement in requirements} - {"dvt-engine"}
    page = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    assert not sorted(name for name in names if f"`{name}`" not in page)


def test_every_locked_requirement_has_a_hash_and_no_address():
    for lock in (ROOT / "requirements").glob("*.txt"):
        text = lock.read_text(encoding="utf-8")
        assert "://" not in text
        pins = re.findall(r"^[a-z0-9][^=\s]*==", text, re.MULTILINE)
        assert pins
        unhashed = re.findall(r"^[a-z0-9][^\n]*==[^\\\n]*$", text, re.MULTILINE)
        assert not unhashed


def test_every_make_target_explains_itself():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = {"demo", "test", "check", "fmt", "bench", "docs", "help"}
    explained = set(re.findall(r"^([a-z]+):.*## \S", makefile, re.MULTILINE))
    assert targets <= explained


def test_ci_runs_the_test_command_of_the_readme():
    command = "make test"
    assert command in (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"\n{command} " in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_pages_that_the_code_names_are_there():
    """`docs/adr/0007` may stand for the file whose name begins so."""
    named = {
        (file.relative_to(ROOT).as_posix(), path.rstrip("."))
        for file in [*(ROOT / "src").rglob("*.py"), ROOT / "pyproject.toml"]
        for path in re.findall(r"\bdocs/[\w./-]+", file.read_text(encoding="utf-8"))
    }
    assert not sorted((file, path) for file, path in named if not list(ROOT.glob(f"{path}*")))


def test_every_decision_is_listed():
    folder = ROOT / "docs" / "adr"
    listed = (folder / "README.md").read_text(encoding="utf-8")
    assert not [page.name for page in folder.glob("0*.md") if page.name not in listed]


def test_the_example_of_a_connectors_tests_runs_as_a_packages_tests():
    page = ROOT / "docs" / "how-to" / "test-a-connector-an-engine-or-a-bucket.md"
    tests = ROOT / "tests" / "packages" / "nest" / "tests" / "test_nest.py"
    assert f"```python\n{tests.read_text(encoding='utf-8')}```" in page.read_text(encoding="utf-8")
