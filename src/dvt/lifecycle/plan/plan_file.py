"""A plan as a file: a line for each item that is due, then one with the rest and a signature."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import cache
from json.encoder import encode_basestring as _quoted
from pathlib import Path
from typing import BinaryIO, Self

from pydantic import TypeAdapter, ValidationError

from dvt.core.errors import PlanUnusable
from dvt.core.found import Similar
from dvt.core.retention import Moment, PlanHead, PlannedItem
from dvt.drivers.disk import create_private, private_folder

_SUFFIX = ".plan.jsonl"
_KEY = "plan.key"
"""Name of the file with the secret of signatures, which belongs to the installation."""
_KEY_BYTES = 32
_KEY_MARK, _IDENTITY_MARK = "a key of an example", "an identity of an example"
_NUMBER_MARKS = (71_000_000_001, 71_000_000_002, 71_000_000_003, 71_000_000_004)
"""What stands in a template for bytes, two times, and when an item is due, in this order."""
_AT_ONCE = 256
"""Lines that are signed and written together."""


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
        self._write(b'{"head":' + _heads().dump_json(head))
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
    """Makes the lines of items that are similar to one, and decided as it is."""

    def __init__(self, example: PlannedItem, youngest: Moment) -> None:
        """`youngest`: the youngest time of the example that counts. ValueError: there can be no template."""
        item, due = example.item, example.decision.due
        if due is None:
            raise ValueError(example)
        self._stays = due - youngest
        size, modified, changed, is_due_at = _NUMBER_MARKS
        marked = PlannedItem(
            item=replace(
                item,
                key=_KEY_MARK,
                identity=_IDENTITY_MARK,
                bytes=size,
                modified=modified,
                changed=changed,
            ),
            decision=replace(example.decision, due=is_due_at),
        )
        text = _items().dump_json(marked).decode().replace("%", "%%")
        marks = [f'"{_KEY_MARK}"', f'"{_IDENTITY_MARK}"', *map(str, _NUMBER_MARKS)]
        if any(text.count(mark) != 1 for mark in marks) or sorted(marks, key=text.index) != marks:
            raise ValueError(example)
        for mark in marks:
            text = text.replace(mark, "%s")
        self._text = text

    def line(self, of: Similar) -> bytes:
        """Return the line of an item."""
        facts = (_quoted(of.key), _quoted(of.identity), of.bytes, of.modified, of.changed)
        return (self._text % (*facts, of.youngest + self._stays)).encode()


class Plan:
    """A plan that is whole and signed."""

    def __init__(self, file: Path, head: PlanHead) -> None:
        self.file = file
        self.head = head

    def items(self) -> Iterator[PlannedItem]:
        """Yield what is due, in constant memory."""
        with self.file.open("rb") as lines:
            for line in lines:
                if line.startswith(b'{"head":'):
                    return
                yield _items().validate_json(line)

    def page(self, at: int, limit: int) -> tuple[list[PlannedItem], int | None]:
        """Return some of what is due, and where to go on; None: that was all.

        `at`: 0, or where to go on; PlanUnusable for another position.
        """
        found: list[PlannedItem] = []
        with self.file.open("rb") as lines:
            lines.seek(max(at - 1, 0))
            if at < 0 or (at > 0 and lines.read(1) != b"\n"):
                raise PlanUnusable(self.head.id, f"no item of it begins at {at}")
            while len(found) < limit:
                line = lines.readline()
                if not line or line.startswith(b'{"head":'):
                    return found, None
                found.append(_items().validate_json(line))
            at = lines.tell()
            return found, None if lines.read(8) == b'{"head":' else at


def _verified(plan: str, lines: BinaryIO, secret: bytes) -> PlanHead:
    digest = hmac.new(secret, digestmod=hashlib.sha256)
    for line in lines:
        if not line.startswith(b'{"head":'):
            digest.update(line)
            continue
        signed, _, rest = line.rpartition(b',"signature":')
        digest.update(signed)
        expected = json.dumps(digest.hexdigest()).encode() + b"}\n"
        if not hmac.compare_digest(rest, expected) or lines.read(1):
            raise PlanUnusable(plan, "it was changed since it was made, or made by another installation")
        return _head(plan, signed.removeprefix(b'{"head":'))
    raise PlanUnusable(plan, "it is not whole")


def _head(plan: str, text: bytes) -> PlanHead:
    try:
        return _heads().validate_json(text)
    except ValidationError as error:
        raise PlanUnusable(plan, "it was made by another version of dvt") from error


@cache
def _items() -> TypeAdapter[PlannedItem]:
    return TypeAdapter(PlannedItem)


@cache
def _heads() -> TypeAdapter[PlanHead]:
    return TypeAdapter(PlanHead)
