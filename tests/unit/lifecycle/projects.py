"""A project with files of all ages, for tests of the whole lifecycle."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime
from pathlib import Path

DAY = 86_400
BY_MTIME = "age_by: [recorded, mtime]"
"""The inode of a test's file is always new."""


class Project:
    """A folder with a lifecycle.yml, operations and logs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.operations = folder / ".dvt/operations"
        self.logs = folder / "logs"
        for path in (self.operations, self.logs):
            path.mkdir(parents=True)
        self.settings(
            "completed_operations: {days: 90}", "failed_operations: {days: 14}", "dbt_logs: {days: 7}"
        )

    def settings(self, *policies: str, **keys: str) -> None:
        """Write lifecycle.yml; each policy is `name: {days: …}`."""
        lines = [f"{key}: {value}" for key, value in keys.items()]
        lines += ["policies:", *(f"  {policy[:-1]}, {BY_MTIME}}}" for policy in policies)]
        (self.folder / "lifecycle.yml").write_text("\n".join(lines) + "\n")

    def operation(self, name: str, age: float, status: str = "completed", pipeline: str = "daily") -> Path:
        """Write an operation that ended so many days ago."""
        moment = time.time() - age * DAY
        ended = datetime.fromtimestamp(moment, UTC).isoformat()
        content = {"operation_id": name, "pipeline_name": pipeline, "status": status, "end_time": ended}
        return self.file(self.operations / f"operation_{name}.json", age, json.dumps(content))

    def log(self, name: str, age: float) -> Path:
        """Write a log that was last written so many days ago."""
        return self.file(self.logs / name, age, "a line\n" * 10)

    def file(self, path: Path, age: float, content: str = "content") -> Path:
        """Write a file that was last written so many days ago."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        moment = time.time() - age * DAY
        os.utime(path, (moment, moment))
        return path

    def names(self) -> set[str]:
        """Return the names of the operations and logs that are there."""
        return {file.name for folder in (self.operations, self.logs) for file in folder.glob("[!.]*")}
