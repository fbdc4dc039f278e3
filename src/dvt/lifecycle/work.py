"""What a project's lifecycle does with files, whether its store answers or not."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Self

from dvt.config.lifecycle_file import Lifecycle
from dvt.core.errors import VaultRefused
from dvt.core.file_names import as_path
from dvt.core.ports.lifecycle import Audit, Finder, Surroundings
from dvt.core.retention import Asking, CleanupType, Item, Outcome, RunRecord
from dvt.core.retention import Source as AskedBy
from dvt.lifecycle import files, retire
from dvt.lifecycle.back_up.cipher import Cipher
from dvt.lifecycle.back_up.manifest import Entry
from dvt.lifecycle.back_up.sources import Kind, Source
from dvt.lifecycle.back_up.vault import Vault
from dvt.lifecycle.delete.files import FileRemover
from dvt.lifecycle.delete.others import KindRemover
from dvt.lifecycle.find.files import FileFinder
from dvt.lifecycle.find.of_settings import places_of, project_target
from dvt.lifecycle.kinds import kinds_of
from dvt.lifecycle.plan.plan_file import Plan, Plans
from dvt.lifecycle.plan.planning import Terms
from dvt.lifecycle.restore import Wanted, restore
from dvt.lifecycle.upkeep import Finding, on_its_device, purge, verify
from dvt.runs.operations import new_id

_STATE = ".dvt/lifecycle"
"""Folder of a project with the lifecycle's own files."""
_RECORDED_AT_ONCE = 256
"""Restored files of which one note is made."""


def _nothing(_record: RunRecord) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What who starts a run wants to hear of it, and when it is to end."""

    budget: float | None = None
    """Seconds after which nothing is begun."""
    report: Callable[[RunRecord], None] = _nothing
    """Is told how far the run is: when it has begun, and after each batch."""
    leave_out: frozenset[tuple[str, str]] = frozenset()
    """Data types and keys of items of the plan that stay."""
    run: str = field(default_factory=new_id)
    """Id of the run."""
    stops: Callable[[], bool] = lambda: False


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """Where a run is put on record, and what keeps others from cleaning meanwhile."""

    audit: Audit
    one_cleaner: Callable[[], AbstractContextManager[None]]
    recover: Callable[[Vault, files.Places, str], Iterable[Outcome]]
    """Finishes what killed runs have begun; the last argument is the run's own id."""
    is_stopped: Callable[[str], bool] = lambda _run: False
    """Whether somebody has asked, on record, that this run end."""


def state_of(settings: Lifecycle) -> Path:
    """Return the folder of a project with the lifecycle's own files."""
    return settings.folder / _STATE


class Work:
    """What is cleaned in a project, plans, and backups. Use it in a `with`."""

    def __init__(
        self, settings: Lifecycle, *, source: AskedBy, by: str, surroundings: Surroundings | None = None
    ) -> None:
        self.settings = settings
        self.kinds = kinds_of(settings, surroundings or Surroundings())
        self.state = state_of(settings)
        self.places = places_of(settings)
        self.plans = Plans(self.state / "plans")
        self.cipher = Cipher(settings.encryption)
        self._asking = Asking(actor=by, source=source)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Release what is open. May be called twice."""
        for kind in self.kinds:
            kind.close()

    @property
    def actor(self) -> str:
        """Who asks."""
        return self._asking.actor

    def asking(self, cleanup_type: CleanupType = CleanupType.MANUAL) -> Asking:
        """Return who asks, and how."""
        return replace(self._asking, cleanup_type=cleanup_type)

    def finders(
        self, data_types: Iterable[str] = (), cleanup_type: CleanupType = CleanupType.MANUAL
    ) -> list[Finder]:
        """Return what finds items: of some data types, or of all that such a run takes."""
        wanted = frozenset(data_types)
        kinds = self._kinds(cleanup_type, wanted)
        return [self._file_finder(wanted), *(kind.finder(names) for kind, names in kinds)]

    def _kinds(
        self, cleanup_type: CleanupType, wanted: frozenset[str] = frozenset()
    ) -> Iterator[tuple[Kind, frozenset[str]]]:
        """Yield the kinds that are no files, with the data types of each that are wanted; all if none is."""
        for kind in self.kinds:
            names = frozenset(kind.data_types)
            is_taken = kind.automatic or cleanup_type is not CleanupType.AUTOMATIC
            if is_taken and (not wanted or wanted & names):
                yield kind, (wanted & names) or names

    def is_there(self, item: Item) -> bool:
        """Return whether an item is still where it was, or may be."""
        kind = next((of for of in self.kinds if item.data_type in of.data_types), None)
        return os.path.lexists(as_path(item.key)) if kind is None else kind.is_there(item)

    def _file_finder(self, wanted: frozenset[str]) -> FileFinder:
        avoid = [self.state, self.settings.backups]
        target = project_target(self.settings.folder)
        current = [] if target is None else [target]
        return FileFinder(self.places, avoid=avoid, current=current, wanted=wanted)

    def _data_types_without_empty_folders(self) -> frozenset[str]:
        return frozenset(name for name, data in self.settings.data.items() if data.remove_empty_folders)

    def vault(self) -> Vault:
        """Open the place of backups."""
        return Vault(self.settings.backups, cipher=self.cipher)

    def file_places(self) -> files.Places:
        """Return the folders in which files may be deleted and restored."""
        return files.Places(self.places)

    def backups(self) -> Iterator[Entry]:
        """Yield all backups."""
        with self.vault() as vault:
            yield from vault.entries()

    def why_unreadable(self, entries: Iterable[Entry]) -> dict[str, int]:
        """Return why encrypted backups cannot be read here, in words, and of how many that is so."""
        why = Counter(self.cipher.why_unreadable(of.ciphertext.recipients) for of in entries if of.ciphertext)
        return {reason: number for reason, number in why.items() if reason}

    def verify_backups(self) -> Iterator[Finding | Entry]:
        """Read all backups; yield those that are right, and what is wrong with others."""
        with self.vault() as vault, self.file_places() as places:
            yield from verify(vault, places)

    def execute(self, plan: Plan, terms: Terms, recording: Recording, wishes: Wishes) -> RunRecord:
        """Run a plan, then remove the backups whose time is over."""
        run = wishes.run
        with (
            self.vault() as vault,
            self.file_places() as places,
            FileRemover(
                vault,
                run,
                places,
                keep=self.settings.keep_backups,
                remove_empty_folders=self._data_types_without_empty_folders(),
                sources=self._sources(),
            ) as remover,
        ):
            self._require_other_device(vault, plan)
            files_first = retire.Cleaner(finder=self._file_finder(frozenset()), remover=remover)
            others = [
                retire.Cleaner(finder=kind.finder(names), remover=KindRemover(kind, remover.backups))
                for kind, names in self._kinds(terms.asking.cleanup_type)
            ]
            means = retire.Means(
                run=run,
                cleaners=[files_first, *others],
                audit=recording.audit,
                one_at_a_time=recording.one_cleaner,
                recover=lambda: recording.recover(vault, places, run),
                stops=lambda: wishes.stops() or recording.is_stopped(run),
                budget=wishes.budget,
                report=wishes.report,
                leave_out=wishes.leave_out,
            )
            if wishes.leave_out:
                left_out = [{"data_type": name, "key": key} for name, key in sorted(wishes.leave_out)]
                details = {"run": run, "plan": plan.head.id, "items": left_out}
                recording.audit.note(terms.asking, "left_out", details)
            record = retire.run(plan, terms, means)
            over = purge(vault, places, terms.now)
            gone = [{"key": entry.item.key, "backup": entry.location} for entry in over]
            if gone:
                self._note(recording.audit, "purged", gone)
        return record

    def _require_other_device(self, vault: Vault, plan: Plan) -> None:
        """Raise VaultRefused if backups of a plan's items would be on their device, and must not be."""
        due = [self.settings.data[name] for name in plan.head.due if name in self.settings.data]
        paths = [path for data_type in due for path in data_type.places]
        same = next(on_its_device(vault, paths), None) if self.settings.other_device else None
        if same is not None:
            why = f"is on the same device as {same}, and backups.other_device says that it must not be"
            raise VaultRefused(vault.path, why)

    def bring_back(self, audit: Audit, wanted: Wanted, *, force: bool) -> Iterator[Outcome]:
        """Restore files, put that on record, and yield what became of each."""
        with self.vault() as vault, self.file_places() as places:
            outcomes = restore(vault, places, wanted, force=force, sources=self._sources())
            while some := list(islice(outcomes, _RECORDED_AT_ONCE)):
                told = [{"key": of.item.key, "result": of.result, "detail": of.detail} for of in some]
                self._note(audit, "restored", told)
                yield from some

    def _sources(self) -> Mapping[str, Source]:
        return {name: kind for kind in self.kinds for name in kind.data_types}

    def _note(self, audit: Audit, action: str, of: Sequence[Mapping[str, object]]) -> None:
        audit.note(self.asking(), action, {"items": list(of)})
