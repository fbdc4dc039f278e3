"""Planning: what a federated model asks of each source, and what the engine computes from the answers."""

from dvt.federation.plan.draft import Surroundings
from dvt.federation.plan.parse import tables_read
from dvt.federation.plan.planner import make_plan

__all__ = ["Surroundings", "make_plan", "tables_read"]
