"""dbt's own suite for adapters, run through dvt's patched dbt on a real MariaDB."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlglot
from dbt.adapters.factory import reset_adapters
from dbt.tests.fixtures import project as fixtures
from dbt.tests.fixtures.project import *  # noqa: F403 - pytest finds fixtures by their names here
from dbt.tests.util import get_connection

from dvt.dbt_bridge.entry import patches

GRANTEES = ("dbt_test_user_1", "dbt_test_user_2", "dbt_test_user_3")
SPELLED = (
    ("{{target.database}}.", ""),
    ("{{ target.database }}.", ""),
    ("{{ target.dbname }}", "dbt"),
    ("vacuum ", "optimize table "),
    ("null::{{ dbt.type_int() }}", "cast(null as {{ dbt.type_int() }})"),
    ("--,", "-- ,"),
    (":00-0'", ":00'"),
    ("""'id || ' ~ "'-'" ~ ' || first_name'""", """"concat(id, '-', first_name)\""""),
)
"""What the suite's projects say, and what it is here: no database, `||` is OR, `--` wants a space."""
USER, PASSWORD = "dbt", "pl4nted-s3cret dbt"


@pytest.fixture(scope="session")
def server(databases: Callable[[str], Any]) -> Any:
    """MariaDB, with a user who may make schemas named `test…` and pass on what it may do there."""
    mariadb = databases("mariadb")
    for name in GRANTEES:
        mariadb.execute(f"create user if not exists {name}@'%'")
    mariadb.execute(
        f"create user if not exists {USER}@'127.0.0.1' identified by '{PASSWORD}'",
        rf"grant all on `test%`.* to {USER}@'127.0.0.1' with grant option",
        f"grant select on mysql.* to {USER}@'127.0.0.1'",
    )
    return mariadb


@pytest.fixture(scope="class", autouse=True)
def _patched() -> None:
    """dvt's dbt, without what tests of other projects have left in this process."""
    patches.apply()
    reset_adapters()


@pytest.fixture(scope="class")
def dbt_profile_target(output: dict[str, Any]) -> dict[str, Any]:
    """The output that the suite's projects are built on."""
    return output


@pytest.fixture(scope="class")
def output(server: Any) -> dict[str, Any]:
    """An output's keys, without the schema."""
    return {
        "type": "mariadb",
        "host": "127.0.0.1",
        "port": server.port,
        "user": USER,
        "password": PASSWORD,
        "threads": 4,
    }


@pytest.fixture(scope="module")
def test_data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the suite writes what it reads again."""
    return tmp_path_factory.mktemp("suite") / "data"


@pytest.fixture(scope="class")
def logs_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Beside the project, not in the repository."""
    with pytest.MonkeyPatch.context() as patch:
        folder = str(tmp_path_factory.mktemp("logs"))
        patch.setenv("DBT_LOG_PATH", folder)
        yield folder


@pytest.fixture(scope="class", autouse=True)
def _grantees(_patched: None) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for number, name in enumerate(GRANTEES, 1):
            patch.setenv(f"DBT_TEST_USER_{number}", name)
        # The suite reads this file, which dvt calls otherwise.
        patch.setattr("dbt.parser.manifest.PARTIAL_PARSE_FILE_NAME", "partial_parse.msgpack")
        patch.setattr(fixtures.TestProjInfo, "run_sql", _run_sql)
        patch.setattr(fixtures, "write_file", partial(_write_file, fixtures.write_file))
        patch.setattr(fixtures.TestProjInfo, "get_tables_in_schema", _tables_in_schema)
        yield


def _run_sql(project: Any, sql: str, fetch: str | None = None) -> Any:
    """The suite prepares its tables in PostgreSQL's SQL. Only that is translated, never what dbt runs."""
    if not sql.strip():
        return None
    for theirs, ours in SPELLED:
        sql = sql.replace(theirs, ours)
    text = sql.format(schema=project.test_schema, database="").replace("`", '"')
    text = re.sub(r"(^|\s)(?:None|\"\")?\.(?=\w)", r"\1", text)
    with suppress(sqlglot.errors.SqlglotError):
        statements = sqlglot.transpile(text, read="postgres", write="mysql")
        text = "; ".join(one.removesuffix(" CASCADE") for one in statements if one)
    with get_connection(project.adapter) as connection:
        return project.adapter.run_sql_for_tests(text, fetch, connection)


def _write_file(original: Callable[..., Any], contents: str, *paths: Any) -> Any:
    for theirs, ours in SPELLED:
        contents = contents.replace(theirs, ours)
    return original(contents, *paths)


def _tables_in_schema(project: Any) -> dict[str, str]:
    rows = project.run_sql(
        "select table_name, case table_type when 'BASE TABLE' then 'table' else lower(table_type) end "
        f"from information_schema.tables where table_schema = '{project.test_schema}' order by table_name",
        fetch="all",
    )
    return dict(rows)


OFTEN = {
    "basic",
    "catalog",
    "configs",
    "constraints",
    "docs",
    "grants",
    "incremental",
    "parents",
    "sessions",
    "unit_tests",
}
"""Modules that `make test` runs too."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Each needs a server; dbt leaves log files open and uses what Python deprecates."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.slow)
            if item.path.stem.removeprefix("test_") not in OFTEN:
                item.add_marker(pytest.mark.dbt_suite)
            item.add_marker(pytest.mark.filterwarnings("ignore"))
