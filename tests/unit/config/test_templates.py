"""The files that `dvt init` writes are right as they are, and with each comment taken away."""

from __future__ import annotations

import re

import pytest
import yaml

from dvt.config.bucket_types import BUCKETS
from dvt.config.buckets import load_buckets
from dvt.config.computes import load_computes
from dvt.config.profiles import load_profile
from dvt.config.templates import templates

VARIABLES = {"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "s", "AZURE_STORAGE_KEY": "a2V5"}
COMMENTED_KEY = re.compile(r"^( *)# (?=[ #]*[a-z_0-9]+:( |$))", re.MULTILINE)


@pytest.fixture
def folder(tmp_path):
    for name, text in templates("shop").items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def without_comments(text):
    """Return the text with each key that is a comment, twice for comments in what is one itself."""
    return COMMENTED_KEY.sub(r"\1", COMMENTED_KEY.sub(r"\1", text))


def test_as_written_data_is_staged_in_the_project(folder):
    buckets = load_buckets("shop", folder, home=folder)
    assert (buckets.default, buckets.written) == ("local", ("local",))
    assert not buckets.get().is_shared
    assert yaml.safe_load((folder / "buckets.yml").read_text(encoding="utf-8")) == {
        "shop": {"target": "local", "buckets": {"local": {"type": "filesystem"}}}
    }


def test_every_type_of_bucket_has_an_entry_that_is_right(folder):
    file = folder / "buckets.yml"
    file.write_text(without_comments(file.read_text(encoding="utf-8")), encoding="utf-8")
    buckets = load_buckets("shop", folder, home=folder, environment=VARIABLES)
    assert {buckets.entries[name].kind for name in buckets.written} == {
        kind for kind in BUCKETS if kind in BUCKETS._own
    }
    assert not [entry.errors for entry in buckets.entries.values() if entry.errors]
    assert not [entry.notices for entry in buckets.entries.values() if entry.notices]
    assert buckets.get("s3").settings["access_key_id"] == "AKIA"
    assert buckets.get("local").settings["path"] == "/fast/staging"


def test_computes_and_profiles_are_right(folder):
    assert load_computes("shop", folder, home=folder).default == "auto"
    profile = load_profile(folder, "shop")
    assert profile.target == "dev"
    assert profile.output("dev")["path"] == "shop.duckdb"
    for name in ("computes.yml", "profiles.yml"):
        file = folder / name
        file.write_text(without_comments(file.read_text(encoding="utf-8")), encoding="utf-8")
    assert load_computes("shop", folder, home=folder).get("local").settings.memory_limit == "8GB"
    profile = load_profile(folder, "shop", environment={"ERP_PASSWORD": "x"})
    assert profile.output("erp")["password"] == "x"
