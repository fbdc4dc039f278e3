"""Validates the entries of buckets.yml: the keys of all types here, the others by the type's own model."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import timedelta
from typing import Any, Literal, TypeVar

from pydantic import AliasChoices, BaseModel, ValidationError

from dvt.config.bucket_types import BUCKETS, OWN, BucketEntry
from dvt.config.problems import Strict, collect, no_such_key, problems_of
from dvt.config.yaml_lines import Document
from dvt.core.compression import SNAPPY, ZSTD, Compression
from dvt.core.durations import duration
from dvt.core.error_list import ErrorList
from dvt.core.errors import BucketsInvalid, DurationInvalid, DvtError
from dvt.core.keeping import KEEPING, Keep, Keeping
from dvt.core.ports.staging import BucketSettings
from dvt.core.reports import Notice

RECOMMENDED: Mapping[str, tuple[str, str]] = {
    "s3": ("region", "the region is asked of the store, or of the environment"),
    "gcs": ("project", "the project is that of the credentials"),
}
"""Type → a key that an entry should have, and what happens without it."""
OF_ALL = ("type", "prefix", "compression", "keep", "resume_within")
"""Keys of all types that are read here."""
_SECRET = re.compile(
    r"secret|token|password|account_key|connection_string|credentials_json|keyfile_json|private_key$",
    re.IGNORECASE,
)
"""Matches keys whose values are secrets."""
_PLACE = re.compile(r"\{(\w*)\}")
"""Matches a place in a prefix, such as `{profile}`."""

Path = tuple[str, ...]
_T = TypeVar("_T")


class EntryKeys(Strict):
    """Keys that every entry may have, beside those of its type."""

    auth: Literal["default"] | None = None
    """`default` says that credentials are those of the environment, as they are if no key has any."""
    storage_integration: str | None = None
    """Snowflake's integration for this bucket. Nothing uses it yet."""
    iam_role: str | None = None
    """Redshift's role for this bucket. Nothing uses it yet."""


class EntryReader:
    """Reads the entries of one file; notes the secrets in them."""

    def __init__(self, document: Document, context: Mapping[str, Any]) -> None:
        """`context` is what settings models are given beside the keys."""
        self._document = document
        self._context = context
        self._secrets: list[tuple[str, Path]] = []

    def secrets(self, profile: str) -> tuple[Notice, ...]:
        """Return warnings for the secrets that stand in the entries of a profile as they are."""
        return tuple(
            Notice(
                "DVT027",
                f"{self._document.file}, line {self._document.line(path)}: {'.'.join(path)} is a secret",
                "put it in an environment variable, and write ${NAME} there; let only you read the file",
            )
            for of, path in self._secrets
            if of == profile
        )

    def entry(
        self, profile: str, path: Path, content: Mapping[str, Any] | None, errors: ErrorList
    ) -> BucketEntry | None:
        """Return an entry; collect its errors, and return None, if there are any.

        Variables that are not set are no errors here: another machine may have them. What can be checked
        without them is.
        """
        document, keys = self._document, dict(content or {})
        if unset := document.unset_in(path):
            if keys.get("type") is not None:
                with errors.collecting():
                    self._check_names(path, keys, errors)
            return BucketEntry(path[-1], str(keys.get("type")), errors=tuple(unset))
        self._secrets += [(profile, secret) for secret in self._secrets_in(path, keys)]
        try:
            return self._read(profile, path, keys, errors)
        except DvtError as error:
            errors.add(error)
            return None

    def _check_names(self, path: Path, keys: Mapping[str, Any], errors: ErrorList) -> None:
        """Check the type, and that it has these keys."""
        known = {*names_of(settings_of(self._kind(path, keys["type"]))), *EntryKeys.model_fields, *OF_ALL}
        for key in (key for key in keys if key not in known):
            place = (*path, key)
            errors.add(self._document.error(place, f"{'.'.join(place)}: {no_such_key(key, known)}"))

    def _read(self, profile: str, path: Path, keys: dict[str, Any], errors: ErrorList) -> BucketEntry | None:
        kind = self._kind(path, keys.pop("type", None))
        model = settings_of(kind)
        common = self._common(path, keys, model, errors)
        compression = self._text(path, keys, "compression", Compression.parse, errors)
        prefix = self._text(path, keys, "prefix", lambda text: prefix_of(text, profile), errors)
        keep = self._text(path, keys, "keep", _keep, errors)
        resume_within = self._text(path, keys, "resume_within", _duration, errors)
        if prefix is not None:
            keys["prefix"] = prefix
        try:
            settings = model.model_validate(keys, context=dict(self._context))
        except ValidationError as error:
            self._collect(path, kind, model, error, errors)
            return None
        values = settings.model_dump(exclude_unset=True, exclude_none=True)
        if common.auth:
            self._check_ambient(path, values)
        return BucketEntry(
            name=path[-1],
            kind=kind,
            settings=values,
            compression=compression or (SNAPPY if kind == OWN else ZSTD),
            keeping=Keeping(
                KEEPING.keep if keep is None else keep,
                KEEPING.resume_within if resume_within is None else resume_within,
            ),
            notices=tuple(self._lacks(path, kind, values)),
        )

    def _kind(self, path: Path, kind: Any) -> str:
        where, known = _name(path), sorted(BUCKETS)
        if isinstance(kind, str) and kind in BUCKETS:
            return kind
        problem = f"Invalid bucket type {kind!r} in {where}" if kind is not None else f"{where} has no type"
        close = difflib.get_close_matches(str(kind), known, n=1)
        line = self._document.line((*path, "type"))
        text = f"{problem}. Must be one of: {', '.join(known)}"
        raise BucketsInvalid(self._document.file, line, text, f"did you mean {close[0]!r}?" if close else "")

    def _common(
        self, path: Path, keys: dict[str, Any], model: type[BaseModel], errors: ErrorList
    ) -> EntryKeys:
        """Remove the keys of all types from those of the entry, and return them."""
        own = names_of(model)
        common = {key: keys.pop(key) for key in EntryKeys.model_fields if key in keys and key not in own}
        try:
            return EntryKeys.model_validate(common)
        except ValidationError as error:
            collect(self._document, problems_of(error), path, errors)
            return EntryKeys()

    def _collect(
        self, path: Path, kind: str, model: type[BaseModel], error: ValidationError, errors: ErrorList
    ) -> None:
        problems = problems_of(error)
        missing = [str(problem["loc"][0]) for problem in problems if problem["type"] == "missing"]
        if missing:
            errors.add(self._document.error(path, _missing(kind, path, _canonical(model, missing))))
        others = [problem for problem in problems if problem["type"] != "missing"]
        collect(self._document, others, path, errors, {*names_of(model), *EntryKeys.model_fields, *OF_ALL})

    def _text(
        self, path: Path, keys: dict[str, Any], key: str, read: Callable[[str], _T], errors: ErrorList
    ) -> _T | None:
        """Remove a key of all types from those of the entry; return what is read in its text."""
        text = keys.pop(key, None)
        try:
            return None if text is None else read(_is_text(text))
        except ValueError as error:
            errors.add(self._document.error((*path, key), f"{'.'.join((*path, key))}: {error}"))
            return None

    def _check_ambient(self, path: Path, values: Mapping[str, Any]) -> None:
        own = sorted(
            key for key in values if _SECRET.search(key) or key in {"access_key_id", "credentials_path"}
        )
        if own:
            problem = f"{'.'.join(path)}: auth is default, which excludes {', '.join(own)}; keep one of them"
            raise self._document.error((*path, "auth"), problem)

    def _secrets_in(self, path: Path, keys: Mapping[str, Any]) -> Iterator[Path]:
        """Yield the places of secrets that come from no environment variable."""
        for key, value in keys.items():
            place = (*path, key)
            if isinstance(value, dict):
                yield from self._secrets_in(place, value)
            is_own = isinstance(value, str) and place not in self._document.from_environment
            if is_own and value and _SECRET.search(key):
                yield place

    def _lacks(self, path: Path, kind: str, values: Mapping[str, Any]) -> Iterator[Notice]:
        key, otherwise = RECOMMENDED.get(kind, ("", ""))
        if key and key not in values and "endpoint" not in values:
            place = f"{self._document.file}, line {self._document.line(path)}: bucket {_name(path)}"
            yield Notice("DVT028", f"{place} has no {key}, so {otherwise}", f"add `{key}:` to it")


def settings_of(kind: str) -> type[BaseModel]:
    """Return the settings model of a type; one without a model has the keys of all."""
    model: type[BaseModel] = getattr(BUCKETS.load(kind), "settings", BucketSettings)
    return model


def names_of(model: type[BaseModel]) -> dict[str, str]:
    """Return the keys that a model takes, aliases too, each with the name of its field."""
    names: dict[str, str] = {}
    for name, field in model.model_fields.items():
        alias = field.validation_alias or field.alias
        choices = alias.choices if isinstance(alias, AliasChoices) else [alias or name]
        names |= {str(choice): name for choice in [*choices, name]}
    return names


def prefix_of(text: str, profile: str) -> str:
    """Return a prefix with the profile's name in it, and `/` at its end only; ValueError for no prefix.

    Example:
        >>> prefix_of("/dvt/{profile}", "shop")
        'dvt/shop/'
    """
    for name in _PLACE.findall(text):
        if name == "date":
            msg = "a prefix has no {date}, since later runs look there for what earlier ones left"
            raise ValueError(msg)
        if name != "profile":
            msg = f"{{{name}}} has no meaning here; a prefix may have {{profile}}"
            raise ValueError(msg)
    folder = text.replace("{profile}", profile).strip("/")
    if {"", ".", ".."} & set(folder.split("/")) and folder:
        msg = "should be names with / between them, none of them empty, '.' or '..'"
        raise ValueError(msg)
    return f"{folder}/" if folder else ""


def _name(path: Path) -> str:
    """Return the profile's and the bucket's name."""
    return f"{path[0]}.{path[-1]}"


def _is_text(value: Any) -> str:
    if not isinstance(value, str):
        msg = "should be a text"
        raise ValueError(msg)  # noqa: TRY004 - said of a user's file, as all that is wrong there
    return value


def _keep(text: str) -> Keep:
    if text not in set(Keep):
        msg = f"should be one of: {', '.join(Keep)}"
        raise ValueError(msg)
    return Keep(text)


def _duration(text: str) -> timedelta:
    try:
        return duration(text)
    except DurationInvalid as error:
        raise ValueError(error.message) from None


def _missing(kind: str, path: Path, names: Collection[str]) -> str:
    if kind == "hdfs" and list(names) == ["path"]:
        return f"HDFS bucket {path[-1]!r} requires 'path' configuration"
    return f"Missing required fields for {kind} bucket {_name(path)!r}: {', '.join(names)}"


def _canonical(model: type[BaseModel], keys: Collection[str]) -> list[str]:
    names = names_of(model)
    return [names.get(key, key) for key in keys]
