"""The run's connections: opened when first needed, each with what this run knows of its tables.

`Connection` holds five parts that do not know it: `WriteLog` numbers what the run writes, `TableCache`,
`EstimateCache` and `RunSnapshot` compare those numbers with the one they began at, `InFlight` counts what is
under way. An extraction takes these steps, each for its reason: `Extractor.extract` (which queries are this
node's own), `_run` (connections side by side), `_read` (one group of queries, again after an idle snapshot
was lost), `Connection.reading` (fresh or shared; counted as in flight), `RunSnapshot.reading` (counts
readers), `RunSnapshot._join` (begins it).
"""

from dvt.federation.connections.connection import Connection
from dvt.federation.connections.connections import Connections
from dvt.federation.connections.snapshots import OF_A_QUERY

__all__ = ["OF_A_QUERY", "Connection", "Connections"]
