"""Trees of files for plans, and what plans of them say."""

from __future__ import annotations

import json
import os
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from dvt.core.retention import AgeBy, Rule
from dvt.drivers.file_uses import FileUses

DAY = 86_400 * 10**9
NOW = (time.time_ns() // DAY + 50) * DAY
"""Later than all times at which files of these tests are changed, since nobody can choose a `ctime`."""


BY_MTIME = Rule(days=30, age_by=frozenset({AgeBy.MODIFIED}))


class EachAsItem:
    """A finder that only knows items."""

    def __init__(self, finder):
        self.data_types, self.roots, self._finder = finder.data_types, finder.roots, finder

    @property
    def problems(self):
        return self._finder.problems

    def find(self, now):
        return self._finder.find(now)

    def look(self, items, now):
        return self._finder.look(items, now)


@contextmanager
def made(tree):
    """Make a tree; give its folder, and which of its files are in use."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "root")
        root.mkdir()
        (root / ".dvt-lifecycle.json").write_text("{}")
        opened = {}
        for (parts, name), (age, kind, size) in tree.items():
            file = root.joinpath(*parts, name)
            file.parent.mkdir(parents=True, exist_ok=True)
            if kind == "link":
                file.symlink_to("nowhere")
            else:
                file.write_bytes(b"x" * size)
            os.utime(file, ns=(NOW - age, NOW - age), follow_symlinks=False)
            if kind == "twice":
                os.link(file, f"{folder}/{file.stat().st_ino}")
            if kind == "open":
                opened[file.stat().st_dev, file.stat().st_ino] = 4711
        yield root, FileUses(opened=opened)


def lines(of):
    """Return the items of a plan in an order of their own, and all of its head that is not of its making."""
    head = json.loads(of.file.read_bytes().splitlines()[-1])["head"]
    items = sorted(of.items(), key=lambda planned: (planned.item.data_type, planned.item.key))
    return items, {name: value for name, value in head.items() if name != "id"}


def plain(finders):
    return [EachAsItem(finder) for finder in finders]
