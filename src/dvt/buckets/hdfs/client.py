"""Calls hdfs-native, which never gives up by itself: each call has a deadline, and ends then."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

from dvt.buckets.hdfs.errors import Translator
from dvt.buckets.hdfs.settings import HDFSSettings
from dvt.core.errors import BucketLibraryMissing, DvtError
from dvt.drivers.objects.reader import wait

_Answer = TypeVar("_Answer")
_USER = "HADOOP_USER_NAME"
"""The variable of the environment that says whom the name node takes a process for."""
_SHARE_OF_TIMEOUT = 1 / 2
"""Part of `timeout` after which nothing is tried again, so that all attempts are about within it."""
_ATTEMPTS = 8
"""Times that a question is asked that may be asked again."""


class Hdfs:
    """The library's client of one bucket; every method raises dvt's errors. Thread-safe."""

    def __init__(self, name: str, settings: HDFSSettings, errors: Translator) -> None:
        self._name = name
        self._settings = settings
        self._errors = errors
        self._lock = threading.Lock()
        self._made: Any = None

    def ask(self, doing: str, question: Callable[[Any], _Answer]) -> _Answer:
        """Return the answer of a function of the library's client, which is asked once.

        Python's FileNotFoundError and FileExistsError are raised as they are.
        """
        client = self._client(doing)
        try:
            return in_time(lambda: question(client), self._settings.timeout)
        except (FileNotFoundError, FileExistsError):
            raise
        except Exception as error:
            if isinstance(error, TimeoutError):
                self._forget(client)
            raise self._errors.translated(error, doing) from error

    def ask_again(self, doing: str, question: Callable[[Any], _Answer]) -> _Answer:
        """Do as `ask`, and ask again while no name node answers, or none that may."""
        until = time.monotonic() + self._settings.timeout * _SHARE_OF_TIMEOUT
        for tries in range(1, _ATTEMPTS):
            try:
                return self.ask(doing, question)
            except DvtError as error:
                if not error.transient or time.monotonic() > until:
                    raise
            wait(tries)
        return self.ask(doing, question)

    def _client(self, doing: str) -> Any:
        with self._lock:
            if self._made is None:
                self._made = self._make(doing)
            return self._made

    def _make(self, doing: str) -> Any:
        try:
            from hdfs_native import Client
        except ImportError as error:
            raise BucketLibraryMissing("HDFS", self._name, "hdfs-native", "hdfs") from error
        try:
            if self._settings.user:
                _PROCESS.become(self._settings.user)
            self._knock()
            return Client(self._settings.name_node, self._settings.hadoop)
        except Exception as error:
            raise self._errors.translated(error, doing) from error

    def _knock(self) -> None:
        """Connect to the name node once, where it is named: the library tells nobody that this is refused."""
        name_node = urlsplit(self._settings.name_node)
        if name_node.hostname and name_node.port:
            at = (name_node.hostname, name_node.port)
            socket.create_connection(at, self._settings.timeout * _SHARE_OF_TIMEOUT).close()

    def _forget(self, client: Any) -> None:
        """Have the next question asked over new connections: those of the client may be frozen for good."""
        with self._lock:
            if self._made is client:
                self._made = None


def in_time(call: Callable[[], _Answer], seconds: float) -> _Answer:
    """Return what a function returns, or raise what it raises; TimeoutError if it does neither in time.

    It runs in a thread of its own, which is left behind then, and keeps no process from ending.
    """
    answers: list[_Answer] = []
    errors: list[BaseException] = []
    over = threading.Event()

    def run() -> None:
        try:
            answers.append(call())
        except BaseException as error:  # noqa: BLE001  it is raised where the call is awaited
            errors.append(error)
        over.set()

    threading.Thread(target=run, name="dvt-hdfs", daemon=True).start()
    if not over.wait(seconds):
        raise TimeoutError
    if errors:
        raise errors[0]
    return answers[0]


class _Process:
    """Whom name nodes take this process for.

    The library reads the user from the environment whenever it connects, so a process can be one user only.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._user: str | None = None

    def become(self, user: str) -> None:
        """Be this user from now on; ValueError if the process is another one already."""
        with self._lock:
            if self._user not in (None, user):
                msg = f"this process is user {self._user!r} for HDFS already, and cannot be {user!r}, too"
                raise ValueError(msg)
            self._user = os.environ[_USER] = user


_PROCESS = _Process()
