"""The keys of lifecycle.yml, validated one by one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from dvt.config.encryption import Encryption, identities_of, recipient_of
from dvt.config.key_types import Duration, Texts, number, several
from dvt.config.lifecycle_tables import SqlKeys
from dvt.config.problems import Strict
from dvt.config.schedule_keys import ScheduleKeys
from dvt.core.retention import Action, AgeBy, Match, Policy, Rule, Status
from dvt.core.sizes import size


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        msg = f"there is no time zone {name!r}; names are such as Europe/Berlin or UTC"
        raise ValueError(msg) from None
    return name


def _folder(path: str) -> str:
    if not path.strip():
        msg = "should name a folder; an empty text is none"
        raise ValueError(msg)
    return path


def _file_name(pattern: str) -> str:
    if "/" in pattern:
        msg = f"{pattern!r} fits no name, since names have no '/': `recursive: true` looks into folders"
        raise ValueError(msg)
    return pattern


def _regex(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        msg = f"this is no regular expression: {error}"
        raise ValueError(msg) from None
    return pattern


def _recipients(value: Any) -> Any:
    """Refuse nothing where a recipient should be: backups would be plain, against what was meant."""
    if value and not isinstance(value, str | list):
        msg = "should be a recipient, age1…, or a list of them"
        raise ValueError(msg)
    return several(value) or [""]


def _optional(value: Any) -> Any:
    """Take nothing, such as an environment variable that is empty, for no text."""
    return "" if value is None else value


def _identity(text: str) -> str:
    identities_of(text)
    return text


_Optional = Annotated[str, BeforeValidator(_optional)]
Bytes = Annotated[int, BeforeValidator(lambda value: size(str(value))), Field(ge=0)]
Number = Annotated[int, Field(ge=0)]
Days = Annotated[float, BeforeValidator(number), Field(ge=0, le=36_500, strict=False, allow_inf_nan=False)]


class MatchKeys(Strict):
    """Which items a rule is for: all conditions must hold."""

    glob: Texts = Field(default_factory=list)
    """Patterns of the path or its last part; one must fit."""
    regex: Annotated[str, AfterValidator(_regex)] = ""
    """A regular expression that must be found in the path."""
    status: Annotated[
        list[Literal["running", "completed", "failed", "cancelled", "unknown"]], BeforeValidator(several)
    ] = Field(default_factory=list)
    """How the work ended."""
    pipeline: Texts = Field(default_factory=list)
    """Patterns of the name of the pipeline, model or other group; one must fit."""
    tag: Texts = Field(default_factory=list)
    """One of these tags."""
    larger_than: Bytes | None = None
    """A size, such as 1GB."""
    smaller_than: Bytes | None = None
    """A size, such as 1GB."""

    def match(self) -> Match:
        """Return it as retention has it."""
        return Match(
            glob=tuple(self.glob),
            regex=self.regex,
            status=frozenset(map(Status, self.status)),
            pipeline=tuple(self.pipeline),
            tag=tuple(self.tag),
            larger_than=self.larger_than,
            smaller_than=self.smaller_than,
        )


class RuleKeys(Strict):
    """How long items stay; keys that are left out are as in the policy around it, or have the defaults."""

    days: Days | None = None
    """Items that are older are due."""
    enabled: bool | None = None
    """Whether the rule deletes anything."""
    action: Literal["delete", "archive", "compress", "quarantine"] | None = None
    """What becomes of items that are due."""
    min_keep: Number | None = None
    """So many of the newest of each group always stay, and the newest successful one (1)."""
    keep_last: Number | None = None
    """So many of the newest of each group stay, too (0)."""
    keep_daily: Number | None = None
    """The newest of each of so many days (0)."""
    keep_weekly: Number | None = None
    """The newest of each of so many weeks (0)."""
    keep_monthly: Number | None = None
    """The newest of each of so many months (0)."""
    max_total_size: Bytes | None = None
    """The oldest are due until the rest is no larger."""
    age_by: (
        Annotated[list[Literal["recorded", "mtime", "ctime"]], BeforeValidator(several), Field(min_length=1)]
        | None
    ) = None
    """The times of which the youngest is the age (all)."""
    grace: Duration | None = None
    """What is younger is never due (1h)."""
    quarantine_days: Days | None = None
    """For how long items stay moved aside, where `action` is quarantine (7)."""

    def rule(self, around: Rule | None) -> Rule:
        """Return it as retention has it; `around` is the rule whose values hold where it says nothing."""
        values: dict[str, Any] = (
            {} if around is None else {name: getattr(around, name) for name in _RULE_FIELDS}
        )
        for name in RuleKeys.model_fields:
            value = getattr(self, name)
            if value is not None:
                values[_FIELDS.get(name, name)] = _READ.get(name, lambda given: given)(value)
        return Rule(**values)


_RULE_FIELDS = tuple(Rule.__dataclass_fields__)
_FIELDS = {"max_total_size": "max_total_bytes"}
"""Key → field of a rule, where the names differ."""
_READ: Mapping[str, Any] = {
    "action": Action,
    "age_by": lambda names: frozenset(map(AgeBy, names)),
}
"""Key → what makes the field's value of its value."""


class SpecialKeys(RuleKeys):
    """A rule for some of the items."""

    match: MatchKeys
    """Which items it is for."""


class PolicyKeys(RuleKeys):
    """What holds for one data type."""

    days: Days
    """Items that are older are due."""
    description: str = ""
    """For people."""
    protect: Texts = Field(default_factory=list)
    """Patterns of paths, or their last parts, that always stay."""
    max_delete: Annotated[float, Field(ge=0, le=1, strict=False), BeforeValidator(number)] | None = None
    """An automatic run that would delete a larger share of all items stops before (0.5)."""
    max_delete_files: Number | None = None
    """The same, as a number of items."""
    max_delete_size: Bytes | None = None
    """The same, as a size."""
    rules: list[SpecialKeys] = Field(default_factory=list)
    """Rules for some of the items; the most specific that fits counts."""

    def policy(self, data_type: str) -> Policy:
        """Return it as retention has it."""
        rule = self.rule(None)
        return Policy(
            data_type=data_type,
            rule=rule,
            description=self.description,
            special=tuple((special.match.match(), special.rule(rule)) for special in self.rules),
            protect=tuple(self.protect),
            max_delete_share=0.5 if self.max_delete is None else self.max_delete,
            max_delete_items=self.max_delete_files,
            max_delete_bytes=self.max_delete_size,
        )


class DataKeys(Strict):
    """Where the items of a data type are."""

    kind: Literal["files", "operations", "folders", "invocations", "staged", "stage_tables"] = "files"
    """`operations`: files as dvt writes them in .dvt/operations, whose state and times are read. `folders`:
    each folder is one item, with all that is in it. `invocations`: the same of folders with the
    run_results.json or manifest.json of an invocation of dbt, whose state and time are read. `staged`: what
    runs have staged in buckets. `stage_tables`: what dead runs have left in targets."""
    places: Annotated[list[Annotated[str, AfterValidator(_folder)]], BeforeValidator(several)] = Field(
        default_factory=list, alias="in"
    )
    """Folders, absolute or from the file's own; `dvt lifecycle init` marks each."""
    backup: Literal["verified", "none"] = "verified"
    """`none`: what runs can extract again is deleted without a backup."""
    automatic: bool = False
    """Whether runs of a schedule drop stage tables, too."""
    files: Annotated[
        list[Annotated[str, AfterValidator(_file_name)]], BeforeValidator(several), Field(min_length=1)
    ] = Field(default_factory=lambda: ["*"])
    """Patterns of file names; one must fit."""
    recursive: bool = False
    """Whether folders in the folders are looked into, too."""
    remove_empty_folders: bool = False
    """Whether folders in the folders go that a deletion has left empty."""
    group_by: Literal["none", "folder", "name"] = "none"
    """What makes items versions of one thing: their folder, or their name up to a digit or dot."""
    tags: Texts = Field(default_factory=list)
    """Tags of all items."""
    unmarked: bool = False
    """Whether the folders need no marker. Then only files that are surely operations are ever due."""
    mount_point: bool = False
    """Whether the folders may be where file systems are mounted, as /tmp and volumes of containers are."""
    foreign: bool = False
    """Whether folders and files may belong to other users."""
    follow_links: bool = False
    """Whether the folders' own paths may lead through links; below them none is ever followed."""


class BackupKeys(Strict):
    """Where backups are, and for how long."""

    path: Annotated[str, AfterValidator(_folder)] = ""
    """A folder; .dvt/lifecycle/backups if it is left out."""
    keep: Duration = timedelta(days=7)
    """For how long backups stay."""
    other_device: bool = False
    """Whether they must be on another device than what they are of."""
    encrypt_to: Annotated[
        list[Annotated[str, AfterValidator(recipient_of)]], BeforeValidator(_recipients)
    ] = Field(default_factory=list)
    """Who may read them: public keys of age, age1…; they are encrypted for these alone."""
    identity: Annotated[_Optional, AfterValidator(_identity)] = Field(default="", repr=False)
    """The secret key that reads them here, AGE-SECRET-KEY-1…, from an environment variable."""
    identity_file: _Optional = ""
    """A file with such keys instead, for its owner alone."""

    @model_validator(mode="after")
    def _has_one_place_of_keys(self) -> BackupKeys:
        if self.identity and self.identity_file:
            msg = "`identity` and `identity_file` say where the secret key is: give one of them"
            raise ValueError(msg)
        return self

    def encryption(self, base: Path) -> Encryption:
        """Return it as the vault has it; paths are from this folder."""
        return Encryption(
            recipients=tuple(dict.fromkeys(self.encrypt_to)),
            identities=identities_of(self.identity),
            identity_file=base / Path(self.identity_file).expanduser() if self.identity_file else None,
        )


class FileKeys(Strict):
    """The whole file."""

    version: Literal[1] = 1
    """Of the form of this file."""
    store: str = ""
    """URL of the database of policies and records; .dvt/lifecycle/lifecycle.db if it is left out."""
    zone: Annotated[str, AfterValidator(_zone)] = "UTC"
    """Time zone of the schedule."""
    schedule: ScheduleKeys = Field(default_factory=ScheduleKeys)
    """When it cleans by itself, and who is told."""
    spool_automatic: bool = False
    """Whether automatic runs go on, recorded in a local file, when the store stops answering."""
    backups: BackupKeys = Field(default_factory=BackupKeys)
    """Where backups are."""
    data: dict[str, DataKeys] = Field(default_factory=dict)
    """Data types beyond those that dvt knows, or other places for those."""
    sql: dict[str, SqlKeys] = Field(default_factory=dict)
    """Tables of other programs, such as Airflow and Dagster, as data types."""
    policies: dict[str, PolicyKeys] = Field(default_factory=dict)
    """Policy of each data type."""
