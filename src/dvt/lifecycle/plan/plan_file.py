"""A plan as a file: lines of what is due, of one item or of many alike, then the rest with a signature."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import BinaryIO, Self

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

from dvt.core.errors import PlanUnusable
from dvt.core.found import Row, item_of
from dvt.core.retention import AgeBy, PlanHead, PlannedItem
from dvt.drivers.disk import create_private, private_folder

_SUFFIX = ".plan.jsonl"
_KEY = "plan.key"
"""Name of the file with the secret of signatures, which belongs to the installation."""
_KEY_BYTES = 32
_AT_ONCE = 64
"""Lines that are signed and written together."""
_MOST_ALIKE = 256
"""Files of a line, at most."""
_DATA_TYPE = re.compile(rb'"data_type":"(?:[^"\\]|\\.)*"')
"""What a line says first of its items, which are of one data type."""
_ALIKE, _HEAD = b'{"like":', b'{"head":'
"""How lines begin that are not those of one item."""


_State = tuple[int, int, int, int]
_KNOWN: dict[Path, tuple[_State, Plan]] = {}
"""Plans that this process has read, and the states of their files: a server shows one many times."""
_MOST_KNOWN = 32


class Plans:
    """The plans of an installation: files that only their owner may read."""

    def __init__(self, folder: Path) -> None:
        """`folder` is made when the first plan is written."""
        self._folder = folder

    def writing(self) -> PlanWriter:
        """Begin a plan."""
        private_folder(self._folder)
        return PlanWriter(self._folder, self._secret())

    def ids(self) -> list[str]:
        """Return the ids of all plans, the newest first."""
        found: list[tuple[int, str]] = []
        for file in self._folder.glob(f"*{_SUFFIX}"):
            with suppress(FileNotFoundError):  # by their files' times: ids of one day are in no order
                found.append((file.stat().st_mtime_ns, file.name.removesuffix(_SUFFIX)))
        return [name for _, name in sorted(found, reverse=True)]

    def newest(self, limit: int) -> Iterator[Plan]:
        """Yield the plans that were made last, the newest first, but for those that cannot be used."""
        for name in self.ids()[:limit]:
            try:
                plan = self.read(name)
            except PlanUnusable:
                continue
            yield plan

    def read(self, plan: str, *, anew: bool = False) -> Plan:
        """Open a plan; PlanUnusable if it is not there, not whole, or not signed here.

        `anew`: its signature is looked at also if this process knows it, and the file has not changed since.
        """
        if not plan or "/" in plan or plan.startswith("."):
            raise PlanUnusable(plan, "this is no id of a plan", is_missing=True)
        try:
            return self._read(plan, anew=anew)
        except FileNotFoundError:
            raise PlanUnusable(plan, "there is none of this id", is_missing=True) from None

    def _read(self, plan: str, *, anew: bool) -> Plan:
        file = self._folder / f"{plan}{_SUFFIX}"
        with file.open("rb") as lines:
            status = os.fstat(lines.fileno())
            state = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
            known = _KNOWN.get(file)
            if known is not None and known[0] == state and not anew:
                return known[1]
            read = Plan(file, _verified(plan, lines, self._secret()))
        while len(_KNOWN) >= _MOST_KNOWN:
            _KNOWN.pop(next(iter(_KNOWN), file), None)
        _KNOWN[file] = state, read
        return read

    def forget(self, before: float) -> None:
        """Remove plans, and what killed writers have left of some, that were written before a time.

        `before`: seconds since 1970. What runs of them have done is on record.
        """
        for pattern in (f"*{_SUFFIX}", ".*.new"):
            for file in self._folder.glob(pattern):
                with suppress(FileNotFoundError):
                    if file.stat().st_mtime < before:
                        file.unlink()

    def _secret(self) -> bytes:
        file = self._folder / _KEY
        with suppress(FileNotFoundError):
            return file.read_bytes()
        private_folder(self._folder)
        with suppress(FileExistsError):
            create_private(file, secrets.token_bytes(_KEY_BYTES))
        return file.read_bytes()


class PlanWriter:
    """A plan that is being written; it is there once it is finished. Use it in a `with`."""

    def __init__(self, folder: Path, secret: bytes) -> None:
        self._folder = folder
        self._temporary = folder / f".{secrets.token_hex(8)}.new"
        descriptor = os.open(self._temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._file = os.fdopen(descriptor, "wb")
        self._digest = hmac.new(secret, digestmod=hashlib.sha256)
        self.lines = Lines(self._write)
        """Takes items that are due."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._file.close()
        self._temporary.unlink(missing_ok=True)

    def add_lines(self, lines: bytes) -> None:
        """Write items that are due, as `Lines` gives them."""
        self._write(lines)

    def finish(self, head: PlanHead) -> Plan:
        """Write the rest, and put the plan in its place."""
        self.lines.end()
        self._write(_HEAD + _heads().dump_json(head))
        signature = self._digest.hexdigest()
        self._file.write(b',"signature":' + json.dumps(signature).encode() + b"}\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        file = self._folder / f"{head.id}{_SUFFIX}"
        self._temporary.replace(file)
        return Plan(file, head)

    def _write(self, data: bytes) -> None:
        self._digest.update(data)
        self._file.write(data)


class Lines:
    """Makes the lines of items that are due, and passes on many at once."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write = write
        self._lines: list[bytes] = []

    def add(self, planned: PlannedItem) -> None:
        """Make the line of an item."""
        self.add_line(_items().dump_json(planned))

    def add_line(self, line: bytes) -> None:
        """Take the line of an item."""
        self._lines.append(line)
        if len(self._lines) >= _AT_ONCE:
            self.end()

    def end(self) -> None:
        """Pass on what is left."""
        if self._lines:
            self._write(b"\n".join((*self._lines, b"")))
            self._lines = []


class Template:
    """Makes the lines of files that are similar to one, and decided as it is: one line for many of them."""

    def __init__(self, example: PlannedItem, place: str, device: int, since: AgeBy, lines: Lines) -> None:
        """Take an example, which is due.

        `place`: what all keys begin with; `since`: the time that they are as old as.
        """
        item, decision = example.item, example.decision
        begin = item.changed if since is AgeBy.CHANGED else item.modified
        stays = (decision.due or 0) - (begin or 0)
        like = PlannedItem(
            item=replace(item, key=place, identity="", bytes=0, modified=None, changed=None),
            decision=replace(decision, due=None),
        )
        head = _alike().dump_json(Alike(like=like, device=device, since=since, stays=stays, files=()))
        self._head, _, self._end = head.rpartition(b"]")
        self._lines = lines
        self._files: list[Row] = []

    def add(self, rows: Sequence[Row]) -> None:
        """Take files, with their paths within the place as their names."""
        self._files += rows
        while len(self._files) >= _MOST_ALIKE:
            self._line(self._files[:_MOST_ALIKE])
            del self._files[:_MOST_ALIKE]

    def end(self) -> None:
        """Make the line of what is left."""
        if self._files:
            self._line(self._files)
            self._files.clear()

    def _line(self, files: Sequence[Row]) -> None:
        self._lines.add_line(b"%b%b%b" % (self._head, to_json(files)[1:], self._end))


@dataclass(frozen=True, slots=True, kw_only=True)
class Alike:
    """A line of a plan: files that are due as one is, each with what is its own."""

    like: PlannedItem
    """Without what is a file's own; its key is what theirs begin with."""
    device: int
    since: AgeBy
    """The time that a file is as old as."""
    stays: int
    """Nanoseconds after that time at which it is due."""
    files: Sequence[Row]
    """With their paths within the place in the place of names."""

    def planned(self, row: Row) -> PlannedItem:
        """Return one of them."""
        _, _, _, _, modified, changed = row
        due = (changed if self.since is AgeBy.CHANGED else modified) + self.stays
        item = item_of(self.like.item, self.device, row)
        return PlannedItem(item=item, decision=replace(self.like.decision, due=due))


class Plan:
    """A plan that is whole and signed."""

    def __init__(self, file: Path, head: PlanHead) -> None:
        self.file = file
        self.head = head

    def items(self) -> Iterator[PlannedItem]:
        """Yield what is due, in constant memory."""
        with self.file.open("rb") as lines:
            for line in lines:
                if line.startswith(_HEAD):
                    return
                yield from _planned(line)

    def first(self, limit: int) -> dict[str, list[PlannedItem]]:
        """Return, by data type, the first items that are due, without reading more than that needs."""
        found: dict[str, list[PlannedItem]] = {name: [] for name in self.head.due}
        wanted = {name: min(limit, tally.items) for name, tally in self.head.due.items() if tally.items}
        filled: set[bytes] = set()
        with self.file.open("rb") as lines:
            for line in lines if wanted else ():
                name = _DATA_TYPE.search(line)
                if line.startswith(_HEAD) or name is None:
                    break
                if name[0] in filled:
                    continue
                some = _planned(line)
                data_type = some[0].item.data_type
                found[data_type] = [*found[data_type], *some][:limit]
                if len(found[data_type]) == wanted.get(data_type):
                    filled.add(name[0])
                    del wanted[data_type]
                if not wanted:
                    break
        return found

    def page(self, at: int, limit: int) -> tuple[list[PlannedItem], int | None]:
        """Return some of what is due, and where to go on; None: that was all.

        `at`: 0, or where to go on; PlanUnusable for another position.
        """
        found: list[PlannedItem] = []
        begin, skip = divmod(at, _MOST_ALIKE)
        with self.file.open("rb") as lines:
            lines.seek(max(begin - 1, 0))
            if at < 0 or (begin > 0 and lines.read(1) != b"\n"):
                raise PlanUnusable(self.head.id, f"no item of it begins at {at}")
            while len(found) < limit:
                begin, line = lines.tell(), lines.readline()
                if not line or line.startswith(_HEAD):
                    return found, None
                some = _planned(line)[skip:]
                if not some:
                    raise PlanUnusable(self.head.id, f"no item of it begins at {at}")
                wanted = limit - len(found)
                if len(some) > wanted:
                    return [*found, *some[:wanted]], begin * _MOST_ALIKE + skip + wanted
                found += some
                skip = 0
            at = lines.tell() * _MOST_ALIKE
            return found, None if lines.read(len(_HEAD)) == _HEAD else at


def _verified(plan: str, lines: BinaryIO, secret: bytes) -> PlanHead:
    digest = hmac.new(secret, digestmod=hashlib.sha256)
    for line in lines:
        if not line.startswith(_HEAD):
            digest.update(line)
            continue
        signed, _, rest = line.rpartition(b',"signature":')
        digest.update(signed)
        expected = json.dumps(digest.hexdigest()).encode() + b"}\n"
        if not hmac.compare_digest(rest, expected) or lines.read(1):
            raise PlanUnusable(plan, "it was changed since it was made, or made by another installation")
        return _head(plan, signed.removeprefix(_HEAD))
    raise PlanUnusable(plan, "it is not whole")


def _head(plan: str, text: bytes) -> PlanHead:
    try:
        return _heads().validate_json(text)
    except ValidationError as error:
        raise PlanUnusable(plan, "it was made by another version of dvt") from error


def _planned(line: bytes) -> list[PlannedItem]:
    """Return the items of a line."""
    if line.startswith(_ALIKE):
        alike = _alike().validate_json(line)
        return [alike.planned(row) for row in alike.files]
    return [_items().validate_json(line)]


@cache
def _alike() -> TypeAdapter[Alike]:
    return TypeAdapter(Alike)


@cache
def _items() -> TypeAdapter[PlannedItem]:
    return TypeAdapter(PlannedItem)


@cache
def _heads() -> TypeAdapter[PlanHead]:
    return TypeAdapter(PlanHead)
