"""docs/how-to/lifecycle-procedures.md: every block of commands is run, with a service as it says.

A function of the shell stands in for docker-compose: it starts, stops and enters the service on this machine,
in a /tmp of its own, with a real PostgreSQL.
"""

from __future__ import annotations

import re
import shlex

import pytest

from tests.conformance.lifecycle.own_tmp import ROOT, bash, login, make_original_tables
from tests.conformance.lifecycle.store.conftest import Place, place  # noqa: F401
from tests.conformance.lifecycle.test_original_scripts import operation
from tests.databases.postgres import USER
from tests.docs.test_deployment import DOCKER, environment

pytestmark = pytest.mark.slow

PAGE = ROOT / "docs/how-to/lifecycle-procedures.md"
SERVICE = f"""
trap 'kill -9 $(cat /mnt/pid) 2>/dev/null' EXIT
mkdir /mnt/app /mnt/state && cp -r {ROOT}/scripts {DOCKER}/lifecycle.yml /mnt/app && cd {ROOT}
start() {{
    (cd /mnt/app && exec dvt lifecycle schedule 2>>/mnt/log) & echo $! > /mnt/pid
    until tail -n 1 /mnt/log 2>/dev/null | grep -q 'at work for'; do
        kill -0 $(cat /mnt/pid) || exit 98; sleep 0.1
    done
}}
stop() {{ kill -TERM $(cat /mnt/pid) && wait $(cat /mnt/pid); }}
docker-compose() {{
    case "$1 ${{2-}} ${{3-}}" in
        "exec -T cleanup-scheduler") shift 3; (cd /mnt/app && "$@") ;;
        "exec -T postgres") shift 4; command psql "$@" ;;
        "stop cleanup-scheduler ") stop ;;
        "start cleanup-scheduler ") start ;;
        *) echo "no such command: $*"; return 97 ;;
    esac
}}
"""


IN_SERVICE = "docker-compose exec -T cleanup-scheduler"
NOTHING_IS_YOUNG = "UPDATE cleanup_policies SET retention_days = 0 WHERE data_type LIKE $$%operations$$"
DAYS = """SELECT retention_days FROM cleanup_policies ORDER BY array_position(ARRAY['pipeline_operations',
'dbt_logs', 'failed_operations', 'completed_operations', 'system_logs', 'temp_files'], data_type::text)"""


def blocks() -> dict[str, list[str]]:
    """Return the blocks of commands by the heading above them."""
    found: dict[str, list[str]] = {}
    for section in re.split(r"^## ", PAGE.read_text(), flags=re.MULTILINE):
        found[section.splitlines()[0]] = re.findall(r"^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    return found


def checked(block: str) -> str:
    """Return a block after which it is said which of its commands have failed."""
    lines = [line for line in block.splitlines() if line]
    labels = [shlex.quote(line.replace("docker-compose exec -T ", "")) for line in lines]
    return "\n".join(f"{line}\necho exit code $?: {label}" for line, label in zip(lines, labels, strict=True))


def test_every_procedure_does_what_it_says(place: Place) -> None:  # noqa: F811
    make_original_tables(place)
    server = {"CLEANUP_DB_HOST": "127.0.0.1", "CLEANUP_DB_PORT": str(place.server.port)}
    settings = {**environment(), **server, "CLEANUP_DB_NAME": place.name, "CLEANUP_DB_USER": USER}
    place.sql(f"{NOTHING_IS_YOUNG} RETURNING 1")
    script = "\n".join([SERVICE, *_story()])
    names = {"-U dagster": "", "-d dagster": ""}  # another database and user, by the environment
    for given, here in names.items():
        script = script.replace(given, here)
    code, printed = bash(script, {**settings, **login(place)})
    assert code == 0, printed
    codes = re.findall(r"^exit code (\d+): (.*)$", printed, re.MULTILINE)
    assert [of for code, of in codes if code != "0"] == [], printed
    assert len(codes) == sum(len(block.splitlines()) for of in blocks().values() for block in of)
    for line in (
        "All tests passed",
        "after the run: 1 3",
        "one file is back: 0",
        "by cp: 0",
        "everything is back: 0",
        "by cp, everything: 0",
        "enabled at the stop: 0",
        "nothing goes while it is stopped: 0",
        "enabled again: 6",
        "days of the defaults: 30 7 14 90 30 1",
        "emergency: ",
    ):
        assert line in printed, (line, printed)


def _story() -> list[str]:
    """Return the blocks of the page, with what is looked at between them."""
    of = blocks()
    listed = "echo $(cd /tmp; ls | sed -n 's/operation_\\([0-9]\\).json$/\\1/p')"
    back = "cmp /tmp/operation_2.json /mnt/expected"
    gone = "rm -f /tmp/operation_2.json*"
    emergency = [
        'echo "after the run: $(' + listed + ')"',
        f"{IN_SERVICE} python3 scripts/cleanup_operations.py --run --type emergency",
    ]
    first, second = of["Restore one file"]
    everything, by_cp = of["Restore everything"]
    disabled, by_sql = of["Stop everything at once"]
    return [
        operation("2", "completed"),
        "sleep 0.1",
        operation("1", "completed"),
        operation("3", "running"),
        "cat /tmp/operation_2.json > /mnt/expected",
        "start",
        checked(next(blocks[0] for blocks in of.values() if blocks)),
        checked(of["Is it well?"][0]),
        emergency[1],
        emergency[0],
        checked(of["What was deleted?"][0]),
        checked(first),
        f"{back}; echo one file is back: $?",
        gone,
        checked(second),
        f"{back}; echo by cp: $?",
        gone,
        checked(everything),
        f"{back}; echo everything is back: $?",
        gone,
        checked(by_cp),
        f"{back}; echo by cp, everything: $?",
        checked(disabled),
        "echo enabled at the stop: $(psql -Atc 'SELECT count(*) FROM cleanup_policies WHERE enabled')",
        checked(by_sql),
        emergency[1],
        f"{back}; echo nothing goes while it is stopped: $?",
        checked(of["Start again"][0]),
        "echo enabled again: $(psql -Atc 'SELECT count(*) FROM cleanup_policies WHERE enabled')",
        checked(of["Back to the default policies"][0]),
        f'echo days of the defaults: $(psql -Atc "{DAYS}")',
        f"psql -qc '{NOTHING_IS_YOUNG}'",
        checked(of["The disk is full"][0]),
        'echo "emergency: $(' + listed + ')"',
        "stop",
    ]
