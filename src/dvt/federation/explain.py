"""Rendering of explanations, as text for people and as JSON for programs."""

from __future__ import annotations

import json
import textwrap
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import sqlglot
from sqlglot.errors import SqlglotError

from dvt.core.estimates import shown
from dvt.core.explanation import Explanation, StagedIn
from dvt.core.places import Choice, Option
from dvt.core.plan import CopyPlan, FederationPlan, Load, LoadColumn, SourcePlan
from dvt.core.queries import SourceQuery, rendered
from dvt.core.reports import Notice, count


def as_text(explanations: Sequence[Explanation]) -> str:
    """Return a paragraph per node."""
    if not explanations:
        return "no nodes selected"
    return "\n\n".join("\n".join(_node(explanation)) for explanation in explanations)


def as_json(explanations: Sequence[Explanation]) -> str:
    """Return one JSON object with all nodes."""
    return json.dumps({"nodes": [_node_object(explanation) for explanation in explanations]}, indent=2)


FORMATS: Mapping[str, Callable[[Sequence[Explanation]], str]] = {"text": as_text, "json": as_json}
"""Format's name → function that renders explanations."""


def _node(explanation: Explanation) -> Iterator[str]:
    head = f"{explanation.name} ({explanation.kind}, {explanation.file})"
    yield f"{head}: {explanation.path} on {explanation.target}"
    if explanation.why:
        yield f"  why        {explanation.why}"
    if explanation.choice is not None:
        yield from _choice(explanation.choice)
    if explanation.unbuilt:
        yield _indented("plan", f"known once {', '.join(explanation.unbuilt)} is built")
    if explanation.problem:
        yield _indented("problem", explanation.problem)
    yield from _planned(explanation)


def _planned(explanation: Explanation) -> Iterator[str]:
    if explanation.staged is not None:
        yield from _staged(explanation.staged)
    if explanation.plan is not None:
        yield from _plan(explanation, explanation.plan)
    if explanation.copies is not None:
        yield from _copies(explanation, explanation.copies)
    if explanation.at_source is not None:
        yield from _at_source(explanation, explanation.at_source)


def _staged(staged: StagedIn) -> Iterator[str]:
    at = f", {staged.address}" if staged.address else ""
    yield _indented("stage", f"in bucket {staged.bucket}{at}")
    for alias, bucket in staged.elsewhere.items():
        yield _indented("", f"{alias} in bucket {bucket}")
    runs: dict[str, list[str]] = defaultdict(list)
    for alias, run in staged.reused.items():
        runs[run].append(alias)
    for run, aliases in runs.items():
        there = f"{len(aliases)} of {count(staged.extractions, 'extraction')}"
        yield _indented("", f"{there} there from {run}: {', '.join(sorted(aliases))}")
    for note in staged.notes:
        yield _indented("", f"not known what earlier runs have left: {note}")


def _at_source(explanation: Explanation, plan: SourcePlan) -> Iterator[str]:
    for query in plan.scalar_queries:
        yield from _extraction(query)
    yield _indented("compute", f"on {plan.query.connection}, which has all that it reads")
    yield from _extraction(plan.query)
    yield from _load(explanation, plan.load)
    for notice in plan.notices:
        yield _indented("warning", str(notice))


def _load(explanation: Explanation, load: Load) -> Iterator[str]:
    yield _indented(
        "load", f"into {load.stage}, which then becomes the {explanation.materialized or 'table'}"
    )
    yield _indented("", f"columns: {', '.join(_loaded(column) for column in load.columns)}")
    if load.way:
        yield _indented("", f"by: {load.way}")


def _choice(choice: Choice) -> Iterator[str]:
    yield _indented("place", f"{choice.place}: {choice.why}")
    for option in choice.options:
        yield _indented("", f"at {option.place}: {_option(option)}")


def _option(option: Option) -> str:
    if option.problem:
        return f"no, {option.problem}"
    if option.rows is None:
        return "yes, how much would move is not known"
    weighed = (
        "" if option.cost == option.bytes else f"; with the work, that counts as {shown(None, option.cost)}"
    )
    return f"yes, about {shown(option.rows, option.bytes)} would be extracted{weighed}"


def _copies(explanation: Explanation, plan: CopyPlan) -> Iterator[str]:
    for query in plan.scalar_queries:
        yield from _extraction(query)
    for copy in plan.copies:
        yield from _extraction(copy.query)
        details = [f"key {', '.join(copy.key)}"] if copy.key else []
        details += [f"index on {name}" for name in copy.indexes]
        yield _indented("copy", "; ".join([f"to {explanation.target}", *details]))
        yield _indented("", f"columns: {', '.join(_loaded(column) for column in copy.columns)}")
        if copy.way:
            yield _indented("", f"by: {copy.way}")
    yield _indented("compute", f"on {explanation.target}, by dbt, over the copies")
    yield _indented("", _over_copies(plan))
    for notice in plan.notices:
        yield _indented("warning", str(notice))


def _plan(explanation: Explanation, plan: FederationPlan) -> Iterator[str]:
    for query in (*plan.scalar_queries, *plan.queries):
        yield from _extraction(query)
    yield _indented("compute", f"on {explanation.compute}, over the extracted tables")
    yield _indented("", _laid_out(plan.transform.shown, plan.transform.dialect))
    yield from _load(explanation, plan.load)
    for notice in plan.notices:
        yield _indented("warning", str(notice))


def _loaded(column: LoadColumn) -> str:
    details = [f"computed as {column.stage}"] if str(column.stage) != column.native else []
    details += [f"loses {column.loses}"] if column.loses else []
    return f"{column.name} {column.native}" + (f" ({', '.join(details)})" if details else "")


def _laid_out(sql: str, dialect: str) -> str:
    """Break SQL of one line into several; return it as it is if it has several, or if SQLGlot cannot."""
    if "\n" in sql.strip():
        return textwrap.dedent(sql).strip("\n")
    try:
        return sqlglot.transpile(sql, read=dialect, write=dialect, pretty=True)[0]
    except SqlglotError:
        return sql


def _extraction(query: SourceQuery) -> Iterator[str]:
    size = _size(query)
    columns = (
        ", ".join(f"{extracted.column.name} {extracted.column.stage}" for extracted in query.columns)
        or "none"
    )
    yield _indented("extract", f"{query.about} as {query.alias}" + (f" ({size})" if size else ""))
    yield _indented("", query.shown)
    yield _indented("", f"columns: {columns}")
    if query.reading:
        yield _indented("", f"files: {query.reading}")
    if query.keeping:
        yield _indented("", f"kept: {query.keeping}")
    if query.way:
        yield _indented("", f"by: {query.way}")
    if query.split:
        yield _indented("", f"read: {query.split}")
    for predicate in query.where:
        yield _indented("", f"pushed: {rendered(predicate, query.names)}")
    for need in query.needs:
        yield _indented("", f"needs: ${need.name}, {rendered(need.value)}")
    for condition in query.not_pushed:
        yield _indented("", f"not pushed: {condition.sql} -- {condition.why}")


def _size(query: SourceQuery) -> str:
    """Return how much a query is expected to answer; empty where nothing tells."""
    return "" if query.rows is None else f"about {shown(query.rows, query.bytes)}"


def _indented(label: str, text: str) -> str:
    return f"  {label:<10} " + textwrap.indent(text, " " * 13).lstrip()


def _node_object(explanation: Explanation) -> dict[str, Any]:
    return {
        "unique_id": explanation.unique_id,
        "name": explanation.name,
        "kind": explanation.kind,
        "file": explanation.file,
        "target": explanation.target,
        "path": explanation.path,
        "why": explanation.why,
        "materialized": explanation.materialized,
        "compute": explanation.compute,
        "staged": None if explanation.staged is None else _staged_object(explanation.staged),
        "unbuilt": list(explanation.unbuilt),
        "problem": explanation.problem,
        "choice": None if explanation.choice is None else _choice_object(explanation.choice),
        "copies": None if explanation.copies is None else _copies_object(explanation.copies),
        "plan": None if explanation.plan is None else _plan_object(explanation.plan),
        "at_source": None if explanation.at_source is None else _at_source_object(explanation.at_source),
    }


def _staged_object(staged: StagedIn) -> dict[str, Any]:
    return {
        "bucket": staged.bucket,
        "address": staged.address,
        "extractions": staged.extractions,
        "reused": dict(staged.reused),
        "in_other_buckets": dict(staged.elsewhere),
        "notes": list(staged.notes),
    }


def _choice_object(choice: Choice) -> dict[str, Any]:
    return {
        "place": str(choice.place),
        "why": choice.why,
        "options": [
            {
                "place": str(option.place),
                "problem": option.problem or None,
                "rows": option.rows,
                "bytes": option.bytes,
                "cost": option.cost,
            }
            for option in choice.options
        ],
    }


def _copies_object(plan: CopyPlan) -> dict[str, Any]:
    return {
        "asked_first": {query.alias: _extraction_object(query) for query in plan.scalar_queries},
        "tables": [
            {
                "extraction": _extraction_object(copy.query),
                "columns": [
                    {"name": column.name, "type": column.native, "loses": column.loses}
                    for column in copy.columns
                ],
                "by": copy.way or None,
                "key": list(copy.key),
                "indexes": list(copy.indexes),
            }
            for copy in plan.copies
        ],
        "sql": _over_copies(plan),
        "warnings": [_notice_object(notice) for notice in plan.notices],
    }


def _over_copies(plan: CopyPlan) -> str:
    """Return the model's text with the names of the tables that are copied."""
    return rendered(plan.sql, [", ".join(copy.query.names) for copy in plan.copies])


def _notice_object(notice: Notice) -> dict[str, str]:
    return {"code": notice.code, "message": notice.message, "hint": notice.hint}


def _plan_object(plan: FederationPlan) -> dict[str, Any]:
    return {
        "extractions": [_extraction_object(query) for query in plan.queries],
        "asked_first": {query.alias: _extraction_object(query) for query in plan.scalar_queries},
        "transform": {
            "sql": plan.transform.shown,
            "columns": [{"name": column.name, "type": str(column.type)} for column in plan.transform.columns],
        },
        "load": _load_object(plan.load),
        "warnings": [_notice_object(notice) for notice in plan.notices],
    }


def _at_source_object(plan: SourcePlan) -> dict[str, Any]:
    return {
        "asked_first": {query.alias: _extraction_object(query) for query in plan.scalar_queries},
        "extraction": _extraction_object(plan.query),
        "load": _load_object(plan.load),
        "warnings": [_notice_object(notice) for notice in plan.notices],
    }


def _load_object(load: Load) -> dict[str, Any]:
    return {
        "table": str(load.stage),
        "by": load.way or None,
        "columns": [
            {
                "name": column.name,
                "computed": str(column.stage),
                "type": column.native,
                "loses": column.loses,
            }
            for column in load.columns
        ],
    }


def _extraction_object(query: SourceQuery) -> dict[str, Any]:
    return {
        "alias": query.alias,
        "connection": query.connection,
        "table": query.about,
        "sql": query.shown,
        "columns": [
            {
                "name": extracted.column.name,
                "as": extracted.name,
                "native": extracted.column.native,
                "type": str(extracted.column.stage),
            }
            for extracted in query.columns
        ],
        "pushed": [rendered(predicate, query.names) for predicate in query.where],
        "needs": {need.name: rendered(need.value) for need in query.needs},
        "not_pushed": [{"sql": condition.sql, "why": condition.why} for condition in query.not_pushed],
        "rows": query.rows,
        "bytes": query.bytes,
        "reading": query.reading or None,
        "kept": query.keeping or None,
        "by": query.way or None,
        "read": None if query.split is None else asdict(query.split),
    }
