"""The API on PostgreSQL: requests at the same time, a run, and tokens; its connections are few."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from dvt.core.access import Role
from tests.unit.lifecycle.projects import Project
from tests.unit.web.serving import Served

pytestmark = pytest.mark.slow


@pytest.fixture
def served(place, tmp_path, monkeypatch):
    written = Project.settings
    monkeypatch.setattr(
        Project, "settings", lambda self, *policies: written(self, *policies, store=place.url())
    )
    served = Served(tmp_path / "shop")
    yield served
    served.project.close()


def test_many_ask_at_once_while_a_run_is_at_work(served, place):
    for number in range(600):
        served.files.log(f"dbt.log.{number}", 8)
    operator = served.client(Role.OPERATOR)
    run = operator.post("/api/cleanup/run", json={"dry_run": False}).json()["process_id"]

    def ask(_number):
        return served.client(Role.VIEWER).get("/api/cleanup/stats").status_code

    with ThreadPoolExecutor(20) as pool:
        assert set(pool.map(ask, range(60))) == {200}
    ((connections,),) = place.sql(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    assert connections <= 20
    served.project.runs.get(run).thread.join()
    told = operator.get(f"/api/cleanup/runs/{run}").json()
    assert (told["status"], told["results"][0]["items"], told["alive"]) == ("completed", 600, False)
    assert operator.get("/api/cleanup/audit/verify").json()["whole"]
    assert served.client(Role.ADMIN).get("/api/cleanup/tokens").json()[0]["last_used"]
