"""Random cases: tables, views over them and over one another, and a history of writes and clock steps.

In: hypothesis' `draw`. Out: a `Case`, which prints itself as Python source, so that a failure can be kept as a test.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from mzlite.dialect.tokens import IDENT, tokenize, with_short_names
from pytests.property.choices import Choices
from pytests.property.expressions import KINDS, TYPES, VALUES, Expressions, Ref
from pytests.property.queries import Column, Queries

COLUMN_TYPES = {**TYPES, "num": "numeric(10,2)"}


@dataclass(frozen=True)
class View:
    """A view: "materialized", "view" (plain) or "indexed" (plain, with an index), made before step `at`."""

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
    """Tables (name -> column definitions), append-only relations, views and steps."""

    tables: tuple[tuple[str, str], ...]
    sources: tuple[tuple[str, str], ...]
    views: tuple[View, ...]
    steps: tuple[Step, ...]

    def source_text(self) -> str:
        """The case as Python source."""

        def shown(items: Sequence[Any]) -> str:
            return "(" + "".join(f"\n        {item!r}," for item in items) + ("\n    )" if items else ")")

        parts = [f"    {name}={shown(getattr(self, name))}," for name in ("tables", "sources", "views", "steps")]
        return "Case(\n" + "\n".join(parts) + "\n)"


def moments(text: str, begin: int) -> str:
    """The text with each @n@ replaced by the moment n minutes after `begin` (ms)."""

    def moment(found: re.Match[str]) -> str:
        at = datetime.fromtimestamp(begin // 1000 + int(found[1]) * 60, UTC)
        return f"timestamp '{at:%Y-%m-%d %H:%M:%S}'"

    return re.sub(r"@(-?\d+)@", moment, text)


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
        case = Case(
            tuple((name, definitions(columns)) for name, columns in self.tables.items()),
            tuple((name, definitions(columns)) for name, columns in self.sources.items()),
            views,
            steps,
        )
        return lengthened(case) if choices.chance(5) else case

    def columns(self) -> tuple[Column, ...]:
        """A key and some more."""
        kinds = [self.choices.pick(KINDS) for _ in range(self.choices.number(1, 4))]
        return (Column("k", "int"), *(Column(name, kind) for name, kind in zip("abcd", kinds, strict=False)))

    def views(self, steps: int) -> tuple[View, ...]:
        """Views, each over tables and views before it."""
        choices = self.choices
        found: list[View] = []
        relations: dict[str, Sequence[Column]] = {**self.tables, **self.sources}
        at = 0
        for place in range(choices.number(1, 8)):
            name = f"v{place}"
            query = Queries(choices, relations).query(choices.weighted([(0, 30), (1, 40), (2, 30)]))
            kind = choices.weighted([("materialized", 70), ("view", 20), ("indexed", 10)])
            at = choices.number(at, steps - 1) if choices.chance(25) else at
            found.append(View(name, kind, query.sql, at))
            relations[name] = query.columns
        return tuple(found)

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


def definitions(columns: Sequence[Column]) -> str:
    """The column definitions of a table."""
    return ", ".join(f"{column.name} {COLUMN_TYPES[column.kind]}" for column in columns)


_NAME = re.compile(r"[a-z]\d+|[a-dk]")
LONG = "long" * 50
"""What all names have in common in a case of long names: more than PostgreSQL keeps of them."""


def with_long_names(text: str) -> str:
    """The statement with all its names longer than PostgreSQL's, as the parser hands it on."""
    tokens = tokenize(text)
    parts: list[str] = []
    position = 0
    for kind, value, start, end in zip(tokens.kinds, tokens.values, tokens.starts, tokens.ends, strict=True):
        if kind == IDENT and _NAME.fullmatch(value):
            parts += [text[position:start], LONG, value]
            position = end
    return with_short_names(tokenize("".join([*parts, text[position:]]))).text


def lengthened(case: Case) -> Case:
    """The case with long names."""

    def pairs(found: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        return tuple((with_long_names(name), with_long_names(columns)) for name, columns in found)

    return Case(
        pairs(case.tables),
        pairs(case.sources),
        tuple(replace(view, name=with_long_names(view.name), query=with_long_names(view.query)) for view in case.views),
        tuple(replace(step, writes=tuple(map(with_long_names, step.writes))) for step in case.steps),
    )


@st.composite
def cases(draw: Callable[[Any], Any]) -> Case:
    """Random cases."""
    return Cases(draw).case()
