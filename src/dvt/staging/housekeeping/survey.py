"""Reads what a clean of a project's folder, or a report of it, is made from."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from dvt.core.errors import BucketRefused
from dvt.core.ports.staging import Bucket, HasUploads, UnfinishedUpload
from dvt.drivers.objects.parallel import in_parallel
from dvt.staging.housekeeping.clean_plan import Facts
from dvt.staging.housekeeping.inventory import OWNER, Folder, Inventory, Kind, take_inventory
from dvt.staging.leases import LEASES, HeldLease, Lease

READS_AT_ONCE = 8
"""Small objects that are read at once."""


class Uploads(NamedTuple):
    """The unfinished uploads in a project's folder, as far as the bucket tells."""

    listed: tuple[UnfinishedUpload, ...]
    is_told: bool = True
    """Whether such a bucket tells them at all."""
    refusal: BucketRefused | None = None
    """The error of the permission that is missing to list them."""


def unfinished_uploads(bucket: Bucket) -> Uploads:
    """Return the unfinished uploads in a project's folder; that they may not be listed is no error."""
    try:
        uploads = bucket.uploads("") if isinstance(bucket, HasUploads) else None
        return Uploads(tuple(uploads or ()), uploads is not None)
    except BucketRefused as error:
        return Uploads((), refusal=error)


def is_empty(bucket: Bucket) -> bool:
    """True if a project's folder has nothing but its marker, and nobody has begun to put anything."""
    has_none = all(stored.key == OWNER for stored in bucket.objects(""))
    return has_none and not unfinished_uploads(bucket).listed


def survey(bucket: Bucket, lease: Lease, runs: Callable[[], Mapping[str, bool]]) -> Facts:
    """Read all that a clean is decided by; `lease` is the clean's own.

    `runs` are those that this machine has a record of, and whether they are alive: it is asked after the
    objects are listed. So what a run has begun to stage since is not among them.
    """
    own = f"{LEASES}/{lease.run}/"
    uploads = unfinished_uploads(bucket)
    objects = (stored for stored in bucket.objects("") if not stored.key.startswith(own))
    inventory = take_inventory(objects, uploads.listed)
    others = lease.others()
    facts = facts_of(bucket, inventory, lease.now(), others, runs())
    return replace(facts, refusal=uploads.refusal)


def facts_of(
    bucket: Bucket,
    inventory: Inventory,
    now: datetime,
    others: Sequence[HeldLease],
    runs: Mapping[str, bool],
) -> Facts:
    """Return the facts of an inventory, after reading its states and deletions."""
    states = _contents(bucket, inventory.of(Kind.STATE))
    deletions = _contents(bucket, inventory.of(Kind.DELETION))
    return Facts(
        inventory=inventory,
        now=now,
        leases=others,
        states={path: dataset_of(content) for path, content in states},
        deletions={
            path: (content["run"], content["folder"])
            for path, content in deletions
            if isinstance(content.get("run"), str) and isinstance(content.get("folder"), str)
        },
        runs=runs,
    )


def dataset_of(state: Mapping[str, Any]) -> str:
    """Return the folder of the dataset that a state names; an empty text if it names none."""
    folder = state.get("dataset")
    return folder if isinstance(folder, str) else ""


def read_json(bucket: Bucket, key: str) -> dict[str, Any]:
    """Return what a small object says; nothing if it is not there, or says nothing that can be read."""
    try:
        with bucket.get(key) as data:
            content = json.loads(data.read())
    except (FileNotFoundError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _contents(bucket: Bucket, folders: Sequence[Folder]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each folder's path with what its only object says."""
    keys = [folder.objects[0].key for folder in folders]
    contents = in_parallel(lambda key: read_json(bucket, key), keys, at_once=READS_AT_ONCE)
    return zip((folder.path for folder in folders), contents, strict=True)
