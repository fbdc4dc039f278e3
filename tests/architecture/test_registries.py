"""Every registered name loads, is tested against the real database, and has a page."""

from __future__ import annotations

from importlib import import_module

import pytest

from dvt.buckets import BUCKETS
from dvt.connectors import CONNECTORS
from dvt.engines import ENGINES
from dvt.testing.suites import BucketSuite, ConnectorSuite, EngineSuite, LoadingSuite
from tests.architecture.sources import ROOT
from tests.databases import DATABASES, NOT_RUN


@pytest.mark.parametrize("name", sorted(CONNECTORS))
def test_a_registered_connector_loads(name: str):
    assert CONNECTORS.load(name).capabilities


@pytest.mark.parametrize("name", sorted(ENGINES))
def test_a_registered_engine_loads(name: str):
    assert ENGINES.load(name).dialect


@pytest.mark.parametrize("name", sorted(BUCKETS))
def test_a_registered_bucket_loads(name: str):
    assert BUCKETS.load(name).delete


@pytest.mark.parametrize("name", sorted(BUCKETS))
def test_every_bucket_passes_the_suite(name: str):
    """The bucket's tests inherit the suite, so that no promise is left out.

    Those of a bucket that needs a server are in tests/conformance.
    """
    needs_server = (ROOT / "tests" / "conformance" / f"test_bucket_{name}.py").exists()
    module = f"tests.conformance.test_bucket_{name}" if needs_server else f"tests.unit.buckets.test_{name}"
    tests = vars(import_module(module)).values()
    suites = [kind for kind in tests if isinstance(kind, type) and issubclass(kind, BucketSuite)]
    assert [kind for kind in suites if kind is not BucketSuite and kind.__name__.startswith("Test")]


@pytest.mark.parametrize("name", sorted(ENGINES))
def test_every_engine_passes_the_suite(name: str):
    """The engine's tests are in a class named after it."""
    modules = [import_module(f"tests.unit.engines.{file}") for file in ("test_suites", "test_spark_suite")]
    class_name = f"Test{ENGINES.load(name).__name__}"
    assert any(issubclass(getattr(module, class_name, object), EngineSuite) for module in modules)


@pytest.mark.parametrize("name", sorted(NOT_RUN))
def test_what_was_not_run_says_so(name: str):
    page = (ROOT / "docs" / "reference" / f"outputs-{name}.md").read_text(encoding="utf-8")
    assert "**Not run against the real service.**" in page


@pytest.mark.parametrize("name", sorted(set(CONNECTORS) - NOT_RUN))
def test_every_connector_passes_the_suites(name: str):
    """The connector's tests are in a class named after it, on a database that tests/databases opens."""
    connector = CONNECTORS.load(name)
    suite = _conformance_tests()[f"Test{connector.__name__}"]
    assert issubclass(suite, ConnectorSuite)
    assert issubclass(suite, LoadingSuite) == hasattr(connector, "fill")
    assert connector in {CONNECTORS.load(database) for database in DATABASES}


def _conformance_tests() -> dict[str, type]:
    modules = [
        f"tests.conformance.{file.stem}" for file in (ROOT / "tests/conformance").glob("test_*_suites.py")
    ]
    return {name: value for module in modules for name, value in vars(import_module(module)).items()}


def test_every_real_database_is_a_connector():
    assert set(DATABASES) <= set(CONNECTORS)


@pytest.mark.parametrize("name", sorted(CONNECTORS))
def test_every_output_type_is_documented(name: str):
    assert f"`{name}`" in (ROOT / "docs" / "reference" / "outputs.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(CONNECTORS))
def test_every_connector_has_a_page(name: str):
    """One page per connector: outputs of two types may share one."""
    pages = {connector for connector in CONNECTORS if CONNECTORS[connector] == CONNECTORS[name]}
    assert any((ROOT / "docs" / "reference" / f"outputs-{connector}.md").exists() for connector in pages)
