"""Names of backups: readable, of one batch all different, and what they say of the form."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import count

from dvt.core.file_names import as_text
from dvt.core.retention import Item, ItemKind
from dvt.lifecycle.back_up.manifest import Entry
from dvt.lifecycle.files import name_of

SUFFIX = ".backup"
AGE = b".age"
"""What the name of an encrypted backup says of its form, before SUFFIX."""
_LONGEST = 255 - len(SUFFIX)
"""Bytes of the longest name that a backup keeps; most file systems have names of up to 255."""


def files_of(batch: int, items: Sequence[Item], form: bytes) -> list[str]:
    """Return a file for each item's backup. Names are told apart as file systems do that ignore case.

    `form`: how names end that are not those of plain backups.
    """
    taken: set[str] = set()
    files = []
    for item in items:
        stem = name_of(item) + _SUFFIXES.get(item.kind, b"") + form
        names = (backup_name(stem, number) for number in count())
        name = next(name for name in names if name.casefold() not in taken)
        taken.add(name.casefold())
        files.append(f"{batch}/{name}")
    return files


_SUFFIXES = {ItemKind.FOLDER: b".tar", ItemKind.DATASET: b".tar", ItemKind.ROWS: b".jsonl"}
"""Kind of an item → what the name of its backup says of its form."""


def link_name(entry: Entry) -> str:
    """Return the name of the link to a backup, `<name>.backup`."""
    return backup_name(name_of(entry.item) + (b"" if entry.ciphertext is None else AGE))


def backup_name(name: bytes, number: int = 0) -> str:
    r"""Return the name of a file's backup: readable, safe in a shell's pattern, and not too long.

    Another number gives another name, for a second file of the same name.

    Example:
        >>> backup_name(b"operation_1.json"), backup_name(b"-rf", 1), backup_name(b"a\nb")
        ('operation_1.json.backup', '\\x2drf~1.backup', 'a\\x0ab.backup')
    """
    text = as_text(name)
    if text.startswith("-"):
        text = f"\\x2d{text[1:]}"
    tail = f"~{number}" if number else ""
    encoded = text.encode()
    if len(encoded) + len(tail) > _LONGEST:
        tail = f"~{hashlib.sha256(name).hexdigest()[:16]}{tail}"
        text = encoded[: _LONGEST - len(tail)].decode(errors="ignore")
    return text + tail + SUFFIX
