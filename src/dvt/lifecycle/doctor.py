"""Tests all that the lifecycle needs: settings, store, policies, folders, backups, clock."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from dvt.core.errors import DvtError
from dvt.lifecycle.find.places import Inode, Place, names_of, open_by_first_name
from dvt.lifecycle.schedule.pressure import in_vain
from dvt.lifecycle.system import System
from dvt.lifecycle.upkeep import weaknesses


@dataclass(frozen=True, slots=True)
class Check:
    """What a test has found."""

    name: str
    is_right: bool
    detail: str = ""


def examine(opened: Callable[[], System]) -> Iterator[Check]:
    """Yield a check for each thing that is needed; what follows from one that fails is left out."""
    try:
        system = opened()
    except DvtError as error:
        yield Check("settings and store", is_right=False, detail=error.message)
        return
    with system:
        file = system.settings.file
        yield Check("settings", is_right=True, detail=str(file or "there is no lifecycle.yml"))
        yield Check("store", is_right=True, detail=system.store.label)
        yield _record(system)
        yield _policies(system)
        names = names_of(system.places)
        yield from (_place(place, names) for place in system.places)
        yield from _others(system)
        yield from _backups(system)
        yield _clock(system)
        yield from _pressure(system)


def _record(system: System) -> Check:
    chain = system.store.verify_chain()
    if chain.is_whole:
        return Check("record", is_right=True, detail=f"{chain.rows:,} rows, none was changed")
    return Check("record", is_right=False, detail=f"row {chain.broken}: {chain.reason}")


def _policies(system: System) -> Check:
    policies = system.store.policies()
    enabled = [name for name, policy in policies.items() if policy.rule.enabled]
    if not enabled:
        hint = "none is valid and enabled, so nothing is due: dvt lifecycle policies apply"
        return Check("policies", is_right=False, detail=hint)
    drift = system.drift()
    return Check("policies", is_right=not drift, detail="; ".join(drift) or f"{len(enabled)} enabled")


def _place(place: Place, names: Mapping[Inode, Path]) -> Check:
    name = f"folder {place.path}"
    try:
        with open_by_first_name(place, names) as root:
            may_delete = os.access(".", os.W_OK | os.X_OK, dir_fd=root.fd)
    except FileNotFoundError:
        return Check(name, is_right=True, detail="it is not there yet")
    except DvtError as error:
        return Check(name, is_right=False, detail=error.message)
    if not may_delete:
        detail = "nothing there can be deleted: this user may not write in it, or its disk is read-only"
        return Check(name, is_right=False, detail=detail)
    return Check(
        name, is_right=True, detail=", ".join(of for each in place.contents for of in each.data_types)
    )


def _others(system: System) -> Iterator[Check]:
    """Yield a check for each kind of items that are no files: can they be looked at?"""
    for kind in system.kinds:
        finder = kind.finder(frozenset(kind.data_types))
        next(iter(finder.find(system.terms().now)), None)
        problems = [error.message for error in finder.problems]
        detail = "; ".join(problems) or ", ".join(finder.roots)
        yield Check(", ".join(kind.data_types), is_right=not problems, detail=detail)


def _backups(system: System) -> Iterator[Check]:
    name = f"backups {system.settings.backups}"
    try:
        with system.vault() as vault, system.file_places() as places:
            problems = list(weaknesses(vault, places, other_device=system.settings.other_device))
    except DvtError as error:
        yield Check(name, is_right=False, detail=error.message)
        return
    yield Check(name, is_right=not problems, detail="; ".join(problems))
    yield _encryption(system)


def _encryption(system: System) -> Check:
    """Say whether backups are encrypted, and can be read here; wrong are keys that read none of them."""
    name, recipients = "encryption of backups", system.cipher.recipients
    try:
        why = system.cipher.why_unreadable(recipients) if recipients else ""
        entries = list(system.backups())
        unreadable = sum(system.why_unreadable(entries).values())
        has_keys = bool(system.cipher.identities)
    except DvtError as error:
        return Check(name, is_right=False, detail=error.message)
    told = [f"new ones are, to {', '.join(recipients)}" if recipients else "new ones are plain"]
    if recipients:
        told.append(f"they cannot be read here: {why}" if why else "they can be read here")
    plain = sum(entry.ciphertext is None and not entry.is_aside for entry in entries)
    if plain and recipients:
        told.append(f"{plain:,} that are there are plain")
    if unreadable:
        told.append(f"{unreadable:,} that are there are encrypted, and cannot be read here")
    return Check(name, is_right=not (why and has_keys), detail="; ".join(told))


def _clock(system: System) -> Check:
    refusals = system.terms().refusals
    return Check("clock", is_right=not refusals, detail="; ".join(refusals))


def _pressure(system: System) -> Iterator[Check]:
    pressure = system.settings.schedule.pressure
    if pressure is not None:
        problems = [problem.message for name in pressure.order if (problem := in_vain(system, name))]
        yield Check("room under pressure", is_right=not problems, detail="; ".join(problems))
