"""Policies in the store: each change is a version, with who made it, when and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from dvt.core.errors import NotRecordable, PolicyOutdated
from dvt.core.retention import Asking, Moment, Policy
from dvt.lifecycle.policies.defaults import DEFAULTS
from dvt.lifecycle.store.chain import Chain
from dvt.lifecycle.store.database import Database
from dvt.lifecycle.store.encoding import canonical, days_column, policy_data, policy_from, settings_of, shown
from dvt.lifecycle.store.events import Event, EventKind
from dvt.lifecycle.store.present import now
from dvt.lifecycle.store.run_rows import timestamp
from dvt.lifecycle.store.tables import HISTORY, POLICIES

_BY_SQL = "changed by SQL"
"""The reason that triggers give for what they write into the history."""
_LONGEST_NAME = 50
"""Characters of a data type's name, at most, as the original's column has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyChange:
    """A change of a policy."""

    id: int
    """Its number among all changes."""
    data_type: str
    version: int
    """The version that the policy has since."""
    before: Policy | None
    """None: there was no policy."""
    after: Policy | None
    """None: the policy was removed."""
    at: Moment
    by: str
    reason: str


class Policies:
    """The policies in a database."""

    def __init__(self, database: Database, chain: Chain) -> None:
        self._database = database
        self._chain = chain

    def all(self) -> Mapping[str, Policy]:
        """Return the policies by data type; none are none, and then nothing is due."""
        with self._database.reading() as connection:
            rows = connection.execute(select(POLICIES).order_by(POLICIES.c.data_type)).all()
        return {row.data_type: policy_from(row) for row in rows}

    def save(self, policy: Policy, asking: Asking, reason: str, *, based_on: int | None = None) -> Policy:
        """Make or change a policy; return it with its new version, or as it is if nothing changes.

        `based_on`: the version that was changed (0: there was none); PolicyOutdated if it is another now.
        """
        with self._changing(asking, "policy_saved", reason) as change:
            return change.save(policy, based_on)

    def remove(self, data_type: str, asking: Asking, reason: str) -> bool:
        """Remove a policy, so that nothing of its data type is due; False if there is none."""
        with self._changing(asking, "policy_removed", reason) as change:
            return change.remove(data_type)

    def revert(self, data_type: str, version: int, asking: Asking, reason: str) -> Policy:
        """Give a policy the content that it had in a version; PolicyOutdated if there is no such version."""
        with self._changing(asking, "policy_reverted", reason) as change:
            return change.save(change.in_version(data_type, version), None)

    def in_version(self, data_type: str, version: int) -> Policy:
        """Return a policy as it was in a version; PolicyOutdated if there is no such version."""
        with self._database.reading() as connection:
            return _Change(connection, Asking(actor=""), "").in_version(data_type, version)

    def disable_all(self, asking: Asking, reason: str) -> tuple[str, ...]:
        """Disable every policy, and remember which of them were enabled; return the data types of these."""
        with self._changing(asking, "policies_disabled", reason) as change:
            stopped = [policy for policy in change.current().values() if policy.rule.enabled]
            for policy in stopped:
                change.save(_enabled(policy, yes=False), None, enabled_before=True)
        return tuple(policy.data_type for policy in stopped)

    def enable_all(self, asking: Asking, reason: str, *, by_sql: bool = False) -> tuple[str, ...]:
        """Enable the policies that `disable_all` has disabled; return their data types.

        Those that were disabled otherwise stay disabled; `by_sql`: but for those that SQL has disabled last.
        """
        with self._changing(asking, "policies_enabled", reason) as change:
            query = select(POLICIES).where(POLICIES.c.enabled_before.is_(True)).with_for_update()
            policies = [policy_from(row) for row in change.connection.execute(query).all()]
            if by_sql:
                policies += [
                    policy for policy in change.current().values() if change.was_disabled_by_sql(policy)
                ]
            for policy in policies:
                change.save(_enabled(policy, yes=True), None)
            change.connection.execute(update(POLICIES).values(enabled_before=None))
        return tuple(policy.data_type for policy in policies)

    def restore_defaults(self, asking: Asking, reason: str) -> tuple[str, ...]:
        """Add the default policies of data types that have none; return these."""
        with self._changing(asking, "defaults_restored", reason) as change:
            missing = [policy for name, policy in DEFAULTS.items() if name not in change.current()]
            for policy in missing:
                change.save(policy, None)
        return tuple(policy.data_type for policy in missing)

    def history(
        self, data_type: str | None = None, *, limit: int = 50, before: int | None = None
    ) -> tuple[PolicyChange, ...]:
        """Return changes, newest first; `before` continues before that number."""
        earlier = HISTORY.alias()
        latest = (
            select(func.max(earlier.c.version))
            .where(earlier.c.data_type == HISTORY.c.data_type, earlier.c.version < HISTORY.c.version)
            .scalar_subquery()
        )
        query = select(HISTORY, latest.label("earlier")).order_by(HISTORY.c.id.desc()).limit(limit)
        if data_type is not None:
            query = query.where(HISTORY.c.data_type == data_type)
        if before is not None:
            query = query.where(HISTORY.c.id < before)
        with self._database.reading() as connection:
            return tuple(_change(connection, row) for row in connection.execute(query).all())

    @contextmanager
    def _changing(self, asking: Asking, action: str, reason: str) -> Iterator[_Change]:
        """Give what changes policies in one transaction, at whose end the changes are on record."""
        with self._database.writing() as connection:
            change = _Change(connection, asking, reason)
            yield change
            if change.notes:
                details = {"reason": reason, "policies": change.notes}
                self._chain.append_in(
                    connection,
                    [Event(at=change.at, kind=EventKind.NOTE, asking=asking, key=action, details=details)],
                )


class _Change:
    """A transaction that changes policies."""

    def __init__(self, connection: Connection, asking: Asking, reason: str) -> None:
        self.connection = connection
        self.at = now()
        self.notes: dict[str, Any] = {}
        """What was changed, by data type: before and after."""
        self._who = {"changed_at": self.at, "changed_by": shown(asking.actor), "reason": shown(reason)}

    def current(self) -> dict[str, Policy]:
        rows = self.connection.execute(
            select(POLICIES).order_by(POLICIES.c.data_type).with_for_update()
        ).all()
        return {row.data_type: policy_from(row) for row in rows}

    def in_version(self, data_type: str, version: int) -> Policy:
        query = select(HISTORY).where(HISTORY.c.data_type == data_type, HISTORY.c.version == version)
        row = self.connection.execute(query).first()
        if row is None or row.removed:
            raise PolicyOutdated(data_type, version, self.latest_version(data_type))
        return policy_from(row)

    def latest_version(self, data_type: str) -> int:
        query = select(func.max(HISTORY.c.version)).where(HISTORY.c.data_type == data_type)
        return self.connection.execute(query).scalar() or 0

    def save(self, policy: Policy, based_on: int | None, *, enabled_before: bool | None = None) -> Policy:
        data_type, values = policy.data_type, _values(policy)
        row = self._row(data_type)
        current = 0 if row is None else row.version
        if based_on is not None and based_on != current:
            raise PolicyOutdated(data_type, based_on, current)
        before = None if row is None else policy_from(row)
        if before == replace(policy, version=current) and row.enabled_before is None:
            return before
        version = self.latest_version(data_type) + 1
        own = {**values, "version": version, "enabled_before": enabled_before}
        if row is None:
            stamps = dict.fromkeys(("created_at", "updated_at"), timestamp(self.at))
            self.connection.execute(insert(POLICIES), {**own, **stamps, "data_type": data_type})
        else:
            self.connection.execute(update(POLICIES).where(POLICIES.c.data_type == data_type), own)
        self._remember(data_type, version, values, removed=False)
        saved = replace(policy, version=version)
        self._note(data_type, before, saved)
        return saved

    def was_disabled_by_sql(self, policy: Policy) -> bool:
        """Return whether the last change of a policy was that SQL has disabled it."""
        query = select(HISTORY).where(HISTORY.c.data_type == policy.data_type)
        last = self.connection.execute(query.order_by(HISTORY.c.version.desc()).limit(2)).all()
        disabled = len(last) == 2 and not last[0].enabled and bool(last[1].enabled)  # noqa: PLR2004
        return disabled and not policy.rule.enabled and last[0].reason == _BY_SQL

    def remove(self, data_type: str) -> bool:
        row = self._row(data_type)
        if row is None:
            return False
        values = {
            name: getattr(row, name) for name in ("retention_days", "enabled", "description", "settings")
        }
        self._remember(data_type, self.latest_version(data_type) + 1, values, removed=True)
        self.connection.execute(delete(POLICIES).where(POLICIES.c.data_type == data_type))
        self._note(data_type, policy_from(row), None)
        return True

    def _row(self, data_type: str) -> Any:
        query = select(POLICIES).where(POLICIES.c.data_type == data_type).with_for_update()
        return self.connection.execute(query).first()

    def _remember(self, data_type: str, version: int, values: Mapping[str, Any], *, removed: bool) -> None:
        own = {"data_type": data_type, "version": version, "removed": removed}
        self.connection.execute(insert(HISTORY), {**own, **values, **self._who})

    def _note(self, data_type: str, before: Policy | None, after: Policy | None) -> None:
        self.notes[data_type] = {
            "before": None if before is None else policy_data(before),
            "after": None if after is None else policy_data(after),
        }


def _values(policy: Policy) -> dict[str, Any]:
    """Return the columns of a policy; NotRecordable for one that would not come back as it is."""
    if not policy.data_type or len(policy.data_type) > _LONGEST_NAME:
        raise NotRecordable(
            f"the policy of {policy.data_type!r}", f"names have 1 to {_LONGEST_NAME} characters"
        )
    for text in (policy.data_type, policy.description):
        if shown(text) != text:
            raise NotRecordable(
                f"the policy of {policy.data_type!r}", "its texts have characters that are no text"
            )
    return {
        "retention_days": days_column(policy.rule.days),
        "enabled": policy.rule.enabled,
        "description": policy.description,
        "settings": canonical(settings_of(policy)),
    }


def _enabled(policy: Policy, *, yes: bool) -> Policy:
    return replace(policy, rule=replace(policy.rule, enabled=yes))


def _change(connection: Connection, row: Any) -> PolicyChange:
    query = select(HISTORY).where(HISTORY.c.data_type == row.data_type, HISTORY.c.version == row.earlier)
    earlier = connection.execute(query).first()
    return PolicyChange(
        id=row.id,
        data_type=row.data_type,
        version=row.version,
        before=None if earlier is None or earlier.removed else policy_from(earlier),
        after=None if row.removed else policy_from(row),
        at=row.changed_at,
        by=row.changed_by,
        reason=row.reason,
    )
