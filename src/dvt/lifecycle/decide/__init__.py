"""What is to become of an item: one pure function, and what it must know of all items."""

from dvt.lifecycle.decide.countable import countable, countable_by_survey
from dvt.lifecycle.decide.decision import Circumstances, decide
from dvt.lifecycle.decide.survey import Survey, Surveyor, has_limit

__all__ = ["Circumstances", "Survey", "Surveyor", "countable", "countable_by_survey", "decide", "has_limit"]
