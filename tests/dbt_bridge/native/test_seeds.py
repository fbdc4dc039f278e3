"""In a project that uses nothing else of dvt's, `engine: dvt` loads seeds, and nothing else changes."""

from __future__ import annotations

from pathlib import Path

import duckdb
import yaml

from tests.dbt_bridge.federated.project import Project

OUTPUTS = {"dev": {"type": "duckdb", "path": "dev.duckdb", "schema": "main"}}


def project(root: Path, **config: str) -> Project:
    plain = Project(root, OUTPUTS, "dev")
    sources = {"version": 2, "sources": [{"name": "s", "tables": [{"name": "raw"}]}]}
    plain.write("models/sources.yml", sources)
    plain.write("seeds/codes.csv", "code,n\n007,1\n008,\n")
    plain.write("models/copy.sql", "select * from {{ ref('codes') }}")
    base = yaml.safe_load((root / "dbt_project.yml").read_text())
    plain.write("dbt_project.yml", {**base, "seeds": {f"+{key}": value for key, value in config.items()}})
    return plain


def test_a_plain_project_can_load_its_seeds_by_dvt(tmp_path: Path) -> None:
    plain = project(tmp_path, engine="dvt", column_types={"code": "varchar"})
    for arguments in (["build"], ["seed", "--full-refresh"], ["seed"]):
        assert plain.dvt(*arguments), plain.messages()
        assert "read seeds/codes.csv: 2 rows" in plain.messages()
        with duckdb.connect(plain.outputs["dev"]["path"]) as connection:
            assert connection.execute("select * from codes order by 1").fetchall() == [
                ("007", 1),
                ("008", None),
            ]
    plain.forget()


def test_without_the_config_dbt_loads_the_seed(tmp_path: Path) -> None:
    plain = project(tmp_path)
    assert plain.dvt("seed"), plain.messages()
    assert "read seeds" not in plain.messages()
    assert plain.run_results()["codes"]["adapter_response"].keys().isdisjoint({"dvt", "rows_moved"})
    assert not (tmp_path / ".dvt" / "staging").exists()
    plain.forget()


def test_another_value_of_engine_is_left_to_the_adapter(tmp_path: Path) -> None:
    plain = project(tmp_path, engine="InnoDB")
    assert plain.dvt("seed"), plain.messages()
    assert "read seeds" not in plain.messages()
    plain.forget()
