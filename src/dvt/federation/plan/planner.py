"""From a model's compiled SQL to a plan: what each source is asked, and what the engine makes of it.

Nothing is read or written here. The only questions asked are the engine's: the types of a SELECT over
empty tables, and the values of constants. Read PASSES from top to bottom.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from dvt.core.errors import DvtError
from dvt.core.plan import FederationPlan, Load, Transform
from dvt.core.tables import Table
from dvt.federation.plan.analyse import analyse
from dvt.federation.plan.clock import freeze_clock
from dvt.federation.plan.collation.compare import compare_text
from dvt.federation.plan.draft import Draft, Surroundings
from dvt.federation.plan.extract import extract
from dvt.federation.plan.identifiers import separate_names
from dvt.federation.plan.output_names import name_outputs
from dvt.federation.plan.outputs import bind_transform
from dvt.federation.plan.parse import Parsed, exists_reads_nothing, find_occurrences, number_nodes
from dvt.federation.plan.predicates import place_predicates
from dvt.federation.plan.prune import count_outputs, prune
from dvt.federation.plan.this import ask_this_first
from dvt.federation.plan.transform import rewrite
from dvt.federation.plan.translate import translate

PASSES: tuple[Callable[[Draft], None], ...] = (
    name_outputs,
    find_occurrences,
    exists_reads_nothing,
    freeze_clock,
    separate_names,
    ask_this_first,
    number_nodes,
    analyse,
    place_predicates,
    count_outputs,
    prune,
    extract,
    rewrite,
    compare_text,
    translate,
    bind_transform,
)
"""Each adds to the draft; a later planner adds passes, and changes none."""


def make_plan(parsed: Parsed, tables: Mapping[str, Table], around: Surroundings) -> FederationPlan:
    """The plan of one federated model.

    Args:
        parsed: the model, read.
        tables: the tables of `parsed.inputs`, as described, by marker.
        around: dialects, engine and target, as the planner needs them.
    """
    request = parsed.request
    draft = Draft(
        request=request, tables=tables, around=around, tree=parsed.tree.copy(), tokens=parsed.tokens
    )
    try:
        for each in PASSES:
            each(draft)
    except DvtError as error:
        raise error.about(request.name, request.file) from error.__cause__
    return FederationPlan(
        node=request.unique_id,
        file=request.file,
        queries=tuple(draft.queries),
        asked=tuple(draft.asked),
        transform=Transform(sql=draft.sql, columns=draft.outputs),
        load=Load(
            stage=request.stage,
            columns=draft.loads,
            definition=request.contract.definition if request.contract else "",
        ),
        notices=tuple(draft.notices),
    )
