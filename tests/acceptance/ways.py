"""What `dvt explain` tells of the ways that data of a warehouse take."""

from __future__ import annotations

import json
import re

import yaml

from tests.acceptance.project import Project


def check_ways_without_a_bucket(project: Project, warehouse: str, by: str, kinds: str) -> None:
    """Check of a model `here` over an output `wh` that much is warned of, and little is not."""
    profiles = yaml.safe_load((project.root / "profiles.yml").read_text())
    (project.root / "buckets.yml").unlink()
    del profiles["shop"]["outputs"]["wh"]["bucket"]
    (project.root / "profiles.yml").write_text(yaml.safe_dump(profiles))
    shown, warned = _way(project)
    assert shown == f"{by}: no bucket of type {kinds} is configured"
    start = f"Native connector available for {warehouse} but no bucket configured."
    assert warned == [f"{start} Configure buckets.yml for faster transfers. Falling back to {by}"]
    profiles["shop"]["outputs"]["wh"]["bulk_rows"] = 10_000
    (project.root / "profiles.yml").write_text(yaml.safe_dump(profiles))
    shown, warned = _way(project)
    assert re.fullmatch(rf"{by}: [\d,]+ rows are no more than bulk_rows \(10,000\) and bulk_bytes", shown)
    assert warned == []


def _way(project: Project) -> tuple[str, list[str]]:
    """Return how rows of the warehouse arrive, which JSON and text tell alike, and the warnings of it."""
    output = project.dvt("explain", "--select", "here", "--format", "json").ok().output
    (here,) = json.loads(output)["nodes"]
    (by,) = [node["by"] for node in here["plan"]["extractions"] if node["connection"] == "wh"]
    text = project.dvt("explain", "--select", "here").ok().output
    assert f"by: {by}" in text
    warned = [notice["message"] for notice in here["plan"]["warnings"] if notice["code"] == "DVT022"]
    assert all(message in text for message in warned)
    return by, warned
