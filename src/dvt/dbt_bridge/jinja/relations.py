"""Relations of a federated model: they know their real names and render as markers.

In the model's SQL a relation reads `"__dvt__<unique_id>"."<identifier>"`, so what it stands for is
certain, and `customers.id` still means the column of `customers`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

from dbt.adapters.base.relation import BaseRelation
from sqlglot import exp
from sqlglot.dialects.dialect import Dialect

from dvt.core.names import MARKER, TableRef

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


class OwnedName(str):
    """A part of a relation's name that remembers whose it is, so that introspection finds the owner."""

    __slots__ = ("relation",)

    relation: BaseRelation

    @classmethod
    def of(cls, relation: BaseRelation, part: str | None) -> OwnedName | None:
        """The part of that relation's name; None when it has none."""
        if part is None:
            return None
        name = cls(part)
        name.relation = relation
        return name


def quoted(dialect: str, name: str) -> str:
    """An identifier in the quoting of a SQLGlot dialect."""
    return exp.to_identifier(name, quoted=True).sql(dialect=dialect)


def marker(dialect: str, unique_id: str) -> str:
    """The quoted schema by which a federated model's SQL names what `unique_id` stands for."""
    return quoted(dialect, f"{MARKER}{unique_id}")


@cache
def marked_class(plain: Any) -> Any:
    """The subclass of an adapter's Relation that renders as a marker."""

    @dataclass(frozen=True, eq=False, repr=False)
    class FederatedRelation(plain):
        """Keeps database, schema and identifier; renders as a marker while they are unchanged."""

        shown: str = ""
        """The text it renders as."""
        stands_for: str = ""
        """The real relation's own rendering."""
        unique_id: str = ""
        output: str = ""
        """The output it lives on."""
        real_class: ClassVar[type[BaseRelation]] = plain

        def render(self) -> str:
            real = str(super().render())
            return self.shown if real == self.stands_for else real

        @property
        def database(self) -> str | None:
            return OwnedName.of(self, self.path.database)

        @property
        def schema(self) -> str | None:
            return OwnedName.of(self, self.path.schema)

        @property
        def identifier(self) -> str | None:
            return OwnedName.of(self, self.path.identifier)

        table = name = identifier

    return FederatedRelation


def mark(relation: BaseRelation, unique_id: str, output: str, dialect: str) -> Any:
    """The relation as a federated model's SQL sees it."""
    plain: Any = type(relation)
    identifier = relation.identifier or ""
    quote = relation.quote_policy.identifier or not _PLAIN.match(identifier)
    last = quoted(dialect, identifier) if quote else identifier
    return marked_class(plain).from_dict(
        {
            **relation.to_dict(omit_none=True),
            "shown": f"{marker(dialect, unique_id)}.{last}",
            "stands_for": relation.render(),
            "unique_id": unique_id,
            "output": output,
            # --empty and --sample put a subselect here: the compute engine needs no alias on it, and the
            # one that dbt would add stands in the way of the model's own.
            "require_alias": False,
        }
    )


def is_marked(value: object) -> bool:
    """True for relations that `mark` has made."""
    return isinstance(value, BaseRelation) and hasattr(value, "stands_for")


def unmarked(relation: Any) -> BaseRelation:
    """The owner's own relation again."""
    known = relation.to_dict(omit_none=True)
    for ours in ("shown", "stands_for", "unique_id", "output"):
        known.pop(ours, None)
    real: BaseRelation = relation.real_class.from_dict(known)
    return real


def normalized(name: str | None, *, quote: bool, dialect: str) -> str | None:
    """The name as the database stores it: an unquoted one in the database's own case."""
    if name is None or quote:
        return name
    identifier = Dialect.get_or_raise(dialect).normalize_identifier(exp.to_identifier(name, quoted=False))
    return str(identifier.name)


def table_ref(
    relation: BaseRelation,
    output: str,
    dialect: str,
    options: Mapping[str, str] | None = None,
    label: str | None = None,
) -> TableRef:
    """The exact table a real relation names; `options` are its connector's."""
    path, policy = relation.path, relation.quote_policy
    return TableRef(
        connection=output,
        database=normalized(path.database, quote=policy.database, dialect=dialect),
        schema=normalized(path.schema, quote=policy.schema, dialect=dialect),
        identifier=normalized(path.identifier, quote=policy.identifier, dialect=dialect) or "",
        options=tuple(sorted((options or {}).items())),
        label=label,
    )
