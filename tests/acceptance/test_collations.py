"""With `collation: source`, text compares as in a real MariaDB; without it the model says so."""

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
from dvt.drivers.duckdb import COLLATIONS as FUNCTIONS
from dvt.drivers.duckdb import FILES, define_functions
from tests.acceptance.collated import COLLATIONS, CORPUS, Collated, collated, kept
from tests.acceptance.federating import Place

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
_LAST, _STRIDE = (0x10FFFF, 1) if os.environ.get("DVT_TEST_EVERY_CHARACTER") else (0xFFFF, 97)
"""Up to which code point every character is folded, and how many of the others: those follow by rule."""
_WIDEST = 10
"""Weights of one character at most."""


@pytest.fixture(scope="module", params=COLLATIONS)
def both(request: pytest.FixtureRequest, databases: Callable[[str], Any]) -> Iterator[Collated]:
    with collated(databases("mariadb"), request.param) as found:
        found.fill(kept(request.param, CORPUS))
        yield found


@pytest.mark.parametrize("sql", QUERIES)
def test_the_answer_is_mariadbs_own(both: Collated, sql: str) -> None:
    both.check(sql)


@pytest.mark.parametrize("sql", REFUSED)
def test_what_cannot_be_copied_is_refused(both: Collated, sql: str) -> None:
    with pytest.raises(ComparingUnsupported) as caught:
        both.plan(sql)
    assert both.collation in caught.value.message
    assert "utf8mb4_unicode_ci" in caught.value.hint


def test_random_texts_compare_as_in_their_database(both: Collated) -> None:
    dice = random.Random(both.collation)
    for _ in range(3):
        texts = kept(
            both.collation, ["".join(dice.choices(_ALPHABET, k=dice.randint(0, 4))) for _ in range(260)]
        )
        both.fill(texts)
        for sql in (
            "SELECT a.id AS i, b.id AS j FROM {p} a JOIN {q} b ON a.t = b.u",
            "SELECT a.id AS i, b.id AS j FROM {p} a JOIN {q} b ON a.t < b.u",
            "SELECT a.id AS i, b.id AS j FROM {p} a JOIN {q} b ON a.t LIKE b.u",
            "SELECT t, count(*), min(u), max(u), count(DISTINCT u) FROM {p} GROUP BY t",
            "SELECT t, u FROM {p} ORDER BY t DESC, u",
            "SELECT t FROM {p} UNION SELECT u FROM {q}",
            "SELECT upper(t) AS a, lower(u) AS b, count(*) FROM {p} GROUP BY upper(t), lower(u)",
        ):
            both.check(sql)
    both.fill(kept(both.collation, CORPUS))


@pytest.mark.parametrize("sql", [sql for sql in QUERIES if " FROM {p} WHERE t " in sql][:8])
def test_without_it_answers_stay_bytewise_and_the_columns_are_named(both: Collated, sql: str) -> None:
    plan = both.plan(sql, TextComparison.UNSAID)
    (warned,) = [one for one in plan.notices if one.code == "DVT025"]
    assert f"t of maria:main.p ({both.collation})" in warned.message
    assert not [one for one in plan.notices if one.code == "DVT003"]
    silent = both.plan(sql, TextComparison.ENGINE)
    assert not silent.notices
    assert silent.transform.sql == plan.transform.sql
    assert "dvt_utf8" not in plan.transform.sql.lower()


def test_every_weight_is_still_what_the_server_says(databases: Callable[[str], Any]) -> None:
    tool = _tool()
    with databases("mariadb").owner() as connection, connection.cursor() as cursor:
        fresh = tool.pages(cursor)
    for name, page in fresh.items():
        assert (tool.FOLDER / f"{name}.txt").read_text("utf-8") == page, f"{name}: run tools/collations.py"


@pytest.mark.parametrize("name", COLLATIONS)
def test_characters_are_folded_as_its_weights_say(databases: Callable[[str], Any], name: str) -> None:
    tool = _tool()
    with databases("mariadb").owner() as connection, connection.cursor() as cursor:
        tool.fill(cursor)
        asked = tool.COLLATIONS[name](cursor, name).items()
        weights = {code: weight or "" for code, weight in asked if code <= _LAST or code % _STRIDE == 0}
    width = 2 if name.startswith("latin1") else 4
    space = weights[ord(" ")]
    padded = {
        code: "".join(one for one in (weight + space * _WIDEST)[: _WIDEST * width])
        for code, weight in weights.items()
    }
    functions = FUNCTIONS[name]
    with duckdb.connect() as db:
        define_functions(db, [functions.equal, functions.order])
        asked = (
            f"{functions.equal}(chr(c)), {functions.order}(chr(c)), {functions.equal}('x' || chr(c) || 'x')"
        )
        rows = db.execute(f"SELECT c, {asked} FROM unnest(?::INTEGER[]) AS t(c)", [list(weights)]).fetchall()
    assert _same_groups([(padded[code], equal) for code, equal, _, _ in rows])
    assert _same_groups([(weights[code], inside) for code, _, _, inside in rows])
    rows.sort(key=lambda row: row[2].encode())
    ordered = [padded[code] for code, _, _, _ in rows]
    assert ordered == sorted(ordered)


def _same_groups(pairs: list[tuple[str, str]]) -> bool:
    return len(set(pairs)) == len({one for one, _ in pairs}) == len({other for _, other in pairs})


def _tool() -> Any:
    spec = importlib.util.spec_from_file_location("collations", _ROOT / "tools" / "collations.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class _Shop(Place):
    """A place with a MariaDB output `my`."""

    def ref(self, connection: str, table: str) -> TableRef:
        if connection == "my":
            return TableRef(connection="my", schema=self.outputs["my"]["schema"], identifier=table)
        return super().ref(connection, table)


def test_a_whole_run_compares_as_the_source_does(databases: Callable[[str], Any], tmp_path: Path) -> None:
    server = databases("mariadb")
    server.execute(
        "create or replace table folks (id int, email varchar(40) collate utf8mb4_unicode_ci,"
        " memo text collate utf8mb4_nopad_bin)",
        "insert into folks values (1, 'Ann@x', 'a'), (2, 'ANN@x ', 'A'), (3, 'bob@x', 'a')",
    )
    place = _Shop(tmp_path)
    place.outputs["my"] = server.settings()
    place.duckdb("wh", "CREATE TABLE visits AS SELECT 'ann@X' AS email, 7 AS hits")
    sql = "SELECT f.id, v.hits FROM {my.folks} f JOIN {wh.visits} v ON v.email = f.email WHERE f.memo <> 'b'"
    try:
        with place.run() as run:
            run.model("bytes", sql, "wh")
            assert run.rows("wh", "bytes") == []
            (warned,) = [notice for _, notice in run.seen.notices if notice.code == "DVT025"]
            assert "email of my:shop.folks (utf8mb4_unicode_ci)" in warned.message
            assert "memo" not in warned.message
            run.model("folded", sql, "wh", comparing=TextComparison.SOURCE)
            assert run.rows("wh", "folded") == [(1, 7), (2, 7)]
            assert len([notice for _, notice in run.seen.notices if notice.code == "DVT025"]) == 1
    finally:
        FILES.close()
        server.execute("drop table folks")
