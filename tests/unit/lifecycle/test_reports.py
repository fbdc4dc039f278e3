"""What reports of runs count."""

from __future__ import annotations

from dvt.core.retention import DONE, FREED, GONE, Asking, Result, RunRecord, Tally
from dvt.lifecycle.reports.runs import freed, of_results

RECORD = RunRecord(
    id="1",
    plan="2",
    asking=Asking(actor="ana"),
    began=0,
    results={
        "logs": {result: Tally(items=1, files=1, bytes=2**number) for number, result in enumerate(Result)},
        "others": {Result.DELETED: Tally(items=1, files=3, bytes=5000)},
    },
)


def size(*results: Result) -> int:
    return sum(2 ** list(Result).index(result) for result in results) + 5000


def test_what_was_deleted_or_archived_is_free_and_what_was_moved_aside_is_not():
    assert freed(RECORD).bytes == size(Result.DELETED, Result.ARCHIVED)
    assert freed(RECORD).files == 5


def test_what_is_gone_and_what_is_done_include_what_frees_nothing():
    assert of_results(RECORD, GONE).bytes == size(Result.DELETED, Result.ARCHIVED, Result.QUARANTINED)
    assert of_results(RECORD, DONE - GONE).items == 1
    assert FREED < GONE < DONE
