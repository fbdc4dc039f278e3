"""The model config `indexes`."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from dbt.adapters.exceptions import IndexConfigError, IndexConfigNotDictError
from dbt_common.dataclass_schema import ValidationError, dbtClassMixin

from dvt.drivers.mysql import quoted

_KINDS = frozenset({"fulltext", "spatial"})
"""Types that DDL writes before INDEX; the others (btree, hash) come after it, with USING."""


@dataclass
class MySQLIndex(dbtClassMixin):
    """An index in the config `indexes`."""

    columns: list[str]
    unique: bool = False
    type: str | None = None
    lengths: dict[str, int] = field(default_factory=dict)
    """Column → the length of the prefix that is indexed."""
    name: str | None = None

    @classmethod
    def parse(cls, raw: Any) -> MySQLIndex:
        """Parse an entry of the config; raises dbt's error if it is no index."""
        try:
            cls.validate(raw)
            parsed: MySQLIndex = cls.from_dict(raw)
        except ValidationError as error:
            raise IndexConfigError(error) from error
        except TypeError as error:
            raise IndexConfigNotDictError(raw) from error
        return parsed

    def clause(self) -> str:
        """Return ALTER TABLE's clause that adds the index."""
        kind = (self.type or "").lower()
        prefix = "unique " if self.unique else f"{kind} " if kind in _KINDS else ""
        suffix = f" using {kind}" if kind and kind not in _KINDS else ""
        columns = ", ".join(self._column(name) for name in self.columns)
        return f"add {prefix}index {quoted(self.name or self._generated_name())} ({columns}){suffix}"

    def _column(self, name: str) -> str:
        return quoted(name) + (f"({self.lengths[name]})" if name in self.lengths else "")

    def _generated_name(self) -> str:
        words = [*self.columns, str(self.unique), str(self.type), str(sorted(self.lengths.items()))]
        return "dbt_" + hashlib.sha256("\n".join(words).encode()).hexdigest()[:24]


def index_clauses(raw: Sequence[Any] | None) -> list[str]:
    """Return ALTER TABLE's clauses for a model's indexes."""
    return [MySQLIndex.parse(index).clause() for index in raw or ()]
