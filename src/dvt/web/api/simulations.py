"""Simulations: what there would have been in the last days with a policy."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from dvt.core.errors import NotThere
from dvt.core.retention import Policy, Rule
from dvt.lifecycle.reports.simulations import Comparison, as_object
from dvt.lifecycle.simulate import LONGEST
from dvt.lifecycle.system import System
from dvt.web.access.gates import Viewer
from dvt.web.api.policies import Days, Fields, PolicyShape, changed
from dvt.web.api.shapes import WHOLE, Body, Shape, api_router, example

router = api_router("policies")


class Trial(Fields):
    """A policy to try out, and over how many days. What is left out is as in the valid policy."""

    model_config = (
        example({"data_type": "failed_operations", "retention_days": 14, "keep_last": 3, "over_days": 90})
        | Body.model_config
    )
    retention_days: Days | None = None
    over_days: Annotated[int, Field(ge=1, le=LONGEST), WHOLE] = 90
    """How far back. Beyond 120 days a cleanup is simulated every few days only."""


class Numbers(Shape):
    """Numbers of items and of their bytes."""

    items: int
    bytes: int


class NumbersAt(Numbers):
    """When there were most bytes, and how many."""

    at: str


class StepShape(Shape):
    """A moment at which a cleanup is simulated."""

    at: str
    simulated: Numbers
    """What would have been there with the policy, after the cleanup."""
    valid: Numbers
    """The same with the valid policy."""
    deleted: Numbers
    """What the policy would have deleted at this moment; nothing at the first."""
    known: Numbers
    """What was there in fact, as far as is known."""
    found: Numbers | None
    """What the last cleanup since the step before has found."""


class SimulationShape(Shape):
    """What there would have been of a data type with a policy."""

    success: Literal[True] = True
    data_type: str
    over_days: int
    step_days: int
    """Days from one step to the next."""
    policy: PolicyShape | None
    valid_policy: PolicyShape | None
    steps: list[StepShape]
    """The oldest first; the last is now."""
    peak: NumbersAt
    known_peak: NumbersAt
    deleted: Numbers
    """What the policy would have deleted at all steps."""
    difference: int
    """Bytes that would be there now, less those that are."""
    recorded_since: str | None
    """When the first cleanup looked: what was gone by then is on no record."""
    complete_from: str | None
    """From when on nothing is lacking with the policy, but for what numbers keep; none if nobody can tell."""
    notes: list[str]
    """What is not known for certain, or would surprise."""


@router.post("/policies/simulate")
def simulate(call: Viewer, trial: Trial) -> SimulationShape:
    """Say how much there would have been, day by day, with a policy. Nothing is changed.

    It looks at all items of the data type and at the record of what cleanups have deleted, and asks for each
    day what `plan` would have said then. Backups, and what is moved aside, do not count.
    """
    with call.system() as system:
        wanted, valid = system.simulate(trial.data_type, _policy(system, trial), trial.over_days)
    said = as_object(Comparison(wanted=wanted, valid=valid))
    mask = call.project.mask()
    return SimulationShape.model_validate(said | {"notes": [mask.text(note) for note in said["notes"]]})


def _policy(system: System, trial: Trial) -> Policy | None:
    """Return the policy to try out; None if there is none, and nothing is said of one."""
    known = system.store.policies().get(trial.data_type)
    said = trial.model_dump(exclude_none=True, exclude={"data_type", "over_days"})
    if known is None and "retention_days" not in said:
        if said:
            raise NotThere(f"policy of {trial.data_type} to change", "give retention_days, too")
        return None
    return changed(
        known or Policy(data_type=trial.data_type, rule=Rule(days=trial.retention_days or 0)), trial
    )
