"""What a plan of many files costs: `dvt lifecycle plan` against `find -printf` of the same tree, in turns.

Both look at each file once, with a warm cache; `find` prints to nowhere what a plan must know of a file. The
command is measured whole, with its start. Its owner is printed as a number (`%U`): a name (`%u`) costs `find`
more than all else together, since it is looked up for each file. Another tree, of a tenth of the files, shows
that memory does not grow.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

_FOLDER = 1000
"""Files in a folder."""
_DAY = 86_400
_SETTINGS = """
data: {{ exports: {{ in: [{tree}], files: ["*.log"], recursive: true }} }}
policies: {{ exports: {{ days: 30, age_by: [mtime], max_delete: 1.0 }} }}
"""
_ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""With this variable, Python would compile dvt anew for each command: what is installed is compiled."""
_PRINTED = r"%p %s %T@ %C@ %i %n %U\n"


def make(tree: Path, files: int) -> None:
    """Make a tree of files of 100 bytes, in folders of 1,000."""
    for number in range(files):
        folder = tree / f"job_{number // _FOLDER:04}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"part-{number % _FOLDER:05}.log").write_bytes(b"x" * 100)


def age(tree: Path, due_of_ten: int) -> None:
    """Have so many of ten files be due, and the others young."""
    now = time.time()
    for folder in tree.glob("job_*"):
        for number, file in enumerate(sorted(folder.iterdir())):
            written = now - (40 if number % 10 < due_of_ten else 10) * _DAY
            os.utime(file, (written, written))


def dvt(project: Path, *arguments: str) -> list[str]:
    """Return a command of dvt's lifecycle."""
    return [
        str(Path(sys.executable).with_name("dvt")),
        "lifecycle",
        *arguments,
        "--project-dir",
        str(project),
    ]


def measured(command: list[str]) -> tuple[float, float, int]:
    """Return the seconds, CPU seconds and MB at the peak of a command."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=_ENVIRONMENT)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, command
    return time.perf_counter() - start, used.ru_utime + used.ru_stime, used.ru_maxrss // 1024


def compare(tree: Path, project: Path, rounds: int, say: Callable[[str], None]) -> None:
    """Measure both in turns, and say the medians."""
    commands = [dvt(project, "plan"), ["find", str(tree), "-printf", _PRINTED]]
    for command in commands:
        measured(command)
    turns = [[measured(command) for command in commands] for _ in range(rounds)]
    ours, finds = (
        [statistics.median(turn[side][of] for turn in turns) for of in range(3)] for side in range(2)
    )
    say(
        f"dvt {ours[0]:5.1f} s (CPU {ours[1]:5.1f}, {ours[2]:3.0f} MB)   "
        f"find {finds[0]:5.1f} s (CPU {finds[1]:5.1f})   ratio {ours[0] / finds[0]:4.2f}"
    )


def main() -> None:
    """Print seconds, CPU seconds, memory and the ratio, for trees of which more and more is due."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--files", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        for files, shares in ((given.files // 10, (1,)), (given.files, (0, 1, 5, 10))):
            tree, project = Path(folder, f"tree_{files}"), Path(folder, f"project_{files}")
            make(tree, files)
            project.mkdir()
            (project / "lifecycle.yml").write_text(_SETTINGS.format(tree=tree))
            subprocess.run(dvt(project, "init"), check=True, stdout=subprocess.DEVNULL)
            for share in shares:
                age(tree, share)
                print(f"{files:>9,} files, {share * 10:>3} % due   ", end="")
                compare(tree, project, given.rounds, lambda line: print(line, flush=True))


if __name__ == "__main__":
    main()
