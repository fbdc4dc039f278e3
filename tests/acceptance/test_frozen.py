"""A network or a server that freezes: nothing arrives, nothing is closed, and dvt ends nevertheless."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.frozen import SCHEMA, FrozenShop
from tests.acceptance.project import CommandResult
from tests.databases.proxy import Direction, proxy

pytestmark = [pytest.mark.slow, pytest.mark.frozen, pytest.mark.timeout(1200)]

CTRL_C_SECONDS = 10.0
"""Seconds from Ctrl-C to the end of the process, at most, as documented."""
BUSY_SECONDS = 5.0
"""Seconds more that a busy machine may take."""
READ_TIMEOUT = 2
"""Seconds: the `read_timeout` of the tests in which nobody presses Ctrl-C."""
ERROR_SECONDS = 60.0
"""Seconds until a frozen run has ended with its error, at most, on a busy machine."""
AMID = 0.5
"""The share of a model's bytes after which its rows are on their way, if most of its bytes are rows."""
AMID_ROWS = {("extracted", "to_client"), ("loaded", "to_server"), ("answered", "to_client")}
"""Models, and the direction in which nearly all of their bytes are rows."""
POINTS = (
    ("extracted", 0.02), ("extracted", 0.5), ("loaded", 0.5), ("loaded", 0.98), ("native", 0.5),
    ("answered", 0.02), ("answered", 0.5),
)  # fmt: skip
"""Models, and the shares of their bytes after which the network freezes."""
_DESCRIBES = re.compile("TEMPORARY VIEW|LIMIT 0|EXPLAIN")
"""Matches statements that describe or estimate an answer, and do not compute it."""
DIRECTIONS: tuple[Direction, ...] = ("to_client", "to_server")


@pytest.fixture(params=["postgres", "usual_mariadb"])
def shop(request: pytest.FixtureRequest, databases: Any, tmp_path: Path) -> Iterator[FrozenShop]:
    """Return a shop whose server waits long; a test may ask for a short `read_timeout`."""
    server = databases(request.param)
    with proxy(server.port) as network:
        yield FrozenShop(tmp_path, server, network, **getattr(request.cls, "KEYS", {}))


def bytes_of_models(shop: FrozenShop, direction: Direction) -> dict[str, int]:
    """Build each model over a network that flows; return the bytes that have gone in a direction."""
    moved = {}
    for model in sorted({model for model, _ in POINTS}):
        before = shop.network.moved[direction]
        shop.project.dvt("run", "--select", model).ok()
        moved[model] = shop.network.moved[direction] - before
    return moved


def frozen_run(
    shop: FrozenShop, model: str, size: int, direction: Direction, *, spare_later: bool
) -> CommandResult:
    """Run a model over a network that freezes after these bytes, or earlier if the run does not move as many.

    A run that waits asks the server whether it computes: a slow one moves more bytes than a fast one.
    """
    while True:
        shop.network.freeze_after(size, direction, spare_later=spare_later)
        result = shop.project.dvt("run", "--select", model, timeout=ERROR_SECONDS)
        if shop.network.frozen.is_set():
            return result
        result.ok()
        size = size * 3 // 4


def end_by_ctrl_c(shop: FrozenShop, direction: Direction, size: int, *args: str) -> None:
    """Freeze a run after these bytes and press Ctrl-C; assert that it ends, and what it leaves."""
    shop.network.freeze_after(size, direction)
    process = shop.project.start("run", "--threads", "2", *args)
    deadline = time.monotonic() + 120
    while not shop.network.frozen.wait(0.05):
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
    time.sleep(0.5)
    assert process.poll() is None, process.communicate()[0]
    started = time.monotonic()
    process.send_signal(signal.SIGINT)
    result = shop.project.finish(process, 60)
    seconds = time.monotonic() - started
    assert seconds < CTRL_C_SECONDS + BUSY_SECONDS, f"{seconds:.1f} s\n{result.output}"
    assert result.code == 2, result.output
    assert "Traceback" not in result.output, result.output


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_ctrl_c_ends_a_frozen_command_and_the_next_run_is_right(
    shop: FrozenShop, direction: Direction
) -> None:
    moved = bytes_of_models(shop, direction)
    early = [(model, share) for model, share in POINTS if share <= AMID]
    for version, (model, share) in enumerate(early, start=1):
        shop.set_version(version)
        end_by_ctrl_c(shop, direction, int(moved[model] * share), "--select", model)
        shop.network.thaw()
        shop.assert_old_or_new(version)
        shop.assert_next_run_is_right(version)


class TestReadTimeout:
    """Runs whose output waits for two seconds."""

    KEYS = {"read_timeout": READ_TIMEOUT, "connect_timeout": 1}

    @pytest.mark.parametrize("direction", DIRECTIONS)
    @pytest.mark.parametrize("spare_later", [False, True], ids=["server", "connections"])
    def test_a_frozen_run_ends_with_an_error_that_says_so(
        self, shop: FrozenShop, direction: Direction, spare_later: bool
    ) -> None:
        """The server freezes, or only the connections that were open when the network did."""
        moved = bytes_of_models(shop, direction)
        for version, (model, share) in enumerate(POINTS, start=1):
            shop.set_version(version)
            result = frozen_run(shop, model, int(moved[model] * share), direction, spare_later=spare_later)
            shop.network.thaw()
            assert "Traceback" not in result.output, result.output
            if result.code != 0:  # 2: before any model began; 0: all that mattered had been done
                assert "'server'" in result.output, result.output
                codes = {code for code in ("DVT130", "DVT132", "DVT149") if code in result.output}
                assert codes, (model, share, result.output)
            if share == AMID and (model, direction) in AMID_ROWS:
                assert result.code == 1, result.output
                assert spare_later or "DVT149" in result.output, result.output
                assert "hint:" in result.output
            shop.assert_old_or_new(version)
            shop.assert_next_run_is_right(version)

    def test_a_statement_that_computes_for_longer_is_left_alone(self, shop: FrozenShop) -> None:
        """For long it sends nothing, and owes nothing: the server says that it computes."""
        make_slow_models(shop, READ_TIMEOUT * 4)
        started = time.monotonic()
        shop.project.dvt("run", "--threads", "2", "--select", "slow_*").ok()
        assert time.monotonic() - started > READ_TIMEOUT * 4

    @pytest.mark.parametrize("model", ["slow_extract", "slow_native", "slow_answer"])
    @pytest.mark.parametrize("spare_later", [False, True], ids=["server", "connections"])
    def test_a_statement_whose_answer_never_arrives_is_an_error(
        self, shop: FrozenShop, model: str, spare_later: bool
    ) -> None:
        """Before the answer is due, the server computes; where it can be asked, that is waited for."""
        make_slow_models(shop, seconds=8)
        process = shop.project.start("run", "--select", model)
        deadline = time.monotonic() + 120
        while not any("lazy" in text and not _DESCRIBES.search(text) for text in shop.server.running()):
            assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() < deadline
            time.sleep(0.05)
        time.sleep(1)
        shop.network.freeze_after(0, "to_client", spare_later=spare_later)
        result = shop.project.finish(process, ERROR_SECONDS)
        assert shop.network.frozen.is_set()
        assert result.code == 1, result.output
        assert "DVT149" in result.output, result.output
        assert "'server'" in result.output, result.output


def make_slow_models(shop: FrozenShop, seconds: int) -> None:
    """Make models of a view that answers after some seconds: on the server, and on another target."""
    shop.server.execute(
        f"CREATE OR REPLACE VIEW {SCHEMA}.lazy AS"
        f" SELECT id, cast({shop.server.sleeping(seconds)} as char(1)) AS word"
        f" FROM {SCHEMA}.facts WHERE id = 1",
        shop.grant(f"{SCHEMA}.lazy"),
    )
    shop.project.source("lazy", "server", ["lazy"], schema=SCHEMA)
    lazy = "SELECT id, word FROM {{ source('lazy', 'lazy') }}"
    shop.project.model("slow_extract", lazy, target="duck", materialized="table")
    shop.project.model("slow_native", lazy, target="server", materialized="table")
    shop.project.model("slow_answer", lazy, target="straight", materialized="table", compute="source")
