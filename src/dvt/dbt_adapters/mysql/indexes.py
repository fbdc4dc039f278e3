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
"""Types that stand before INDEX; the others (btree, hash) stand after it."""


@dataclass
class MySQLIndex(dbtClassMixin):
    """One index."""

    columns: list[str]
    unique: bool = False
    type: str | None = None
    lengths: dict[str, int] = field(default_factory=dict)
    """By column: how much of its text is indexed."""
    name: str | None = None

    @classmethod
    def parse(cls, raw: Any) -> MySQLIndex:
        """From the config; raises dbt's error for what is no index."""
        try:
            cls.validate(raw)
            parsed: MySQLIndex = cls.from_dict(raw)
        except ValidationError as error:
            raise IndexConfigError(error) from error
        except TypeError as error:
            raise IndexConfigNotDictError(raw) from error
        return parsed

    def clause(self) -> str:
        """What ALTER TABLE takes."""
        kind = (self.type or "").lower()
        before = "unique " if self.unique else f"{kind} " if kind in _KINDS else ""
        after = f" using {kind}" if kind and kind not in _KINDS else ""
        columns = ", ".join(self._column(name) for name in self.columns)
        return f"add {before}index {quoted(self.name or self._made_up())} ({columns}){after}"

    def _column(self, name: str) -> str:
        return quoted(name) + (f"({self.lengths[name]})" if name in self.lengths else "")

    def _made_up(self) -> str:
        words = [*self.columns, str(self.unique), str(self.type), str(sorted(self.lengths.items()))]
        return "dbt_" + hashlib.sha256("\n".join(words).encode()).hexdigest()[:24]


def index_clauses(raw: Sequence[Any] | None) -> list[str]:
    """ALTER TABLE's clauses for a model's indexes."""
    return [MySQLIndex.parse(one).clause() for one in raw or ()]
