"""Makes the mess: 3,000 files of every kind, with ages spread over 200 days, and some traps among them."""

from __future__ import annotations

import json
import os
import random
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

DAY = 86_400
SPREAD = 200
"""Days over which ages are spread."""
PIPELINES = ("daily_sales", "backfill", "customers", "web_events", "finance_close")
STATUSES = ("completed",) * 7 + ("failed",) * 2 + ("cancelled",)
Made = tuple[Path, str, float]
"""A file, its content, and its age in days."""


def operations(folder: Path, number: int, chance: random.Random) -> Iterator[Made]:
    for index in range(number):
        age = chance.uniform(0, SPREAD)
        began = time.time() - age * DAY
        pipeline, status = chance.choice(PIPELINES), chance.choice(STATUSES)
        content = {
            "operation_id": f"{pipeline}_{index:04}",
            "pipeline_name": pipeline,
            "status": status,
            "start_time": datetime.fromtimestamp(began - 90, UTC).isoformat(),
            "end_time": datetime.fromtimestamp(began, UTC).isoformat(),
            "rows": chance.randrange(1_000_000),
            "error": "relation does not exist" if status == "failed" else None,
        }
        yield folder / f"operation_{pipeline}_{index:04}.json", json.dumps(content, indent=1), age


def texts(folder: Path, names: Iterator[str], size: int, chance: random.Random) -> Iterator[Made]:
    for name in names:
        yield (
            folder / name,
            "2026 INFO a line of text\n" * chance.randrange(1, size),
            chance.uniform(0, SPREAD),
        )


def mess(root: Path, chance: random.Random) -> Iterator[Made]:
    """Yield 2,990 files; `traps` has the others."""
    yield from operations(root / ".dvt/operations", 1490, chance)
    yield from texts(root / "logs", (f"dbt.log.{n}" for n in range(500)), 200, chance)
    yield from texts(root / ".dvt/lifecycle/logs", (f"cleanup_{n}.log" for n in range(200)), 100, chance)
    yield from texts(root / ".dvt/tmp", (f"run_{n % 40}/part_{n}.tmp" for n in range(500)), 50, chance)
    yield from texts(
        root / "data/exports", (f"region_{n % 6}/export_{n}.csv" for n in range(300)), 1500, chance
    )


def traps(root: Path) -> Iterator[Made]:
    """Yield 10 files that must stay, each for another reason."""
    operation, exports = root / ".dvt/operations", root / "data/exports/region_0"
    yield operation / "operation_unreadable.json", '{"status": "comple', 150
    yield operation / "operation_of_no_status.json", '{"start_time": "2020-01-01T00:00:00Z"}', 150
    future = {"status": "completed", "end_time": "2099-01-01T00:00:00Z"}
    yield operation / "operation_of_the_future.json", json.dumps(future), 150
    running = {"status": "running", "pid": os.getpid(), "start_time": "2020-01-01T00:00:00Z"}
    yield operation / "operation_still_running.json", json.dumps(running), 150
    only = {"status": "completed", "pipeline_name": "once_a_year", "end_time": "2020-01-01T00:00:00Z"}
    yield operation / "operation_only_success.json", json.dumps(only), 180
    yield exports / "golden_2020.csv", "id\n1\n", 199
    yield exports / "hard_linked.csv", "id\n1\n", 199
    yield exports / "thesis.docx", "not of any data type", 199
    yield root / "data/exports/-rf.csv", "id\n", 0.5
    yield root / "data/elsewhere/not_ours.csv", "id\n1\n", 199


def main(root: Path) -> None:
    """Make the files anew."""
    for name in (".dvt", "logs", "data"):
        shutil.rmtree(root / name, ignore_errors=True)
    number = 0
    for path, content, age in (*mess(root, random.Random(11)), *traps(root)):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        moment = time.time() - age * DAY
        os.utime(path, (moment, moment))
        number += 1
    exports = root / "data/exports/region_0"
    os.link(exports / "hard_linked.csv", root / "data/elsewhere/the_same_file.csv")
    (exports / "link.csv").symlink_to(root / "data/elsewhere/not_ours.csv")
    print(f"made {number:,} files in .dvt, logs and data, and two links")


if __name__ == "__main__":
    main(Path(__file__).parent)
