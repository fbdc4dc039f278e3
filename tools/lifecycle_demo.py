"""`make lifecycle-demo`: the mess of examples/messy, cleaned and one file restored, with dvt's own output.

Everything it does can be typed by hand in examples/messy; each command is printed before it runs.
Given a folder, it works in that copy of the example instead. It opens nothing.
"""

from __future__ import annotations

import sys
from pathlib import Path

from demo import run_steps

MESSY = Path(__file__).parent.parent / "examples" / "messy"
PAGE = "http://127.0.0.1:8642/pipeline-management"

STEPS = (
    ("3,000 files of every kind, of every age up to 200 days; some must stay.", "python generate.py"),
    ("Mark the folders that may be cleaned, and make the policies valid.", "dvt lifecycle init"),
    ("What is due, and why. A plan changes nothing.", "dvt lifecycle plan"),
    ("Back up each file, read the backup back, delete the file.", "dvt lifecycle run --yes"),
    (
        "Bring one back, with its owner, rights and times.",
        "dvt lifecycle restore '*/operation_backfill_0019.json'",
    ),
    (
        "Nobody has changed what is on record, and every backup is right.",
        "dvt lifecycle audit --verify && dvt lifecycle verify-backups",
    ),
    ("What is next, if a scheduler is started: dvt lifecycle schedule", "dvt lifecycle schedule --status"),
)


def main(folder: Path) -> int:
    """Run the steps; the first that fails ends the demo with its exit code."""
    code = run_steps(STEPS, folder)
    if code == 0:
        print(f"\nThe page, once `dvt web` runs in {folder}:\n\n    {PAGE}\n")
    return code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else MESSY))
