"""Backups: what there is, whether it can be read, and back again."""

from __future__ import annotations

from itertools import islice
from typing import Annotated, Any

from fastapi import Query
from pydantic import ConfigDict, Field

from dvt.core.errors import NotThere, RequestInvalid
from dvt.core.retention import Outcome, Result
from dvt.lifecycle.reports import backups as reports
from dvt.lifecycle.reports.times import day_moment
from dvt.lifecycle.restore import Wanted
from dvt.lifecycle.upkeep import Finding
from dvt.web.access.gates import Operator, Viewer
from dvt.web.api.shapes import Body, Limit, Shape, Text, Time, api_router, moment_of

router = api_router("backups")
_TOLD = 1000
"""Outcomes and problems that an answer has, at most; all are on record, or counted."""


class Backup(Shape):
    """A backup."""

    file_path: str
    data_type: str
    size: int
    sha256: str
    run: str
    backup: str
    encrypted: bool
    made: str
    kept_until: str | None


class Backups(Shape):
    """Backups of a page, the newest first."""

    total: int
    total_bytes: int
    backups: list[Backup]


class Checked(Shape):
    """What reading all backups has shown."""

    verified: int
    not_decrypted: int | None = None
    """So many of them are encrypted and were compared as they are: no key here reads them. Left out: none."""
    damaged: int
    problems: list[str]


_RESTORE: dict[str, Any] = {
    "examples": [{"patterns": ["operation_42*.json"], "force": False}],
    # Nothing is restored of which nothing is said.
    "anyOf": [
        {"required": ["files"], "properties": {"files": {"minItems": 1}}},
        {"required": ["patterns"], "properties": {"patterns": {"minItems": 1}}},
        {"required": ["run"], "properties": {"run": {"type": "string", "minLength": 1}}},
        {"required": ["since"], "properties": {"since": {"type": "string"}}},
        {"required": ["until"], "properties": {"until": {"type": "string"}}},
    ],
}


class RestoreRequest(Body):
    """Which files to bring back: those for which all that is given here holds; of each the latest backup."""

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra=_RESTORE)
    files: list[Text] = Field(default=[], max_length=10_000)
    """Paths, as backups name them."""
    patterns: list[Text] = Field(default=[], max_length=100)
    """Of paths or their last parts."""
    run: Text | None = None
    """What this run has deleted."""
    since: Time | None = None
    until: Time | None = None
    """When they were deleted: from, and before."""
    force: bool = False
    """Whether files are replaced that have come in their place."""


class Restored(Shape):
    """What became of a file."""

    file_path: str
    data_type: str
    result: str
    detail: str
    sha256: str
    backup: str


class RestoreAnswer(Shape):
    """What became of the files."""

    restored: int
    failed: int
    outcomes: list[Restored]
    """Of the first thousand files; the record has all."""


@router.get("/backups")
def list_backups(
    call: Viewer,
    run: Annotated[str | None, Query(max_length=100)] = None,
    text: Text | None = None,
    *,
    offset: Annotated[int, Query(ge=0, le=2**31)] = 0,
    limit: Limit = 100,
) -> Backups:
    """Return backups: of a run, or whose path has a text in it, whatever its case."""
    words = (text or "").casefold()
    with call.system() as system:
        entries = [
            entry
            for entry in system.backups()
            if run in {None, entry.run} and words in entry.item.key.casefold()
        ]
    entries.sort(key=lambda entry: (entry.made, entry.item.key), reverse=True)
    mask = call.project.mask()
    return Backups.model_validate(
        {
            "total": len(entries),
            "total_bytes": sum(entry.size for entry in entries),
            "backups": [
                {
                    **reports.entry_object(entry),
                    "file_path": mask.path(entry.item.key),
                    "backup": mask.path(entry.location),
                }
                for entry in entries[offset : offset + limit]
            ],
        }
    )


@router.post("/backups/verify", response_model_exclude_none=True)
def verify(call: Operator) -> Checked:
    """Read all backups, and say which are not what they were. It takes as long as that takes."""
    verified, encrypted, damaged = 0, 0, 0
    problems: list[str] = []
    mask = call.project.mask()
    with call.system() as system:
        for found in system.verify_backups():
            if not isinstance(found, Finding):
                verified += 1
                encrypted += bool(system.why_unreadable([found]))
                continue
            damaged += 1
            if len(problems) < _TOLD:
                problems.append(mask.text(f"{found.location}: {found.problem}"))
    return Checked(verified=verified, not_decrypted=encrypted or None, damaged=damaged, problems=problems)


@router.post("/restore")
def restore(call: Operator, asked: RestoreRequest) -> RestoreAnswer:
    """Bring files back: content, owner, rights and times. A file that has come in its place stays."""
    wanted = Wanted(
        keys=frozenset(asked.files),
        patterns=tuple(asked.patterns),
        run=asked.run or "",
        since=moment_of("since", asked.since),
        until=moment_of("until", asked.until, day_moment),
    )
    if wanted == Wanted():
        raise RequestInvalid("nothing says what to restore", "give files, patterns, run, since or until")
    with call.system() as system:
        if wanted.run and system.store.records.run(wanted.run) is None:
            raise NotThere(f"run {wanted.run} on record")
        outcomes = system.restore(wanted, force=asked.force)
        told = list(islice(outcomes, _TOLD))
        restored = sum(map(_is_restored, told))
        failed = len(told) - restored
        for outcome in outcomes:
            restored, failed = (restored + 1, failed) if _is_restored(outcome) else (restored, failed + 1)
    mask = call.project.mask()
    shown = [
        {
            **reports.outcome_object(outcome),
            "file_path": mask.path(outcome.item.key),
            "detail": mask.text(outcome.detail),
            "backup": mask.path(outcome.backup),
        }
        for outcome in told
    ]
    return RestoreAnswer.model_validate({"restored": restored, "failed": failed, "outcomes": shown})


def _is_restored(outcome: Outcome) -> bool:
    return outcome.result is Result.RESTORED
