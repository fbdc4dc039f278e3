"""Errors of the commands that look after what is staged in buckets."""

from __future__ import annotations

from dvt.core.errors.error import DvtError


class DurationInvalid(DvtError):
    """A duration is not written as a number of hours or days."""

    code = "DVT180"

    def __init__(self, text: str) -> None:
        self.text = text
        super().__init__(
            f"Invalid duration format: '{text}'. Expected format: Nh (hours) or Nd (days), e.g., '24h', '7d'"
        )


class FolderNotOwned(DvtError):
    """A folder of a bucket is not marked as this project's, so dvt touches nothing in it."""

    code = "DVT181"

    def __init__(self, address: str, folder: str, owner: str | None, project: str) -> None:
        self.address, self.folder, self.owner, self.project = address, folder, owner, project
        of = f"belongs to project {owner!r}" if owner else "has no _owner.json that says whose it is"
        super().__init__(
            f"folder {folder!r} of bucket {address} {of}; project {project!r} touches nothing in it",
            hint="the first run that stages there puts _owner.json, and `project_id` in buckets.yml names "
            "the folder",
        )


class FolderIsLink(DvtError):
    """A folder of staged data is a link, and dvt follows none where it deletes."""

    code = "DVT182"

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(
            f"{path} is a link: nothing behind it was touched",
            hint="name the folder itself as `path` of a bucket in buckets.yml",
        )
