"""The lifecycle of a project whose store does not answer: a plan that is there is run, files are restored.

Policies and pins are those of the plan. What is done is recorded in a local file, which the store takes in
when it is opened again. Automatic runs are refused.
"""

from __future__ import annotations

from collections.abc import Iterator

from dvt.config.lifecycle_file import Lifecycle
from dvt.core.errors import StoreUnreachable
from dvt.core.ports.lifecycle import Surroundings
from dvt.core.retention import CleanupType, Outcome, RunRecord, Source
from dvt.lifecycle import files
from dvt.lifecycle.back_up.vault import Vault
from dvt.lifecycle.delete.recovery import recover
from dvt.lifecycle.plan.plan_file import Plan
from dvt.lifecycle.plan.planning import Terms
from dvt.lifecycle.restore import Wanted
from dvt.lifecycle.store.opening import without_store
from dvt.lifecycle.store.present import now
from dvt.lifecycle.work import Recording, Wishes, Work


class Offline(Work):
    """A project's lifecycle without its store. Use it in a `with`."""

    def __init__(
        self,
        settings: Lifecycle,
        cause: StoreUnreachable,
        *,
        by: str,
        source: Source = Source.CLI,
        surroundings: Surroundings | None = None,
    ) -> None:
        """`cause`: why the store could not be opened."""
        super().__init__(settings, source=source, by=by, surroundings=surroundings)
        self._without = without_store(cause, state=self.state, actor=self.actor)

    def close(self) -> None:
        """See Work."""
        super().close()
        self._without.close()

    def run(self, plan: Plan, cleanup_type: CleanupType, wishes: Wishes | None = None) -> RunRecord:
        """Run a plan by the policies that it was made by; UnrecordedRun for an automatic run."""
        terms = Terms(policies=plan.head.policies, pins=(), now=now(), asking=self.asking(cleanup_type))
        recording = Recording(
            audit=self._without.audit, one_cleaner=self._without.one_cleaner, recover=_recovered
        )
        return self.execute(plan, terms, recording, wishes or Wishes())

    def restore(self, wanted: Wanted, *, force: bool = False) -> Iterator[Outcome]:
        """Restore files, put that on record, and yield what became of each."""
        return self.bring_back(self._without.audit, wanted, force=force)


def _recovered(vault: Vault, places: files.Places, _run: str) -> list[Outcome]:
    """Finish what killed runs have begun; their ends are put on record once the store answers."""
    return list(recover(vault, places))
