"""Which failures over JDBC may pass: by SQLSTATE, and by whether the connection lives."""

from __future__ import annotations

from pathlib import Path

import pytest

from dvt.drivers.jdbc import may_pass, parse
from dvt.drivers.jdbc.errors import translated

SETTINGS = parse("erp", {"url": "jdbc:h2:tcp://h/d", "password": "s3cret"}, Path())


@pytest.mark.parametrize(
    ("state", "alive", "passes"),
    [
        ("08006", "alive", True),
        ("57P01", "alive", True),
        ("40001", "alive", True),
        ("53300", "alive", True),
        ("HYT00", "alive", True),
        ("", "dead", True),
        ("42S02", "alive", False),
        ("22012", "alive", False),
        ("57014", "alive", False),
        ("", "alive", False),
        ("HY000", "alive", False),
    ],
)
def test_what_may_pass_is_told_by_the_state_or_a_dead_connection(state, alive, passes):
    reply = ["sql", state, "0", "it failed with s3cret", alive]
    error = translated(reply, name="erp", settings=SETTINGS, doing="reading")
    assert may_pass(error) is passes
    assert error.transient is passes
    assert "s3cret" not in str(error)


@pytest.mark.parametrize(("state", "passes"), [("08001", True), ("28000", False)])
def test_a_login_that_is_refused_does_not_pass(state, passes):
    reply = ["sql", state, "0", "no", ""]
    error = translated(reply, name="erp", settings=SETTINGS, doing="connecting", connecting=True)
    assert may_pass(error) is passes
