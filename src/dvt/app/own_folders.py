"""Opens a project's folder in buckets, for the commands that look after what is there, outside of a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dvt.config.buckets import BucketEntry, Buckets
    from dvt.core.housekeeping import ProjectPlace
    from dvt.core.ports.staging import Bucket


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnFolder:
    """The project's folder in a bucket; nothing is opened yet."""

    place: ProjectPlace
    profile: str
    entry: BucketEntry
    folder: str
    """Its name in the bucket; empty if the bucket is the project's own."""
    is_asked_for: bool
    """Whether the command line names the bucket, or the profile uses it where nothing else is said."""
    is_named: bool
    """Whether the command line or buckets.yml names the bucket: one is there without."""

    @property
    def name(self) -> str:
        """The bucket's name."""
        return self.entry.name

    def bucket(self) -> Bucket:
        """Return the whole bucket; DvtError if it cannot be used."""
        from dvt.app.buckets import open_bucket

        return open_bucket(self.entry.checked(), self.place.project_dir)

    def open(self, *, new: bool = False) -> Bucket | None:
        """Return the folder as a bucket, None if it is empty; DvtError if it is not this project's.

        `new`: it becomes the project's if it is empty.
        """
        from dvt.core.errors import FolderIsLink
        from dvt.staging import ownership

        bucket = self.bucket()
        link = _link(bucket, self.folder)
        if link is not None:
            raise FolderIsLink(str(link))
        if not self.folder:
            return bucket
        begin = ownership.claim if new else ownership.existing
        return begin(bucket, self.folder, self.place.project)


def own_folders(
    place: ProjectPlace, profiles: Mapping[str, Buckets], only: str | None = None
) -> list[OwnFolder]:
    """Return the project's folder in each bucket of the profiles, or in those of one name; each place once.

    UnknownBucket if no profile has a bucket of that name.
    """
    from dvt.core.errors import UnknownBucket

    chosen = [
        (profile, buckets, entry)
        for profile, buckets in profiles.items()
        for entry in buckets.entries.values()
        if only in (None, entry.name)
    ]
    if not chosen:
        buckets = profiles[place.profile]
        raise UnknownBucket(str(only), buckets.entries, buckets.file)
    folders = [
        OwnFolder(
            place=place,
            profile=profile,
            entry=entry,
            folder=_name(buckets, entry, place.project),
            is_asked_for=only is not None or (profile, entry.name) == (place.profile, buckets.default),
            is_named=only is not None or entry.name in buckets.written,
        )
        for profile, buckets, entry in chosen
    ]
    return list(_distinct(sorted(folders, key=lambda folder: not folder.is_named)))


def _distinct(folders: list[OwnFolder]) -> Iterator[OwnFolder]:
    """Yield the folders whose places differ, the first of each place: two entries may name one."""
    seen = set()
    for folder in folders:
        settings = tuple(sorted((key, repr(value)) for key, value in folder.entry.settings.items()))
        identity = (folder.entry.kind, settings, folder.folder, bool(folder.entry.errors) and folder.name)
        if identity not in seen:
            seen.add(identity)
            yield folder


def _name(buckets: Buckets, entry: BucketEntry, project: str) -> str:
    from dvt.app.buckets import project_folder

    return project_folder(buckets, project) if entry.is_shared else ""


def _link(bucket: Bucket, folder: str) -> Path | None:
    """Return what is a link among the folders of a bucket on this machine; None if nothing is."""
    from dvt.core.ports.staging import OnDisk

    folders = bucket.folders(folder) if isinstance(bucket, OnDisk) else ()
    return next((path for path in folders if path.is_symlink()), None)
