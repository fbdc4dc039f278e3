"""`dvt sync` as a command: what it takes, what it refuses, and that it needs no dbt."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dvt import dvtRunner
from tests.unit.cli.test_main import CPU_LIMIT, children_cpu

pytestmark = pytest.mark.slow

PROFILES = """\
shop:
  target: a
  outputs:
    a: {type: duckdb, path: a.duckdb}
    b: {type: sqlite, path: b.sqlite}
    c: {type: files, format: csv, password: "{{ env_var('DVT_TEST_UNSET') }}"}
"""
RUN = "import sys; from dvt.cli.main import main\ntry: main()\nfinally: print(sorted({m for m in sys.modules"
RUN += " if m.partition('.')[0] in {'dbt', 'dbt_common', 'duckdb'}}), file=sys.stderr)"

DRY = ("--json", "--dry-run", "--installer", "pip")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Return the folder of a project whose outputs need nothing that is not installed."""
    (tmp_path / "dbt_project.yml").write_text("name: shop\nprofile: shop\n")
    (tmp_path / "profiles.yml").write_text(PROFILES)
    return tmp_path


def variables(folder: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DVT_", "DBT_"))}
    return {**kept, "HOME": str(folder), **more}


def run(folder: Path, *args: str, **more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", RUN, "sync", *args]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        cwd=folder,
        env=variables(folder, **more),
        check=False,
        timeout=120,
    )


def test_what_is_installed_is_seen_without_dbt_and_without_other_keys(shop: Path):
    done = run(shop)
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1] == "[]"
    lines = done.stdout.splitlines()
    assert lines[0].startswith("OK             dbt-duckdb (")
    assert lines[1].startswith("OK             duckdb-extension-sqlite-scanner==")
    assert lines[1].endswith("for output b (sqlite)")
    assert len(lines) == 3


def test_it_takes_little_time_when_all_is_there(shop: Path):
    run(shop)
    before = children_cpu()
    run(shop)
    assert children_cpu() - before < CPU_LIMIT + 1


def test_json_has_the_same(shop: Path):
    said = json.loads(run(shop, "--json").stdout)
    assert said["ok"]
    assert [item["outcome"] for item in said["items"]] == ["OK", "OK"]
    assert said["items"][1]["for"] == ["output b (sqlite)"]
    assert said["lock"]["file"] is None


def test_a_store_is_needed_only_by_the_profile_that_has_it(shop: Path):
    (shop / "buckets.yml").write_text(
        "shop:\n  buckets: {lake: {type: s3, bucket: x, region: r, secret_access_key: '${UNSET}'}}\n"
        "farm:\n  buckets: {barn: {type: gcs, bucket: x}}\n"
    )
    said = run(shop).stdout
    assert "for bucket lake (s3)" in said
    assert "barn" not in said


def test_the_version_of_pyspark_is_the_computes(shop: Path):
    (shop / "computes.yml").write_text(
        "shop: {computes: {old: {type: spark, version: '4.0'}, exact: {type: spark, version: 4.0.1},"
        " wrong: {type: spark, version: newest}}}\n"
    )
    items = json.loads(run(shop, *DRY, PIP_INDEX_URL="http://127.0.0.1:9").stdout)["items"]
    asked = {item["package"]: item["for"] for item in items if (item["package"] or "").startswith("pyspark")}
    assert asked["pyspark==4.0.*"] == ["compute old (spark)"]
    assert asked["pyspark==4.0.1"] == ["compute exact (spark)"]
    wrong = [item for item in items if item["for"] == ["compute wrong (spark)"] and item["error"]]
    assert "which is no version" in wrong[0]["error"]["message"]


def test_a_warehouse_without_a_bucket_it_can_reach_is_told(shop: Path):
    named = "[httpfs, {name: h3, repo: community}]"
    outputs = f"{{a: {{type: duckdb, path: a, extensions: {named}}}, wide: {{type: redshift}}}}"
    (shop / "profiles.yml").write_text(f"shop: {{target: a, outputs: {outputs}}}\n")
    items = json.loads(run(shop, *DRY, PIP_INDEX_URL="http://127.0.0.1:9").stdout)["items"]
    told = {item["for"][0]: item["reason"] for item in items if item["outcome"] == "SKIPPED"}
    assert "no bucket of type s3" in told["output wide (redshift)"]
    assert {"output a: DuckDB's extension httpfs", "output a: DuckDB's extension h3"} < told.keys()
    (shop / "buckets.yml").write_text(
        "shop: {target: l, buckets: {l: {type: s3, bucket: b, region: eu-west-1}}}\n"
    )
    items = json.loads(run(shop, *DRY, PIP_INDEX_URL="http://127.0.0.1:9").stdout)["items"]
    assert "output wide (redshift)" not in {item["for"][0] for item in items if item["outcome"] == "SKIPPED"}


def test_without_a_project_all_profiles_count(shop: Path):
    (shop / "dbt_project.yml").unlink()
    (shop / "profiles.yml").write_text(PROFILES + "farm:\n  outputs: {a: {type: mysql}}\n")
    said = run(shop, "--profiles-dir", str(shop)).stdout
    assert "for shop: output b (sqlite)" in said
    assert "for farm: output a (mysql)" in said
    assert "farm" not in run(shop, "--profile", "shop").stdout


def test_a_misspelt_type_fails_and_nothing_is_guessed(shop: Path):
    (shop / "profiles.yml").write_text(PROFILES.replace("sqlite,", "postgrs,"))
    done = run(shop)
    assert done.returncode == 1
    assert "FAILED         for output b\n    DVT113 type 'postgrs'" in done.stdout
    assert "did you mean 'postgres'?" in done.stdout
    assert "dbt-postgrs" not in done.stdout
    assert "OK             dbt-duckdb" in done.stdout


def test_it_runs_from_python(shop: Path):
    result = dvtRunner().invoke(["sync", "--project-dir", str(shop), "--profiles-dir", str(shop)])
    assert result.success
    (shop / "profiles.yml").write_text(PROFILES.replace("sqlite,", "postgrs,"))
    result = dvtRunner().invoke(["sync", "--project-dir", str(shop), "--profiles-dir", str(shop)])
    assert not result.success


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("profiles.yml", "shop: [\n", "DVT129"),
        ("profiles.yml", "farm:\n  outputs: {a: {type: duckdb}}\n", "there is no profile 'shop'"),
        ("profiles.yml", "shop:\n  outputs: {a: {path: x}}\n", "has no type"),
        (
            "profiles.yml",
            "shop:\n  outputs: {a: {type: \"{{ env_var('DVT_TEST_UNSET') }}\"}}\n",
            "DVT_TEST_UNSET",
        ),
        ("profiles.yml", "", "there is no profile in it"),
        ("buckets.yml", "shop:\n  buckets: {a: {type: cloud}}\n", "cloud"),
        ("computes.yml", "shop: {computes: 1}\n", "computes"),
        ("dbt_project.yml", "name: [\n", "DVT189"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(shop: Path, file: str, text: str, said: str):
    (shop / file).write_text(text)
    done = run(shop)
    assert done.returncode in {1, 2}
    assert said in done.stdout + done.stderr
    assert file in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_without_profiles_it_says_where_they_were_looked_for(shop: Path):
    (shop / "profiles.yml").unlink()
    done = run(shop)
    assert done.returncode == 2
    assert "DVT129" in done.stderr
    assert "--profiles-dir" in done.stderr


def test_a_damaged_lock_is_refused(shop: Path):
    (shop / "sync.lock").write_text("<<<<<<< HEAD\n")
    done = run(shop)
    assert done.returncode == 2
    assert "DVT188" in done.stderr
    assert json.loads(run(shop, "--json").stdout)["error"]["code"] == "DVT188"


def empty(folder: Path) -> Path:
    env = folder / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(env)], check=True)
    return env


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_a_registry_that_cannot_be_reached_is_told_without_its_password(shop: Path, installer: str):
    index = "http://someone:hunter22@127.0.0.1:9/simple"
    more = {"UV_DEFAULT_INDEX": index, "UV_NO_CACHE": "1", "PIP_INDEX_URL": index, "PIP_NO_CACHE_DIR": "1"}
    more |= {"UV_HTTP_RETRIES": "0", "PIP_RETRIES": "1", "PIP_FIND_LINKS": ""}
    done = run(shop, "--python-env", str(empty(shop)), "--installer", installer, **more)
    assert done.returncode == 1
    assert "DVT187" in done.stdout
    assert "hunter22" not in done.stdout + done.stderr
    assert "the registry that it is configured for cannot be reached from here" in done.stdout
    assert not (shop / "sync.lock").exists()


def test_ctrl_c_ends_it_and_its_installer(shop: Path):
    env = empty(shop)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        index = f"http://127.0.0.1:{silent.getsockname()[1]}/simple"
        process = subprocess.Popen(
            [sys.executable, "-m", "dvt.cli.main", "sync", "--python-env", str(env), "--installer", "uv"],
            cwd=shop,
            env=variables(shop, UV_DEFAULT_INDEX=index, UV_NO_CACHE="1"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        silent.settimeout(60)
        asking, _ = silent.accept()
        with asking:
            started = time.monotonic()
            os.killpg(process.pid, signal.SIGINT)
            printed, said = process.communicate(timeout=60)
            assert time.monotonic() - started < 8
    assert process.returncode == 2
    assert not printed
    assert said == "interrupted: run it again, it goes on from what is installed\n"
    assert [file.name for file in env.glob("lib/*/site-packages/*")] == []
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)


def test_a_package_of_the_registry_is_installed(shop: Path):
    """The registry is the one that this machine is configured for."""
    (shop / "profiles.yml").write_text("shop:\n  outputs: {b: {type: sqlite}}\n")
    env = empty(shop)
    more = {"UV_CACHE_DIR": os.environ.get("UV_CACHE_DIR", str(Path.home() / ".cache" / "uv"))}
    done = run(shop, "--python-env", str(env), **more)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "installed now" in done.stdout
    assert (shop / "sync.lock").exists()
    again = run(shop, "--python-env", str(env), **more)
    assert "installed now" not in again.stdout
    assert again.returncode == 0
