"""The relational operators that a view is lowered to.

In: nothing. Out: dataclasses. An operator names its output columns; its expressions are
pglast trees whose column references are resolved to (input alias, column). Each prints itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from mzlite.planner.expressions import Node, quote, sql

Output = tuple[str, Node]
"""A named output column and its expression."""


def listed(outputs: Sequence[Output]) -> str:
    """Outputs as a select list, without the names that say nothing new."""
    texts = [(name, sql(node)) for name, node in outputs]
    return ", ".join(text if text.endswith(f".{name}") else f"{text} as {name}" for name, text in texts)


@dataclass(frozen=True)
class Operator:
    """What yields a bag of rows."""

    def columns(self) -> tuple[str, ...]:
        """Names of the output columns, in order, without duplicates."""
        raise NotImplementedError

    def inputs(self) -> Sequence[Operator]:
        """The operators directly below."""
        return ()

    def label(self) -> str:
        """One line that says what it does."""
        return type(self).__name__

    def explain(self, depth: int = 0) -> str:
        """The tree below as indented text, one operator a line."""
        lines = ["  " * depth + self.label()]
        lines += [operator.explain(depth + 1) for operator in self.inputs()]
        return "\n".join(lines)


@dataclass(frozen=True)
class Input:
    """An operator under the name by which expressions refer to it."""

    alias: str
    operator: Operator

    def refers(self, column: str) -> str:
        """SQL text of one of its columns."""
        return f"{quote(self.alias)}.{quote(column)}"


@dataclass(frozen=True)
class Get(Operator):
    """The contents of a relation that exists: a table, source, materialized view or shared plain view."""

    relation: int
    name: str
    names: tuple[str, ...]

    def columns(self) -> tuple[str, ...]:
        return self.names

    def label(self) -> str:
        return f"Get {self.name}"


@dataclass(frozen=True)
class Constant(Operator):
    """Rows that depend on nothing, as a query."""

    query: str
    names: tuple[str, ...]

    def columns(self) -> tuple[str, ...]:
        return self.names

    def label(self) -> str:
        return f"Constant {self.query}"


@dataclass(frozen=True)
class TableFunction:
    """A function in FROM, evaluated for each row of the inputs before it; `call` is SQL text with its alias.
    With `outer`, a row for which it yields nothing is kept (LEFT JOIN LATERAL .. ON `condition`)."""

    alias: str
    call: str
    names: tuple[str, ...]
    outer: bool = False
    condition: str = ""


@dataclass(frozen=True)
class Select(Operator):
    """Inner join of its inputs, filtered and projected; with one input a filter and a projection."""

    sources: tuple[Input, ...]
    where: tuple[Node, ...]
    outputs: tuple[Output, ...]
    tables: tuple[TableFunction, ...] = ()

    def columns(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.outputs)

    def inputs(self) -> Sequence[Operator]:
        return [source.operator for source in self.sources]

    def label(self) -> str:
        kind = "Join" if len(self.sources) > 1 else "Map" if not self.where else "Filter"
        parts = [kind, ", ".join(source.alias for source in self.sources)]
        for table in self.tables:
            on = f" on {table.condition}" if table.condition else ""
            parts.append(f"{'left ' if table.outer else ''}flat map {table.call}{on}")
        if self.where:
            parts.append("on " + " and ".join(sql(part) for part in self.where))
        return " ".join(parts) + ": " + listed(self.outputs)


@dataclass(frozen=True)
class OuterJoin(Operator):
    """Left, full, semi or anti join. Outputs are columns of both inputs (left, full) or of the left one only."""

    kind: Literal["left", "full", "semi", "anti"]
    left: Input
    right: Input
    on: tuple[Node, ...]
    outputs: tuple[Output, ...]

    def columns(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.outputs)

    def inputs(self) -> Sequence[Operator]:
        return [self.left.operator, self.right.operator]

    def label(self) -> str:
        on = " and ".join(sql(part) for part in self.on)
        return f"{self.kind.title()} join {self.left.alias}, {self.right.alias} on {on}: {listed(self.outputs)}"


@dataclass(frozen=True)
class Union(Operator):
    """UNION ALL; the inputs have the same number of columns."""

    operators: tuple[Operator, ...]
    names: tuple[str, ...]

    def columns(self) -> tuple[str, ...]:
        return self.names

    def inputs(self) -> Sequence[Operator]:
        return self.operators


@dataclass(frozen=True)
class Bound:
    """One side of a temporal filter, as the first (`from`) or the first no longer valid (`until`) millisecond:
    the mz_timestamp of `expression`, plus `plus`."""

    kind: Literal["from", "until"]
    expression: Node
    plus: int


@dataclass(frozen=True)
class Temporal(Operator):
    """A temporal filter: a row is there while mz_now() lies within its bounds. `names` are the columns it keeps."""

    source: Input
    bounds: tuple[Bound, ...]
    names: tuple[str, ...]

    def columns(self) -> tuple[str, ...]:
        return self.names

    def inputs(self) -> Sequence[Operator]:
        return [self.source.operator]

    def label(self) -> str:
        texts = [f"{bound.kind} {sql(bound.expression)} + {bound.plus}" for bound in self.bounds]
        return "Temporal filter " + ", ".join(texts)


@dataclass(frozen=True)
class Aggregate(Operator):
    """GROUP BY; `calls` are aggregate calls whose arguments read the input."""

    source: Input
    keys: tuple[Output, ...]
    calls: tuple[Output, ...]

    def columns(self) -> tuple[str, ...]:
        return tuple(name for name, _ in (*self.keys, *self.calls))

    def inputs(self) -> Sequence[Operator]:
        return [self.source.operator]

    def label(self) -> str:
        keys = ", ".join(sql(key) for _, key in self.keys)
        return f"Aggregate by ({keys})" + (f": {listed(self.calls)}" if self.calls else "")


@dataclass(frozen=True)
class Recursion(Operator):
    """Rows of one binding of WITH MUTUALLY RECURSIVE: a function that computes the fixed point from the relations that
    its block reads. `call` is SQL text."""

    call: str
    reads: tuple[int, ...]
    names: tuple[str, ...]

    def columns(self) -> tuple[str, ...]:
        return self.names

    def label(self) -> str:
        return f"Fixed point {self.call}"


@dataclass(frozen=True)
class SetOperation(Operator):
    """Distinct rows of one input, or UNION, EXCEPT, INTERSECT of two, with or without ALL."""

    kind: Literal["distinct", "union", "except", "except all", "intersect", "intersect all"]
    operators: tuple[Operator, ...]
    names: tuple[str, ...]

    def columns(self) -> tuple[str, ...]:
        return self.names

    def inputs(self) -> Sequence[Operator]:
        return self.operators

    def label(self) -> str:
        return self.kind.title()


@dataclass(frozen=True)
class OrderItem:
    """An item of ORDER BY.

    Attributes:
        text: as it is written.
        expression: what rows are ordered by, SQL over the input's alias.
    """

    text: str
    expression: str
    is_descending: bool = False
    nulls_first: bool = False


@dataclass(frozen=True)
class First(Operator):
    """DISTINCT ON: the first row of each key. `keys` are input columns; `order` is over the input's alias."""

    source: Input
    keys: tuple[str, ...]
    order: tuple[OrderItem, ...]

    def columns(self) -> tuple[str, ...]:
        return self.source.operator.columns()

    def inputs(self) -> Sequence[Operator]:
        return [self.source.operator]

    def label(self) -> str:
        return f"First of each ({', '.join(self.keys)}) by {', '.join(item.text for item in self.order)}"


@dataclass(frozen=True)
class PerKey(Operator):
    """Whatever is a function of all rows that share a key: top-k, DISTINCT ON, window functions, ordered aggregates.

    `query` is SQL text with `{input}` in the place of the rows (a subquery named `alias`), giving the key columns
    and the others under the output names. The key columns are among the outputs, `keys` names them; `counts` are
    those columns that count rows. `order` is the order, as ORDER BY items, of which only the first rows are read.
    """

    source: Input
    keys: tuple[Output, ...]
    query: str
    names: tuple[str, ...]
    title: str = field(default="Per key")
    counts: tuple[str, ...] = ()
    order: tuple[Node, ...] = ()

    def columns(self) -> tuple[str, ...]:
        return self.names

    def inputs(self) -> Sequence[Operator]:
        return [self.source.operator]

    def label(self) -> str:
        return f"{self.title} by ({', '.join(sql(key) for _, key in self.keys)}): {self.query}"
