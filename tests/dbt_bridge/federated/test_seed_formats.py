"""Seeds of other formats than dbt's: found only with `engine: dvt`, and then seeds as any other."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import subprocess
import sys
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
import yaml
from pyarrow import orc, parquet

from tests.dbt_bridge.federated.project import Project
from tests.dbt_bridge.federated.seed_samples import CSV, FORMATS, TYPES
from tests.dbt_bridge.federated.test_seeds import columns

SEED = "ours"
MORNING = dt.datetime.fromisoformat("2020-01-31 10:20:30")
NEW_YEAR = dt.datetime.fromisoformat("2024-01-01")


def seeds(project: Project, names: Mapping[str, str], **config: Any) -> None:
    """Write a seed of each suffix, by its name."""
    (project.root / "seeds").mkdir()
    for suffix, name in names.items():
        FORMATS[suffix](project.root / f"seeds/{name}{suffix}")
    base = yaml.safe_load((project.root / "dbt_project.yml").read_text())
    settings = {f"+{key}": value for key, value in {**config, "engine": "dvt"}.items()}
    project.write("dbt_project.yml", {**base, "seeds": {"shop": settings}})


def seed(project: Project, suffix: str, write: Any = None, *, own: bool = True, **config: Any) -> None:
    """Write the seed's file by a function of its path, and its configs into dbt_project.yml."""
    folder = project.root / "seeds"
    folder.mkdir(exist_ok=True)
    for file in folder.iterdir():
        file.unlink()
    (write or FORMATS[suffix])(folder / f"{SEED}{suffix}")
    settings = {f"+{key}": value for key, value in {**config, **({"engine": "dvt"} if own else {})}.items()}
    base = yaml.safe_load((project.root / "dbt_project.yml").read_text())
    project.write("dbt_project.yml", {**base, "seeds": {"shop": {SEED: settings}}})


def values(project: Project, sql: str = "select * from ours order by id") -> list[tuple[Any, ...]]:
    return [
        tuple(bool(v) if v in {0, 1} and i == 5 else v for i, v in enumerate(row))
        for row in project.rows("house", sql)
    ]


def test_each_format_gives_the_same_rows_and_the_same_types(shop: Project) -> None:
    names = {suffix: f"seed{number}" for number, suffix in enumerate(FORMATS)}
    seeds(shop, names, column_types=TYPES)
    assert shop.dvt("seed"), shop.messages()
    results = shop.run_results()
    assert {results[name]["message"].rsplit(" ", 1)[-1] for name in names.values()} == {"5"}
    rows = {suffix: values(shop, f"select * from {name} order by id") for suffix, name in names.items()}
    assert rows[".csv"][0] == (
        1,
        "a1",
        Decimal("1.50"),
        dt.date(2020, 1, 31),
        MORNING,
        True,
        "plain",
    )
    assert rows[".csv"][-1][0] == 9_000_000_000
    assert {suffix: found for suffix, found in rows.items() if found != rows[".csv"]} == {}
    kinds = {suffix: [kind[:2] for kind in columns(shop, name)] for suffix, name in names.items()}
    assert {found[0][1] for found in kinds.values()} == {kinds[".csv"][0][1]}
    for typed in (".jsonl", ".ndjson.gz", ".parquet", ".orc"):
        assert kinds[typed] == kinds[".json"]


def test_without_the_config_such_a_file_is_no_seed(duck_shop: Project) -> None:
    seed(duck_shop, ".parquet", own=False)
    assert duck_shop.dvt("ls", "--resource-type", "seed"), duck_shop.messages()
    assert not [name for name in duck_shop.result.result or [] if "ours" in name]


def test_properties_may_turn_it_on_and_off(duck_shop: Project) -> None:
    shop = duck_shop
    seed(shop, ".jsonl", own=False)
    for engine, found in (("dvt", 1), ("other", 0), ("dvt", 1)):
        shop.write("seeds/seeds.yml", {"version": 2, "seeds": [{"name": SEED, "config": {"engine": engine}}]})
        assert shop.dvt("ls", "--resource-type", "seed"), shop.messages()
        assert len([name for name in shop.result.result or [] if name == "shop.ours"]) == found


def test_refs_tests_docs_and_selection_work_as_for_csv(duck_shop: Project) -> None:
    shop = duck_shop
    seed(shop, ".csv.gz")
    properties = {
        "name": SEED,
        "description": "From gzip.",
        "columns": [
            {"name": "id", "data_tests": ["unique", "not_null"]},
            {"name": "code", "data_tests": ["not_null"]},
        ],
    }
    shop.write("seeds/seeds.yml", {"version": 2, "seeds": [properties]})
    shop.model("after", "select count(*) as n from {{ ref('ours') }}")
    assert not shop.dvt("build", "--select", "path:seeds/ours.csv.gz+")
    results = {name: result["status"] for name, result in shop.results_by_id().items()}
    assert [name.split(".")[2] for name, status in results.items() if status == "fail"] == [
        "not_null_ours_code"
    ]
    assert results["seed.shop.ours"] == "success"
    assert shop.dvt("run"), shop.messages()
    assert shop.rows("house", "select n from after") == [(5,)]
    manifest = json.loads((shop.root / "target/manifest.json").read_text())
    node = manifest["nodes"]["seed.shop.ours"]
    assert (node["original_file_path"], node["description"]) == ("seeds/ours.csv.gz", "From gzip.")


def test_changed_bytes_are_a_modified_seed_at_any_size(duck_shop: Project) -> None:
    shop = duck_shop
    large = pa.table({"id": range(300_000), "half": [number / 7 for number in range(300_000)]})
    seed(shop, ".parquet", lambda path: parquet.write_table(large, path))
    assert (shop.root / "seeds/ours.parquet").stat().st_size > 2**20
    assert shop.dvt("parse"), shop.messages()
    state = shop.root / "state"
    state.mkdir()
    (shop.root / "target/manifest.json").rename(state / "manifest.json")
    modified = ("ls", "--select", "state:modified", "--state", str(state), "--resource-type", "seed")
    assert shop.dvt(*modified), shop.messages()
    assert "shop.ours" not in (shop.result.result or [])
    parquet.write_table(large.slice(1), shop.root / "seeds/ours.parquet")
    assert shop.dvt(*modified), shop.messages()
    assert shop.result.result == ["shop.ours"]


def test_show_prints_rows_of_each_format(duck_shop: Project) -> None:
    seeds(duck_shop, {".parquet": "one", ".jsonl": "two", ".csv.zst": "three"})
    folders = ["--project-dir", str(duck_shop.root), "--profiles-dir", str(duck_shop.root)]
    command = [sys.executable, "-c", "from dvt.cli.main import main; main()", "seed", "--show", *folders]
    shown = subprocess.run(
        command, cwd=duck_shop.root, capture_output=True, text=True, timeout=120, check=True
    )
    assert shown.stdout.count("| 9000000000 |") == 3


def test_two_files_of_one_name_are_dbts_own_error(duck_shop: Project) -> None:
    seed(duck_shop, ".parquet")
    (duck_shop.root / "seeds/ours.csv").write_text(CSV)
    assert not duck_shop.dvt("seed")
    assert 'two seeds with the name "ours"' in str(duck_shop.result.exception)


def test_given_types_keep_codes_and_stop_at_what_is_lost(duck_shop: Project) -> None:
    shop = duck_shop
    data = pa.table({"code": ["007", "08"], "n": [1.0, 2.5], "d": [NEW_YEAR] * 2})
    for suffix, write in ((".parquet", parquet.write_table), (".orc", orc.write_table)):
        seed(
            shop,
            suffix,
            lambda path, write=write: write(data, str(path)),
            column_types={"n": "integer", "d": "date"},
        )
        assert not shop.dvt("seed"), shop.messages()
        message = shop.run_results()[SEED]["message"]
        assert "DVT157" in message
        assert f"seeds/ours{suffix}, row 2, column n: '2.5' is no integer" in message
    given = {"code": "integer", "n": "varchar(3)", "d": "date"}
    seed(shop, ".parquet", lambda path: parquet.write_table(data, path), column_types=given)
    assert shop.dvt("seed"), shop.messages()
    assert shop.rows("house", "select code, n, d from ours order by 1") == [
        (7, "1.0", dt.date(2024, 1, 1)),
        (8, "2.5", dt.date(2024, 1, 1)),
    ]


def test_a_wrong_value_of_json_is_named_by_its_line(duck_shop: Project) -> None:
    shop = duck_shop
    lines = '{"a": "007", "n": 1}\n{"a": "x", "n": 2}\n{"a": "y", "n": "2x"}\n'
    seed(shop, ".jsonl", lambda path: path.write_text(lines), column_types={"n": "integer", "a": "text"})
    assert not shop.dvt("seed")
    assert "seeds/ours.jsonl, line 3, column n: '\"2x\"' is no integer" in shop.run_results()[SEED]["message"]
    seed(shop, ".jsonl", lambda path: path.write_text('{"a": 1}\n{"a": 2\n'))
    assert not shop.dvt("seed")
    message = shop.run_results()[SEED]["message"]
    assert "DVT156" in message
    assert "seeds/ours.jsonl" in message
    assert str(shop.root) not in message


@pytest.mark.parametrize("suffix", [".csv.gz", ".csv.zst", ".parquet", ".orc"])
def test_a_cut_file_is_one_clear_error(duck_shop: Project, suffix: str) -> None:
    seed(duck_shop, suffix)
    file = duck_shop.root / f"seeds/ours{suffix}"
    whole = file.read_bytes()
    for cut in (whole[: len(whole) * 2 // 3], b"no such format"):
        file.write_bytes(cut)
        assert not duck_shop.dvt("seed")
        message = duck_shop.run_results()[SEED]["message"]
        assert "DVT156" in message, message
        assert f"seeds/ours{suffix}" in message
        assert str(duck_shop.root) not in message


def test_nanoseconds_that_the_target_cuts_are_a_warning(pg_shop: Project) -> None:
    fine = pa.table({"at": pa.array([1_700_000_000_000_000_001], pa.timestamp("ns"))})
    seed(pg_shop, ".orc", lambda path: orc.write_table(fine, str(path)))
    assert pg_shop.dvt("seed"), pg_shop.messages()
    assert "DVT002 ours" in pg_shop.messages()
    assert "nanoseconds are cut to microseconds" in pg_shop.messages()


def test_quote_escape_and_one_line_cells_are_configurable(duck_shop: Project) -> None:
    shop = duck_shop
    text = "a;b\n'x;y';1\n'it\\'s';2\n"
    own = {"delimiter": ";", "quote": "'", "escape": "\\"}
    seed(shop, ".csv", lambda path: path.write_text(text), **own)
    assert shop.dvt("seed"), shop.messages()
    assert shop.rows("house", "select a, b from ours order by b") == [("x;y", 1), ("it's", 2)]
    seed(shop, ".csv", lambda path: path.write_text('a,b\n"x,1\n'), quote="")
    assert shop.dvt("seed", "--full-refresh"), shop.messages()
    assert shop.rows("house", "select a, b from ours") == [('"x', 1)]
    seed(shop, ".csv", lambda path: path.write_text('a,b\n1,x\n2,"y\nz"\n'), multiline=False)
    assert not shop.dvt("seed")
    assert "line 3: a cell goes over several lines" in shop.run_results()[SEED]["message"]
    seed(shop, ".csv", lambda path: path.write_text("a\n1\n"), quote="''")
    assert not shop.dvt("seed")
    assert "DVT159" in shop.run_results()[SEED]["message"]
    seed(shop, ".csv", lambda path: path.write_text("a\n1\n"), encoding="utf-9")
    assert not shop.dvt("seed")
    assert "knows no 'utf-9'" in shop.run_results()[SEED]["message"]


def test_a_config_that_changes_nothing_is_a_warning(duck_shop: Project) -> None:
    seed(duck_shop, ".csv", batch_size=500)
    assert duck_shop.dvt("seed"), duck_shop.messages()
    assert "DVT035 ours (seeds/ours.csv): batch_size changes nothing" in duck_shop.messages()
    seed(duck_shop, ".parquet", null_value="-")
    assert duck_shop.dvt("seed", "--full-refresh"), duck_shop.messages()
    assert "null_value changes nothing" in duck_shop.messages()


def test_a_table_that_dbt_makes_has_the_files_types(pg_shop: Project) -> None:
    """`unlogged` is a property that a renamed stage table would not have."""
    seed(pg_shop, ".parquet", unlogged=True)
    assert pg_shop.dvt("seed"), pg_shop.messages()
    kinds = dict(column[:2] for column in columns(pg_shop, SEED))
    assert (kinds["id"], kinds["price"], kinds["day"]) == ("bigint", "numeric", "date")
    assert len(values(pg_shop)) == 5


def test_nested_values_arrive_as_on_any_federated_way(pg_shop: Project) -> None:
    lines = '{"id": 1, "tags": ["a", "b"], "at": {"x": 1}}\n{"id": 2, "tags": null, "at": {"x": null}}\n'
    seed(pg_shop, ".ndjson.gz", lambda path: path.write_bytes(gzip.compress(lines.encode())))
    assert pg_shop.dvt("seed"), pg_shop.messages()
    found = pg_shop.rows(
        "house", "select id, to_json(tags)::text, to_json(at)::jsonb ->> 'x' from ours order by id"
    )
    assert found[0][0] == 1
    assert json.loads(found[0][1]) == ["a", "b"]
    assert found[0][2] == "1"
