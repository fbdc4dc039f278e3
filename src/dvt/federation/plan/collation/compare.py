"""Text whose database compares it by a collation: compared as there (`collation: source`), or warned of."""

from __future__ import annotations

from collections.abc import Iterable

from sqlglot import exp

from dvt.core.errors import ComparingUnsupported
from dvt.core.requests import TextComparison
from dvt.federation.plan.collation.comparisons import Kind, Place, merging, places, rule_of
from dvt.federation.plan.collation.derivation import CollationOf, Collations
from dvt.federation.plan.collation.merging import Merged, merge, order_of
from dvt.federation.plan.collation.rewriting import Rewriter
from dvt.federation.plan.collation.using import write_out_using
from dvt.federation.plan.output_names import engine_name
from dvt.federation.plan.outputs import names_in_engine
from dvt.federation.plan.state import SETTLED, PlanState, plan_pass

Found = list[tuple[Place, CollationOf]]


@plan_pass(
    needs="analysed no_pruning queries scans scans.columns scans.needed scans.table", gives="functions tree"
)
def compare_text(draft: PlanState) -> None:
    """Make the engine compare text as the columns' collations say, or say that it does not.

    Example:
        >>> sql = "SELECT id FROM {customers} AS c WHERE name = 'Ann'"
        >>> after(compare_text, sql, comparing=TextComparison.SOURCE)
        SELECT id FROM "dvt_customers" AS c WHERE DVT_UTF8MB4_GENERAL_CI(name) = DVT_UTF8MB4_GENERAL_CI('Ann')
    """
    if not any(one.columns[name].collation for one in draft.scans for name in one.needed):
        return
    collations = Collations(draft)
    if draft.request.comparing is TextComparison.SOURCE:
        _rewrite(draft, collations)
        return
    found = _found(draft, collations)
    merged = [rule for query in merging(draft.tree) for _, rule in collations.outputs(query)]
    for place, _ in found:
        place.node.meta[SETTLED] = True
    if draft.request.comparing is TextComparison.UNSAID:
        _warn(draft, [*(rule for _, rule in found), *(rule for rule in merged if rule is not None)])


def _found(draft: PlanState, collations: Collations) -> Found:
    every = ((place, rule_of(place, collations)) for place in places(draft.tree))
    return [(place, rule) for place, rule in every if rule is not None]


def _warn(draft: PlanState, rules: Iterable[CollationOf]) -> None:
    columns = sorted({column for rule in rules for column in rule.columns})
    if columns:
        draft.warn(
            "DVT025",
            f"text is compared byte by byte here, by a collation in its database: {', '.join(columns)}",
            "config(collation='source') compares as the database does; config(collation='engine') keeps"
            " the bytes, without this warning",
        )


def _rewrite(draft: PlanState, collations: Collations) -> None:
    """Rewrite every comparison; all rules are found before the first of them."""
    # Keys of groups come after what is in them, sort keys after those, queries whose rows are merged last.
    _refuse_what_is_not_analysed(draft)
    rewriter = Rewriter(draft, collations)
    write_out_using(draft, collations)
    _keep_names(draft)
    found = _found(draft, collations)
    merged = [one for query in _merging(draft) if (one := Merged.of(draft, query, collations)) is not None]
    rewriter.mark_cases()
    lifted = {id(one) for query in merged for one in query.order}
    inner_first = list(reversed(found))
    for place, rule in inner_first:
        if not _is_key(place):
            rewriter.compare(place, rule)
    for place, rule in inner_first:
        if _is_group(place):
            rewriter.group(place, rule)
    for place, rule in inner_first:
        if order_of(place) is not None and id(place.node) not in lifted:
            rewriter.order(place, rule)
    for query in reversed(merged):
        merge(draft, query, rewriter)
    rewriter.finish()


def _refuse_what_is_not_analysed(draft: PlanState) -> None:
    if draft.analysed is not None and not draft.no_pruning:
        return
    columns = [
        f"{column.name} of {one.table.ref} ({column.collation})"
        for one in draft.scans
        for name, column in one.columns.items()
        if column.collation and name in one.needed
    ]
    raise ComparingUnsupported("the model", columns, draft.no_pruning, draft.context.collations)


def _keep_names(draft: PlanState) -> None:
    """Call outputs without a name what the engine would call them, before they change."""
    listed = draft.tree.selects
    engine = names_in_engine(draft)
    known = (
        {id(one): name for one, name in zip(listed, engine, strict=True)}
        if len(listed) == len(engine)
        else {}
    )
    for select in draft.tree.find_all(exp.Select):
        for one in list(select.expressions):
            if not isinstance(one, exp.Alias | exp.Column | exp.Dot) and not one.is_star:
                name = known.get(id(one)) or engine_name(draft, one) or ""
                holder = exp.alias_(exp.null(), name, quoted=True)
                one.replace(holder)
                holder.set("this", one)


def _is_key(place: Place) -> bool:
    return _is_group(place) or order_of(place) is not None


def _is_group(place: Place) -> bool:
    return isinstance(place.node, exp.Group) and place.kind is Kind.EQUAL


def _merging(draft: PlanState) -> list[exp.Query]:
    """Queries whose rows are merged, and set operations that are ordered, outer ones first."""
    found = {id(one) for one in merging(draft.tree)}
    found |= {id(one) for one in draft.tree.find_all(exp.SetOperation) if one.args.get("order")}
    return [one for one in draft.tree.walk(bfs=False) if isinstance(one, exp.Query) and id(one) in found]
