"""Errors of the lifecycle's store: its database, its lock and its policies."""

from __future__ import annotations

from dvt.core.errors.error import DvtError


class StoreUnusable(DvtError):
    """The lifecycle's store cannot be where its address says."""

    code = "DVT200"

    def __init__(self, where: str, reason: str) -> None:
        self.where, self.reason = where, reason
        super().__init__(
            f"the lifecycle's store cannot be {where}: {reason}",
            hint="an address is sqlite:////folder/file.db or postgresql://user@host:port/database",
        )


class StoreUnreachable(DvtError):
    """The database of the lifecycle's store does not answer."""

    code = "DVT201"
    transient = True

    def __init__(self, where: str, reason: str) -> None:
        self.where, self.reason = where, reason
        super().__init__(
            f"the lifecycle's store ({where}) does not answer: {reason}",
            hint="is its database up, and does nothing else hold it for long?",
        )


class StoreRefused(DvtError):
    """The database of the lifecycle's store does not let this user do this."""

    code = "DVT202"

    def __init__(self, where: str, reason: str) -> None:
        self.where, self.reason = where, reason
        super().__init__(
            f"the lifecycle's store ({where}) refuses: {reason}",
            hint="check user and password, and which role the user has (config/postgres/roles.sql)",
        )


class StoreTooNew(DvtError):
    """The lifecycle's store was upgraded by a newer dvt."""

    code = "DVT203"

    def __init__(self, where: str, version: str) -> None:
        self.where, self.version = where, version
        super().__init__(
            f"the lifecycle's store ({where}) has the schema {version}, which this dvt does not know",
            hint="upgrade dvt on this machine",
        )


class StoreFailed(DvtError):
    """The database of the lifecycle's store failed for another reason."""

    code = "DVT204"

    def __init__(self, where: str, reason: str) -> None:
        self.where, self.reason = where, reason
        super().__init__(f"the lifecycle's store ({where}) failed: {reason}")


class CleanerAtWork(DvtError):
    """Another cleaner is at work, or it cannot be proven that it is not."""

    code = "DVT205"
    transient = True

    def __init__(self, who: str, since: str, where: str = "") -> None:
        self.who, self.since, self.where = who, since, where
        gone = f"; if that machine is gone for certain, remove {where}" if where else ", or stop it"
        super().__init__(
            f"a cleaner is at work already: {who}, since {since}", hint=f"wait for its end{gone}"
        )


class CleanerLockLost(DvtError):
    """The lock that keeps other cleaners away was lost, so that another one may be at work."""

    code = "DVT206"
    transient = True

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(
            f"the lock against other cleaners was lost: {reason}",
            hint="nothing more was deleted; run it again when the store's database answers",
        )


class PolicyOutdated(DvtError):
    """A policy is not, or not any more, in the version that was named."""

    code = "DVT207"

    def __init__(self, data_type: str, version: int, current: int) -> None:
        self.data_type, self.version, self.current = data_type, version, current
        super().__init__(
            f"the policy of {data_type} was expected in version {version}; its version is {current}",
            hint="look at the policy and its history again, then repeat the change",
        )


class PolicyUseless(DvtError):
    """A number of a policy would keep nothing, though who sets it relies on that."""

    code = "DVT218"

    def __init__(self, data_type: str, key: str) -> None:
        self.data_type, self.key = data_type, key
        super().__init__(
            f"{key} of {data_type} would keep nothing, since its items have no group",
            hint=f"`group_by: name` or `folder` in data.{data_type} of lifecycle.yml gives them one",
        )


class NotRecordable(DvtError):
    """The lifecycle's store cannot hold a value."""

    code = "DVT208"

    def __init__(self, what: str, reason: str) -> None:
        self.what, self.reason = what, reason
        super().__init__(f"{what} cannot be put on record: {reason}")


class PinUseless(DvtError):
    """A pin would keep nothing."""

    code = "DVT217"

    def __init__(self, pattern: str, reason: str) -> None:
        self.pattern, self.reason = pattern, reason
        super().__init__(f"a pin of {pattern!r} would keep nothing: {reason}")


class UnrecordedRun(DvtError):
    """A run is refused, since it could not be put on record."""

    code = "DVT209"
    transient = True

    def __init__(self, cleanup_type: str, reason: str) -> None:
        self.cleanup_type, self.reason = cleanup_type, reason
        super().__init__(
            f"this run ({cleanup_type}) is refused, since it could not be put on record: {reason}",
            hint="make its database answer; runs that a person starts are recorded in a local file meanwhile",
        )
