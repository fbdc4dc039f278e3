"""Errors of the commands that look after what is staged in buckets."""

from __future__ import annotations

from collections.abc import Collection

from dvt.core.errors.error import DvtError, nearest


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


class DatasetClash(DvtError):
    """Two buckets have different datasets of one name, so that neither can be copied to the other."""

    code = "DVT183"

    def __init__(self, dataset: str, source: str, target: str) -> None:
        self.dataset, self.source, self.target = dataset, source, target
        super().__init__(
            f"bucket {target!r} has a dataset {dataset} that is another than the one in {source!r}",
            hint=f"nothing is overwritten; `dvt clean --bucket {target} --dry-run` shows what is there",
        )


class DatasetUnknown(DvtError):
    """A bucket has no dataset of this name."""

    code = "DVT184"

    def __init__(self, dataset: str, bucket: str, known: Collection[str]) -> None:
        self.dataset, self.bucket = dataset, bucket
        super().__init__(
            f"bucket {bucket!r} has no committed dataset {dataset}".rstrip(), hint=nearest(dataset, known)
        )
