"""Opens a seed's file, unpacked, and says of the seed what is wrong with its file."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import IO, Any, cast

from dvt.core.errors import (
    DriverMissing,
    FileInDoubt,
    FileUnreadable,
    SeedUnreadable,
    ValueLost,
)
from dvt.core.seeds import SeedFile

_BROKEN = (gzip.BadGzipFile, EOFError, zlib.error)
"""What Python raises for a file that is not, or not all of, what gzip has written."""
_BUFFER = 256 * 1024
"""Bytes that are unpacked at once."""


@contextmanager
def raw(seed: SeedFile) -> Iterator[IO[bytes]]:
    """Yield the bytes of a seed's file, unpacked by the suffix of its name."""
    name = seed.path.name.lower()
    if name.endswith(".gz"):
        with gzip.open(seed.path) as file:
            yield cast("IO[bytes]", file)
    elif name.endswith(".zst"):
        pyarrow = arrow(seed, "pyarrow")
        with pyarrow.CompressedInputStream(pyarrow.OSFile(str(seed.path)), "zstd") as stream:
            yield cast("IO[bytes]", io.BufferedReader(stream, _BUFFER))
    else:
        with seed.path.open("rb") as file:
            yield file


@contextmanager
def as_seed_errors(seed: SeedFile) -> Iterator[None]:
    """Raise what is wrong with the file as SeedUnreadable."""
    try:
        yield
    except _BROKEN as error:
        problem = "it is not a whole file of gzip"
        raise SeedUnreadable(seed.shown, None, problem, "compress it again, or take `.gz` away") from error
    except ValueLost as error:
        where = error.where.replace(str(seed.path), "").lstrip(", ")
        problem = f"{where}: {error.problem}" if where else error.problem
        hint = "correct the file, or give the column another type in `column_types`"
        raise SeedUnreadable(seed.shown, None, problem, hint) from error
    except (FileInDoubt, FileUnreadable) as error:
        raise SeedUnreadable(seed.shown, None, error.problem, "correct the file") from error
    except OSError as error:
        problem = f"it cannot be read ({error.strerror or _reason(error)})"
        raise SeedUnreadable(seed.shown, None, problem, "check the file and its permissions") from error


def arrow(seed: SeedFile, module: str) -> Any:
    """Import a module of PyArrow; DriverMissing if it is not installed."""
    try:
        return import_module(module)
    except ImportError as error:
        what = f"PyArrow, which reads {seed.shown},"
        raise DriverMissing(what, "pip install 'dvt-engine[seeds]'") from error


def _reason(error: OSError) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
