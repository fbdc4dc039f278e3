"""The log of writes: which writes a table may show."""

from __future__ import annotations

from dvt.core.names import TableRef
from tests.unit.federation.connections.conftest import VIEW, A, B


def test_a_table_may_show_only_writes_to_its_own_name(writes):
    writes.add(A.ref)
    assert (writes.generation([A]), writes.generation([B]), writes.generation([VIEW])) == (1, 0, 1)
    writes.add(TableRef(connection="pg", schema="OTHER", identifier="A"))
    assert (writes.generation([A]), writes.generation([B]), writes.generation([VIEW])) == (2, 0, 2)


def test_a_write_of_unknown_extent_is_shown_by_every_table(writes):
    writes.add(A.ref)
    writes.add(None)
    assert [writes.generation([table]) for table in (A, B, VIEW)] == [2, 2, 2]
    writes.add(B.ref)
    assert (writes.last, writes.last_to_any) == (3, 2)


def test_several_tables_show_every_write_that_one_of_them_shows(writes):
    generations = {writes.generation([A, B])}
    for written in (A.ref, B.ref, A.ref, None):
        writes.add(written)
        generations.add(writes.generation([A, B]))
    assert len(generations) == 5
    assert writes.generation([]) == 0
