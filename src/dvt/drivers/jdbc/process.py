"""The Java process of one output: started when first needed, ended with the connector or with this process.

It reads its standard input, which only this process holds open: it ends when this process does. What it is
told goes that way, never over its command line, where others could read it.
"""

from __future__ import annotations

import itertools
import struct
import subprocess
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from dvt.core.errors import DvtError, JavaEnded, JavaMissing, JdbcDriverMissing
from dvt.core.libraries import installed_jars
from dvt.drivers.jdbc.jars import drivers_home
from dvt.drivers.jdbc.java import NEEDED, java, java_version
from dvt.drivers.jdbc.settings import JdbcSettings

JAR = Path(__file__).with_name("bridge.jar")
"""dvt's own classes; `tools/jdbc_bridge.py` makes it."""
_START_SECONDS = 60
_END_SECONDS = 5
"""Seconds that Java has to end by itself once its standard input is closed."""
_OUT_OF_MEMORY = 3
"""Exit code of a process whose heap is too small."""
_OPTIONS = (
    "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError", "-XX:-UsePerfData", "-Xrs", "-Duser.timezone=UTC",
    "-Dfile.encoding=UTF-8", "-Djava.awt.headless=true",
)  # fmt: skip
"""Options of every process. The classes of java.sql, which some drivers use, know all times of day in UTC."""
Reply = list[str | None]


class Call:
    """A request under way."""

    def __init__(self) -> None:
        self._done = threading.Event()
        self._reply: Reply | None = None

    def finish(self, reply: Reply | None) -> None:
        """Set the reply; None: the process has ended without one."""
        self._reply = reply
        self._done.set()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for the reply; return whether it is there."""
        return self._done.wait(seconds)

    @property
    def reply(self) -> Reply | None:
        """The reply, once it is there."""
        return self._reply


class Bridge:
    """The Java process of an output. Thread-safe."""

    def __init__(
        self, name: str, settings: JdbcSettings, project_dir: Path, make_folder: Callable[[], Path]
    ) -> None:
        """`make_folder` makes a folder that only this user can look into, for one process."""
        self._name = name
        self._settings = settings
        self._project_dir = project_dir
        self._make_folder = make_folder
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._process: _Process | None = None

    @property
    def folder(self) -> Path:
        """The process's private folder; only while it runs."""
        return self._running().folder

    def java(self) -> str:
        """Return where Java is, and its version; JavaMissing if it cannot be used."""
        program = self._java()
        version = java_version(program)
        if version is None or version < NEEDED:
            raise JavaMissing(self._name, f"{program} is older", NEEDED)
        return f"{program}, version {version}"

    def driver(self) -> str:
        """Return the jars of the driver; JdbcDriverMissing if one is not there."""
        return ", ".join(class_path(self._name, self._settings))

    def number(self) -> str:
        """Return a number that no other session or pipe of this output has."""
        return str(next(self._numbers))

    def send(self, verb: str, session: str, *values: str | None) -> Call:
        """Send a request; start Java if it does not run."""
        return self._running().send(verb, session, values)

    def ended(self, doing: str) -> DvtError:
        """Return the error for a process that has ended without a reply."""
        process = self._process
        code = None if process is None else process.exit_code()
        if code == _OUT_OF_MEMORY:
            problem = f"its Java process ran out of memory (memory: {self._settings.memory})"
            return JavaEnded(
                self._name, doing, problem, "raise `memory` of this output, or lower `fetch_size`"
            )
        problem = f"its Java process has ended ({'closed' if code is None else f'exit code {code}'})"
        hint = "nothing was published; did the system run out of memory? run it again (dvt retry)"
        return JavaEnded(self._name, doing, problem, hint)

    def close(self) -> None:
        """End the process. May be called twice."""
        with self._lock:
            process, self._process = self._process, None
        if process is not None:
            process.close()

    def _running(self) -> _Process:
        with self._lock:
            if self._process is not None and self._process.exit_code() is not None:
                self._process.close()
                self._process = None
            if self._process is None:
                self._process = self._start()
            return self._process

    def _java(self) -> str:
        program = java()
        if program is None:
            raise JavaMissing(self._name, "there is no java on the PATH, and JAVA_HOME names none", NEEDED)
        return program

    def _start(self) -> _Process:
        program = self._java()
        jars = class_path(self._name, self._settings)
        folder = self._make_folder()
        arguments = folder / "arguments"
        arguments.write_text(_arguments(self._settings, jars))
        process = _Process(program, arguments, self._project_dir, folder)
        if not process.is_ready():
            problem = process.said()
            process.close()
            if "UnsupportedClassVersionError" in problem:
                raise JavaMissing(self._name, f"{program} is older", NEEDED)
            hint = "look at `memory`, `java_options` and `jar` of this output, and at JAVA_TOOL_OPTIONS"
            raise JavaEnded(
                self._name, "starting it", f"Java did not start: {problem or 'no reason given'}", hint
            )
        return process


def class_path(name: str, settings: JdbcSettings) -> list[str]:
    """Return the jars of the output's driver, as Java takes them; JdbcDriverMissing if one is not there."""
    if settings.jar:
        return [str(jar / "*") if jar.is_dir() else str(jar) for jar in settings.jar]
    home = drivers_home()
    jars: list[str] = []
    for coordinates in settings.drivers:
        found = installed_jars(coordinates, home)
        if not found:
            hint = "run `dvt sync`, which installs it, or name its jar by `jar`"
            raise JdbcDriverMissing(name, f"its driver {coordinates} is not installed in {home}", hint)
        jars += map(str, found)
    return jars


def _arguments(settings: JdbcSettings, jars: Sequence[str]) -> str:
    """Return the text of a file of Java's arguments."""
    classes = ":".join([str(JAR), *jars])
    options = [f"-Xmx{settings.memory}", *_OPTIONS, *settings.java_options, "-cp", classes]
    quoted = ['"' + option.replace("\\", "\\\\").replace('"', '\\"') + '"' for option in options]
    return "\n".join([*quoted, "dvt.jdbc.Bridge"])


class _Process:
    """A process that runs."""

    def __init__(self, program: str, arguments: Path, cwd: Path, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        ready = Call()
        self._calls: dict[str, Call] = {"0": ready}
        self._ready = ready
        self._said = (folder / "said").open("w+b")
        self._process = subprocess.Popen(  # noqa: S603  Java, with a file of arguments
            [program, f"@{arguments}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            cwd=cwd,
            start_new_session=True,  # Ctrl-C is for this process, which then cancels statements
        )
        self._reader = threading.Thread(target=self._read, name="dvt-jdbc-replies", daemon=True)
        self._reader.start()

    def is_ready(self) -> bool:
        return self._ready.wait(_START_SECONDS) and self._ready.reply is not None

    def said(self) -> str:
        """Return what Java wrote before it was ready, in one line, cut to 300 characters."""
        self._said.seek(0)
        lines = self._said.read(20_000).decode(errors="replace").splitlines()
        told = [line.strip() for line in lines if line.strip() and not line.startswith(("\t", "Picked up"))]
        return " ".join(told)[:300]

    def exit_code(self) -> int | None:
        return self._process.poll()

    def send(self, verb: str, session: str, values: Sequence[str | None]) -> Call:
        call = Call()
        with self._lock:
            number = str(next(self._numbers))
            self._calls[number] = call
            message = _packed([number, verb, session, *values])
            try:
                self._stdin.write(message)
                self._stdin.flush()
            except (OSError, ValueError):  # it has ended, or is closed
                self._calls.pop(number, None)
                call.finish(None)
        return call

    @property
    def _stdin(self) -> IO[bytes]:
        if self._process.stdin is None:
            raise ValueError("it has no standard input")
        return self._process.stdin

    def close(self) -> None:
        with self._lock, suppress(OSError):
            self._stdin.close()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        self._said.close()

    def _read(self) -> None:
        """Read replies until the process ends; runs on a thread of its own."""
        replies: Any = self._process.stdout
        try:
            with suppress(struct.error):  # it has ended amid a reply
                while (reply := _unpacked(replies)) is not None:
                    with self._lock:
                        call = self._calls.pop(str(reply[0]), None)
                    if call is not None:
                        call.finish(reply[1:])
        finally:
            replies.close()
            self._process.wait()
            with self._lock:
                left, self._calls = list(self._calls.values()), {}
            for call in left:
                call.finish(None)


def _packed(fields: Sequence[str | None]) -> bytes:
    parts = [struct.pack(">i", len(fields))]
    for field in fields:
        data = None if field is None else field.encode("utf-8", "surrogatepass")
        parts.append(struct.pack(">i", -1 if data is None else len(data)))
        parts.append(data or b"")
    return b"".join(parts)


def _unpacked(stream: IO[bytes]) -> Reply | None:
    """Read one message; None at the end."""
    count = stream.read(4)
    if not count:
        return None
    fields: Reply = []
    for _ in range(struct.unpack(">i", count)[0]):
        (length,) = struct.unpack(">i", stream.read(4))
        fields.append(None if length < 0 else stream.read(length).decode("utf-8", "replace"))
    return fields
