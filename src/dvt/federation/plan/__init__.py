"""Planning: what a federated model asks of each source, and what the engine computes from the answers."""

from dvt.federation.plan.draft import Surroundings
from dvt.federation.plan.parse import Parsed, parse
from dvt.federation.plan.planner import make_plan
from dvt.federation.plan.safe import source_literal

__all__ = ["Parsed", "Surroundings", "make_plan", "parse", "source_literal"]
