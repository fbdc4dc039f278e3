"""Turns the errors of hdfs-native into dvt's."""

from __future__ import annotations

import re
from typing import NamedTuple

from dvt.core.errors import (
    BucketBusy,
    BucketFailed,
    BucketLoginRefused,
    BucketRefused,
    BucketUnreachable,
    DvtError,
    ObjectDamaged,
)
from dvt.drivers.objects.errors import StoreErrors

_CALL = re.compile(r'(?P<kind>\w+)(?:\((?:"(?P<class>[\w.$]+)", )?"?(?P<text>.*?)"?\)?)?\Z', re.DOTALL)
"""The text of an error that has no class of its own in Python: the library's, as Rust writes it."""
_TRACE = re.compile(r"\\n\\tat .*|\n\tat .*", re.DOTALL)
"""Java's stack, as it is written in such a text, or in that of an error with a class in Python."""
_DENIED = re.compile(
    r'Permission denied: user=(?P<user>.*?), access=(?P<access>\w+), inode=\\?"(?P<place>.*?)\\?":'
)
_LOGIN = frozenset({"SASLError", "GSSAPIError", "NoSASLMechanism"})
_LOGIN_CLASSES = frozenset(
    {"AuthorizationException", "InvalidToken", "SaslException", "AuthenticationException"}
)
_BUSY_CLASSES = frozenset(
    {
        "RetriableException",
        "RetryStartFileException",
        "SafeModeException",
        "StandbyException",
        "RpcServerException",
    }
)
_NETWORK = frozenset({"IOError", "DataTransferError", "BlocksNotFound", "OperationFailed"})
_NOT_A_FOLDER = "(is not a directory)"
_NO_NAME_NODE = "No NameNode hosts found"
_LOGIN_HINT = (
    "does the cluster ask for Kerberos? run kinit, and give its settings by `config` or HADOOP_CONF_DIR"
)
_NO_NAME_NODE_HINT = (
    "give the name node's port (hdfs://namenode:8020/…), or the name nodes of the name service by `config` or"
    " HADOOP_CONF_DIR"
)


class Failure(NamedTuple):
    """What hdfs-native says of an error."""

    kind: str
    """The library's own word for the kind of error."""
    java: str
    """The class of the name node's exception, without its package; empty if it was not the name node's."""
    text: str


class Translator(StoreErrors):
    """Makes dvt's errors of the library's, for one bucket."""

    def translated(self, error: Exception, doing: str) -> DvtError:
        """Return dvt's error for an error of the library, or a TimeoutError."""
        place = self._place(doing)
        if isinstance(error, TimeoutError):
            return self.silent(doing)
        if isinstance(error, OSError):
            return BucketUnreachable(*place, _TRACE.sub("", str(error)))
        failure = failure_of(error)
        return self._of_name_node(failure, doing) if failure.java else self._of_library(failure, doing)

    def _of_library(self, failure: Failure, doing: str) -> DvtError:
        place, text = self._place(doing), failure.text or failure.kind
        if failure.kind == "ChecksumError":
            return ObjectDamaged(*place, "what arrived has another checksum than what was sent")
        if failure.kind in _LOGIN:
            return BucketLoginRefused(*place, text, _LOGIN_HINT)
        if failure.kind in _NETWORK:
            return BucketUnreachable(*place, text)
        return BucketFailed(*place, text, _NO_NAME_NODE_HINT if _NO_NAME_NODE in text else "")

    def _of_name_node(self, failure: Failure, doing: str) -> DvtError:
        place, text = self._place(doing), f"{failure.java}: {failure.text}"
        if failure.java == "AccessControlException":
            return self._refused(failure, doing)
        if failure.java in _LOGIN_CLASSES:
            return BucketLoginRefused(*place, text, _LOGIN_HINT)
        return (BucketBusy if failure.java in _BUSY_CLASSES else BucketFailed)(*place, text)

    def _refused(self, failure: Failure, doing: str) -> DvtError:
        place = self._place(doing)
        denied = _DENIED.search(failure.text)
        if denied:
            permission = f"(user {denied['user']!r}) {denied['access'].lower()} access to {denied['place']}"
            return BucketRefused(*place, permission, failure.text)
        if _NOT_A_FOLDER in failure.text:
            return BucketFailed(*place, failure.text)
        return BucketLoginRefused(*place, failure.text, _LOGIN_HINT)


def failure_of(error: Exception) -> Failure:
    """Return what an error of the library says."""
    match = _CALL.match(str(error))
    if not isinstance(error, RuntimeError) or match is None:
        return Failure(type(error).__name__, "", _TRACE.sub("", str(error)))
    java = (match["class"] or "").rpartition(".")[2].rpartition("$")[2]
    return Failure(match["kind"], java, _TRACE.sub("", match["text"] or "").strip())


def is_below_a_file(error: DvtError) -> bool:
    """Return whether the failure is that a path goes through a file, as if that were a folder."""
    return isinstance(error, BucketFailed) and _NOT_A_FOLDER in str(error)
