"""A server of Spark Connect: Spark runs there, and this process sends it SQL."""

from __future__ import annotations

import atexit
import re
import socket
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any

from dvt.core.errors import (
    BucketUnseen,
    ClusterLost,
    ClusterUnreachable,
    DvtError,
    SparkMissing,
    SparkServerUnfit,
)
from dvt.core.ports.engines import EngineContext
from dvt.core.ports.staging import HadoopAccess
from dvt.engines.spark.application import import_pyspark
from dvt.engines.spark.configuration import ANSWERS
from dvt.engines.spark.plans import reads_in_text
from dvt.engines.spark.settings import SparkSettings, depends_on
from dvt.engines.spark.tables import TableNames, old_schemas
from dvt.engines.spark.watch import Progress

_KNOCK_SECONDS = 10
"""Seconds that a server has to accept a connection."""
_RETRIES = 6
"""Times that PySpark asks again, with pauses of half a minute in all."""
_TASKS = 16
"""Tasks that look for a file: a client cannot ask for the number of cores."""
_STATIC = frozenset({"spark.sql.catalogImplementation"})
"""Settings that only the server's administrator can change, and that answers do not depend on there."""
_GONE = ("UNAVAILABLE", "RETRIES_EXCEEDED", "SESSION_CLOSED", "SESSION_NOT_FOUND", "DEADLINE_EXCEEDED")
_WITHOUT_CONNECTOR = re.compile(r'Class (\S+) not found|No FileSystem for scheme "?(\w+)')


class Remote:
    """Sessions of a server, one for each statement, as `Application` has them."""

    def __init__(self, name: str, settings: SparkSettings, context: EngineContext) -> None:
        """Connect once; ClusterUnreachable, SparkMissing or SparkServerUnfit if the server is of no use."""
        import_pyspark(name, settings.version)
        self._name = name
        self._settings = settings
        self._report = context.report
        self._lock = threading.Lock()
        self._sessions: dict[str, Any] = {}
        """By group."""
        self._knock()
        with self.session("first", "connecting") as session:
            self._check(session)
            for schema in old_schemas(
                [row[0] for row in session.sql("SHOW DATABASES LIKE 'dvt_*'").collect()]
            ):
                with suppress(Exception):  # another run removes it, too
                    session.sql(f"DROP DATABASE IF EXISTS {schema} CASCADE")

    @contextmanager
    def session(self, group: str, doing: str) -> Iterator[Any]:
        """Open a session with the settings on which answers depend."""
        session = self._new(doing)
        with self._lock:
            self._sessions[group] = session
        try:
            settings = {key: value for key, value in ANSWERS.items() if key not in _STATIC}
            for key, value in {**self._settings.spark_config, **settings}.items():
                session.conf.set(key, value)
            session.registerProgressHandler(_teller(Progress(self._report)))
            yield session
        finally:
            with self._lock:
                del self._sessions[group]
            _end(session)

    def cancel(self, group: str) -> None:
        """Stop what a session is doing."""
        with self._lock:
            session = self._sessions.get(group)
        if session is not None:
            with suppress(Exception):  # it is over
                session.interruptAll()

    def failure(self, error: Exception, group: str, doing: str) -> DvtError | None:  # noqa: ARG002
        """Return the error of a server that has ended, or that lacks a connector; None for other errors."""
        text = str(error)
        if any(word in text for word in _GONE) or type(error).__name__ == "RetriesExceeded":
            hint = "look at the server's log, and run again: the targets are as before"
            return ClusterLost(self._name, doing, f"{self._settings.remote} answers no more", hint)
        lacks = _WITHOUT_CONNECTOR.search(text)
        if lacks:
            problem = f"the server {self._settings.remote} lacks the connector: {lacks[0]}"
            hint = "start the server with the connector's jar (docs/how-to/compute-on-spark.md names it)"
            return BucketUnseen(self._name, "of the run", problem, hint)
        return None

    def reads(self, session: Any, sql: str, names: TableNames) -> tuple[frozenset[str] | None, ...]:
        """Return the columns that Spark reads of each table, by the text of its plan."""
        ((plan,),) = session.sql(f"EXPLAIN FORMATTED {sql}").collect()
        return reads_in_text(plan, names)

    def counted(self, frame: Any) -> tuple[Any, Any]:
        """Return a frame whose rows are counted, and what tells the number once they are written."""
        from pyspark.sql.connect import functions
        from pyspark.sql.connect.observation import Observation

        observation = Observation()
        rows = functions.count(functions.lit(1)).alias("rows")
        return frame.observe(observation, rows), lambda: int(observation.get.get("rows", -1))

    def obstacle(self, bucket: str, access: HadoopAccess) -> DvtError | None:  # noqa: ARG002
        """Return None: whether the server can reach a bucket is seen when it tries."""
        return None

    @property
    def parallelism(self) -> int:
        """How many tasks run at once, about."""
        return _TASKS

    @property
    def may_have_secrets(self) -> bool:
        """True if credentials can be sent: nobody on the way reads them."""
        return self._settings.is_private

    def close(self) -> None:
        """End all sessions."""
        with self._lock:
            sessions = list(self._sessions.values())
        for session in sessions:
            _end(session)

    def _knock(self) -> None:
        """Connect to the server's port: PySpark would try for minutes."""
        try:
            socket.create_connection(self._settings.server, _KNOCK_SECONDS).close()
        except OSError as error:
            problem = error.strerror or str(error)
            raise ClusterUnreachable(self._name, str(self._settings.remote), problem) from error

    def _new(self, doing: str) -> Any:
        try:
            from pyspark.sql.connect.client.retries import DefaultPolicy

            _class_of_sessions()
        except ImportError as error:
            problem = f"PySpark's client for Spark Connect is not whole: {error}"
            hint = "run `pip install 'dvt-engine[spark-connect]'`"
            raise SparkMissing(self._name, problem, hint) from error
        # dvt's error says it.
        warnings.filterwarnings("ignore", message=r"\[RETRIES_EXCEEDED\]", category=UserWarning)
        session: Any = None
        try:
            session = _class_of_sessions()(self._settings.url)
            session.client.set_retry_policies([DefaultPolicy(max_retries=_RETRIES, max_backoff=8000)])
            _ = session.version
        except Exception as error:  # noqa: BLE001  its text is not passed on
            if session is not None:
                _end(session)
            raise self._refusal(error, doing) from None  # its text may have the token
        return session

    def _refusal(self, error: Exception, doing: str) -> DvtError:
        """Return the error of a server that gives no session."""
        text = str(error)
        if "UNAUTHENTICATED" in text or "PERMISSION_DENIED" in text:
            problem = (
                f"{self._settings.remote} refuses the token"
                if self._settings.token
                else "it asks for a token"
            )
            return SparkServerUnfit(self._name, problem, "give the server's `token` in computes.yml")
        known = self.failure(error, "", doing)
        reason = known.message if known else type(error).__name__
        return ClusterUnreachable(
            self._name, str(self._settings.remote), f"it is no server of Spark Connect, or {reason}"
        )

    def _check(self, session: Any) -> None:
        """Raise SparkServerUnfit for a version, or a setting, by which answers would differ."""
        version = str(session.version)
        if not version.startswith("4."):
            problem = f"{self._settings.remote} is Spark {version}, and dvt needs version 4"
            raise SparkServerUnfit(self._name, problem, "connect to a server of Spark 4")
        own = {*ANSWERS, *self._settings.spark_config}
        given = {row[0]: row[1] for row in session.sql("SET").collect()}
        odd = sorted(key for key in given if key not in own and depends_on(key))
        if odd:
            problem = f"{self._settings.remote} sets {', '.join(odd)}, on which answers depend"
            raise SparkServerUnfit(self._name, problem, "start a server without these settings")


def _teller(progress: Progress) -> Callable[..., None]:
    """Return what PySpark calls with the stages of a query while it waits."""

    def tell(stages: Iterable[Any], **_: object) -> None:
        if progress.is_due:
            known = list(stages or ())
            tasks = [(stage.num_completed_tasks, stage.num_tasks) for stage in known]
            progress.tell(sum(done for done, _ in tasks), sum(total for _, total in tasks))

    return tell


@cache
def _class_of_sessions() -> Any:
    """Return a class of sessions that end when they are told to, and not when they are collected.

    PySpark's own wait for others of their calls then, in whatever thread collects them: of gRPC's, too, which
    then never make those calls.
    """
    from pyspark.sql.connect.session import SparkSession

    class Session(SparkSession):  # type: ignore[misc]  # PySpark may be missing
        def __del__(self) -> None:
            """Do nothing."""

    return Session


def _end(session: Any) -> None:
    """End a session on the server, and its connection; `stop` would wait for those of other threads."""
    with suppress(Exception):
        session.client.release_session()
    with suppress(Exception):
        session.client._channel.close()  # noqa: SLF001
        # PySpark would ask the server once more, again and again, when the process ends.
        atexit.unregister(session.client._cleanup_ml_cache)  # noqa: SLF001
