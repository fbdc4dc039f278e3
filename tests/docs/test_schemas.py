"""The JSON Schemas for editors take what the pages show and what dvt reads, and refuse what it refuses."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from dvt.config.buckets import load_buckets
from dvt.config.computes import load_computes
from dvt.core.errors import DvtError
from tests.docs.pages import ROOT, pages

LOADERS = {"buckets": load_buckets, "computes": load_computes}
BLOCK = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)


def schema_of(file: str) -> Any:
    text = (ROOT / "docs" / "reference" / f"{file}.schema.json").read_text(encoding="utf-8")
    return json.loads(text)


def examples() -> list[tuple[str, str, str]]:
    """Return the blocks of all pages that are a whole buckets.yml or computes.yml: page, file, text."""
    found = []
    for page in pages():
        for text in BLOCK.findall(page.read_text(encoding="utf-8")):
            content = yaml.safe_load(text)
            sections = content.values() if isinstance(content, dict) else ()
            for file in LOADERS:
                has_section = any(isinstance(section, dict) and file in section for section in sections)
                if has_section or (file == "buckets" and isinstance(content, dict) and "adapters" in content):
                    found.append((page.relative_to(ROOT).as_posix(), file, text))
    return found


def loads(file: str, text: str, folder: Path) -> bool:
    (folder / f"{file}.yml").write_text(text, encoding="utf-8")
    try:
        loaded = LOADERS[file]("shop", folder, home=folder)
    except DvtError:
        return False
    assert loaded.file == str(folder / f"{file}.yml")
    return True


def is_valid(file: str, text: str) -> bool:
    return jsonschema.Draft7Validator(schema_of(file)).is_valid(yaml.safe_load(text))


def test_the_pages_have_examples_of_both_files():
    assert {file for _, file, _ in examples()} == set(LOADERS)
    assert len(examples()) >= 6


@pytest.mark.parametrize(("page", "file", "text"), examples())
def test_an_example_is_read_and_its_schema_takes_it(tmp_path: Path, page: str, file: str, text: str):
    assert loads(file, text, tmp_path)
    jsonschema.validate(yaml.safe_load(text), schema_of(file))


@pytest.mark.parametrize("file", sorted(LOADERS))
def test_a_schema_is_a_schema(file: str):
    jsonschema.Draft7Validator.check_schema(schema_of(file))


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("buckets", ""),
        ("buckets", "shop:"),
        ("buckets", "shop: {buckets: }"),
        ("buckets", "shop: {outputs: {a: {type: filesystem, compression: none, prefix: x}}}"),
        ("buckets", "shop: {outputs: {a: {type: filesystem, auth: '${DVT_TEST_B}'}}}"),
        ("buckets", "version: 1\ndefault: a\nadapters: {a: {type: filesystem}}"),
        ("computes", "shop: {target: auto, computes: {a: {type: duckdb, threads: '${DVT_TEST_C}'}}}"),
        ("computes", "shop: {computes: {a: {type: duckdb, threads: 3, memory_limit: 8GB}}}"),
        ("computes", "shop: {computes: {a: {type: spark, master: 'local[2]'}}}"),
    ],
)  # fmt: skip
def test_what_is_read_is_valid(tmp_path: Path, monkeypatch: Any, file: str, text: str):
    for name, value in {"A": "a", "B": "default", "C": "3"}.items():
        monkeypatch.setenv(f"DVT_TEST_{name}", value)
    assert loads(file, text, tmp_path)
    assert is_valid(file, text)


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("buckets", "shop: 3"),
        ("buckets", "- a"),
        ("buckets", "shop: {bucket: {}}"),
        ("buckets", "shop: {buckets: {a: {type: filesystem}}, outputs: {b: {type: filesystem}}}"),
        ("buckets", "shop: {buckets: {a: {path: /x}}}"),
        ("buckets", "shop: {buckets: {a: {type: filesystem, paht: /x}}}"),
        ("buckets", "shop: {buckets: {a: {type: filesystem, path: 3}}}"),
        ("buckets", "version: 2\ndefault: {type: filesystem}"),
        ("buckets", "version: 1\nshop: {buckets: {}}"),
        ("computes", "shop: {computes: {a: {type: duckdb, threads: 0}}}"),
        ("computes", "shop: {computes: {a: {type: duckdb, thread: 1}}}"),
        ("computes", "shop: {compute: {}}"),
    ],
)
def test_what_is_refused_is_not_valid(tmp_path: Path, file: str, text: str):
    assert not loads(file, text, tmp_path)
    assert not is_valid(file, text)
