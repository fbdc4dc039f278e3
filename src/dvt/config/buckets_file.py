"""Reads buckets.yml: its sections, in each form that it may have, and the entries in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path as FilePath
from typing import Any

from pydantic import ValidationError

from dvt.config.bucket_entries import EntryReader
from dvt.config.bucket_types import LOCAL, NO_FILE, BucketEntry, Buckets
from dvt.config.problems import Strict, collect, problems_of
from dvt.config.yaml_lines import Document
from dvt.core.error_list import ErrorList
from dvt.core.errors import BucketsInvalid, nearest
from dvt.core.reports import Notice

ENTRIES = ("buckets", "outputs")
"""Keys of a section that may have its entries; `outputs` is as in profiles.yml."""
VERSION = 1
"""The version of the form that has `version`, `default` and `adapters`."""

Path = tuple[str, ...]
"""Keys that lead to a value in the file."""


class ProfileBuckets(Strict):
    """The section of a profile."""

    target: str | None = None
    """The bucket in use. It may be left out where there is only one."""
    buckets: dict[str, dict[str, Any] | None] | None = None
    """The buckets, by name."""
    project_id: str | None = None
    """Names the project's folder in buckets that other projects stage in, too; else its name does."""


@dataclass(frozen=True, slots=True)
class _Section:
    """What the file says of one profile."""

    model: ProfileBuckets
    path: Path
    """Where it is in the file."""
    places: Mapping[str, Path]
    """Name of a bucket → where its entry is in the file."""


def read(
    file: FilePath, profile: str, project_dir: FilePath | None, environment: Mapping[str, str]
) -> Buckets:
    """Return the profile's buckets; raise all errors in the file at once."""
    content = _read(file, profile, project_dir, environment)
    if profile not in content.sections:
        return replace(NO_FILE, file=str(file))
    return content.of_profile(profile)


def read_all(
    file: FilePath, profile: str, project_dir: FilePath | None, environment: Mapping[str, str]
) -> dict[str, Buckets]:
    """Return the buckets of every profile in the file; a form without profiles holds for `profile`."""
    content = _read(file, profile, project_dir, environment)
    errors = ErrorList()
    buckets = {}
    for name in content.sections:
        with errors.collecting():
            buckets[name] = content.of_profile(name)
    errors.raise_all()
    return buckets


@dataclass(frozen=True, slots=True)
class _Content:
    """What a file says."""

    document: Document
    sections: Mapping[str, _Section]
    entries: Mapping[str, Mapping[str, BucketEntry]]
    """Profile → its entries by name."""
    reader: EntryReader

    def of_profile(self, profile: str) -> Buckets:
        """Return the buckets of a profile that has a section."""
        notices = self.reader.secrets(profile)
        return _of_profile(self.document, profile, self.sections[profile], self.entries[profile], notices)


def _read(
    file: FilePath, profile: str, project_dir: FilePath | None, environment: Mapping[str, str]
) -> _Content:
    document = Document.read(file, BucketsInvalid, environment)
    errors = ErrorList()
    reader = EntryReader(document, {"project_dir": project_dir, "folder": file.parent})
    sections = dict(_sections(document, profile, errors))
    entries = {
        name: {
            bucket: entry
            for bucket, content in (section.model.buckets or {}).items()
            if (entry := reader.entry(name, section.places[bucket], content, errors)) is not None
        }
        for name, section in sections.items()
    }
    errors.raise_all()
    return _Content(document, sections, entries, reader)


def _of_profile(
    document: Document,
    profile: str,
    section: _Section,
    entries: Mapping[str, BucketEntry],
    notices: tuple[Notice, ...],
) -> Buckets:
    for key in ("target", "project_id"):
        for error in document.unset_in((*section.path, key)):
            raise error
    all_entries = {LOCAL: BucketEntry(LOCAL), **entries}
    default = section.model.target or next(iter(entries), LOCAL)
    if section.model.target is None and len(entries) > 1:
        names = ", ".join(entries)
        problem = (
            f"profile {profile!r} has several buckets and no `target` that names the one in use: {names}"
        )
        raise BucketsInvalid(document.file, document.line(section.path), problem)
    if default not in all_entries:
        problem = f"target {default!r} of profile {profile!r} is none of its buckets"
        line = document.line((*section.path, "target"))
        raise BucketsInvalid(document.file, line, problem, nearest(default, all_entries))
    return Buckets(
        entries=all_entries,
        default=default,
        project_id=section.model.project_id or None,
        file=document.file,
        written=tuple(entries),
        notices=notices,
    )


def _sections(document: Document, profile: str, errors: ErrorList) -> Iterator[tuple[str, _Section]]:
    """Yield the sections that are right, by profile; collect the errors of the others."""
    content = document.content or {}
    with errors.collecting():
        _check_top(document, content)
        if isinstance(content.get("version"), dict | None):
            for name, section in content.items():
                yield from _section(document, name, section, errors)
        else:
            yield from _versioned(document, profile, content, errors)


def _check_top(document: Document, content: Any) -> None:
    if not isinstance(content, dict):
        problem = "should begin with the name of a profile, and have its buckets below that"
        raise document.error((), problem)
    for key in (*ENTRIES, "target"):
        if key in content and not (
            isinstance(content[key], dict) and set(content[key]) & {*ENTRIES, "target"}
        ):
            problem = f"{key!r} stands at the top, and belongs below the name of a profile, indented"
            raise document.error((key,), problem)


def _section(
    document: Document, name: str, content: Any, errors: ErrorList
) -> Iterator[tuple[str, _Section]]:
    """Yield a profile's section under the name of the profile, if it is right."""
    path = (name,)
    keys = {} if content is None and not document.unset_in(path) else content
    of_entries = "buckets"
    if isinstance(keys, dict):
        both = [key for key in keys if key in ENTRIES]
        if len(both) > 1:
            problem = (
                f"profile {name!r} has both `buckets` and `outputs`, which mean the same; keep one of them"
            )
            errors.add(document.error((name, both[-1]), problem))
            return
        of_entries = both[0] if both else of_entries
        for key in (key for key, value in keys.items() if _is_stray(key, value)):
            problem = f"{name}.{key}: a bucket stands below `buckets:`, indented"
            errors.add(document.error((name, key), problem))
        keys = {
            ("buckets" if key == of_entries else key): value
            for key, value in keys.items()
            if not _is_stray(key, value)
        }
    try:
        model = ProfileBuckets.model_validate(keys)
    except ValidationError as error:
        collect(document, problems_of(error), path, errors, {*ProfileBuckets.model_fields, *ENTRIES})
        return
    yield name, _Section(model, path, {bucket: (name, of_entries, bucket) for bucket in model.buckets or ()})


def _is_stray(key: str, value: Any) -> bool:
    """True for what looks like a bucket, and stands beside `buckets` instead of below it."""
    return key not in ProfileBuckets.model_fields and key not in ENTRIES and isinstance(value, dict)


def _versioned(
    document: Document, profile: str, content: Mapping[str, Any], errors: ErrorList
) -> Iterator[tuple[str, _Section]]:
    """Yield the section of the form without profiles, which holds for every profile.

    `default` is a bucket, or the name of one; `adapters` has a bucket for each type of database.
    """
    if content["version"] != VERSION:
        raise document.error(("version",), f"version should be {VERSION}")
    for key in (key for key in content if key not in {"version", "default", "adapters"}):
        problem = f"{key}: a file with `version` has `default` and `adapters`, and no profiles"
        errors.add(document.error((key,), problem))
    adapters, default = content.get("adapters") or {}, content.get("default")
    if not isinstance(adapters, dict):
        raise document.error(("adapters",), "adapters: should be a mapping of names and buckets")
    places: dict[str, Path] = {name: ("adapters", name) for name in adapters}
    buckets = dict(adapters)
    if isinstance(default, dict):
        buckets["default"], places["default"] = default, ("default",)
        default = "default"
    try:
        model = ProfileBuckets(target=default, buckets=buckets)
    except ValidationError as error:
        for wrong in problems_of(error):
            place = places.get(str(wrong["loc"][-1]), ("default",))
            errors.add(document.error(place, f"{'.'.join(place)}: should be a bucket"))
        return
    yield profile, _Section(model, (), places)
