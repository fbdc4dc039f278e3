"""Completion in the shell: what is completed, and that it takes no dbt."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dvt.cli.completion import OPTIONS
from tests.unit.cli.test_main import CPU_LIMIT, children_cpu

pytestmark = pytest.mark.slow

NODES = {
    "model.shop.orders": {"name": "orders", "resource_type": "model"},
    "seed.shop.countries": {"name": "countries", "resource_type": "seed"},
    "test.shop.unique_orders": {"name": "unique_orders", "resource_type": "test"},
}


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Return the folder of a project that has been parsed."""
    (tmp_path / "target").mkdir()
    (tmp_path / "target/manifest.json").write_text(json.dumps({"nodes": NODES}), encoding="utf-8")
    (tmp_path / "dbt_project.yml").write_text("name: shop\nprofile: farm\n", encoding="utf-8")
    outputs = "farm:\n  outputs:\n    barn: {type: duckdb}\n    loft: {type: postgres}\n"
    (tmp_path / "profiles.yml").write_text(outputs, encoding="utf-8")
    (tmp_path / "computes.yml").write_text("farm:\n  computes:\n    big: {type: duckdb}\n", encoding="utf-8")
    buckets = "farm:\n  outputs:\n    lake: {type: filesystem}\n"
    (tmp_path / "buckets.yml").write_text(buckets, encoding="utf-8")
    return tmp_path


def ask(folder: Path, instruction: str, words: str = "", *, modules: bool = False) -> list[str]:
    """Return the lines that `dvt` prints for a shell, after the names of imported modules if asked for."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("DVT_", "DBT_"))},
        "_DVT_COMPLETE": instruction,
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
        "HOME": str(folder),
    }
    code = "import sys; sys.argv = ['dvt']\nfrom dvt.cli.main import main\ntry: main()\nfinally: "
    code += "print(*sys.modules)" if modules else "pass"
    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=folder, env=environment, check=False
    )
    assert printed.returncode == 0, printed.stderr
    return printed.stdout.splitlines()


def completions(folder: Path, words: str) -> set[str]:
    return {line.partition(",")[2] for line in ask(folder, "bash_complete", words) if line}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("dvt ex", {"explain"}),
        ("dvt docs ", {"generate", "serve"}),
        ("dvt run --keep", {"--keep-staging"}),
        ("dvt build --comp", {"--compute"}),
        ("dvt run --log-format j", {"json"}),
        ("dvt run --select ", {"orders", "countries"}),
        ("dvt run -s +ord", {"+orders"}),
        ("dvt ls --exclude 2+or", {"2+orders"}),
        ("dvt run --select orders c", {"countries"}),
        ("dvt run c", set()),
        ("dvt run --select orders --threads 2 c", set()),
        ("dvt run --target ", {"barn", "loft"}),
        ("dvt explain -t l", {"loft"}),
        ("dvt run --compute ", {"big", "duckdb"}),
        ("dvt run --bucket ", {"lake", "local"}),
    ],
)
def test_commands_options_and_names_are_completed(shop: Path, words: str, expected: set[str]) -> None:
    assert completions(shop, words) == expected


def test_every_command_is_completed(tmp_path: Path) -> None:
    from dvt.app.commands import COMMANDS

    assert COMMANDS.keys() - completions(tmp_path, "dvt ") == set()


def test_names_are_those_of_the_project_that_dbt_would_find(shop: Path) -> None:
    (shop / "models/far").mkdir(parents=True)
    assert completions(shop / "models/far", "dvt run --select o") == {"orders"}
    other = f"dvt run --project-dir {shop} --profiles-dir {shop}"
    elsewhere = shop.parent
    assert completions(elsewhere, f"{other} --select o") == {"orders"}
    assert completions(elsewhere, f"{other} --target b") == {"barn"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "file", ["target/manifest.json", "profiles.yml", "computes.yml", "buckets.yml", "dbt_project.yml"]
)
def test_a_file_that_cannot_be_read_completes_nothing(shop: Path, file: str) -> None:
    for broken in (b"{", b"\xff\xfe", b"[]"):
        (shop / file).write_bytes(broken)
        for option in ("--select", "--target", "--compute", "--bucket"):
            completions(shop, f"dvt run {option} ")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_gets_a_script_that_asks_dvt(tmp_path: Path, shell: str) -> None:
    script = "\n".join(ask(tmp_path, f"{shell}_source"))
    assert f"_DVT_COMPLETE={shell}_complete" in script
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=script, text=True, check=True)


def test_completion_imports_neither_dbt_nor_a_driver_and_is_quick(shop: Path) -> None:
    *_, imported = ask(shop, "bash_complete", "dvt run --select ", modules=True)
    assert "click" in imported.split()
    roots = {name.partition(".")[0] for name in imported.split()}
    assert not roots & {"dbt", "duckdb", "sqlglot", "pydantic"}
    taken = []
    for _ in range(5):
        before = children_cpu()
        ask(shop, "bash_complete", "dvt run --select ")
        taken.append(children_cpu() - before)
    assert min(taken) < CPU_LIMIT


def test_commands_that_need_no_dbt_have_none_of_its_flags():
    table = json.loads(OPTIONS.read_text(encoding="utf-8"))
    names = {name for at in table["commands"]["lifecycle run"] for name in table["options"][at]["names"]}
    assert {"--type", "--yes"} <= names
    assert names.isdisjoint({"--compute", "--profiles-dir"})
