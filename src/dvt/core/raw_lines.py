"""Lines of a model's file for lines of its compiled SQL, as far as they can be told."""

from __future__ import annotations

from difflib import SequenceMatcher


def raw_line(raw: str, compiled: str, line: int) -> int | None:
    """Return the line of the text before Jinja for a line of the compiled text; None if it is unclear.

    Lines count from 1. Those that Jinja has left as they are tell where the others are from: between two of
    them, as many lines on one side as on the other are the same lines.

    Example:
        >>> raw = ["{{ config(alias='a') }}", "select id,", "  x", "from {{ ref('t') }}", "where y"]
        >>> compiled = ["", "select id,", "  x", 'from "db"."t"', "where y"]
        >>> [raw_line(chr(10).join(raw), chr(10).join(compiled), line) for line in (1, 3, 4)]
        [1, 3, 4]
    """
    start_of_text = len(raw) - len(raw.lstrip())  # dbt compiles the text without the space around it
    skipped = raw[:start_of_text].count("\n")
    before = [text.strip() for text in raw[start_of_text:].splitlines()]
    after = [text.strip() for text in compiled.splitlines()]
    place = line - 1
    matcher = SequenceMatcher(a=before, b=after, autojunk=False)
    for tag, start, end, from_, to in matcher.get_opcodes():
        if from_ <= place < to:
            same = tag == "equal" or (tag == "replace" and end - start == to - from_)
            return start + place - from_ + skipped + 1 if same else None
    return None
