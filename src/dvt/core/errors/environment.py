"""Errors of `dvt sync`: what is wrong with an environment of Python, or keeps packages from going there."""

from __future__ import annotations

from dvt.core.errors.error import DvtError


class EnvironmentUnusable(DvtError):
    """No packages can be installed into a Python environment."""

    code = "DVT185"

    def __init__(self, where: str, problem: str, hint: str) -> None:
        self.where = where
        super().__init__(f"Python environment {where}: {problem}", hint=hint)


class PackageClash(DvtError):
    """A package cannot be installed beside the versions that dvt and dbt-core require, which stay."""

    code = "DVT186"

    def __init__(self, package: str, pins: str, reason: str) -> None:
        """`pins`: what the package does not go with; `reason`: the installer's text."""
        self.package, self.pins = package, pins
        super().__init__(
            f"{package} does not go with {pins}, and dvt sync changes nothing that dvt and dbt-core require: "
            f"{reason}",
            hint="take another version of it, or install it into another environment: --python-env",
        )


class PackageUnavailable(DvtError):
    """The installer did not get a package, or could not install it."""

    code = "DVT187"

    def __init__(self, package: str, installer: str, reason: str, hint: str = "") -> None:
        self.package, self.installer = package, installer
        super().__init__(
            f"{installer} could not install {package}: {reason}",
            hint=hint or f"is it in the registry that {installer} is configured for?",
        )


class LockInvalid(DvtError):
    """sync.lock is not as `dvt sync` writes it."""

    code = "DVT188"

    def __init__(self, file: str, line: int, problem: str) -> None:
        self.path, self.line = file, line
        super().__init__(
            f"{file}, line {line}: {problem}",
            hint="take the version of it from before, or delete it: dvt sync writes it anew",
        )


class ProjectInvalid(DvtError):
    """dbt_project.yml cannot be read by a command that needs no dbt."""

    code = "DVT189"

    def __init__(self, file: str, line: int | None, problem: str) -> None:
        self.path, self.line = file, line
        at = f"{file}, line {line}" if line else file
        super().__init__(f"{at}: {problem}", hint="`dvt parse` says what dbt finds wrong with it")
