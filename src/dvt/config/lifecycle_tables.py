"""`sql` of lifecycle.yml: tables whose old rows are deleted, such as Airflow's and Dagster's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field, model_validator

from dvt.config.key_types import Texts
from dvt.config.problems import Strict

PRESETS: Mapping[str, Mapping[str, Any]] = {
    "airflow.dag_run": {
        "table": "dag_run",
        "time": ["end_date", "start_date", "queued_at", "last_scheduling_decision"],
        "group": ["dag_id", "run_type"],
        "status": "state",
        "success": ["success"],
        "running": ["running", "queued"],
        "with": [{"table": "backfill_dag_run", "by": {"dag_run_id": "id"}}],
    },
    "airflow.task_instance": {
        "table": "task_instance",
        "time": ["end_date", "start_date", "queued_dttm"],
        "group": ["dag_id", "task_id"],
        "status": "state",
        "success": ["success", "skipped"],
        "running": [
            "running",
            "queued",
            "scheduled",
            "deferred",
            "up_for_retry",
            "up_for_reschedule",
            "restarting",
        ],
    },
    "airflow.xcom": {
        "table": "xcom",
        "time": ["timestamp"],
        "status": "state",
        "status_in": {"table": "dag_run", "by": {"dag_id": "dag_id", "run_id": "run_id"}},
        "running": ["running", "queued"],
        "success": ["success", "failed"],
    },
    "airflow.log": {"table": "log", "time": ["dttm"], "group": ["dag_id"]},
    "dagster.event_logs": {
        "table": "event_logs",
        "key": ["run_id"],
        "time": ["timestamp"],
        "where": "asset_key IS NULL",
        "status": "status",
        "status_in": {"table": "runs", "by": {"run_id": "run_id"}},
        "success": ["SUCCESS"],
        "running": ["NOT_STARTED", "QUEUED", "MANAGED", "STARTING", "STARTED", "CANCELING"],
    },
    "dagster.job_ticks": {
        "table": "job_ticks",
        "time": ["timestamp", "update_timestamp"],
        "group": ["job_origin_id"],
        "status": "status",
        "success": ["SUCCESS", "SKIPPED"],
        "running": ["STARTED"],
    },
}
"""Name → keys. Of their times, and of `with`, those count that the installed version has.

Dag runs of a person and of the scheduler are groups of their own, since Airflow takes up its schedule from
the newest of the latter. Events that are of assets stay in Dagster's: it knows assets by them."""


class JoinKeys(Strict):
    """Another table, of which rows belong to those of the table."""

    table: str
    """Its name."""
    by: Annotated[dict[str, str], Field(min_length=1)]
    """Its columns, with the columns of the table that they are equal to."""


class SqlKeys(Strict):
    """A table of which old rows are deleted."""

    url: str
    """Address of its database: postgresql://user:${PASSWORD}@host/database, mysql://user:${PASSWORD}@host/database,
    or sqlite:////folder/file.db."""
    preset: str = ""
    """Keys for a known program: airflow.dag_run, airflow.task_instance, airflow.xcom, airflow.log,
    dagster.event_logs, dagster.job_ticks. Keys that are given here count."""
    table: str = ""
    """Name of the table."""
    db_schema: Annotated[str, Field(alias="schema")] = ""
    """Its schema; the one in which the database finds it, if it is left out."""
    key: Texts = Field(default_factory=list)
    """Columns by which rows are one item; the primary key, if they are left out."""
    time: Texts = Field(default_factory=list)
    """Columns with times, of which the youngest is the age."""
    group: Texts = Field(default_factory=list)
    """Columns that make items versions of one thing."""
    status: str = ""
    """Column that says how the work ended."""
    status_in: JoinKeys | None = None
    """Table that has this column, if it is another one."""
    success: Texts = Field(default_factory=list)
    """Its values for work that has succeeded."""
    running: Texts = Field(default_factory=list)
    """Its values for work that is not over."""
    where: str = ""
    """Condition in SQL: other rows are never looked at."""
    also: Annotated[list[JoinKeys], Field(alias="with")] = Field(default_factory=list)
    """Tables whose rows go with these, beside those that refer to them by foreign keys."""
    batch: Annotated[int, Field(ge=1, le=256)] = 256
    """So many items go in one transaction, at most."""

    @model_validator(mode="before")
    @classmethod
    def _with_preset(cls, given: Any) -> Any:
        """Take from the preset what is not given."""
        if not isinstance(given, dict) or not given.get("preset"):
            return given
        preset = PRESETS.get(str(given["preset"]))
        if preset is None:
            msg = f"there is no preset {given['preset']!r}; known: {', '.join(PRESETS)}"
            raise ValueError(msg)
        return {**preset, **given}

    @model_validator(mode="after")
    def _whole(self) -> SqlKeys:
        lacking = [name for name in ("table", "time") if not getattr(self, name)]
        if lacking:
            msg = f"without a preset it should have: {', '.join(lacking)}"
            raise ValueError(msg)
        if self.status and not self.success:
            raise ValueError("`status` should come with `success`: its values for work that has succeeded")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """Another table, of which rows belong to those of the table."""

    table: str
    by: Mapping[str, str]
    """Its columns → the columns of the table that they are equal to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlTable:
    """A table of which old rows are deleted."""

    name: str
    """Of the data type."""
    url: str
    """It may hold a password: no message shows it."""
    table: str
    schema: str | None = None
    key: tuple[str, ...] = ()
    """Empty: the primary key."""
    time: tuple[str, ...]
    may_lack: bool = False
    """Whether not all of these columns, and of the tables `also`, need be there: versions differ."""
    group: tuple[str, ...] = ()
    status: str = ""
    status_in: Join | None = None
    success: frozenset[str] = frozenset()
    running: frozenset[str] = frozenset()
    where: str = ""
    also: tuple[Join, ...] = ()
    batch: int = 256

    def __repr__(self) -> str:
        return f"<SqlTable {self.name}: {self.table}>"


def sql_table(name: str, keys: SqlKeys) -> SqlTable:
    """Return what lifecycle.yml says of a table."""
    return SqlTable(
        name=name,
        url=keys.url,
        table=keys.table,
        schema=keys.db_schema or None,
        key=tuple(keys.key),
        time=tuple(keys.time),
        may_lack=keys.preset in PRESETS and keys.time == PRESETS[keys.preset]["time"],
        group=tuple(keys.group),
        status=keys.status,
        status_in=None if keys.status_in is None else _join(keys.status_in),
        success=frozenset(keys.success),
        running=frozenset(keys.running),
        where=keys.where,
        also=tuple(map(_join, keys.also)),
        batch=keys.batch,
    )


def _join(keys: JoinKeys) -> Join:
    return Join(table=keys.table, by=dict(keys.by))
