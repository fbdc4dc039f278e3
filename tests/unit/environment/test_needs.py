"""Which packages outputs and buckets need."""

from __future__ import annotations

import pytest

from dvt.buckets import BUCKETS
from dvt.connectors import CONNECTORS
from dvt.environment.needs import OWN, Use, extra_requirement, needs_of
from dvt.resolution.output_types import output_type


def names(*uses: Use) -> list[str]:
    return [need.name for need in needs_of(uses, "1.5.5")]


@pytest.mark.parametrize("kind", sorted(set(BUCKETS) - {"filesystem", "memory"}))
def test_a_store_has_an_extra_of_its_type(kind: str):
    assert names(Use("bucket", extra_requirement(kind)))


def test_a_folder_needs_nothing():
    assert not extra_requirement("filesystem")


@pytest.mark.parametrize("kind", sorted(set(CONNECTORS) & {"postgres", "mysql", "mariadb", "sqlite"}))
def test_an_output_needs_what_its_extra_has_and_never_dvt_itself(kind: str):
    found = names(Use("output", output_type(kind).requirement))
    assert found
    assert OWN not in found


def test_what_several_need_is_one_need():
    uses = (Use("a", output_type("mysql").requirement), Use("b", output_type("mariadb").requirement))
    assert {need.uses for need in needs_of(uses, None)} == {("a", "b")}


def test_an_extension_of_duckdb_is_needed_at_its_version():
    (need,) = needs_of([Use("a", output_type("sqlite").requirement)], "1.5.5")
    assert str(need.requirement) == "duckdb-extension-sqlite-scanner==1.5.5"


def test_files_need_nothing():
    assert not names(Use("files", output_type("files").requirement))
