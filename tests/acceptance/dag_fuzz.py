"""Random DAGs of models over few tables with overlapping columns and filters, decided by a seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.acceptance.dag_expressions import CONSTANTS, NAMES, TYPES, VALUES, Expressions, quoted


@dataclass(frozen=True)
class Relation:
    """A table of a source or of a model."""

    name: str
    home: str
    columns: Mapping[str, str]
    """Name → kind."""
    filters: tuple[str, ...] = ()
    """Conditions that its readers like to use, over `{0}`, its alias."""

    @property
    def marker(self) -> str:
        """What stands for it in SQL."""
        return f"⟦{self.name}⟧"

    def data(self, seed: int, rows: int) -> str:
        """SQL of its rows, for a source."""
        columns = [
            f"CASE WHEN hash(i, {seed}, {n}, 'null') % 5 = 0 THEN NULL "
            f"ELSE {VALUES[kind].format(seed=seed, n=n)} END AS {quoted(name)}"
            for n, (name, kind) in enumerate(self.columns.items())
        ]
        return f"SELECT {', '.join(columns)} FROM range({rows}) AS r(i)"


@dataclass(frozen=True)
class Write:
    """A statement that a hook runs, over `⟦table⟧`; names in it are in double quotes."""

    table: Relation
    sql: str
    told: bool
    """Whether the federation is told which table it was, or only the connection."""


@dataclass(frozen=True)
class Node:
    """One model."""

    relation: Relation
    sql: str
    again: str
    """SQL of the second run, which may read `⟦this⟧`."""
    after: frozenset[str]
    """Names of the nodes that must have ended."""
    writes: tuple[Write, ...] = ()
    pushdown: str = "auto"


@dataclass
class Dag:
    """Sources, and models in an order in which each comes after what it reads."""

    sources: list[Relation]
    nodes: list[Node] = field(default_factory=list)


class DagFuzz(Expressions):
    """A maker of one DAG."""

    def __init__(self, seed: int, sources: Sequence[str], targets: Sequence[str]) -> None:
        super().__init__(seed)
        self.sources, self.targets = sources, targets
        self.aliases = 0
        self.read: set[str] = set()
        """Tables that the node in the making reads."""
        self.readers: dict[str, set[str]] = {}
        self.writer: dict[str, str] = {}

    def dag(self) -> Dag:
        r = self.random
        dag = Dag([self.relation(f"s{n}", home) for n, home in enumerate(self.homes())])
        tables = list(dag.sources)
        for number in range(r.randint(3, 12)):
            node = self.node(f"m{number}", tables)
            dag.nodes.append(node)
            tables.append(node.relation)
        return dag

    def homes(self) -> list[str]:
        return self.random.sample(self.sources, min(len(self.sources), self.random.randint(2, 4)))

    def relation(self, name: str, home: str) -> Relation:
        r = self.random
        kinds = ["int", "int", *r.sample(list(TYPES), r.randint(2, 5))]
        names = r.sample(NAMES, len(kinds))
        return self.filtered(Relation(name, home, dict(zip(names, kinds, strict=True))))

    def filtered(self, relation: Relation) -> Relation:
        """The relation, with conditions that several readers may share."""
        columns = [(f"{{0}}.{self.braced(name)}", kind) for name, kind in relation.columns.items()]
        filters = tuple(self.predicate(columns, 1).replace("'{1}'", "'{{1}}'") for _ in range(3))
        return Relation(relation.name, relation.home, relation.columns, filters)

    @staticmethod
    def braced(name: str) -> str:
        return quoted(name).replace("{", "{{").replace("}", "}}")

    def node(self, name: str, tables: list[Relation]) -> Node:
        r = self.random
        self.read = set()
        home = r.choice(self.targets)
        # Few tables, so that models read the same ones.
        candidates = r.sample(tables, min(len(tables), 4))
        columns, sql = self.select(candidates)
        again = sql
        relation = self.filtered(Relation(name, home, columns))
        if r.random() < 0.4:
            again = self.incremental(relation, candidates)
        after = {self.writer[table] for table in self.read if table in self.writer} | {
            table for table in self.read if table.startswith("m")
        }
        for table in self.read:
            self.readers.setdefault(table, set()).add(name)
        writes = ()
        if r.random() < 0.25:
            writes = self.written(name, relation, tables, after)
        return Node(
            relation, sql, again, frozenset(after - {name}), writes, r.choice(["auto", "auto", "auto", "off"])
        )

    def written(self, name: str, own: Relation, tables: list[Relation], after: set[str]) -> tuple[Write, ...]:
        """A hook's statement; whoever has read the table comes before, whoever will comes after."""
        r = self.random
        able = [table for table in (*tables, own) if table.home in self.targets]
        if not able:
            return ()
        table = r.choice(able)
        after |= self.readers.get(table.name, set()) | {
            x for x in (self.writer.get(table.name), table.name) if x and x.startswith("m")
        }
        self.writer[table.name] = name
        ints = [quoted(column) for column, kind in table.columns.items() if kind == "int"]
        column = r.choice(ints) if ints else None
        forms = [f"INSERT INTO {table.marker} SELECT * FROM {table.marker}"]
        if column:
            forms += [
                f"UPDATE {table.marker} SET {column} = {column} + 1 WHERE {column} < 2",
                f"DELETE FROM {table.marker} WHERE {column} = 1",
                f"UPDATE {table.marker} SET {column} = NULL WHERE {column} > 2",
                f"UPDATE {table.marker} SET {column} = 2 WHERE {column} IS NULL",
            ]
        return (Write(table, r.choice(forms), r.random() < 0.5),)

    # SELECTs

    def select(self, tables: list[Relation]) -> tuple[dict[str, str], str]:
        """Columns of a query, and its SQL."""
        r = self.random
        pick = r.random()
        if pick < 0.08:
            alias, table = self.item(tables)
            return {"n": "int"}, f"SELECT count(*) AS n FROM {table}{self.where(alias)}"
        if pick < 0.16:
            alias, table = self.item(tables)
            relation = alias[0][2]
            plain = all(name.isidentifier() and name.isascii() for name in relation.columns)
            listed = ", ".join(f"{alias[0][0]}.{quoted(name)}" for name in relation.columns)
            return dict(
                relation.columns
            ), f"SELECT {'*' if plain else listed} FROM {table}{self.where(alias)}"
        if pick < 0.30:
            return self.union(tables)
        if pick < 0.45:
            return self.with_cte(tables)
        if pick < 0.60:
            return self.grouped(tables)
        source, aliases = self.source(tables)
        columns = self.outputs(self.columns(aliases))
        distinct = r.choice(["", "", "", "DISTINCT "])
        tail = " ORDER BY ALL LIMIT 5" if r.random() < 0.05 else ""
        return self.named(columns, f"SELECT {distinct}{{0}} FROM {source}{self.where(aliases)}{tail}")

    def named(self, columns: list[tuple[str, str, str]], sql: str) -> tuple[dict[str, str], str]:
        listed = ", ".join(f"{text} AS {quoted(name)}" for name, text, _ in columns)
        return {name: kind for name, _, kind in columns}, sql.replace("{0}", listed, 1)

    def outputs(self, columns: list[tuple[str, str]]) -> list[tuple[str, str, str]]:
        """Name, SQL and kind of some outputs; one is a whole number."""
        r = self.random
        kinds = ["int", *(kind for _, kind in r.sample(columns, min(len(columns), r.randint(1, 4))))]
        names = r.sample(NAMES, len(kinds))
        texts = []
        for name, kind in zip(names, kinds, strict=True):
            text = self.expression(kind, columns)
            texts.append((name, text if r.random() < 0.3 else f"CAST({text} AS {TYPES[kind]})", kind))
        return texts

    def grouped(self, tables: list[Relation]) -> tuple[dict[str, str], str]:
        r = self.random
        source, aliases = self.source(tables)
        columns = self.columns(aliases)
        key, kind = r.choice(columns)
        measures = [("n", "CAST(count(*) AS BIGINT)", "int")]
        for number, (text, kind_) in enumerate(r.sample(columns, min(len(columns), 2))):
            call = r.choice(["min", "max", "count", *(["sum"] if kind_ in ("int", "dec", "dbl") else [])])
            call = "count" if kind_ == "bool" else call
            result = "int" if call == "count" else kind_
            measures.append((f"v{number}", f"CAST({call}({text}) AS {TYPES[result]})", result))
        having = f" HAVING count(*) > {r.choice([0, 1, 2])}" if r.random() < 0.3 else ""
        return self.named(
            [("key", key, kind), *measures],
            f"SELECT {{0}} FROM {source}{self.where(aliases)} GROUP BY {key}{having}",
        )

    def union(self, tables: list[Relation]) -> tuple[dict[str, str], str]:
        r = self.random
        kinds = ["int", *r.choices(list(TYPES), k=r.randint(1, 3))]
        names = r.sample(NAMES, len(kinds))
        arms = []
        for _ in range(r.randint(2, 3)):
            source, aliases = self.source(tables)
            columns = self.columns(aliases)
            texts = [
                (name, f"CAST({self.expression(kind, columns)} AS {TYPES[kind]})", kind)
                for name, kind in zip(names, kinds, strict=True)
            ]
            arms.append(self.named(texts, f"SELECT {{0}} FROM {source}{self.where(aliases)}")[1])
        word = r.choice([" UNION ALL ", " UNION ALL ", " UNION ", " EXCEPT ", " INTERSECT "])
        return dict(zip(names, kinds, strict=True)), word.join(arms)

    def with_cte(self, tables: list[Relation]) -> tuple[dict[str, str], str]:
        r = self.random
        columns, sql = self.select(tables)
        self.aliases += 1
        cte = Relation(f"q{self.aliases}", "", columns)
        source, aliases = self.source([cte, cte, *tables], cte)
        outputs = self.outputs(self.columns(aliases))
        text = f"SELECT {{0}} FROM {source}{self.where(aliases)}".replace(cte.marker, cte.name)
        if sql.startswith("WITH "):
            sql = f"SELECT * FROM ({sql}) AS y"
        columns, text = self.named(outputs, text)
        materialized = r.choice(["", "", " MATERIALIZED", " NOT MATERIALIZED"])
        return columns, f"WITH {cte.name} AS{materialized} ({sql}) {text}"

    def incremental(self, own: Relation, tables: list[Relation]) -> str:
        """SQL of the same columns, which reads its own table."""
        r = self.random
        source, aliases = self.source(tables)
        columns = self.columns(aliases)
        texts = [
            (name, f"CAST({self.expression(kind, columns)} AS {TYPES[kind]})", kind)
            for name, kind in own.columns.items()
        ]
        filters = []
        for kind in ("int", "date", "ts", "dec"):
            mine = [name for name, k in own.columns.items() if k == kind]
            theirs = [text for text, k in columns if k == kind]
            if mine and theirs:
                call = r.choice(["max", "min", "count"])
                kind_ok = call != "count" or kind in ("int", "dec")
                call = call if kind_ok else "max"
                where = f" WHERE {self.predicate([(quoted(mine[0]), kind)], 0)}" if r.random() < 0.3 else ""
                scalar = f"(SELECT {call}({quoted(r.choice(mine))}) FROM ⟦this⟧{where})"
                if r.random() < 0.4:
                    scalar = f"coalesce({scalar}, {CONSTANTS[kind][0]})"
                filters.append(f"{r.choice(theirs)} {r.choice(['>', '>=', '<', '<>'])} {scalar}")
        where = self.where(aliases)
        if filters:
            chosen = r.sample(filters, min(len(filters), r.randint(1, 2)))
            where += (" AND " if where else " WHERE ") + r.choice([" AND ", " OR "]).join(chosen).join("()")
        sql = self.named(texts, f"SELECT {{0}} FROM {source}{where}")[1]
        return f"{sql} UNION ALL SELECT * FROM ⟦this⟧" if r.random() < 0.4 else sql

    # FROM

    def item(
        self, tables: Sequence[Relation], relation: Relation | None = None
    ) -> tuple[list[tuple[str, str, Relation]], str]:
        relation = relation or self.random.choice(tables)
        self.aliases += 1
        alias = f"x{self.aliases}"
        if relation.home:
            self.read.add(relation.name)
        return [(alias, relation.name, relation)], f"{relation.marker} AS {alias}"

    def source(
        self, tables: Sequence[Relation], first: Relation | None = None
    ) -> tuple[str, list[tuple[str, str, Relation]]]:
        r = self.random
        aliases, sql = self.item(tables, first)
        for _ in range(r.choice([0, 0, 0, 1, 1, 2])):
            more, item = self.item(tables)
            kind = r.choice(["JOIN", "LEFT JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"])
            left = [text for text, k in self.columns(aliases) if k == "int"]
            right = [text for text, k in self.columns(more) if k == "int"]
            if not left or not right:
                sql += f" CROSS JOIN {item}"
            else:
                on = [f"{r.choice(left)} = {r.choice(right)}"]
                if r.random() < 0.4:
                    on.append(self.predicate(self.columns([*aliases, *more]), 1))
                sql += f" {kind} {item} ON {' AND '.join(on)}"
            aliases = [*aliases, *more]
        return sql, aliases

    def columns(self, aliases: Sequence[tuple[str, str, Relation]]) -> list[tuple[str, str]]:
        """SQL and kind of every column in reach."""
        return [
            (f"{alias}.{quoted(name)}", kind)
            for alias, _, relation in aliases
            for name, kind in relation.columns.items()
        ]

    def where(self, aliases: Sequence[tuple[str, str, Relation]]) -> str:
        r = self.random
        parts = []
        for alias, _, relation in aliases:
            if relation.filters and r.random() < 0.5:
                chosen = r.sample(relation.filters, r.choice([1, 1, 1, 2]))
                parts += [text.format(alias) for text in chosen]
        if r.random() < 0.3:
            parts.append(self.predicate(self.columns(aliases), 2))
        return " WHERE " + " AND ".join(f"({part})" for part in parts) if parts else ""
