"""What would have been there in the last days with a policy: the decisions of each day, made again."""

from dvt.lifecycle.simulate.results import Amount, Doubts, Simulated, Step
from dvt.lifecycle.simulate.simulating import Evidence, simulate
from dvt.lifecycle.simulate.steps import LONGEST, Steps

__all__ = ["LONGEST", "Amount", "Doubts", "Evidence", "Simulated", "Step", "Steps", "simulate"]
