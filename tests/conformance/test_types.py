"""Types there and back, value by value."""

from __future__ import annotations

from typing import Any

import pytest

from dvt.core.errors import DvtError, ValueLost
from dvt.core.plan import Load
from dvt.core.tables import StageColumn
from dvt.core.types import StageType
from tests.conformance.reading import Bench
from tests.databases import Case, Written

pytestmark = pytest.mark.slow


def test_every_value_arrives_as_it_was_or_the_extraction_stops(database: Any, bench: Bench) -> None:
    problems = [f"{case.id}: {why}" for case in database.types if (why := _read(database, bench, case))]
    assert not problems, "\n".join(problems)


def _read(database: Any, bench: Bench, case: Case) -> str | None:
    ref = database.table("types")
    bench.create(ref, [("v", case.type)], [case.literal])
    (column,) = bench.describe(ref).columns
    if column.stage != StageType.parse(case.stage):
        return f"staged as {column.stage}, not {case.stage}"
    if bool(column.loses) != case.loses:
        return f"loses {column.loses!r}"
    try:
        found = bench.rows(bench.read_table(ref))
    except ValueLost as error:
        said = str(error)
        named = "types" in said and "column v" in said and "hint" in said
        return None if case.error and named else f"stopped: {said}"
    except DvtError as error:
        return f"failed: {error}"
    if case.error:
        return f"went through as {found}"
    return None if found == [(case.text,)] else f"arrived as {found}"


def test_every_value_lands_as_it_was_or_the_load_stops(target: Any, bench: Bench) -> None:
    problems = [f"{case.id}: {why}" for case in target.written if (why := _write(target, bench, case))]
    assert not problems, "\n".join(problems)


def _write(target: Any, bench: Bench, case: Written) -> str | None:
    ref = target.table("dvt_types")
    bench.connector.drop(ref)
    column = StageColumn("v", StageType.parse(case.stage))
    dataset = bench.stage(f"SELECT CAST({case.literal} AS {case.stage}) AS v", [column])
    (load,) = bench.connector.columns([column])
    if bool(load.loses) != case.loses:
        return f"loses {load.loses!r}"
    try:
        count = bench.connector.fill(Load(stage=ref, columns=(load,)), dataset)
    except ValueLost as error:
        return None if case.error and "dvt_types" in str(error) else f"stopped: {error}"
    except DvtError as error:
        return f"failed: {error}"
    if case.error:
        return f"went through as {target.as_text(ref)}"
    if target.type_of(ref, "v") != case.native:
        return f"is a {target.type_of(ref, 'v')} there"
    found = target.as_text(ref)
    return None if (count, found) == (1, [(case.text,)]) else f"landed as {found}"
