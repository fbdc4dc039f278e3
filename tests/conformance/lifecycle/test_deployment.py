"""Every command of the compose file, the image and the units works where they run it, on PostgreSQL."""

from __future__ import annotations

import shlex

import pytest

from tests.conformance.lifecycle.own_tmp import ROOT, bash, make_original_tables
from tests.conformance.lifecycle.store.conftest import Place, place  # noqa: F401
from tests.databases.postgres import PASSWORD, USER
from tests.docs.test_deployment import DOCKER, commands, environment, exec_lines

pytestmark = pytest.mark.slow


def test_the_service_stays_is_healthy_and_takes_commands(place: Place) -> None:  # noqa: F811
    make_original_tables(place)
    health, stay = (shlex.join(command) for command in commands())
    in_service = [shlex.join(line) for line in exec_lines()]
    assert "python3 scripts/cleanup_operations.py --run --type automatic" in in_service
    lines = [
        f"mkdir /mnt/app && cd /mnt/app && cp -r {ROOT}/scripts {DOCKER}/lifecycle.yml .",
        f"{health}; echo before: $?",
        f"{stay} 2>/tmp/log & P=$!",
        "until grep -q 'at work for' /tmp/log; do kill -0 $P || exit 98; sleep 0.1; done",
        f"{health} > /tmp/said; echo health: $?",
        "grep 'scheduler     at work' /tmp/said",
        *(f"{line} > /tmp/said 2>&1 || {{ cat /tmp/said; echo failed: {line}; }}" for line in in_service),
        "dvt lifecycle schedule --once --json; echo once: $?",
        "kill -TERM $P; wait $P; echo ended: $?",
        "cat /tmp/log",
    ]
    server = {"CLEANUP_DB_HOST": "127.0.0.1", "CLEANUP_DB_PORT": str(place.server.port)}
    settings = {**environment(), **server, "CLEANUP_DB_NAME": place.name, "CLEANUP_DB_USER": USER}
    code, printed = bash("\n".join(lines), {**settings, "PGPASSWORD": PASSWORD})
    assert code == 0, printed
    for line in ("before: 0", "health: 0", "scheduler     at work", "once: 0", "ended: 0"):
        assert line in printed, printed
    assert "failed: " not in printed, printed
    assert "Traceback" not in printed, printed
    assert PASSWORD not in printed.replace(place.name, "")
