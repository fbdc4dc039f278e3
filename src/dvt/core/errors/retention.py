"""Errors of the lifecycle's settings, plans and runs."""

from __future__ import annotations

from dvt.core.errors.error import DvtError


class LifecycleInvalid(DvtError):
    """lifecycle.yml cannot be used."""

    code = "DVT220"

    def __init__(self, file: str, line: int | None, problem: str, hint: str = "") -> None:
        self.path, self.line = file, line
        at = f"{file}, line {line}" if line else file
        super().__init__(f"{at}: {problem}", hint=hint or "docs/reference/lifecycle.md lists every key")


class LifecycleMissing(DvtError):
    """What the lifecycle's store needs is not installed."""

    code = "DVT221"

    def __init__(self, package: str) -> None:
        self.package = package
        super().__init__(f"`dvt lifecycle` requires {package}", hint="pip install 'dvt-engine[lifecycle]'")


class NoLifecycle(DvtError):
    """The folder has nothing of a project, so that it is most likely another one that is meant."""

    code = "DVT224"

    def __init__(self, folder: str) -> None:
        self.folder = folder
        super().__init__(
            f"{folder} has neither a lifecycle.yml nor a dbt_project.yml",
            hint="name the project by --project-dir, or begin here: dvt lifecycle init",
        )


class PlanUnusable(DvtError):
    """A plan is not there, not whole, not signed by this installation, or was run already."""

    code = "DVT222"

    def __init__(self, plan: str, reason: str, *, is_missing: bool = False) -> None:
        self.plan, self.is_missing = plan, is_missing
        super().__init__(f"plan {plan} cannot be run: {reason}", hint="make a new one: dvt lifecycle plan")


class RunRefused(DvtError):
    """A rule forbids the run; nothing was touched."""

    code = "DVT223"

    def __init__(self, reasons: tuple[str, ...]) -> None:
        self.reasons = reasons
        super().__init__(
            f"the run is refused, and nothing was touched: {'; '.join(reasons)}",
            hint="look at the plan, and run it by hand if it is right: dvt lifecycle plan",
        )
