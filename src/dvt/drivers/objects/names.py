"""Names of objects in a store, which are a bucket's keys below its prefix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn


@dataclass(frozen=True, slots=True)
class ObjectNames:
    """Turns keys of a bucket into names of objects, and back."""

    prefix: str
    """The folder of the store in which the bucket is: empty, or without `/` at both ends."""

    def __post_init__(self) -> None:
        if self.prefix:
            _check(self.prefix)

    def of(self, key: str) -> str:
        """Return the name of an object; ValueError if the key is no place inside the bucket."""
        _check(key)
        return f"{self.prefix}/{key}" if self.prefix else key

    def below(self, folder: str, *, root: bool = False) -> str:
        """Return what the names of all objects in a folder begin with; `root` allows the whole bucket, ''."""
        if root and not folder:
            return f"{self.prefix}/" if self.prefix else ""
        return f"{self.of(folder)}/"

    def key(self, name: str) -> str:
        """Return the key of a name that `of` gave."""
        return name[len(self.prefix) + 1 :] if self.prefix else name


def _check(key: str) -> None:
    if {"", ".", ".."} & set(key.split("/")):
        msg = f"{key!r} is not inside this bucket"
        raise ValueError(msg)


def store_address(scheme: str, bucket: str, prefix: str, endpoint: str | None) -> str:
    """Return a bucket's address for people and records, such as `s3://lake/staging at https://store.example`."""
    place = "/".join(filter(None, (bucket, prefix)))
    return f"{scheme}://{place}" + (f" at {endpoint}" if endpoint else "")


def refuse_consumer(consumer: str, what: str) -> NoReturn:
    """Raise the ValueError of a consumer that cannot reach `what`, such as `objects in S3`."""
    msg = f"{consumer!r} cannot reach {what} by itself"
    raise ValueError(msg)
