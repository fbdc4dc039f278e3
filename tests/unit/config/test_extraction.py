"""What is wrong in a config `extraction` is an error that names its key."""

from __future__ import annotations

from typing import Any

import pytest

from dvt.config.extraction import extraction_of
from dvt.core.errors import BadExtraction


def incremental(**keys: Any) -> dict[str, Any]:
    return {"method": "incremental", "incremental": keys}


@pytest.mark.parametrize(
    ("extraction", "message"),
    [
        ("auto", "extraction: 'auto' is no mapping"),
        ({"methd": "auto"}, "methd: there is no such key"),
        ({"method": "always"}, "method: 'always' is no method"),
        ({"method": "cached"}, "ttl: is missing"),
        ({"method": "cached", "ttl": "soon"}, "ttl: 'soon' is no length of time"),
        ({"method": "cached", "ttl": "99999999999999d"}, "ttl: '99999999999999d' is too long"),
        ({"method": "auto", "ttl": "1h"}, "ttl: method auto has no time limit"),
        ({"method": "auto", "batch_size": 5}, "batch_size: method auto finds no changed rows"),
        (incremental(strategy="guess"), "strategy: 'guess' is no strategy"),
        (incremental(primary_key="id"), "primary_key: 'id' is no list of columns"),
        (incremental(hash_columns=[1]), "hash_columns: [1] is no list of columns"),
        (incremental(watermark={"column": "at"}), "watermark: strategy hash has none"),
        (
            incremental(strategy="watermark", watermark={"column": "id", "deletes": "no"}),
            "deletes: 'no' is neither true nor false",
        ),
        (incremental(strategy="watermark"), "watermark: None is no mapping"),
        (incremental(strategy="watermark", watermark={"overlap": "1h"}), "watermark: column None is no name"),
        (incremental(strategy="watermark", watermark={"column": "at", "overlap": -1}), "overlap: -1 is no"),
        (incremental(strategy="watermark", watermark={"colum": "at"}), "colum: there is no such key"),
        (
            incremental(strategy="watermark", watermark={"column": "at"}, hash_columns=["a"]),
            "hash_columns: strategy watermark has no hashes",
        ),
        ({**incremental(), "batch_size": 0}, "batch_size: 0 is no number of rows"),
        ({"max_parallel": 0}, "max_parallel: 0 is no number of connections"),
        ({"method": "auto", "max_parallel": "2"}, "max_parallel: '2' is no number of connections"),
        ({"max_parallel": True}, "max_parallel: True is no number of connections"),
        ({"partitions": 201}, "partitions: 201 is no number of ranges"),
        ({"partition_column": ["id"]}, "partition_column: ['id'] is no name of a column"),
    ],
)
def test_what_is_wrong_is_an_error_with_its_place(extraction: Any, message: str):
    with pytest.raises(BadExtraction) as raised:
        extraction_of(extraction, "source 'customers'")
    assert "DVT175 source 'customers': extraction: " in str(raised.value)
    assert message in str(raised.value)
