"""The lifecycle's store: policies, pins, runs and the audit, in SQLite or PostgreSQL."""

from dvt.lifecycle.store.chain import ChainCheck
from dvt.lifecycle.store.clock import ClockFacts, clock_refusals
from dvt.lifecycle.store.events import Event, EventKind
from dvt.lifecycle.store.opening import Store, WithoutStore, open_store, without_store
from dvt.lifecycle.store.policies import PolicyChange
from dvt.lifecycle.store.records import EventFilter

__all__ = [
    "ChainCheck",
    "ClockFacts",
    "Event",
    "EventFilter",
    "EventKind",
    "PolicyChange",
    "Store",
    "WithoutStore",
    "clock_refusals",
    "open_store",
    "without_store",
]
