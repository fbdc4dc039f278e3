"""Items in a file, by number: of each, eight bytes are in memory."""

from __future__ import annotations

import marshal
import mmap
import tempfile
from array import array
from typing import Any

from dvt.core.retention import Hold, HoldCode, Item, Status


class ItemFile:
    """Items of one data type: what `decide` asks of them. First all are added, then read."""

    def __init__(self, data_type: str) -> None:
        self._data_type = data_type
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  `close` closes it
        self._ends = array("q", [0])
        self._content: mmap.mmap | None = None

    def add(self, item: Item) -> int:
        """Add an item; return its number, from 0 on."""
        values = (
            item.key,
            item.group,
            item.bytes,
            item.status and str(item.status.value),
            item.tags,
            item.recorded,
            item.modified,
            item.changed,
            tuple((str(hold.code.value), hold.detail) for hold in item.holds),
        )
        self._ends.append(self._ends[-1] + self._file.write(marshal.dumps(values)))
        return len(self._ends) - 2

    def read(self) -> None:
        """Go over from adding to reading."""
        self._file.flush()
        if self._ends[-1]:
            self._content = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)

    def __getitem__(self, number: int) -> Item:
        """Return the item of a number, without what nothing is decided by, such as its identity."""
        content = self._content or b""
        values: Any = marshal.loads(content[self._ends[number] : self._ends[number + 1]])  # noqa: S302  our own
        key, group, size, status, tags, recorded, modified, changed, holds = values
        return Item(
            data_type=self._data_type,
            key=key,
            identity="",
            group=group,
            bytes=size,
            status=None if status is None else Status(status),
            tags=tags,
            recorded=recorded,
            modified=modified,
            changed=changed,
            holds=tuple(Hold(HoldCode(code), detail) for code, detail in holds),
        )

    def close(self) -> None:
        """Remove the file. May be called twice."""
        if self._content is not None:
            self._content.close()
        self._file.close()
