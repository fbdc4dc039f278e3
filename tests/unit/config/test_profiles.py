"""profiles.yml without dbt: where it is looked for, and what is said when it cannot be used."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dvt.config.profiles import Profile, load_profile, profiles_dir
from dvt.core.errors import ProfilesInvalid, UnknownConnection
from dvt.core.ports.connectors import Settings


@pytest.fixture
def profile(tmp_path: Path) -> Any:
    def load(text: str, **environment: str) -> Profile:
        (tmp_path / "profiles.yml").write_text(text, encoding="utf-8")
        return load_profile(tmp_path, "shop", environment=environment)

    return load


CRM = """\
shop:
  target: crm
  outputs:
    crm:
      type: postgres
      KEY: VALUE
"""


def crm(key: str, value: str) -> str:
    return CRM.replace("KEY", key).replace("VALUE", value)


def test_an_output_is_rendered_and_others_need_no_variable_of_theirs(profile: Any) -> None:
    text = CRM.replace("KEY: VALUE", "port: \"{{ env_var('PORT') | as_number }}\"")
    read = profile(text + "    erp: {type: mysql, password: \"{{ env_var('NOT_THERE') }}\"}", PORT="5432")
    assert isinstance(read, Settings)
    assert read.output("crm") == {"type": "postgres", "port": 5432}
    assert (read.names, read.target) == (("crm", "erp"), "crm")
    assert repr(read) == "<Profile shop: crm, erp>"


def test_the_folder_is_the_one_asked_for_then_a_variables_then_where_the_file_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, elsewhere = tmp_path / "project", tmp_path / "elsewhere"
    for folder in (project, elsewhere, tmp_path / ".dvt"):
        folder.mkdir()
    monkeypatch.chdir(elsewhere)
    monkeypatch.setenv("HOME", str(tmp_path))
    named = {"DBT_PROFILES_DIR": "/dbt", "DVT_PROFILES_DIR": "", "DBT_ENGINE_PROFILES_DIR": ""}
    assert profiles_dir(project, Path("/asked"), named) == Path("/asked")
    assert profiles_dir(project, None, named | {"DVT_PROFILES_DIR": "/dvt"}) == Path("/dvt")
    assert profiles_dir(project, None, named) == Path("/dbt")
    assert profiles_dir(project, None, {}) == tmp_path / ".dbt"
    for folder in (tmp_path / ".dvt", elsewhere, project):
        (folder / "profiles.yml").touch()
        assert profiles_dir(project, None, {}) == folder


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("", None, "there is no profile in it"),
        ("- shop", None, "there is no profile in it"),
        ("shpo: {outputs: {}}", None, "there is no profile 'shop'\n  hint: did you mean 'shpo'? known: shpo"),
        ("other: {}\nshop: {target: a}", 2, "profile 'shop' has no outputs"),
        ("shop:\n\n  outputs: [crm]", 1, "profile 'shop' has no outputs"),
        ("shop:\n  outputs:\n    crm: 5", 3, "profile 'shop', outputs.crm: is not a mapping of keys"),
        ("shop: {outputs: {crm: {a: !!binary eHg=}}}", 1, "a value of type bytes can be no setting"),
        ("shop:\n  outputs: &x\n    crm:\n      a: *x", 3, "profile 'shop', outputs.crm: refers to itself"),
        (crm("port", "\"{{ env_var('PGPORT') }}\""), 6, "environment variable 'PGPORT' is not set"),
        (crm("password", "\"{{ env_var('PG_PW') }}\""), 6, "environment variable 'PG_PW' is not set"),
        (crm("user", "\"{{ env_var('DBT_ENV_SECRET_U') }}\""), 6, "'DBT_ENV_SECRET_U' is not set"),
        (crm("port", "\"{{ var('port') }}\""), 6, "variable 'port' is not given"),
        (crm("port", "\"{{ envvar('PGPORT') }}\""), 6, "cannot be computed: 'envvar' is undefined"),
        (crm("port", '"{{ 5432 }"'), 6, "is no valid Jinja: unexpected '}'"),
        (crm("port", "\"{{ 'x' | as_number }}\""), 6, "it is not a number, which as_number needs"),
        (crm("port", "\"{{ 'True' | as_number }}\""), 6, "it is not a number, which as_number needs"),
        (crm("ssl", "\"{{ 'yes' | as_bool }}\""), 6, "it is not a boolean, which as_bool needs"),
        (crm("id", '"{{ invocation_id }}"'), 6, "'invocation_id' is known to a run of dbt only"),
        (crm("list", '[1, {a: "{{ nothing }}"}]'), 6, "outputs.crm.list.1.a: its name is undefined"),
    ],
)
def test_an_error_says_where_it_is_and_what(profile: Any, text: str, line: int | None, problem: str) -> None:
    with pytest.raises(ProfilesInvalid) as raised:
        profile(text).output("crm")
    assert raised.value.line == line
    assert str(raised.value.path) in str(raised.value)
    assert problem in str(raised.value)
    assert raised.value.hint


def test_an_output_that_is_misspelt_suggests_the_near_name(profile: Any) -> None:
    with pytest.raises(UnknownConnection, match=r"profiles.yml, profile 'shop'.*'crn'") as raised:
        profile(CRM).output("crn")
    assert raised.value.hint == "did you mean 'crm'? known: crm"


def test_a_file_that_is_not_there_says_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(ProfilesInvalid, match=r"there is no such file\n.*DVT_PROFILES_DIR.*~/\.dbt"):
        load_profile(tmp_path, "shop")


SECRETS = [
    "password: *hunter2",
    "password: !hunter2",
    "password: !<hunter2> x",
    "password: 'hunter2' x",
    'password: "hunter2\\q"',
    "password: @hunter2",
    "password: %hunter2",
    "token: \"{{ env_var('S') | as_number }}\"",
    "token: \"{{ env_var('DBT_ENV_SECRET_S') | as_number }}\"",
    "token: '{% hunter2 %}'",
    "token: '{{ hunter2() }}'",
    "host: \"{{ [][env_var('S')]() }}\"",
    "host: \"{{ {}[env_var('S')].x }}\"",
    "host: \"{{ env_var('S') | int(default=none) + 1 }}\"",
    "host: \"{{ env_var('S') * env_var('S') }}\"",
    "host: \"{{ env_var('DBT_ENV_SECRET_S') | title }}\"",
    "host: \"{{ {'a': env_var('DBT_ENV_SECRET_S')} }}\"",
]


@pytest.mark.parametrize("key", SECRETS)
def test_no_message_shows_a_secret(profile: Any, key: str) -> None:
    with pytest.raises(ProfilesInvalid) as raised:
        profile(CRM.replace("KEY: VALUE", key), S="hunter2", DBT_ENV_SECRET_S="hunter2").output("crm")
    error: BaseException | None = raised.value
    assert "line 6" in str(error)
    while error is not None:
        assert "hunter2" not in str(error)
        error = None if error.__suppress_context__ else error.__cause__ or error.__context__


def test_it_is_read_without_dbt() -> None:
    code = "import sys, dvt.config.profiles; print(*sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    modules = {name.split(".")[0] for name in shown.split()}
    assert "jinja2" in modules
    assert not modules & {"dbt", "dbt_common", "click", "duckdb", "sqlglot"}
