"""lifecycle.yml: what may be cleaned, where, for how long it stays, and where backups and records are.

```yaml
zone: Europe/Berlin
backups: {path: /backup/dvt, keep: 7d}
data:                                    # what there is, beyond the types that dvt knows
  exports: {in: [/data/exports], files: ["*.csv"], group_by: folder}
policies:
  failed_operations: {days: 14}
  exports: {days: 30, keep_last: 3, rules: [{match: {larger_than: 1GB}, days: 7}]}
```
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from pydantic import ValidationError

from dvt.config.encryption import Encryption
from dvt.config.lifecycle_keys import (
    BackupKeys,
    DataKeys,
    FileKeys,
    MatchKeys,
    PolicyKeys,
    RuleKeys,
    SpecialKeys,
)
from dvt.config.lifecycle_tables import JoinKeys, SqlKeys, SqlTable, sql_table
from dvt.config.problems import collect, problems_of
from dvt.config.schedule_keys import AlarmKeys, MailKeys, PressureKeys, ScheduleKeys, WebhookKeys
from dvt.config.yaml_lines import Document
from dvt.config.yaml_lines import Path as Where
from dvt.core.error_list import ErrorList
from dvt.core.errors import LifecycleInvalid
from dvt.core.errors.error import nearest
from dvt.core.retention import Policy
from dvt.core.schedule import Schedule

FILE = "lifecycle.yml"
"""Name of the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataType:
    """Where the items of a data type are."""

    name: str
    kind: str
    places: tuple[Path, ...]
    """Absolute."""
    files: tuple[str, ...] = ("*",)
    recursive: bool = False
    remove_empty_folders: bool = False
    group_by: str = "none"
    tags: tuple[str, ...] = ()
    unmarked: bool = False
    mount_point: bool = False
    foreign: bool = False
    follow_links: bool = False
    automatic: bool = False
    """Whether runs of a schedule drop stage tables, too."""
    without_backup: bool = False
    """Whether items are deleted without a backup, since they can be made again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifecycle:
    """What lifecycle.yml says, or what holds without one."""

    folder: Path
    """Folder of the file, or the project's."""
    file: Path | None
    """None: there is none."""
    store: str = ""
    zone: str = "UTC"
    schedule: Schedule = field(default_factory=Schedule)
    spool_automatic: bool = False
    """Whether automatic runs go on, recorded in a local file, when the store stops answering."""
    backups: Path
    keep_backups: timedelta = timedelta(days=7)
    other_device: bool = False
    encryption: Encryption = field(default_factory=Encryption)
    data: Mapping[str, DataType] = field(default_factory=dict)
    policies: Mapping[str, Policy] = field(default_factory=dict)
    """As the file has them; the store has those that are valid."""
    sql: Mapping[str, SqlTable] = field(default_factory=dict)
    named: frozenset[str] = frozenset()
    """The data types that the file names."""


OWN_DATA: Mapping[str, DataKeys] = {
    **{
        name: DataKeys.model_validate(
            {"kind": "operations", "in": [".dvt/operations"], "files": ["operation_*.json"]}
        )
        for name in ("pipeline_operations", "completed_operations", "failed_operations")
    },
    "dbt_logs": DataKeys.model_validate({"in": ["logs"], "files": ["*.log", "*.log.*"]}),
    "system_logs": DataKeys.model_validate({"in": [".dvt/lifecycle/logs"], "files": ["*.log"]}),
    "dbt_invocations": DataKeys.model_validate(
        {"kind": "invocations", "in": ["target"], "recursive": True, "unmarked": True}
    ),
    "staging": DataKeys.model_validate({"kind": "staged"}),
    "extraction_state": DataKeys.model_validate({"kind": "staged"}),
    "stage_tables": DataKeys.model_validate({"kind": "stage_tables"}),
    "temp_files": DataKeys.model_validate({"in": [".dvt/tmp"], "recursive": True}),
}
"""The data types that dvt knows, and where they are in a project."""


def load_lifecycle(
    folder: Path, file: Path | None = None, *, environment: Mapping[str, str] = os.environ
) -> Lifecycle:
    """Read lifecycle.yml of a folder, or another file; raise all that is wrong with it.

    Without a file the data types that dvt knows are looked for, and there are no policies.
    """
    path = file or folder / FILE
    if file is None and not path.exists():
        _refuse_other_ending(folder)
        return _lifecycle(folder, None, FileKeys())
    document = Document.read(path, LifecycleInvalid, environment)
    errors = ErrorList()
    for unset in document.unset_in(()):
        errors.add(unset)
    errors.raise_all()
    try:
        keys = FileKeys.model_validate(document.content or {})
    except ValidationError as error:
        collect(document, problems_of(error), (), errors, _KNOWN)
        errors.raise_all()
        raise
    _check_names(document, keys, errors)
    errors.raise_all()
    return _lifecycle(path.parent, path, keys)


def _refuse_other_ending(folder: Path) -> None:
    """Raise LifecycleInvalid for a lifecycle.yaml: what it says would not hold."""
    other = (folder / FILE).with_suffix(".yaml")
    if other.exists():
        raise LifecycleInvalid(str(other), None, f"this file is not read: its name should be {FILE}")


def lifecycle_of(folder: Path, content: Mapping[str, object]) -> Lifecycle:
    """Return what holds for a folder if a file with this content were in it; ValueError if it is wrong."""
    return _lifecycle(folder, None, FileKeys.model_validate(content))


def _check_names(document: Document, keys: FileKeys, errors: ErrorList) -> None:
    known = {*OWN_DATA, *keys.data, *keys.sql}
    for name in keys.sql.keys() & {*OWN_DATA, *keys.data}:
        errors.add(document.error(("sql", name), f"sql.{name}: there is another data type of this name"))
    for name in keys.policies.keys() - known:
        problem = f"policies.{name}: there is no such data type; known: {', '.join(sorted(known))}"
        errors.add(document.error(("policies", name), problem))
    order = keys.schedule.pressure.order if keys.schedule.pressure else ()
    for number, name in enumerate(order):
        if name not in known:
            problem = f"schedule.pressure.order: there is no data type {name!r}; {nearest(name, known)}"
            errors.add(document.error(("schedule", "pressure", "order", number), problem))
    _check_data(document, keys, errors)
    for name in keys.policies:
        _check_numbers(document, keys, name, errors)


def has_groups(data: DataKeys | DataType | None) -> bool:
    """Return whether items of a data type may be of groups; None: it is none of files."""
    return data is None or data.kind not in _GROUPED_BY or data.group_by != "none"


def _check_numbers(document: Document, keys: FileKeys, name: str, errors: ErrorList) -> None:
    """Collect the numbers of a policy that would keep nothing, since its items are of no group."""
    data = _with_own(name, keys.data[name]) if name in keys.data else OWN_DATA.get(name)
    if has_groups(data):
        return
    policy = keys.policies[name]
    rules: list[tuple[Where, RuleKeys]] = [(("policies", name), policy)]
    rules += [(("policies", name, "rules", number), rule) for number, rule in enumerate(policy.rules)]
    for where, rule in rules:
        for key in _NUMBERS:
            if getattr(rule, key):
                path = (*where, key)
                problem = (
                    f"{'.'.join(map(str, path))}: keeps nothing, since items of {name} have no group; "
                    f"`group_by: name` or `folder` in data.{name} gives them one"
                )
                errors.add(document.error(path, problem))


_NUMBERS = ("min_keep", "keep_last", "keep_daily", "keep_weekly", "keep_monthly")
_GROUPED_BY = frozenset({"files", "folders"})
"""Kinds whose items have a group only if `group_by` says so."""


def _check_data(document: Document, keys: FileKeys, errors: ErrorList) -> None:
    for name, data in keys.data.items():
        if not data.places and name not in OWN_DATA:
            problem = f"data.{name}: `in` should name the folders that it is in"
            errors.add(document.error(("data", name), problem))
        own = OWN_DATA.get(name)
        if data.backup == "none" and (own is None or own.kind != "staged"):
            problem = f"data.{name}: only what can be made again needs no backup: {', '.join(_MADE_AGAIN)}"
            errors.add(document.error(("data", name), problem))
        if data.kind in _OF_DVT and (own is None or own.kind != data.kind):
            problem = f"data.{name}: `kind: {data.kind}` is that of {', '.join(_OF_DVT[data.kind])} alone"
            errors.add(document.error(("data", name), problem))


_MADE_AGAIN = ("staging", "extraction_state")
_OF_DVT = {"staged": _MADE_AGAIN, "stage_tables": ("stage_tables",)}
"""Kind → the data types that have it: what is theirs is dvt's own."""


_SECTIONS = (
    FileKeys,
    PolicyKeys,
    SpecialKeys,
    MatchKeys,
    DataKeys,
    BackupKeys,
    ScheduleKeys,
    AlarmKeys,
    WebhookKeys,
    MailKeys,
    PressureKeys,
    SqlKeys,
    JoinKeys,
)
_KNOWN = frozenset(of.alias or name for keys in _SECTIONS for name, of in keys.model_fields.items())


def _lifecycle(folder: Path, file: Path | None, keys: FileKeys) -> Lifecycle:
    base = folder.resolve()
    data = {**OWN_DATA, **{name: _with_own(name, given) for name, given in keys.data.items()}}
    return Lifecycle(
        folder=base,
        file=file,
        store=keys.store,
        zone=keys.zone,
        schedule=keys.schedule.schedule(keys.zone),
        spool_automatic=keys.spool_automatic,
        backups=base / Path(keys.backups.path or ".dvt/lifecycle/backups").expanduser(),
        keep_backups=keys.backups.keep,
        other_device=keys.backups.other_device,
        encryption=keys.backups.encryption(base),
        data={
            name: DataType(
                name=name,
                kind=given.kind,
                places=tuple(base / Path(place).expanduser() for place in given.places),
                files=tuple(given.files),
                recursive=given.recursive,
                remove_empty_folders=given.remove_empty_folders,
                group_by=given.group_by,
                tags=tuple(given.tags),
                unmarked=given.unmarked,
                mount_point=given.mount_point,
                foreign=given.foreign,
                follow_links=given.follow_links,
                automatic=given.automatic,
                without_backup=given.backup == "none",
            )
            for name, given in data.items()
        },
        policies={name: policy.policy(name) for name, policy in keys.policies.items()},
        sql={name: sql_table(name, given) for name, given in keys.sql.items()},
        named=frozenset({*keys.data, *keys.policies}),
    )


def _with_own(name: str, given: DataKeys) -> DataKeys:
    """Return what a file says of a data type; what it leaves out of one that dvt knows is as dvt has it."""
    own = OWN_DATA.get(name)
    if own is None:
        return given
    return own.model_copy(update={key: getattr(given, key) for key in given.model_fields_set})
