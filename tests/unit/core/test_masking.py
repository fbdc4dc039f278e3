"""Secrets do not get into texts that are kept."""

from __future__ import annotations

import pytest

from dvt.core.masking import is_secret_name, masked, secret_values


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("postgres://ana:hunter2@db:5432/x failed", "postgres://***@db:5432/x failed"),
        ("host=db password=hunter2 dbname=x", "host=db password=*** dbname=x"),
        ("PGPASSWORD='hun ter''2', x", "PGPASSWORD=***, x"),
        ('{"access_token": "hunter2", "a": 1}', '{"access_token": ***, "a": 1}'),
        ("password: hunter2", "password: ***"),
        ("SECRET => 'hunter2'", "SECRET => ***"),
        ("create user a identified by 'hunter2'", "create user a identified by ***"),
        ("Authorization: Bearer abcdef.ghijkl-123", "Authorization: Bearer ***"),
        ("https://s/x?sig=hunter2&se=1", "https://s/x?sig=***&se=1"),
        ("https://s/x?X-Amz-Signature=hunter2", "https://s/x?X-Amz-Signature=***"),
    ],
)
def test_what_is_named_a_secret_is_masked(text: str, kept: str) -> None:
    assert masked(text, ()) == kept


@pytest.mark.parametrize(
    "text",
    [
        "password authentication failed for user ana",
        "unexpected token: x",
        "author = 'Ana'",
        "the bearer of bad news",
        "select a::text from t",
        "see https://docs/x@1",
        "DVT108 m (models/m.sql, line 3): no column a@b",
    ],
)
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert masked(text, ()) == text


def test_values_of_secrets_are_found_by_their_names() -> None:
    environment = {
        "DB_PASSWORD": "hunter22",
        "PATH_TO_TOKEN": "/run/token",
        "SHORT_SECRET": "abc",
        "DBT_ENV_SECRET_X": "x1",
        "HOME": "/home/ana",
        "AUTH_METHOD": "password",
    }
    variables = {"day": "2026-01-01", "api": {"key": "seen-key", "token": ["first-token", 12345678]}}
    values = secret_values(environment, variables, None, "text")
    assert values == ("first-token", "12345678", "hunter22", "x1") or set(values) == {
        "first-token", "12345678", "hunter22", "x1",
    }  # fmt: skip
    assert (
        masked("login of hunter22 at 2026-01-01 by first-token", values)
        == "login of *** at 2026-01-01 by ***"
    )


def test_the_longest_value_is_masked_first() -> None:
    values = secret_values({"A_TOKEN": "abcdef", "B_TOKEN": "abcdefgh"})
    assert masked("abcdefgh abcdef", values) == "*** ***"


@pytest.mark.parametrize(
    "name", ["password", "DB_PASSWD", "githubToken", "api-key", "aws_secret_access_key", "pw"]
)
def test_names_of_secrets_are_known(name: str) -> None:
    assert is_secret_name(name)
