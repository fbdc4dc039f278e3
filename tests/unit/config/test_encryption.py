"""lifecycle.yml says for whom backups are encrypted; a mistake is told, and a secret never is."""

from __future__ import annotations

import subprocess
import sys

import pyrage
import pytest

from dvt.config.lifecycle_file import load_lifecycle
from dvt.core.errors import LifecycleInvalid, SeveralErrors

KEY, OTHER = (pyrage.x25519.Identity.generate() for _ in range(2))
TO, TO_OTHER = str(KEY.to_public()), str(OTHER.to_public())


@pytest.fixture
def load(tmp_path):
    def load(backups, **environment):
        (tmp_path / "lifecycle.yml").write_text(f"zone: UTC\nbackups: {{{backups}}}\n")
        return load_lifecycle(tmp_path, environment=environment).encryption

    return load


def test_without_recipients_backups_are_plain(load):
    assert load("keep: 7d").recipients == ()
    assert load("keep: 7d").read_identities() == ()


def test_recipients_are_one_or_several(load):
    assert load(f"encrypt_to: {TO}").recipients == (TO,)
    assert load(f"encrypt_to: {TO.upper()}").recipients == (TO,)
    assert load(f"encrypt_to: [{TO}, ' {TO_OTHER} ', {TO}]").recipients == (TO, TO_OTHER)


def test_a_key_comes_from_the_environment_and_may_be_left_out_there(load):
    given = f'encrypt_to: {TO}, identity: \'{{{{ env_var("KEY", "") }}}}\''
    assert load(given).read_identities() == ()
    assert load(given, KEY="").read_identities() == ()
    assert load(given, KEY=str(KEY)).read_identities() == (str(KEY),)
    both = f"# created: today\n{KEY}\n{OTHER}\n"
    assert load(given, KEY=both).read_identities() == (str(KEY), str(OTHER))


def test_a_file_of_keys_is_from_the_folder_of_lifecycle_yml(load, tmp_path):
    (tmp_path / "key").write_text(f"{KEY}\n")
    (tmp_path / "key").chmod(0o600)
    assert load("identity_file: key").read_identities() == (str(KEY),)
    assert load(f"identity_file: {tmp_path}/key").read_identities() == (str(KEY),)
    assert load("identity_file: gone").read_identities() == ()
    assert load("identity_file: ''").read_identities() == ()


WRONG = [
    ("encrypt_to: []", "backups.encrypt_to: names no recipient"),
    ("encrypt_to:", "backups.encrypt_to: names no recipient"),
    ("encrypt_to: ''", "names no recipient"),
    ('encrypt_to: \'{{ env_var("NOT_SET", "") }}\'', "names no recipient"),
    (f"encrypt_to: [{TO}, '']", "backups.encrypt_to.1: names no recipient"),
    (f"encrypt_to: {TO[:-1]}" + ("q" if TO[-1] == "p" else "p"), "is no recipient"),
    ("encrypt_to: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI", "no ssh"),
    ("encrypt_to: age1yubikey1qwerty", "no plugins"),
    ("encrypt_to: 7", "backups.encrypt_to: should be a recipient, age1…, or a list of them"),
    ("encrypt_to: {a: b}", "backups.encrypt_to: should be a recipient, age1…, or a list of them"),
    (f"encrypt_to: {KEY}", "this is a secret key, which does not belong here"),
    (f"encrypt_to: {str(KEY).lower()}", "this is a secret key, which does not belong here"),
    (f"identity: {TO}", "backups.identity: line 1 is a recipient"),
    (f"identity: {str(KEY)[:-2]}", "backups.identity: line 1 is no secret key"),
    ("identity: '# only a comment'", "there is no key, only comments"),
    ("identity: [a]", "backups.identity"),
    (f"identity: {KEY}, identity_file: key", "give one of them"),
    (f"encrypt_too: {TO}", "did you mean 'encrypt_to'?"),
]


@pytest.mark.parametrize(("backups", "problem"), WRONG, ids=[problem for _, problem in WRONG])
def test_what_is_wrong_is_told_with_its_line_and_without_secrets(load, backups, problem):
    with pytest.raises((LifecycleInvalid, SeveralErrors)) as raised:
        load(backups)
    told = f"{raised.value} {raised.value.message} {raised.value.hint}"
    assert problem in told
    assert "line 2" in told
    assert str(KEY)[16:-3].casefold() not in told.casefold()


def test_secrets_are_in_no_repr(load):
    settings = load(f"encrypt_to: {TO}, identity: {KEY}")
    assert settings.read_identities() == (str(KEY),)
    assert "SECRET" not in repr(settings).upper()


def test_a_file_without_encryption_needs_no_library_for_it(load, tmp_path):
    load("keep: 7d")
    code = "import sys; sys.modules['pyrage'] = None\n"
    code += "from pathlib import Path\nfrom dvt.config.lifecycle_file import load_lifecycle\n"
    code += f"load_lifecycle(Path({str(tmp_path)!r}))"
    subprocess.run([sys.executable, "-c", code], check=True)
    load(f"encrypt_to: {TO}")
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert "pip install 'dvt-engine[lifecycle]'" in done.stderr
