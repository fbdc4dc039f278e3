"""Explanations as text for people and as JSON for programs."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import sqlglot
from sqlglot.errors import SqlglotError

from dvt.core.explanation import Explanation
from dvt.core.plan import FederationPlan, LoadColumn
from dvt.core.queries import SourceQuery, rendered


def as_text(explanations: Sequence[Explanation]) -> str:
    """A paragraph per node."""
    if not explanations:
        return "no nodes selected"
    return "\n\n".join("\n".join(_node(one)) for one in explanations)


def as_json(explanations: Sequence[Explanation]) -> str:
    """One object with all nodes."""
    return json.dumps({"nodes": [_node_object(one) for one in explanations]}, indent=2)


FORMATS: Mapping[str, Callable[[Sequence[Explanation]], str]] = {"text": as_text, "json": as_json}
"""Formats by name."""


def _node(one: Explanation) -> Iterator[str]:
    yield f"{one.name} ({one.kind}, {one.file}): {one.path} on {one.target}"
    if one.why:
        yield f"  why        {one.why}"
    if one.unbuilt:
        yield _indented("plan", f"known once {', '.join(one.unbuilt)} is built")
    if one.problem:
        yield _indented("problem", one.problem)
    if one.plan is not None:
        yield from _plan(one, one.plan)


def _plan(one: Explanation, plan: FederationPlan) -> Iterator[str]:
    for query in (*plan.asked, *plan.queries):
        yield from _extraction(query)
    yield _indented("compute", f"on {one.compute or 'the default compute'}, over the extracted tables")
    yield _indented("", _laid_out(plan.transform.shown, plan.transform.dialect))
    yield _indented("load", f"into {plan.load.stage}, which then becomes the {one.materialized or 'table'}")
    yield _indented("", f"columns: {', '.join(_loaded(column) for column in plan.load.columns)}")
    for notice in plan.notices:
        yield _indented("warning", str(notice))


def _loaded(column: LoadColumn) -> str:
    said = [f"computed as {column.stage}"] if str(column.stage) != column.native else []
    said += [f"loses {column.loses}"] if column.loses else []
    return f"{column.name} {column.native}" + (f" ({', '.join(said)})" if said else "")


def _laid_out(sql: str, dialect: str) -> str:
    """The same SQL on several lines; as it is where that cannot be done."""
    try:
        return sqlglot.transpile(sql, read=dialect, write=dialect, pretty=True)[0]
    except SqlglotError:
        return sql


def _extraction(query: SourceQuery) -> Iterator[str]:
    size = ", ".join(part for part in (_count(query.rows, "rows"), _count(query.bytes, "bytes")) if part)
    columns = ", ".join(f"{c.column.name} {c.column.stage}" for c in query.columns) or "none"
    yield _indented("extract", f"{query.about} as {query.alias}" + (f" ({size})" if size else ""))
    yield _indented("", query.shown)
    yield _indented("", f"columns: {columns}")
    for predicate in query.where:
        yield _indented("", f"pushed: {rendered(predicate, query.names)}")
    for need in query.needs:
        yield _indented("", f"needs: ${need.name}, {rendered(need.value)}")
    for kept in query.kept:
        yield _indented("", f"not pushed: {kept.sql} -- {kept.why}")


def _count(number: int | None, unit: str) -> str:
    return "" if number is None else f"about {number:,} {unit}"


def _indented(label: str, text: str) -> str:
    return f"  {label:<10} " + textwrap.indent(text, " " * 13).lstrip()


def _node_object(one: Explanation) -> dict[str, Any]:
    return {
        "unique_id": one.unique_id,
        "name": one.name,
        "kind": one.kind,
        "file": one.file,
        "target": one.target,
        "path": one.path,
        "why": one.why,
        "materialized": one.materialized,
        "compute": one.compute,
        "unbuilt": list(one.unbuilt),
        "problem": one.problem,
        "plan": None if one.plan is None else _plan_object(one.plan),
    }


def _plan_object(plan: FederationPlan) -> dict[str, Any]:
    return {
        "extractions": [_extraction_object(one) for one in plan.queries],
        "asked_first": {query.alias: _extraction_object(query) for query in plan.asked},
        "transform": {
            "sql": plan.transform.shown,
            "columns": [{"name": one.name, "type": str(one.type)} for one in plan.transform.columns],
        },
        "load": {
            "table": str(plan.load.stage),
            "columns": [
                {"name": one.name, "computed": str(one.stage), "type": one.native, "loses": one.loses}
                for one in plan.load.columns
            ],
        },
        "warnings": [{"code": one.code, "message": one.message, "hint": one.hint} for one in plan.notices],
    }


def _extraction_object(one: SourceQuery) -> dict[str, Any]:
    return {
        "alias": one.alias,
        "connection": one.connection,
        "table": one.about,
        "sql": one.shown,
        "columns": [
            {"name": c.column.name, "as": c.name, "native": c.column.native, "type": str(c.column.stage)}
            for c in one.columns
        ],
        "pushed": [rendered(predicate, one.names) for predicate in one.where],
        "needs": {need.name: rendered(need.value) for need in one.needs},
        "not_pushed": [{"sql": kept.sql, "why": kept.why} for kept in one.kept],
        "rows": one.rows,
        "bytes": one.bytes,
    }
