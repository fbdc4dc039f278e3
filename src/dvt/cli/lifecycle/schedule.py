"""`schedule`: cleans by itself, or says whether it does."""

from __future__ import annotations

import logging
import os
import signal
import sys
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

import click

from dvt.cli.lifecycle.options import (
    AS_JSON,
    DONE,
    FAILED,
    REFUSED,
    echo_json,
    echo_lines,
    opened,
    project,
)
from dvt.core.commands import examples_text
from dvt.core.retention import Source

if TYPE_CHECKING:
    from types import FrameType

    from dvt.lifecycle.system import System


@click.command(
    "schedule",
    epilog=examples_text(
        "dvt lifecycle schedule                stay, and clean at the times of lifecycle.yml",
        "dvt lifecycle schedule --once         one run now, for a timer of the operating system",
        "dvt lifecycle schedule --status       the next run, the last one, and whether one is overdue",
    ),
)
@project
@click.option("--once", is_flag=True, help="Make one run now, as the scheduler would, and end.")
@click.option(
    "--status", is_flag=True, help="Say what is next and what was last; exit code 1 if it is not well."
)
@AS_JSON
def schedule(project_dir: Path, config: Path | None, once: bool, status: bool, as_json: bool) -> None:
    """Stay, and clean at the times of `schedule` in lifecycle.yml.

    SIGTERM and Ctrl-C end it: what runs ends after its batch. A second one ends it at once; nothing is lost.
    """
    if once and status:
        raise click.UsageError("either --once or --status")
    if as_json and not (once or status):
        raise click.UsageError("--json is for --once and --status")

    def open_it() -> System:
        return opened(project_dir, config, source=Source.SCHEDULER)

    if status:
        _status(open_it(), as_json=as_json)
    _log()
    if once:
        _once(open_it(), as_json=as_json)
    _stay(open_it)


def _status(system: System, *, as_json: bool) -> None:
    from dvt.lifecycle.schedule import health

    with system:
        of = health.health(system)
    if as_json:
        echo_json(health.as_object(of))
    else:
        echo_lines(health.as_lines(of))
    sys.exit(FAILED if of.problems else DONE)


def _once(system: System, *, as_json: bool) -> None:
    from dvt.lifecycle.reports import runs
    from dvt.lifecycle.schedule.cleaning import clean_once

    with system:
        record = clean_once(system)
    if record is None:
        sys.exit(REFUSED)
    if as_json:
        echo_json(runs.as_object(record))
    else:
        echo_lines(runs.as_lines(record))
    sys.exit(runs.EXIT_CODES[record.status])


def _stay(open_it: Any) -> None:
    with open_it() as system:
        settings = system.settings
    from dvt.lifecycle.schedule.scheduler import Scheduler

    stop = Event()

    def end(number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            os._exit(128 + number)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    Scheduler(opened=open_it, schedule=settings.schedule, project=str(settings.folder), stop=stop).run()


def _log() -> None:
    """Write what happens to standard error, with its time in UTC."""
    handler = logging.StreamHandler()
    formatter = logging.Formatter("%(asctime)sZ %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S")
    formatter.converter = _utc
    handler.setFormatter(formatter)
    logger = logging.getLogger("dvt.lifecycle.schedule")
    logger.handlers[:] = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False


def _utc(seconds: float | None) -> Any:
    import time

    return time.gmtime(seconds)
