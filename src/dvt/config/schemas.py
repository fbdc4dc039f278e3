"""JSON Schemas of buckets.yml and computes.yml, for editors: made from the models that read the files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pydantic import BaseModel

from dvt.config.bucket_entries import EntryKeys, names_of, settings_of
from dvt.config.bucket_types import BUCKETS
from dvt.config.buckets_file import ENTRIES, VERSION, ProfileBuckets
from dvt.config.computes import ENGINES, ProfileComputes

Schema = dict[str, Any]

_DIALECT = "http://json-schema.org/draft-07/schema#"
_VARIABLE: Schema = {"type": "string", "pattern": r"\$\{\w+\}|\{\{.*\}\}"}
"""A value that names an environment variable; what it will be, no editor knows."""


def buckets_schema() -> Schema:
    """Return the schema of buckets.yml."""
    definitions: Schema = {}
    common = _properties([EntryKeys], definitions)
    for kind in sorted(BUCKETS):
        definitions[kind] = _entry(kind, settings_of(kind), common, definitions)
    definitions["bucket"] = _any_type(definitions, sorted(BUCKETS))
    of_profile = _properties([ProfileBuckets], definitions)
    buckets = {"description": of_profile["buckets"]["description"], **_mapping("bucket")}
    both = {"type": "object", "required": list(ENTRIES)}
    section = _object({**of_profile, **dict.fromkeys(ENTRIES, buckets)})
    definitions["profile"] = {**section, "type": ["object", "null"], "not": both}
    by_profile = {"additionalProperties": _reference("profile")}
    version = {"version": {"const": VERSION}, "default": {}, "adapters": _mapping("bucket")}
    version["default"] = {"anyOf": [{"type": "string"}, _reference("bucket")]}
    return {
        "$schema": _DIALECT,
        "title": "buckets.yml",
        "description": "The places in which a profile's runs of dvt stage their data.",
        "type": ["object", "null"],
        "if": {"type": "object", "required": ["version"]},
        "then": _object(version),
        "else": by_profile,
        "definitions": definitions,
    }


def computes_schema() -> Schema:
    """Return the schema of computes.yml."""
    definitions: Schema = {}
    for kind in sorted(ENGINES):
        definitions[kind] = _entry(kind, ENGINES.load(kind).settings, {}, definitions)
    definitions["compute"] = _any_type(definitions, sorted(ENGINES))
    of_profile = _properties([ProfileComputes], definitions)
    of_profile["computes"] = {
        "description": of_profile["computes"]["description"],
        **_mapping("compute"),
    }
    definitions["profile"] = _object(of_profile)
    return {
        "$schema": _DIALECT,
        "title": "computes.yml",
        "description": "The engines that a profile's models over several databases can be computed on.",
        "type": ["object", "null"],
        "additionalProperties": _reference("profile"),
        "definitions": definitions,
    }


SCHEMAS: Mapping[str, Callable[[], Schema]] = {"buckets": buckets_schema, "computes": computes_schema}
"""Name of a file, without `.yml` → its schema."""


def _entry(kind: str, model: type[BaseModel], common: Mapping[str, Schema], definitions: Schema) -> Schema:
    """Return the schema of an entry of one type; the aliases of keys are keys, too."""
    properties = {"type": {"const": kind}, **common, **_properties([model], definitions)}
    schema = _object(properties)
    schema["required"] = ["type"]
    needed = [
        {"anyOf": [{"required": [alias]} for alias, of in names_of(model).items() if of == name]}
        for name, field in model.model_fields.items()
        if field.is_required()
    ]
    return {**schema, "allOf": needed} if needed else schema


def _any_type(definitions: Mapping[str, Any], kinds: Iterable[str]) -> Schema:
    """Return the schema of an entry: by its type, and of any keys for a type of another package."""
    known = list(kinds)
    cases = [
        {"if": {"properties": {"type": {"const": kind}}, "required": ["type"]}, "then": _reference(kind)}
        for kind in known
    ]
    assert set(known) <= definitions.keys()  # noqa: S101 - else a reference would lead nowhere
    return {"type": "object", "required": ["type"], "allOf": cases}


def _properties(models: Iterable[type[BaseModel]], definitions: Schema) -> dict[str, Schema]:
    properties: dict[str, Schema] = {}
    for model in models:
        schema = model.model_json_schema(by_alias=False, ref_template="#/definitions/{model}")
        definitions |= schema.get("$defs", {})
        for key, name in names_of(model).items():
            properties[key] = _property(schema["properties"][name], "" if key == name else name)
    return properties


def _property(schema: Mapping[str, Any], other_name_of: str) -> Schema:
    """Return the schema of a key, which an environment variable may always stand for."""
    about = str(schema.get("description", "")).replace("\n", " ")
    choices = [_bare(choice) for choice in schema.get("anyOf", [schema])]
    if {"type": "string"} not in choices:
        choices.append(_VARIABLE)
    value = {"anyOf": choices} if len(choices) > 1 else choices[0]
    if other_name_of:
        about = f"The same as {other_name_of}."
    return {"description": about, **value} if about else value


def _bare(schema: Mapping[str, Any]) -> Schema:
    """Return a schema without what is said elsewhere."""
    return {key: value for key, value in schema.items() if key not in {"title", "description", "default"}}


def _object(properties: Mapping[str, Any]) -> Schema:
    return {"type": "object", "properties": dict(properties), "additionalProperties": False}


def _mapping(of: str) -> Schema:
    return {"type": ["object", "null"], "additionalProperties": _reference(of)}


def _reference(name: str) -> Schema:
    return {"$ref": f"#/definitions/{name}"}
