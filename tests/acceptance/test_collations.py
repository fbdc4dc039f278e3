"""With `collation: source` text compares as in a real MariaDB; without it a warning names the columns."""

from __future__ import annotations

import importlib.util
import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dvt.core.errors import ComparingUnsupported
from dvt.core.names import TableRef
from dvt.core.requests import TextComparison
from dvt.drivers.duckdb import FILES
from dvt.drivers.duckdb.collations import COLLATIONS as FUNCTIONS
from dvt.drivers.duckdb.collations import define_functions
from tests.acceptance.collated import COLLATIONS, CORPUS, Collated, collated, encodable
from tests.acceptance.federating import Workspace

pytestmark = pytest.mark.slow

_FILE = Path(__file__).with_name("collation_queries.txt")
_LINES = [line for line in _FILE.read_text().splitlines() if line and not line.startswith("--")]
QUERIES = [line for line in _LINES if not line.startswith("refused: ")]
REFUSED = [line.removeprefix("refused: ") for line in _LINES if line.startswith("refused: ")]
_ALPHABET = (
    "aA\xe1\xc5\xe4\xdfsS\u0153 \u0131\u0130i%_\\\t\x00\x1f\U0001f600\xff\uff05"
    "\uff3f\ufb01\u01c5\u03a3\u03c3\u03c2\u04511\xbd\u3000~[\xa0\u0301\u200b\u8a9e"
)
_ROOT = _FILE.parent.parent.parent
_LAST_CODE, _STRIDE = (0x10FFFF, 1) if os.environ.get("DVT_TEST_EVERY_CHARACTER") else (0xFFFF, 97)
"""The code point up to which every character is compared, and the step between the later ones."""
_MAX_WEIGHTS = 10
"""The largest number of weights of one character."""


@pytest.fixture(scope="module", params=COLLATIONS)
def tables(request: pytest.FixtureRequest, databases: Callable[[str], Any]) -> Iterator[Collated]:
    with collated(databases("mariadb"), request.param) as tables:
        tables.fill(encodable(request.param, CORPUS))
        yield tables


@pytest.mark.parametrize("sql", QUERIES)
def test_text_compares_as_mariadb_compares_it(tables: Collated, sql: str) -> None:
    tables.check(sql)


@pytest.mark.parametrize("sql", REFUSED)
def test_a_comparison_that_dvt_cannot_copy_is_refused(tables: Collated, sql: str) -> None:
    with pytest.raises(ComparingUnsupported) as caught:
        tables.plan(sql)
    assert tables.collation in caught.value.message
    assert "utf8mb4_unicode_ci" in caught.value.hint


def test_random_texts_compare_as_mariadb_compares_them(tables: Collated) -> None:
    rng = random.Random(tables.collation)
    for _ in range(3):
        texts = encodable(
            tables.collation, ["".join(rng.choices(_ALPHABET, k=rng.randint(0, 4))) for _ in range(260)]
        )
        tables.fill(texts)
        for sql in (
            "SELECT a.id AS i, b.id AS j FROM {p} a JOIN {q} b ON a.t = b.u",
            "SELECT a.id AS i, b.id AS j FROM {p} a JOIN {q} b ON a.t < b.u",
            "SELECT a.id AS i, b.id AS j FROM {p} a JOIN {q} b ON a.t LIKE b.u",
            "SELECT t, count(*), min(u), max(u), count(DISTINCT u) FROM {p} GROUP BY t",
            "SELECT t, u FROM {p} ORDER BY t DESC, u",
            "SELECT t FROM {p} UNION SELECT u FROM {q}",
            "SELECT upper(t) AS a, lower(u) AS b, count(*) FROM {p} GROUP BY upper(t), lower(u)",
        ):
            tables.check(sql)
    tables.fill(encodable(tables.collation, CORPUS))


@pytest.mark.parametrize("sql", [sql for sql in QUERIES if " FROM {p} WHERE t " in sql][:8])
def test_without_the_setting_text_compares_bytewise_and_a_warning_names_columns(
    tables: Collated, sql: str
) -> None:
    plan = tables.plan(sql, TextComparison.UNSET)
    (warning,) = [notice for notice in plan.notices if notice.code == "DVT025"]
    assert f"t of maria:main.p ({tables.collation})" in warning.message
    assert not [notice for notice in plan.notices if notice.code == "DVT003"]
    bytewise = tables.plan(sql, TextComparison.ENGINE)
    assert not bytewise.notices
    assert bytewise.transform.sql == plan.transform.sql
    assert "dvt_utf8" not in plan.transform.shown.lower()


def test_the_stored_weights_are_those_of_the_server(databases: Callable[[str], Any]) -> None:
    tool = _tool()
    with databases("mariadb").owner() as connection, connection.cursor() as cursor:
        pages = tool.pages(cursor)
    for name, page in pages.items():
        assert (tool.FOLDER / f"{name}.txt").read_text("utf-8") == page, f"{name}: run tools/collations.py"


@pytest.mark.parametrize("name", COLLATIONS)
def test_characters_compare_by_their_collations_weights(databases: Callable[[str], Any], name: str) -> None:
    tool = _tool()
    with databases("mariadb").owner() as connection, connection.cursor() as cursor:
        tool.fill(cursor)
        items = tool.COLLATIONS[name](cursor, name).items()
        weights = {code: weight or "" for code, weight in items if code <= _LAST_CODE or code % _STRIDE == 0}
    width = 2 if name.startswith("latin1") else 4
    space = weights[ord(" ")]
    padded = {
        code: (weight + space * _MAX_WEIGHTS)[: _MAX_WEIGHTS * width] for code, weight in weights.items()
    }
    functions = FUNCTIONS[name]
    with duckdb.connect() as db:
        define_functions(db, [functions.equal, functions.order])
        images = (
            f"{functions.equal}(chr(c)), {functions.order}(chr(c)), {functions.equal}('x' || chr(c) || 'x')"
        )
        rows = db.execute(f"SELECT c, {images} FROM unnest(?::INTEGER[]) AS t(c)", [list(weights)]).fetchall()
    assert _same_groups([(padded[code], equal) for code, equal, _, _ in rows])
    assert _same_groups([(weights[code], inside) for code, _, _, inside in rows])
    rows.sort(key=lambda row: row[2].encode())
    ordered = [padded[code] for code, _, _, _ in rows]
    assert ordered == sorted(ordered)


def _same_groups(pairs: list[tuple[str, str]]) -> bool:
    return len(set(pairs)) == len({weight for weight, _ in pairs}) == len({image for _, image in pairs})


def _tool() -> Any:
    spec = importlib.util.spec_from_file_location("collations", _ROOT / "tools" / "collations.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class _MariaDBWorkspace(Workspace):
    """A workspace with a MariaDB output `my`."""

    def ref(self, connection: str, table: str) -> TableRef:
        if connection == "my":
            return TableRef(connection="my", schema=self.outputs["my"]["schema"], identifier=table)
        return super().ref(connection, table)


def test_a_whole_run_compares_text_as_its_source_does(
    databases: Callable[[str], Any], tmp_path: Path
) -> None:
    server = databases("mariadb")
    server.execute(
        "create or replace table folks (id int, email varchar(40) collate utf8mb4_unicode_ci,"
        " memo text collate utf8mb4_nopad_bin)",
        "insert into folks values (1, 'Ann@x', 'a'), (2, 'ANN@x ', 'A'), (3, 'bob@x', 'a')",
    )
    workspace = _MariaDBWorkspace(tmp_path)
    workspace.outputs["my"] = server.settings()
    workspace.duckdb("wh", "CREATE TABLE visits AS SELECT 'ann@X' AS email, 7 AS hits")
    sql = "SELECT f.id, v.hits FROM {my.folks} f JOIN {wh.visits} v ON v.email = f.email WHERE f.memo <> 'b'"
    try:
        with workspace.run() as run:
            run.model("bytes", sql, "wh")
            assert run.rows("wh", "bytes") == []
            (warning,) = [notice for _, notice in run.reporter.notices if notice.code == "DVT025"]
            assert "email of my:shop.folks (utf8mb4_unicode_ci)" in warning.message
            assert "memo" not in warning.message
            run.model("folded", sql, "wh", comparing=TextComparison.SOURCE)
            assert run.rows("wh", "folded") == [(1, 7), (2, 7)]
            assert len([notice for _, notice in run.reporter.notices if notice.code == "DVT025"]) == 1
    finally:
        FILES.close()
        server.execute("drop table folks")
