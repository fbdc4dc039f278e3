"""Has commands put on record: wraps their click callbacks, and listens to dbt's events of nodes."""

from __future__ import annotations

import functools
import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from dbt.version import __version__ as dbt_version

from dvt.core.masking import masked, secret_values
from dvt.core.operation_record import FAILURES, Ending, Failure, OperationRecord
from dvt.core.ports.operations import NotRecorded, OperationFactory, OperationRecorder
from dvt.core.status import Status
from dvt.dbt_bridge.entry.command_line import shown, value_of

logger = logging.getLogger(__name__)

_NAME = re.compile(r"^name\s*:\s*['\"]?(\w+)", re.MULTILINE)
"""Matches the project's name in dbt_project.yml, before dbt has read it."""
_CODE = re.compile(r"\bDVT\d{3}\b")
"""Matches the code of an error of dvt's."""
_FAILED, _BROKEN = 1, 2
"""Exit codes of dbt's: a node has failed; the command itself has."""

_factory: OperationFactory | None = None
_current: Recording | None = None


class Recording:
    """One command on its way to the record. No method raises."""

    def __init__(self, context: click.Context, factory: OperationFactory) -> None:
        self.recorder: OperationRecorder = NotRecorded()
        self._context = context
        self._factory = factory
        self._started = datetime.now(UTC)
        self._has_begun = False
        self._secrets: tuple[str, ...] = ()

    def on_event(self, event: Any) -> None:
        """Note what dbt tells: the first event of a command comes when its flags are known."""
        try:
            self._begin()
            name = event.info.name
            if name == "NodeStart":
                self.recorder.began(event.data.node_info.unique_id)
            elif name == "NodeFinished":
                self._end_node(event.data)
        except Exception:
            logger.debug("an event was not put on record", exc_info=True)

    def end(self, error: BaseException | None) -> None:
        """Note the end of the command, and what has ended it."""
        try:
            self._begin()
            project: Any = (self._context.obj or {}).get("project")
            if project is not None:
                self.recorder.describe(
                    project=str(project.project_name), profile=str(project.profile_name or "")
                )
            self.recorder.end(self._ending(error))
        except Exception:
            logger.debug("the end of the command was not put on record", exc_info=True)

    def _begin(self) -> None:
        """Begin the record, once, if there is a project."""
        if self._has_begun:
            return
        self._has_begun = True
        folder = _project_dir(self._context)
        if folder is None:
            return
        given = (value_of(self._context, name) for name in ("vars", "args"))
        self._secrets = secret_values(os.environ, *given)
        self.recorder = self._factory(folder, self._record(folder))

    def _record(self, folder: Path) -> OperationRecord:
        name = _NAME.search((folder / "dbt_project.yml").read_text(encoding="utf-8", errors="replace"))
        path = self._context.command_path.split()[1:]
        return OperationRecord(
            pipeline_name=name[1] if name else "",
            start_time=self._started,
            command=tuple(masked(word, self._secrets) for word in ("dvt", *shown(self._context))),
            command_name=" ".join(path),
            versions={"dbt": dbt_version},
        )

    def _end_node(self, data: Any) -> None:
        result = data.run_result
        status, text = str(result.status), str(result.message)
        rows: Any = dict(result.adapter_response).get("rows_affected")
        is_number = isinstance(rows, int | float) and rows >= 0
        self.recorder.ended(
            data.node_info.unique_id,
            status,
            rows=int(rows) if is_number else None,
            error=self._failure(text) if text and status in FAILURES else None,
        )

    def _ending(self, error: BaseException | None) -> Ending:
        cause = getattr(error, "exception", error)
        if isinstance(cause, KeyboardInterrupt | click.Abort):
            return Ending(status=Status.CANCELLED, exit_code=_BROKEN)
        if error is None or _exit_code(cause) == 0:
            return Ending(status=Status.COMPLETED, exit_code=0)
        if hasattr(error, "result") or isinstance(cause, SystemExit | click.exceptions.Exit):
            return Ending(status=Status.FAILED, exit_code=_exit_code(cause) or _FAILED)
        text = str(cause) or type(cause).__name__
        return Ending(status=Status.FAILED, exit_code=_BROKEN, error=self._failure(text))

    def _failure(self, text: str) -> Failure:
        code = _CODE.search(text)
        return Failure(text=masked(text, self._secrets).strip(), code=code[0] if code else "")


def record_commands(factory: OperationFactory | None) -> None:
    """Have the commands that follow put on record by `factory`; None: they are not."""
    global _factory  # noqa: PLW0603 - dbt's commands are global to the process, and so is what wraps them
    _factory = factory


def recorder() -> OperationRecorder:
    """Return the recorder of the command under way."""
    return NotRecorded() if _current is None else _current.recorder


def record_command(command: click.Command) -> None:
    """Wrap a command, so that it is put on record whenever it is run; a repeated call wraps nothing twice."""
    callback = command.callback
    if callback is None or isinstance(command, click.Group) or hasattr(callback, "is_recorded"):
        return

    @functools.wraps(callback)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if _factory is None:
            return callback(*args, **kwargs)
        with _recording(click.get_current_context(), _factory):
            return callback(*args, **kwargs)

    wrapper.is_recorded = True  # type: ignore[attr-defined]
    command.callback = wrapper


@contextmanager
def _recording(context: click.Context, factory: OperationFactory) -> Iterator[None]:
    global _current  # noqa: PLW0603 - dbt itself has one invocation per process
    before, recording = _current, Recording(context, factory)
    _current = recording
    context.obj = context.obj or {}
    context.obj["callbacks"] = [*context.obj.get("callbacks", ()), recording.on_event]
    try:
        yield
    except BaseException as error:
        recording.end(error)
        raise
    else:
        recording.end(None)
    finally:
        _current = before


def _project_dir(context: click.Context) -> Path | None:
    """Return the folder of the command's project, as dbt finds it; None if there is none."""
    flags: Any = (context.obj or {}).get("flags")
    folder = getattr(flags, "PROJECT_DIR", None) or value_of(context, "project_dir") or Path.cwd()
    folder = Path(folder).expanduser().absolute()
    return folder if (folder / "dbt_project.yml").is_file() else None


def _exit_code(error: BaseException | None) -> int | None:
    code = getattr(error, "exit_code", getattr(error, "code", None))
    return code if isinstance(code, int) else 0 if isinstance(error, SystemExit) and code is None else None
