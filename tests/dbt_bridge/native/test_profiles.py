"""Outputs read without dbt are those that dbt gives, value by value, from a profiles.yml full of traps."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dvt.config.profile_values import OF_A_RUN, Renderer
from dvt.config.profiles import VARIABLES, load_profile
from dvt.core.errors import ProfilesInvalid
from dvt.dbt_bridge.outputs.profile_outputs import ProfileOutputs

pytestmark = pytest.mark.slow

ENVIRONMENT = {
    "PORT": "5432",
    "ZERO": "007",
    "YES": "True",
    "EMPTY": "",
    "LIST": "['a', 1, None]",
    "QUOTED": '"5"',
    "JINJA": "{{ 1 + 1 }}",
    "UMLAUT": "Grüße, 世界",
    "DBT_ENV_SECRET_PW": "p'w\"{{ x }}$$",
    "DBT_ENV_SECRET_NUMBER": "42",
    "DBT_ENV_PRIVATE_X": "private",
}
VALUES = {
    "name": "crm",
    "port": 99,
    "list": [1, "{{ 2 }}"],
    "rendered": "{{ env_var('PORT') }}-{{ 1 }}",
    "no": False,
}

PROFILES = """\
shop:
  target: "{{ env_var('NO_TARGET', 'numbers') }}"
  outputs:
    numbers:
      type: postgres
      bare: 5432
      text: '5432'
      quoted: "'5432'"
      twice: '"5432"'
      octal: 010
      underscored: 1_000
      sexagesimal: 1:30
      exponent: 1e3
      float: 1.50
      infinite: .inf
      negative: -0
      hex: 0x1F
      big: 123456789012345678901234567890
      version: 3.10.1
      jinja: "{{ 5432 }}"
      sum: "{{ 5000 + 432 }}"
      padded: " {{ 5432 }} "
      real: "{{ 1.0 }}"
      made_int: "{{ '17' | int }}"
      as_number: "{{ '17' | as_number }}"
      as_float: "{{ '1.5e3' | as_number }}"
      threads: "{{ 4 | as_number }}"
    booleans:
      bare: [true, yes, Off, n, ~, null, 'true']
      jinja: "{{ true }}"
      compared: "{{ 1 == 1 }}"
      as_bool: "{{ env_var('YES') | as_bool }}"
      as_false: "{{ 'False' | as_bool }}"
      lower: "{{ 'true' }}"
    variables:
      port: "{{ env_var('PORT') }}"
      port_number: "{{ env_var('PORT') | as_number }}"
      port_native: "{{ env_var('PORT') | as_native }}"
      port_text: "{{ env_var('PORT') | as_text }}"
      port_int: "{{ env_var('PORT') | int }}"
      zero_native: "{{ env_var('ZERO') | as_native }}"
      zero: "{{ env_var('ZERO') }}"
      around: "host-{{ env_var('PORT') }}.example"
      two: "{{ env_var('PORT') }}{{ env_var('ZERO') }}"
      default: "{{ env_var('NOT_THERE', 'd') }}"
      default_number: "{{ env_var('NOT_THERE', 5) }}"
      default_empty: "{{ env_var('NOT_THERE', '') }}"
      empty: "{{ env_var('EMPTY') }}"
      empty_default: "{{ env_var('EMPTY', 'd') }}"
      list: "{{ env_var('LIST') | as_native }}"
      list_text: "{{ env_var('LIST') }}"
      quoted: "{{ env_var('QUOTED') }}"
      quoted_native: "{{ env_var('QUOTED') | as_native }}"
      not_again: "{{ env_var('JINJA') }}"
      word: "{{ env_var('UMLAUT') | as_native }}"
      private: "{{ env_var('DBT_ENV_PRIVATE_X') }}"
      no_quotes: '{{ env_var("PORT") }}'
      filtered: "{{ env_var('UMLAUT') | upper | replace('Ü', 'UE') }}"
      secret: "{{ env_var('DBT_ENV_SECRET_PW') }}"
      secret_around: "x{{ env_var('DBT_ENV_SECRET_PW') }}y"
      secret_number: "{{ env_var('DBT_ENV_SECRET_NUMBER') | as_native }}"
      secret_text: "{{ env_var('DBT_ENV_SECRET_NUMBER') | as_text }}"
      secret_default: "{{ env_var('DBT_ENV_NOT_THERE', 'd') }}"
      var: "{{ var('name') }}"
      var_number: "{{ var('port') }}"
      var_list: "{{ var('list') }}"
      var_rendered: "{{ var('rendered') }}"
      var_false: "{{ var('no') }}"
      var_default: "{{ var('not_there', 3) }}"
      var_none: "{{ var('not_there', none) }}"
    nested: &nested
      list: [a, "{{ env_var('PORT') | as_number }}", [b, {c: "{{ 1 == 2 }}"}], {}, []]
      dict: {a: {b: {c: "{{ env_var('PORT') }}"}}, 2: two, 1.5: x, true: y, null: z}
      "{{ env_var('PORT') }}": keys are not rendered
      ? multi
        line key
      : value
      ? |
        a block
        as a key
      : "{{ 'v' }}"
      date: 2024-01-31
      moment: 2024-01-31 12:30:00
      zoned: 2024-01-31T12:30:00+02:00
      literal: |
        first {{ env_var('PORT') }}
        second
      literal_only: |
        {{ env_var('PORT') }}
      plain_block: |
        no jinja
        here
      kept: |+
        kept

      folded: >
        folded
        text

      stripped: >-
        {{ env_var('PORT') }}
    merged:
      <<: *nested
      date: not a date
      again: *nested
    words:
      unicode: Grüße, 世界 \u20ac
      escaped: "\\u00fc\\t\\x41"
      empty: ''
      nothing:
      blank: "   "
      newlines: "\\n\\n"
      braces: "{ not jinja }"
      comment: "a{# gone #}b"
      only_comment: "{# gone #}"
      raw: "{% raw %}{{ x }}{% endraw %}"
      block: "{% if env_var('PORT') == '5432' %}yes{% else %}no{% endif %}"
      set: "{% set x = 3 %}{{ x }}"
      do: "{% set x = [] %}{% do x.append(1) %}{{ x }}"
      loop: "{% for i in range(5) %}{% if i == 3 %}{% break %}{% endif %}{{ i }}{% endfor %}"
      none: "{{ none }}"
      native_none: "{{ 'None' | as_native }}"
      dict: "{{ {'a': [1, '2']} }}"
      dict_text: "{{ {'a': 1} }} "
      tuple: "{{ (1, 2) }}"
      string: "{{ 'text' }}"
      quotes: "{{ \\"'text'\\" }}"
      native_quotes: "{{ \\"'text'\\" | as_native }}"
      concat: "{{ 'a' ~ 1 }}"
      undefined: "a{{ nothing }}b"
      defaulted: "{{ nothing | default('d') }}"
      falsy: "{{ nothing or 'd' }}"
      is_list: "{{ [1] | is_list }}"
      duplicate: first
      duplicate: second
    passwords:
      password: "p{{w"
      pass: "{% raw %}{{{% endraw %}"
      other: {password: "{% nothing %}", deeper: {password: ["{{ a.b.c }}", "{{ 1 / 0 }}"]}}
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    from dbt_common.context import get_invocation_context, set_invocation_context

    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    set_invocation_context({})
    get_invocation_context()._env = ENVIRONMENT  # as dbt's command line does
    file = tmp_path / "profiles.yml"
    file.write_text(PROFILES, encoding="utf-8")
    return file


def both(folder: Path) -> tuple[Any, Any]:
    """The profile as dbt gives it and as it is read without dbt."""
    config = SimpleNamespace(profile_name="shop", cli_vars=VALUES)
    return ProfileOutputs.of(config, folder), load_profile(folder, "shop", variables=VALUES)


def typed(value: Any) -> Any:
    """A value with the types of all that is in it; markers of dbt's are text."""
    if isinstance(value, dict):
        return {(type(key).__name__, key): typed(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value).__name__, [typed(item) for item in value]
    return "str" if isinstance(value, str) else type(value).__name__, value


@pytest.mark.parametrize(
    "name", ["numbers", "booleans", "variables", "nested", "merged", "words", "passwords"]
)
def test_every_value_is_the_one_that_dbt_gives(file: Path, name: str) -> None:
    dbts, ours = both(file.parent)
    assert dbts.names == ours.names
    for key, value in dbts.output(name).items():
        assert typed(ours.output(name)[key]) == typed(value), key
    assert typed(ours.output(name)) == typed(dbts.output(name))


def test_the_default_output_is_the_one_of_dbt(file: Path) -> None:
    from dbt.config.profile import Profile

    dbts, ours = both(file.parent)
    for raw in ("{{ env_var('NO_TARGET', 'numbers') }}", "words", None):
        profile = {key: value for key, value in dbts.raw.items() if key != "target"}
        profile |= {} if raw is None else {"target": raw}
        profile["outputs"] = {**profile["outputs"], "default": {}}
        target, _ = Profile.render_profile(profile, "shop", None, dbts.renderer)
        (file.parent / "profiles.yml").write_text(
            f"shop: {{outputs: {{}}{'' if raw is None else f', target: {chr(34)}{raw}{chr(34)}'}}}"
        )
        assert load_profile(file.parent, "shop").target == target
    assert ours.target == "numbers"


LOST = {
    "a name alone that is not defined": "{{ nothing }}",
    "a secret that a filter has changed": "{{ env_var('DBT_ENV_SECRET_PW') | urlencode }}",
    "a secret in lower case": "{{ env_var('DBT_ENV_SECRET_PW') | lower }}",
    "a secret in a list": "{{ [env_var('DBT_ENV_SECRET_PW')] }}",
    "a name of a run's": "x{{ invocation_id }}",
}


@pytest.mark.parametrize("text", LOST.values(), ids=LOST)
def test_where_dbt_gives_no_value_or_one_of_the_run_there_is_an_error(file: Path, text: str) -> None:
    file.write_text(f"shop: {{outputs: {{a: {{key: {text!r}, password: {text!r}}}}}}}", encoding="utf-8")
    with pytest.raises(ProfilesInvalid, match=r"line 1: profile 'shop', outputs\.a\.key"):
        load_profile(file.parent, "shop").output("a")


def test_two_secrets_may_stand_in_one_value_where_dbt_fails(file: Path) -> None:
    secrets = "{{ env_var('DBT_ENV_SECRET_NUMBER') }}:{{ env_var('DBT_ENV_SECRET_PW') }}"
    file.write_text(f'shop: {{outputs: {{a: {{dsn: "{secrets}"}}}}}}')
    dbts, ours = both(file.parent)
    with pytest.raises(KeyError):
        dbts.output("a")
    assert ours.output("a") == {"dsn": f"42:{ENVIRONMENT['DBT_ENV_SECRET_PW']}"}


def test_all_names_that_dbt_has_in_profiles_are_known() -> None:
    from dbt.config.renderer import ProfileRenderer

    known, dbts = {*Renderer({}, {})._context, *OF_A_RUN}, ProfileRenderer({}).context.keys()
    assert known - dbts <= {"otel_trace_id", "otel_span_id"}, "which dbt-core has from 1.12 on"
    assert dbts - known == set()


def test_all_filters_that_dbt_has_in_profiles_are_known() -> None:
    from dbt_common.clients.jinja import get_environment

    assert get_environment(native=True).filters.keys() == Renderer({}, {})._jinja.filters.keys()


def test_the_folder_is_named_by_the_variables_of_the_command_line() -> None:
    from dbt.cli.main import cli

    from dvt.app.commands import COMMANDS
    from dvt.app.federation import make_federator
    from dvt.dbt_bridge.entry.invoke import prepare

    prepare(make_federator, [], COMMANDS)
    (param,) = (param for param in cli.commands["run"].params if param.name == "profiles_dir")
    assert tuple(param.envvar) == VARIABLES
