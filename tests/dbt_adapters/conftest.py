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
TRANSLATED = (
    ("{{target.database}}.", ""),
    ("{{ target.database }}.", ""),
    ("{{ target.dbname }}", "dbt"),
    ("vacuum ", "optimize table "),
    ("null::{{ dbt.type_int() }}", "cast(null as {{ dbt.type_int() }})"),
    ("--,", "-- ,"),
    (":00-0'", ":00'"),
    ("""'id || ' ~ "'-'" ~ ' || first_name'""", """"concat(id, '-', first_name)\""""),
)
"""Text of the suite → text for MariaDB: names have no database, `||` is OR, `--` needs a space."""
USER, PASSWORD = "dbt", "pl4nted-s3cret dbt"


@pytest.fixture(scope="session")
def server(databases: Callable[[str], Any]) -> Any:
    """Return MariaDB, with a user who may create schemas named `test…` and grant rights on them."""
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
    """Patch dbt as dvt does, and reset the adapters that earlier tests left in this process."""
    patches.apply()
    reset_adapters()


@pytest.fixture(scope="class")
def dbt_profile_target(output: dict[str, Any]) -> dict[str, Any]:
    """Return the output that the suite's projects are built on."""
    return output


@pytest.fixture(scope="class")
def output(server: Any) -> dict[str, Any]:
    """Return an output's keys, without the schema."""
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
    """Return the folder where the suite writes data that it reads again."""
    return tmp_path_factory.mktemp("suite") / "data"


@pytest.fixture(scope="class")
def logs_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield a folder for logs outside of the repository."""
    with pytest.MonkeyPatch.context() as patch:
        folder = str(tmp_path_factory.mktemp("logs"))
        patch.setenv("DBT_LOG_PATH", folder)
        yield folder


@pytest.fixture(scope="class", autouse=True)
def _grantees(_patched: None) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for number, name in enumerate(GRANTEES, 1):
            patch.setenv(f"DBT_TEST_USER_{number}", name)
        # The suite reads this file by dbt's name; dvt gives it another.
        patch.setattr("dbt.parser.manifest.PARTIAL_PARSE_FILE_NAME", "partial_parse.msgpack")
        patch.setattr(fixtures.TestProjInfo, "run_sql", _run_sql)
        patch.setattr(fixtures, "write_file", partial(_write_file, fixtures.write_file))
        patch.setattr(fixtures.TestProjInfo, "get_tables_in_schema", _tables_in_schema)
        yield


def _run_sql(project: Any, sql: str, fetch: str | None = None) -> Any:
    """Translate the PostgreSQL SQL with which the suite prepares its tables; dbt's own SQL is left alone."""
    if not sql.strip():
        return None
    for theirs, ours in TRANSLATED:
        sql = sql.replace(theirs, ours)
    text = sql.format(schema=project.test_schema, database="").replace("`", '"')
    text = re.sub(r"(^|\s)(?:None|\"\")?\.(?=\w)", r"\1", text)
    with suppress(sqlglot.errors.SqlglotError):
        statements = sqlglot.transpile(text, read="postgres", write="mysql")
        text = "; ".join(statement.removesuffix(" CASCADE") for statement in statements if statement)
    with get_connection(project.adapter) as connection:
        return project.adapter.run_sql_for_tests(text, fetch, connection)


def _write_file(original: Callable[..., Any], contents: str, *paths: Any) -> Any:
    for theirs, ours in TRANSLATED:
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
"""Modules that `make test` runs too; `make test-dbt` runs all."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test slow, since it needs a server, and ignore dbt's own warnings."""
    folder = Path(__file__).parent
    for item in items:
        if folder in item.path.parents:
            item.add_marker(pytest.mark.slow)
            if item.path.stem.removeprefix("test_") not in OFTEN:
                item.add_marker(pytest.mark.dbt_suite)
            item.add_marker(pytest.mark.filterwarnings("ignore"))
