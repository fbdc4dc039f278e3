"""What verified deletion costs: dvt's backup and deletion of files, against `tar`, its check, and `rm`.

dvt copies each file, syncs each batch of 256, drops the copies from the page cache, reads them back, syncs
the manifest, moves the files, looks at them again, and removes them. `tar` writes one archive, which is
synced and compared with the files (`tar --diff`), and `rm` removes them. The rounds alternate.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from dvt.core.file_names import as_text
from dvt.core.ports.lifecycle import VerifiedBackup
from dvt.core.retention import Action, Decision, Item, PlannedItem, Reason, Result
from dvt.drivers.trees import identity
from dvt.lifecycle.back_up.vault import Vault
from dvt.lifecycle.delete.files import FileRemover
from dvt.lifecycle.files import Places
from dvt.lifecycle.find.places import Place

_BATCH = 256
"""Items of a batch, as in a run."""


@contextmanager
def tree(folder: Path, files: int, size: int) -> Iterator[Path]:
    """Make a folder with files of random bytes, on the disk."""
    with tempfile.TemporaryDirectory(dir=folder) as top:
        root = Path(top, "root")
        root.mkdir()
        chunk = os.urandom(min(size, 2**20))
        for number in range(files):
            with (root / f"operation_{number:06}.json").open("wb") as file:
                for _ in range(0, size, len(chunk)):
                    file.write(chunk)
        os.sync()
        yield root


def by_dvt(root: Path) -> None:
    """Back up and delete all files of a folder."""
    planned = [_planned(root, path) for path in sorted(root.iterdir())]
    with (
        Vault(root.with_name("vault")) as vault,
        Places([Place(path=root, unmarked=True)]) as places,
        FileRemover(vault, "run", places) as remover,
    ):
        for begin in range(0, len(planned), _BATCH):
            backups = remover.back_up(planned[begin : begin + _BATCH])
            proofs = [backup for backup in backups if isinstance(backup, VerifiedBackup)]
            outcomes = remover.delete(proofs)
            assert [outcome.result for outcome in outcomes] == [Result.DELETED] * len(backups), outcomes


def by_tar(root: Path) -> None:
    """Archive all files of a folder, compare the archive with them, and remove them."""
    archive = root.with_name("backup.tar")
    for command in (
        ["tar", "-cf", archive, "-C", root, "."],
        ["sync", "-f", archive],
        ["tar", "--diff", "-f", archive, "-C", root],
        ["rm", "-rf", root],
        ["sync", "-f", archive],
    ):
        subprocess.run(command, check=True)


def _planned(root: Path, path: Path) -> PlannedItem:
    status = path.lstat()
    item = Item(data_type="files", key=as_text(bytes(path)), root=str(root), identity=identity(status))
    return PlannedItem(item=item, decision=Decision(reason=Reason.OLD, text="old", action=Action.DELETE))


def measured(folder: Path, files: int, size: int, work: Callable[[Path], None]) -> tuple[float, float]:
    """Return the seconds, and the CPU seconds, of one round."""
    with tree(folder, files, size) as root:
        before, start = os.times(), time.perf_counter()
        work(root)
        now = os.times()
        return time.perf_counter() - start, sum(now[:4]) - sum(before[:4])


def main() -> None:
    """Print seconds of both, and the ratio, for many small files and a few large ones."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--small", type=int, default=20_000, help="files of 4 KiB")
    parser.add_argument("--large", type=int, default=8, help="files of 256 MiB")
    given = parser.parse_args()
    for files, size in ((given.small, 4096), (given.large, 2**28)):
        rounds = [
            (measured(given.folder, files, size, by_dvt), measured(given.folder, files, size, by_tar))
            for _ in range(given.rounds)
        ]
        (dvt, dvt_cpu), (tar, tar_cpu) = (
            tuple(statistics.median(one[side][of] for one in rounds) for of in (0, 1)) for side in (0, 1)
        )
        print(
            f"{files:>6,} files of {size:>11,} bytes   dvt {dvt:6.1f} s (CPU {dvt_cpu:5.1f})   "
            f"tar and rm {tar:6.1f} s (CPU {tar_cpu:5.1f})   ratio {dvt / tar:4.1f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
