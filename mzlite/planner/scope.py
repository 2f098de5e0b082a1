"""Which names a query level can see, and what they stand for.

In: FROM items as they are lowered. Out: for a column reference as written, the expression
over the lowered inputs that it means. Names of the definition are already qualified and its
stars expanded by PostgreSQL (`pg_get_viewdef`), so only aliases and columns are looked up here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from mzlite.errors import MzError, unsupported
from mzlite.planner.expressions import Node, column, references, rewrite
from mzlite.planner.operators import Input, Operator, Select, TableFunction
from mzlite.planner.syntax import ast


@dataclass(frozen=True)
class RelationInfo:
    """A relation that a view may read: its oid, its name for messages, its column names."""

    oid: int
    name: str
    columns: tuple[str, ...]


class Relations(Protocol):
    """Where the planner looks relations up."""

    def relation(self, schema: str | None, name: str) -> RelationInfo:
        """The relation of that name; MzError `unknown catalog item` when there is none."""


@dataclass
class Visible:
    """One FROM item's columns under its alias (None for an unnamed join's merged columns)."""

    alias: str | None
    columns: dict[str, Node]


@dataclass
class Scope:
    """The FROM items of one query level; `outer` is the level around it, for correlated references."""

    visible: list[Visible] = field(default_factory=list)
    outer: Scope | None = None

    def find(self, fields: tuple[str, ...]) -> Node | None:
        """The expression for a reference at this level; None when this level has no such column."""
        if len(fields) == 1:
            merged = [item.columns[fields[0]] for item in self.visible if not item.alias and fields[0] in item.columns]
            if merged:
                return merged[-1]
            found = [item.columns[fields[0]] for item in self.visible if fields[0] in item.columns]
            if len(found) > 1:
                raise MzError(f'column reference "{fields[0]}" is ambiguous')
            return found[0] if found else None
        alias, name = fields[-2], fields[-1]
        for item in self.visible:
            if item.alias == alias and name in item.columns:
                return item.columns[name]
        return None


def resolve(expression: Node, scope: Scope, *, correlated: set[tuple[str, str]] | None = None) -> Node:
    """A copy of the expression with its column references resolved at this level or, where `correlated` is given,
    in the levels around it; the references that were found outside are added to that set."""

    def change(node: Node) -> Node | None:
        if isinstance(node, ast.SubLink):
            # Those in WHERE are lowered by subqueries.py; any other would be read once and never again.
            raise unsupported("a subquery outside WHERE is not supported in a maintained view: use a join")
        if not isinstance(node, ast.ColumnRef):
            return None
        fields = tuple(part.sval for part in node.fields if isinstance(part, ast.String))
        found = scope.find(fields)
        level = scope.outer
        while found is None and level is not None:
            found = level.find(fields)
            if found is not None and correlated is None:
                raise unsupported(f'a correlated reference to "{".".join(fields)}" is not supported here')
            if found is not None and correlated is not None:
                correlated.update(references(found))
            level = level.outer
        if found is None:
            raise MzError(f'column "{".".join(fields)}" does not exist')
        return found

    return rewrite(expression, change)


def rebase(expression: Node, mapping: Mapping[tuple[str, str], Node]) -> Node:
    """A copy of a resolved expression with some of its references replaced."""

    def change(node: Node) -> Node | None:
        if isinstance(node, ast.ColumnRef) and len(node.fields) == 2:
            return mapping.get((node.fields[0].sval, node.fields[1].sval))
        return None

    return rewrite(expression, change)


@dataclass
class Context:
    """What lowering one view needs: the catalog, a supply of aliases, and the CTEs in reach."""

    relations: Relations
    lower_query: Callable[[Context, Node, Scope | None], Operator]
    ctes: dict[str, Operator] = field(default_factory=dict)
    counter: list[int] = field(default_factory=lambda: [0])

    def alias(self) -> str:
        """A fresh input alias."""
        self.counter[0] += 1
        return f"q{self.counter[0]}"

    def nested(self) -> Context:
        """The same with a CTE scope of its own."""
        return Context(self.relations, self.lower_query, dict(self.ctes), self.counter)


@dataclass
class Stage:
    """A query level under construction: inputs that are joined, conditions, table functions and what is visible.

    Attributes:
        above: expressions that will be evaluated over this level; their columns survive a `collapse`.
        moves: where columns went at each `collapse`; `current` applies them.
    """

    sources: list[Input] = field(default_factory=list)
    where: list[Node] = field(default_factory=list)
    tables: list[TableFunction] = field(default_factory=list)
    scope: Scope = field(default_factory=Scope)
    above: list[Node] = field(default_factory=list)
    moves: list[dict[tuple[str, str], Node]] = field(default_factory=list)

    def current(self, expression: Node) -> Node:
        """An expression resolved earlier, over the inputs as they are now."""
        for move in self.moves:
            expression = rebase(expression, move)
        return expression

    def collapse(self, context: Context, extra: Iterable[Node] = ()) -> Input:
        """Turns what is there into one input that yields the columns that `above` and `extra` read."""
        if len(self.sources) == 1 and not self.where and not self.tables:
            return self.sources[0]
        needed = {ref for node in (*self.above, *extra) for ref in references(self.current(node))}
        alias = context.alias()
        outputs: list[tuple[str, Node]] = []
        move: dict[tuple[str, str], Node] = {}
        taken: set[str] = set()
        for source, name in sorted(needed):
            output = unique(name, taken)
            outputs.append((output, column(source, name)))
            move[(source, name)] = column(alias, output)
        if not outputs:
            # Rows that are only counted still need a column.
            outputs.append(("one", ast.A_Const(val=ast.Integer(ival=1))))
        self.replace(
            Input(alias, Select(tuple(self.sources), tuple(self.where), tuple(outputs), tuple(self.tables))), move
        )
        return self.sources[0]

    def replace(self, source: Input, move: dict[tuple[str, str], Node]) -> None:
        """Puts one input in the place of all that is there."""
        self.sources, self.where, self.tables = [source], [], []
        self.moves.append(move)
        for item in self.scope.visible:
            item.columns = {name: rebase(node, move) for name, node in item.columns.items()}


def unique(name: str, taken: set[str]) -> str:
    """`name`, or with a number behind it if it is taken; the result is then taken."""
    candidate, number = name, 1
    while candidate in taken:
        number += 1
        candidate = f"{name}_{number}"
    taken.add(candidate)
    return candidate
