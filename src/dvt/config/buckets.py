"""buckets.yml: the places in which a profile's runs stage their data.

```yaml
shop:                       # a profile
  target: lake              # the bucket in use
  buckets:
    lake: {type: s3, bucket: team-staging, prefix: dvt, region: eu-west-1, compression: "zstd:3"}
    disk: {type: filesystem, path: /fast/staging}
```

An entry's `type` names its class; most of the other keys are for the settings model of that class.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from dvt.config.bucket_types import BUCKETS, LOCAL, NO_FILE, BucketEntry, Buckets
from dvt.config.buckets_file import read, read_all
from dvt.config.profiles import default_profiles_dir

__all__ = [
    "BUCKETS",
    "LOCAL",
    "NO_FILE",
    "BucketEntry",
    "Buckets",
    "find_file",
    "get_all_buckets_for_profile",
    "get_bucket_for_profile",
    "load_all_buckets",
    "load_buckets",
]

FILE = "buckets.yml"
"""Name of the file."""


def load_buckets(
    profile: str,
    profiles_dir: Path,
    *,
    project_dir: Path | None = None,
    home: Path | None = None,
    environment: Mapping[str, str] = os.environ,
) -> Buckets:
    """Load a profile's buckets from buckets.yml in `profiles_dir`, else in `~/.dvt`.

    Without such a file there is only the project's own folder. All errors in the file are raised at once.
    """
    file = find_file(profiles_dir, home)
    return NO_FILE if file is None else read(file, profile, project_dir, environment)


def load_all_buckets(
    profile: str,
    profiles_dir: Path,
    *,
    project_dir: Path | None = None,
    home: Path | None = None,
    environment: Mapping[str, str] = os.environ,
) -> Mapping[str, Buckets]:
    """Load the buckets of every profile as `load_buckets` does those of one; `profile` is among them."""
    file = find_file(profiles_dir, home)
    of_file = {} if file is None else read_all(file, profile, project_dir, environment)
    return {profile: NO_FILE, **of_file}


def find_file(profiles_dir: Path, home: Path | None = None) -> Path | None:
    """Return the buckets.yml that is read, in `profiles_dir`, else in `~/.dvt`; None if there is none."""
    files = (folder / FILE for folder in (profiles_dir, (home or Path.home()) / ".dvt"))
    return next((file for file in files if file.is_file()), None)


def get_bucket_for_profile(
    profile: str, target: str | None = None, *, profiles_dir: Path | None = None, home: Path | None = None
) -> BucketEntry | None:
    """Return a profile's bucket of this name, or its default one; None if the file has no such thing."""
    buckets = _load(profile, profiles_dir, home)
    return buckets.entries.get(target or buckets.default) if buckets.written else None


def get_all_buckets_for_profile(
    profile: str, *, profiles_dir: Path | None = None, home: Path | None = None
) -> Mapping[str, BucketEntry]:
    """Return the buckets that the file has for a profile, by name; none if there is no such section."""
    buckets = _load(profile, profiles_dir, home)
    return {name: buckets.entries[name] for name in buckets.written}


def _load(profile: str, profiles_dir: Path | None, home: Path | None) -> Buckets:
    return load_buckets(profile, profiles_dir or default_profiles_dir(Path.cwd(), home), home=home)
