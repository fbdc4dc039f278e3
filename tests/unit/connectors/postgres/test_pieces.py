"""Pieces of tables: each is read once, and no more of a table at a time than its config allows."""

from __future__ import annotations

from typing import Any

from dvt.connectors.postgres.pieces import Piece, Pieces, Progress
from dvt.core.extraction import Extraction
from dvt.core.names import TableRef
from dvt.core.ports.connectors import Job
from dvt.core.queries import SourceQuery


def pieces(table: str, limit: int, *sqls: str) -> list[Piece]:
    query = SourceQuery(
        alias="t",
        connection="shop",
        tables=(TableRef(connection="shop", identifier=table),),
        select=("n",),
        columns=(),
        extraction=Extraction(max_parallel=limit),
    )
    sink: Any = None
    return [Piece(Progress(Job(query, sink)), sql) for sql in sqls]


def text(piece: Piece | None) -> str | None:
    return None if piece is None else piece.sql


def test_no_more_pieces_of_a_table_are_read_at_once_than_allowed() -> None:
    waiting = Pieces([*pieces("a", 2, "a1", "a2", "a3"), *pieces("b", 1, "b1", "b2")])
    assert waiting.width == 3
    with waiting.taken() as first, waiting.taken() as second, waiting.taken() as third:
        assert [text(first), text(second), text(third)] == ["a1", "a2", "b1"]
        with waiting.taken() as none:
            assert none is None
        assert waiting.are_left
    with waiting.taken() as first, waiting.taken() as second:
        assert [text(first), text(second)] == ["a3", "b2"]
        assert not waiting.are_left


def test_a_table_of_few_pieces_needs_few_connections() -> None:
    assert Pieces(pieces("a", 4, "a1", "a2")).width == 2
    assert Pieces([]).width == 0
