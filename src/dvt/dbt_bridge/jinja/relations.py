"""Relations of a federated model: real names in the quoting of the model's SQL, whoever owns the table.

Two tables of different outputs may have one name. Then that of the other output than the model's has its
output's name as database, so that each name in the SQL means one table.
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

from dvt.core.names import TableRef
from dvt.dbt_bridge.jinja.aliases import alias_of_dbt

_NEEDS_NO_QUOTES = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
"""Matches identifiers that every dialect accepts without quotes."""


class OwnedName(str):
    """A part of a relation's name, with the relation: introspection by name finds the relation's output."""

    __slots__ = ("relation",)

    relation: BaseRelation

    @classmethod
    def of(cls, relation: BaseRelation, part: str | None) -> OwnedName | None:
        """Return the part of the relation's name; None if the relation does not have it."""
        if part is None:
            return None
        name = cls(part)
        name.relation = relation
        return name


def quoted(dialect: str, name: str) -> str:
    """Quote an identifier for one of SQLGlot's dialects."""
    return exp.to_identifier(name, quoted=True).sql(dialect=dialect)


def name_of(relation: BaseRelation, output: str, *, by_output: bool) -> tuple[str, ...]:
    """Return a relation's name in a federated model's SQL, as parts without quotes.

    `by_output`: the output's name stands for the database, which does not tell the relation from another.
    """
    path, include = relation.path, relation.include_policy
    database = output if by_output or not path.schema else path.database if include.database else None
    return tuple(part for part in (database, path.schema, path.identifier) if part)


def written(relation: BaseRelation, name: tuple[str, ...], dialect: str) -> str:
    """Return the name as SQL; a part that is not quoted on its output stays so if it can."""
    policy = relation.quote_policy
    quotes = (policy.database, policy.schema, policy.identifier)[-len(name) :]
    return ".".join(
        quoted(dialect, part) if quote or not _NEEDS_NO_QUOTES.match(part) else part
        for part, quote in zip(name, quotes, strict=True)
    )


@cache
def marked_class(plain: Any, target: Any) -> Any:
    """Return a subclass of an adapter's Relation that renders in the SQL's dialect.

    `target` is the Relation of the SQL's target: it writes the conditions of --sample and of batches.
    """

    @dataclass(frozen=True, eq=False, repr=False)
    class FederatedRelation(plain):
        """Keeps database, schema and identifier; renders as `sql_text` while they are unchanged."""

        sql_text: str = ""
        """The marked relation, as it renders."""
        name_text: str = ""
        """The plain relation, as it renders."""
        unique_id: str = ""
        output: str = ""
        """The output that the relation is on."""
        by_output: bool = False
        """See `name_of`."""
        dialect: str = ""
        """Dialect of the SQL."""
        plain_class: ClassVar[type[BaseRelation]] = plain
        in_sql: ClassVar[type[BaseRelation]] = target

        def render(self) -> str:
            name_text = str(super().render())
            return self.sql_text if name_text == self.name_text else name_text

        def _render_subquery_alias(self, namespace: str) -> str:
            return alias_of_dbt(namespace, str(self.table), self.dialect)

        def _render_event_time_filtered(self, event_time_filter: Any) -> str:
            return str(self.in_sql._render_event_time_filtered(self, event_time_filter))  # noqa: SLF001

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


def mark(
    relation: BaseRelation,
    unique_id: str,
    output: str,
    dialect: str,
    *,
    by_output: bool = False,
    target: Any = BaseRelation,
) -> Any:
    """Return the relation as a federated model's SQL names it; `target` is the Relation of its target."""
    plain: Any = type(relation)
    return marked_class(plain, target).from_dict(
        {
            **relation.to_dict(omit_none=True),
            "sql_text": written(relation, name_of(relation, output, by_output=by_output), dialect),
            "name_text": relation.render(),
            "unique_id": unique_id,
            "output": output,
            "by_output": by_output,
            "dialect": dialect,
            "require_alias": True,
        }
    )


def parts_of(marked: Any) -> tuple[str, ...]:
    """The parts of the name by which the SQL names a relation that `mark` has made."""
    return name_of(marked, marked.output, by_output=marked.by_output)


def is_marked(value: object) -> bool:
    """Return whether `value` is a relation made by `mark`."""
    return isinstance(value, BaseRelation) and hasattr(value, "sql_text")


def unmarked(relation: Any) -> BaseRelation:
    """Return the plain relation of a marked one."""
    fields = relation.to_dict(omit_none=True)
    for added in ("sql_text", "name_text", "unique_id", "output", "by_output", "dialect", "require_alias"):
        fields.pop(added, None)
    plain: BaseRelation = relation.plain_class.from_dict(fields)
    return plain


def normalized(name: str | None, *, quote: bool, dialect: str) -> str | None:
    """Return the name as the database stores it: an unquoted one in the dialect's case."""
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
    """Return the table that a plain relation names; `options` are the connector's for reading it."""
    path, policy = relation.path, relation.quote_policy
    exact = getattr(relation, "path_is_exact", False)
    return TableRef(
        connection=output,
        database=normalized(path.database, quote=exact or policy.database, dialect=dialect),
        schema=normalized(path.schema, quote=exact or policy.schema, dialect=dialect),
        identifier=normalized(path.identifier, quote=exact or policy.identifier, dialect=dialect) or "",
        options=tuple(sorted((options or {}).items())),
        label=label,
    )
