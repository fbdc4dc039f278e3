"""What SQLGlot raises over SQL that it does not understand."""

from __future__ import annotations

from sqlglot.errors import SqlglotError

FAULTS = (RecursionError, TypeError, AttributeError)
"""Its own faults, over SQL that may be right, as `XMLTABLE(… FOR ORDINALITY)` is."""
PARSE_ERRORS = (SqlglotError, *FAULTS)
"""All that parsing raises."""
