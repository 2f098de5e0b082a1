"""Random cases: tables, views over them and over one another, and a history of writes and clock steps.

In: hypothesis' `draw`. Out: a `Case`, which prints itself as Python source, so that a failure can be kept as a test.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from mzlite.dialect.tokens import IDENT, tokenize, with_short_names
from pytests.property.choices import Choices
from pytests.property.expressions import Expressions, Ref
from pytests.property.kinds import LISTED, TYPES, VALUES
from pytests.property.queries import Column, Queries, Query

COLUMN_TYPES = {**TYPES, "num": "numeric(10,2)"}


@dataclass(frozen=True)
class View:
    """A view: "materialized", "view" (plain) or "indexed" (plain, with an index), made before step `at`.

    A view of a name that there is takes its place (CREATE OR REPLACE). A view of the kind "index" is an index on the
    view of that name; its query is the keys. One that is "dropped" takes the view of that name away, and what reads it.
    """

    name: str
    kind: str
    query: str
    at: int = 0


@dataclass(frozen=True)
class Step:
    """What happens between two comparisons: the clock moves, then the writes, all in one tick.

    Attributes:
        writes: statements; one that begins with `feed` gives rows to an append-only relation.
        transaction: the writes are one transaction.
        advance: milliseconds.
        restart: the engine is stopped and started afterwards.
    """

    writes: tuple[str, ...] = ()
    transaction: bool = False
    advance: int = 0
    restart: bool = False


@dataclass(frozen=True)
class Case:
    """Tables (name -> column definitions), append-only relations, views and steps; `long`: all names are long ones."""

    tables: tuple[tuple[str, str], ...]
    sources: tuple[tuple[str, str], ...]
    views: tuple[View, ...]
    steps: tuple[Step, ...]
    long: bool = False

    def source_text(self) -> str:
        """The case as Python source."""

        def shown(items: Sequence[Any]) -> str:
            return "(" + "".join(f"\n        {item!r}," for item in items) + ("\n    )" if items else ")")

        parts = [f"    {name}={shown(getattr(self, name))}," for name in ("tables", "sources", "views", "steps")]
        return "Case(\n" + "\n".join(parts) + ("\n    long=True,\n)" if self.long else "\n)")


class Cases:
    """Makes a case."""

    def __init__(self, draw: Callable[[Any], Any]) -> None:
        self.choices = Choices(draw)
        self.expressions = Expressions(self.choices)
        self.tables: dict[str, tuple[Column, ...]] = {}
        self.sources: dict[str, tuple[Column, ...]] = {}

    def case(self) -> Case:
        """The whole of it."""
        choices = self.choices
        for place in range(choices.number(1, 3)):
            self.tables[f"t{place}"] = self.columns()
        if choices.chance(30):
            self.sources["s0"] = self.columns()
        steps = tuple(self.step(place) for place in range(choices.number(2, 7)))
        views = self.views(len(steps))
        return Case(
            tuple((name, definitions(columns)) for name, columns in self.tables.items()),
            tuple((name, definitions(columns)) for name, columns in self.sources.items()),
            views,
            steps,
            choices.chance(5),
        )

    def columns(self) -> tuple[Column, ...]:
        """A key and some more."""
        kinds = [self.expressions.kind() for _ in range(self.choices.number(1, 4))]
        return (Column("k", "int"), *(Column(name, kind) for name, kind in zip("abcd", kinds, strict=False)))

    def views(self, steps: int) -> tuple[View, ...]:
        """Views, each over tables and views before it."""
        choices = self.choices
        found: list[View] = []
        relations: dict[str, Sequence[Column]] = {**self.tables, **self.sources}
        at = 0
        for place in range(choices.number(1, 12)):
            name = f"v{place}"
            kind = choices.weighted([("materialized", 70), ("view", 20), ("indexed", 10)])
            if kind == "materialized" and choices.chance(3):
                query = self.failing()
            else:
                query = Queries(choices, relations).query(choices.weighted([(0, 40), (1, 40), (2, 20)]))
            at = choices.number(at, steps - 1) if choices.chance(25) else at
            found.append(View(name, kind, query.sql, at))
            relations[name] = query.columns
            # Before something happens to it others may have been made over it.
            if choices.chance(8) and set(relations) & {view.name for view in found}:
                found.append(self.later(found, relations, at, steps))
        return tuple(found)

    def later(self, found: Sequence[View], relations: dict[str, Sequence[Column]], at: int, steps: int) -> View:
        """Something that happens to a view that there is: it goes, another takes its place, or it is indexed."""
        choices = self.choices
        there = [view.name for view in found if view.name in relations and view.kind not in ("dropped", "index")]
        name = choices.pick(there)
        at = choices.number(at, steps - 1)
        form = choices.number(0, 3)
        if form <= 1:
            columns = choices.some([column.name for column in relations[name]], 0, 2)
            return View(name, "index", ", ".join(columns), at)
        for reader in readers(name, found):
            relations.pop(reader, None)
        if form == 2:
            return View(name, "dropped", "", at)
        query = Queries(choices, {**self.tables, **self.sources}).query(choices.number(0, 1))
        return View(name, choices.weighted([("materialized", 70), ("indexed", 30)]), query.sql, at)

    def failing(self) -> Query:
        """A view of expressions that fail for some rows."""
        choices = self.choices
        queries = Queries(choices, {**self.tables, **self.sources})
        table = choices.pick(sorted(queries.relations))
        columns = queries.relations[table]
        scope = [Ref(f"r.{column.name}", column.kind, column.exact) for column in columns]
        numbers = [f"r.{column.name}" for column in columns if column.kind in ("int", "big", "num")]
        failing = [f"10 / {choices.pick(numbers)}"] + [
            f"(r.{column.name} || '1')::integer" for column in columns if column.kind == "txt"
        ]
        expression = choices.pick(failing)
        where = f" where {self.expressions.condition(scope, 0)}" if choices.chance(40) else ""
        key = choices.pick(scope)
        name = f"{key.sql} as c0"
        form = choices.number(0, 3)
        if form == 0 or key.kind in LISTED:
            text = f"select {name}, {expression} as e1 from {table} r{where}"
        elif form == 1:
            text = f"select {name}, sum({expression}) as e1, max({expression}) as e2 from {table} r{where} group by 1"
        elif form == 2:
            text = f"select {name}, 10 / sum(r.k) as e1, count(*) as e2 from {table} r{where} group by 1"
        else:
            other = f"{table} o"
            text = f"select {name}, {expression} as e1, o.k as e2 from {table} r join {other} on o.k = r.k{where}"
        # Readers take the key alone: of the rest neither kind nor scale is the same everywhere.
        return Query(text, (Column("c0", key.kind, key.exact),))

    # History -------------------------------------------------------------------------

    def row(self, columns: Sequence[Column]) -> str:
        """A row of values."""
        values = ["null" if self.choices.chance(15) else self.choices.pick(VALUES[column.kind]) for column in columns]
        typed = [f"{value}::{COLUMN_TYPES[column.kind]}" for value, column in zip(values, columns, strict=True)]
        return f"({', '.join(typed)})"

    def insert(self, relation: str, columns: Sequence[Column], verb: str = "insert into") -> str:
        """Some rows, perhaps the same twice."""
        rows = [self.row(columns) for _ in range(self.choices.number(1, 4))]
        if self.choices.chance(15):
            rows.append(rows[0])
        return f"{verb} {relation} values {', '.join(rows)}"

    def step(self, place: int) -> Step:
        """Writes, a clock step, or both."""
        choices = self.choices
        if place == 0:
            writes = [self.insert(name, columns) for name, columns in self.tables.items()]
            writes += [self.insert(name, columns, "feed") for name, columns in self.sources.items()]
            return Step(tuple(writes))
        advance = choices.pick((60_000, 1, 1_800_000, 3_600_000, 5_400_000)) if choices.chance(30) else 0
        restart = choices.chance(6)
        form = choices.number(0, 9)
        if form == 0:
            return Step((), False, advance or 60_000, restart)
        if form == 1:
            writes = [self.insert(*choices.pick(tuple(self.tables.items()))) for _ in range(choices.number(1, 3))]
            return Step(tuple(writes), True, advance, restart)
        # Statements that read before they write see the tick before: one for each table.
        writes = []
        for name in choices.some(tuple(self.tables), 1, 3):
            writes.append(self.write(name))
        for name, columns in self.sources.items():
            if choices.chance(40):
                writes.append(self.insert(name, columns, "feed"))
        return Step(tuple(writes), False, advance, restart)

    def write(self, name: str) -> str:
        """An insert, update or delete."""
        choices = self.choices
        columns = self.tables[name]
        form = choices.number(0, 9)
        if form <= 3:
            return self.insert(name, columns)
        scope = [Ref(column.name, column.kind) for column in columns]
        if form <= 6:
            condition = "" if choices.chance(15) else f" where {self.expressions.condition(scope, 0)}"
            return f"delete from {name}{condition}"
        if form == 7:
            return f"insert into {name} select * from {name} where {self.expressions.condition(scope, 0)}"
        changed = choices.some(columns, 1, 2)
        settings = []
        for column in changed:
            if column.kind == "js" or choices.chance(50):
                value = choices.pick(VALUES[column.kind])
            else:
                value = self.expressions.value(scope, column.kind).sql
            settings.append(f"{column.name} = {value}")
        return f"update {name} set {', '.join(settings)} where {self.expressions.condition(scope, 0)}"


def reads(name: str, query: str) -> bool:
    """Whether a query reads the view of that name."""
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", query) is not None


def readers(name: str, views: Iterable[View]) -> list[str]:
    """A view's name and those of all views that read it, directly or not, in the order of their making."""
    found = [name]
    for view in views:
        if view.name not in found and any(reads(other, view.query) for other in found):
            found.append(view.name)
    return found


def definitions(columns: Sequence[Column]) -> str:
    """The column definitions of a table."""
    return ", ".join(f"{column.name} {COLUMN_TYPES[column.kind]}" for column in columns)


_NAME = re.compile(r"[a-z]\d+|[a-dk]")
LONG = "long" * 50
"""What all names have in common in a case of long names: more than PostgreSQL keeps of them."""


def with_long_names(text: str) -> str:
    """The statement with all its names longer than PostgreSQL's."""
    tokens = tokenize(text)
    parts: list[str] = []
    position = 0
    for kind, value, start, end in zip(tokens.kinds, tokens.values, tokens.starts, tokens.ends, strict=True):
        if kind == IDENT and _NAME.fullmatch(value):
            parts += [text[position:start], LONG, value]
            position = end
    return "".join([*parts, text[position:]])


def inner_name(name: str) -> str:
    """The name that stands for a name inside."""
    return with_short_names(tokenize(name)).text


@st.composite
def cases(draw: Callable[[Any], Any]) -> Case:
    """Random cases."""
    return Cases(draw).case()
