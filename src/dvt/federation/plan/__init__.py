"""Planning: a federated model's queries to each source, and what the engine computes from the answers."""

from dvt.federation.plan.at_source import called_functions, of_its_database
from dvt.federation.plan.loads import definition
from dvt.federation.plan.parse import Parsed, parse_model
from dvt.federation.plan.planner import Planner, make_copy_plan, make_plan, plan_values_of_this, unproven
from dvt.federation.plan.safe import source_literal
from dvt.federation.plan.source_queries import relation
from dvt.federation.plan.state import PlanContext, Unproven

__all__ = [
    "Parsed",
    "PlanContext",
    "Planner",
    "Unproven",
    "called_functions",
    "definition",
    "make_copy_plan",
    "make_plan",
    "of_its_database",
    "parse_model",
    "plan_values_of_this",
    "relation",
    "source_literal",
    "unproven",
]
