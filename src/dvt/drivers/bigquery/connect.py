"""Clients of Google's library, and the jobs that they run."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from dvt.core.errors import DriverMissing
from dvt.drivers.bigquery.errors import client_errors, connect_error
from dvt.drivers.bigquery.settings import BigQuerySettings
from dvt.drivers.bigquery.storage import storage_client

INSTALL = "dvt sync, or pip install 'dvt-engine[bigquery]'"
"""What installs the client, for hints."""
_CANCEL_INTERVAL = 1.0
"""Seconds between two requests to cancel a job; one that is cancelled ends within seconds."""
_CANCEL_TIMEOUT = 10.0
"""Seconds that such a request may take."""
_RETRY_SECONDS = 60.0
"""Seconds for which a request is repeated that fails for a reason which may pass."""
_SILENCE = 120.0
"""Seconds that a server may send nothing; it answers a request for an answer after ten, ready or not."""
_LABELS = {"made_by": "dvt"}
"""Labels of all jobs, by which they are found in INFORMATION_SCHEMA.JOBS and in the bill."""

# At this level it writes requests, with their headers, to Python's log.
logging.getLogger("google.auth").setLevel(logging.INFO)


class Job:
    """A job that runs, or has run."""

    def __init__(self, client: Any, job: Any) -> None:
        self._client = client
        self.job = job
        self.reader: Any = None
        """The client of the Storage Read API that reads its answer; None: none does."""
        self._asked = 0.0

    def cancel(self) -> None:
        """Ask BigQuery to cancel the job; asking again soon does nothing."""
        if self.reader is not None:
            self.reader.transport.close()  # its streams wait for a server that may be silent
        if self._asked and time.monotonic() - self._asked < _CANCEL_INTERVAL:
            return
        self._asked = time.monotonic()
        with suppress(*client_errors()):
            self._client.cancel_job(
                self.job.job_id,
                project=self.job.project,
                location=self.job.location,
                retry=None,
                timeout=_CANCEL_TIMEOUT,
            )

    def statistics(self, *path: str) -> int | None:
        """Return a number of the job's statistics; None where it has none."""
        found: Any = self.job._properties.get("statistics", {})  # noqa: SLF001  the client lacks some of them
        for key in path:
            found = (found or {}).get(key)
        return None if found is None else int(found)


class Session:
    """A client of one output. Its methods raise the client's errors."""

    def __init__(self, client: Any, settings: BigQuerySettings) -> None:
        self._client = client
        self.settings = settings
        self.project: str = settings.project or client.project
        """The project of tables without one."""

    def table(self, place: Sequence[str]) -> Any:
        """Return what the API says of a table."""
        return self._client.get_table(self._reference(place), retry=self._retry)

    def table_names(self, dataset: Sequence[str], most: int) -> list[str]:
        """Return names of a dataset's tables."""
        listed = self._client.list_tables(".".join(dataset), max_results=most, retry=self._retry)
        return [str(table.table_id) for table in listed]

    def has_dataset(self, project: str, dataset: str) -> bool:
        """Return whether there is a dataset."""
        from google.api_core.exceptions import NotFound

        try:
            self._client.get_dataset(f"{project}.{dataset}", retry=self._retry)
        except NotFound:
            return False
        return True

    def begin(self, sql: str, *, retried: bool = True) -> Job:
        """Begin to run a query or a statement; `retried`: BigQuery's own failures begin it anew."""
        from google.cloud import bigquery

        settings = self.settings
        config = bigquery.QueryJobConfig(use_legacy_sql=False, labels=_LABELS)
        if settings.priority is not None:
            config.priority = settings.priority.upper()
        if settings.maximum_bytes_billed is not None:
            config.maximum_bytes_billed = settings.maximum_bytes_billed
        self._limit(config)
        job = self._client.query(
            sql,
            job_config=config,
            location=settings.location,
            retry=self._retry,
            timeout=settings.job_creation_timeout_seconds,
            job_retry=self._job_retry() if retried else None,
        )
        return Job(self._client, job)

    def processed(self, sql: str) -> int:
        """Return the bytes that a query would read, as its dry run tells; nothing is read or billed."""
        from google.cloud import bigquery

        config = bigquery.QueryJobConfig(
            use_legacy_sql=False, dry_run=True, use_query_cache=False, labels=_LABELS
        )
        timeout = self.settings.job_creation_timeout_seconds
        job = self._client.query(
            sql, job_config=config, location=self.settings.location, retry=self._retry, timeout=timeout
        )
        return int(job.total_bytes_processed or 0)

    def begin_load(self, source: str, place: Sequence[str]) -> Job:
        """Begin to load Parquet into a table that is there and empty.

        `source` is an address of files in a bucket, or the path of a file on this machine.
        """
        from google.cloud import bigquery

        config = bigquery.LoadJobConfig(
            source_format=bigquery.SourceFormat.PARQUET,
            create_disposition=bigquery.CreateDisposition.CREATE_NEVER,
            write_disposition=bigquery.WriteDisposition.WRITE_EMPTY,
            decimal_target_types=["NUMERIC", "BIGNUMERIC"],
            column_name_character_map="STRICT",
            labels=_LABELS,
        )
        self._limit(config)
        options = {"location": self.settings.location, "job_config": config}
        target = self._reference(place)
        if source.startswith("gs://"):
            return Job(
                self._client, self._client.load_table_from_uri(source, target, **options, retry=self._retry)
            )
        with open(source, "rb") as file:  # noqa: PTH123  the client takes no path
            return Job(self._client, self._client.load_table_from_file(file, target, **options))

    def value(self, sql: str) -> Any:
        """Return the only value of a query."""
        ((value,),) = (tuple(row.values()) for row in self.answer(self.begin(sql)))
        return value

    def create(self, place: Sequence[str], schema: Sequence[Any], expires: Any) -> None:
        """Create a table, which must not be there; BigQuery removes it once it `expires`."""
        from google.cloud import bigquery

        table = bigquery.Table(self._reference(place), schema=schema)
        table.expires = expires
        self._client.create_table(table, exists_ok=False, retry=self._retry)

    def drop(self, place: Sequence[str]) -> None:
        """Drop a table; it is no error if there is none."""
        self._client.delete_table(self._reference(place), not_found_ok=True, retry=self._retry)

    def close(self) -> None:
        """Close the client's connections, also those that an error's response still refers to."""
        for adapter in self._client._http.adapters.values():  # noqa: SLF001  the client forgets them, only
            pools = adapter.poolmanager.pools
            for key in pools.keys():  # noqa: SIM118  it allows no other iteration
                pools[key].close()
        self._client.close()

    @contextmanager
    def streams(self, job: Job, rows: Any, most: int) -> Iterator[Any]:
        """Give an answer's rows as Arrow by the Storage Read API, by no more than `most` streams."""
        job.reader = client = storage_client(self.settings, self._client._credentials)  # noqa: SLF001
        try:
            yield rows.to_arrow_iterable(bqstorage_client=client, max_stream_count=most)
        finally:
            job.reader = None
            client.transport.close()

    def answer(self, job: Job) -> Any:
        """Wait for a query, and return its rows, which are fetched in pages."""
        return job.job.result(retry=self._retry)

    def wait(self, job: Job) -> None:
        """Wait for a job without rows."""
        job.job.result(retry=self._retry)

    @property
    def _retry(self) -> Any:
        from google.cloud.bigquery.retry import DEFAULT_RETRY

        return DEFAULT_RETRY.with_timeout(_RETRY_SECONDS)

    def _limit(self, config: Any) -> None:
        settings = self.settings
        if settings.job_execution_timeout_seconds is not None:
            config.job_timeout_ms = settings.job_execution_timeout_seconds * 1000
        if settings.reservation is not None:
            config.reservation = settings.reservation

    def _job_retry(self) -> Any:
        from google.cloud.bigquery.retry import DEFAULT_JOB_RETRY

        if not self.settings.job_retries:
            return None
        deadline = self.settings.job_retry_deadline_seconds
        return DEFAULT_JOB_RETRY if deadline is None else DEFAULT_JOB_RETRY.with_timeout(deadline)

    def _reference(self, place: Sequence[str]) -> Any:
        from google.cloud import bigquery

        project, dataset, table = place
        return bigquery.TableReference(bigquery.DatasetReference(project, dataset), table)


def connect(name: str, settings: BigQuerySettings) -> Session:
    """Make a client. Nothing is asked of BigQuery yet."""
    try:
        from google.api_core.client_info import ClientInfo
        from google.cloud import bigquery
    except ImportError as error:
        raise DriverMissing("google-cloud-bigquery", INSTALL) from error
    try:
        credentials, project = _credentials(settings)
        client = bigquery.Client(
            project=settings.execution_project or settings.project or project,
            credentials=credentials,
            location=settings.location,
            client_info=ClientInfo(user_agent="dvt"),
            client_options={
                key: value
                for key, value in (
                    ("api_endpoint", settings.api_endpoint),
                    ("quota_project_id", settings.quota_project),
                )
                if value is not None
            },
        )
    except client_errors() as error:
        raise connect_error(name, settings.where, error) from None  # the library's own may quote the key
    client._http.request = _impatient(client._http.request)  # noqa: SLF001  the client waits for ever
    return Session(client, settings)


def _impatient(request: Callable[..., Any]) -> Callable[..., Any]:
    """Return the method of an HTTP session that gives up a server which is silent for long."""

    def send(method: str, url: str, *args: Any, timeout: Any = None, **options: Any) -> Any:
        return request(method, url, *args, timeout=timeout or _SILENCE, **options)

    return send


def _credentials(settings: BigQuerySettings) -> tuple[Any, str | None]:
    """Return credentials as dbt-bigquery makes them, and their project where they have one."""
    found, project = _own_credentials(settings)
    if settings.impersonate_service_account:
        from google.auth import impersonated_credentials

        found = impersonated_credentials.Credentials(
            source_credentials=found,
            target_principal=settings.impersonate_service_account,
            target_scopes=list(settings.scopes),
        )
    return found, project


def _own_credentials(settings: BigQuerySettings) -> tuple[Any, str | None]:
    import google.auth
    from google.oauth2 import credentials, service_account

    scopes = list(settings.scopes)
    if settings.method == "oauth":
        found, project = google.auth.default(scopes=scopes)
        return found, project
    if settings.method == "oauth-secrets":
        user = credentials.Credentials(
            token=_shown(settings.token),
            refresh_token=_shown(settings.refresh_token),
            client_id=settings.client_id,
            client_secret=_shown(settings.client_secret),
            token_uri=settings.token_uri,
            scopes=scopes,
        )
        return user, None
    made = service_account.Credentials
    if settings.method == "service-account":
        own = made.from_service_account_file(settings.keyfile, scopes=scopes)
    else:
        own = made.from_service_account_info(settings.key, scopes=scopes)
    return own, own.project_id


def _shown(secret: Any) -> str | None:
    return secret.get_secret_value() if secret is not None else None
