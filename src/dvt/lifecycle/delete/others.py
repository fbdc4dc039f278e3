"""Backs up and deletes items that are no files, as their kind says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dvt.core.ports.lifecycle import VerifiedBackup
from dvt.core.retention import Action, Outcome, PlannedItem, Result
from dvt.lifecycle.back_up.back_up import FileBackups
from dvt.lifecycle.back_up.sources import Kind
from dvt.lifecycle.delete.deletion import RESULTS
from dvt.lifecycle.files import Stays


class KindRemover:
    """Implements Remover for a kind. Its backups are those of the run, beside the files'."""

    def __init__(self, kind: Kind, backups: FileBackups) -> None:
        self._kind, self._backups = kind, backups
        self._made: set[tuple[str, str]] = set()
        """Keys of what may be deleted, with where their backups are."""

    def back_up(self, planned: Sequence[PlannedItem]) -> list[VerifiedBackup | Outcome]:
        """See Remover."""
        needed = [self._kind.needs_backup(of.item) or of.decision.action is Action.ARCHIVE for of in planned]
        answers = iter(
            self._backups.back_up([of for of, is_needed in zip(planned, needed, strict=True) if is_needed])
        )
        proofs: list[VerifiedBackup | Outcome] = []
        for of, is_needed in zip(planned, needed, strict=True):
            answer = next(answers) if is_needed else None
            if isinstance(answer, Outcome):
                proofs.append(answer)
            elif answer is None and of.decision.action is not Action.DELETE:
                why = f"this is only done to files: {of.decision.action}"
                proofs.append(Stays(Result.FAILED, why).outcome(of.item))
            else:
                proof = VerifiedBackup(
                    of, *(("", "") if answer is None else (answer.sha256, answer.location))
                )
                self._made.add((of.item.key, proof.location))
                proofs.append(proof)
        return proofs

    def delete(self, backups: Sequence[VerifiedBackup]) -> list[Outcome]:
        """See Remover."""
        ours = [of for of in backups if (of.planned.item.key, of.location) in self._made]
        self._made -= {(of.planned.item.key, of.location) for of in ours}
        done = self._kind.delete([of.planned for of in ours], [of.sha256 for of in ours])
        outcomes = {id(of): self._outcome(of, outcome) for of, outcome in zip(ours, done, strict=True)}
        none = Stays(Result.FAILED, "this run has made no backup of it")
        return [outcomes.get(id(of)) or none.outcome(of.planned.item) for of in backups]

    def _outcome(self, of: VerifiedBackup, outcome: Outcome) -> Outcome:
        """Return what became of an item, with where its backup is."""
        if outcome.result is not Result.DELETED:
            return outcome
        result = RESULTS[of.planned.decision.action or Action.DELETE]
        detail = outcome.detail if of.location else "without a backup, since it can be made again"
        return replace(outcome, result=result, detail=detail, sha256=of.sha256, backup=of.location)
